// Installs functions of the host that plugins may call: device memory, matrix routines and trial
// runs of a block. Also makes the options of plugin instances.
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

plug::instance_options plugin_options(uint64_t seed, ledger &incidents) {
  plug::instance_options options;
  options.seed = seed;
  options.ledger = [&incidents](const plug::ledger_event &event) {
    incidents.add({event.event, event.layer, event.detail, {{"count", event.count}}});
  };
  return options;
}

}  // namespace assay::quant
