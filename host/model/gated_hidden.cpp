// Computes act(gate(x)) * up(x) with a fused loop, or as tensor operations where the loop cannot run.
#include "model/gated_hidden.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/gelu.h>

#include "kernels/fused_loops.hpp"
#include "kernels/threads.hpp"

namespace assay::model {

bool runs_fused(const at::Tensor &x) {
  return !at::GradMode::is_enabled() && x.device().is_cpu() && x.scalar_type() == at::kFloat &&
         x.is_contiguous();
}

at::Tensor gated_hidden(const linear_op &gate, const linear_op &up, activation act,
                        const at::Tensor &x) {
  const std::vector<at::Tensor> both = results_of({&gate, &up}, x);
  const at::Tensor &g = both[0], &u = both[1];
  const bool silu = act == activation::silu;
  if (!runs_fused(g) || !runs_fused(u)) return (silu ? at::silu(g) : at::gelu(g, "tanh")) * u;
  float *gate_data = g.mutable_data_ptr<float>();
  const float *up_data = u.const_data_ptr<float>();
  const auto multiply = silu ? kernels::silu_mul : kernels::gelu_mul;
  parallel_for(0, g.numel(), 32768, [&](int64_t begin, int64_t end) {
    multiply(gate_data + begin, up_data + begin, end - begin);
  });
  return g;
}

}  // namespace assay::model
