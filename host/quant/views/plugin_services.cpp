// The one place where the layers below (plug, model) and this one meet behind the host table.
#include "quant/views/plugin_services.hpp"

#include "kernels/matmul.hpp"
#include "plug/bridge.hpp"
#include "plug/services.hpp"
#include "quant/views/block_runner.hpp"

namespace assay::quant {

void install_plugin_services() {
  plug::install_tensor_services();
  plug::use_product(
      [](const at::Tensor &x, const at::Tensor &weight) { return model::fast_linear(x, weight); });
  plug::provide_extension(ASSAY_EXT_BLOCK, &block_runner_table());
}

}  // namespace assay::quant
