// Checks the input of packed products, and gives their results bias and shape.
#include "packed/finished_product.hpp"

#include <vector>

#include "core/error.hpp"

namespace assay::model {

void require_packed_input(const at::Tensor &x) {
  if (x.scalar_type() != at::kFloat || !x.is_cpu())
    throw error(error_kind::usage, "packed weights compute in float32 on the CPU")
        .hint("Load the model without dtype and device, or without runtime = \"packed\"");
}

at::Tensor finished_product(at::Tensor out, int64_t rows, const at::Tensor &x,
                            const at::Tensor &bias) {
  if (out.size(1) != rows) out = out.narrow(1, 0, rows).contiguous();
  if (bias.defined()) out.add_(bias);
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = rows;
  return out.view(shape);
}

}  // namespace assay::model
