// Tests autograd_linear, a linear whose products oneDNN computes: output and gradients are those of LibTorch's linear.
#include "catch.hpp"

#include <ATen/core/grad_mode.h>

#include "kernels/autograd_linear.hpp"

TEST_CASE("autograd_linear gives the output and the gradients of LibTorch's linear",
          "[autograd_test]") {
  const auto generator = at::detail::createCPUGenerator(4);
  const auto random = [&](std::vector<int64_t> shape) {
    return at::randn(shape, generator, at::kFloat);
  };
  const auto x = random({2, 7, 24}), w = random({40, 24}), b = random({40}),
             dy = random({2, 7, 40});
  std::vector<at::Tensor> found;
  for (const bool ours : {true, false}) {
    at::AutoGradMode with_grad(true);
    auto input = x.clone().requires_grad_(true), weight = w.clone().requires_grad_(true),
         bias = b.clone().requires_grad_(true);
    const auto y =
        ours ? assay::model::autograd_linear(input, weight, bias) : at::linear(input, weight, bias);
    y.backward(dy);
    for (const auto &part : {y.detach(), input.grad(), weight.grad(), bias.grad()})
      found.push_back(part);
  }
  for (size_t i = 0; i < 4; ++i) CHECK(at::allclose(found[i], found[i + 4], 1e-5, 1e-5));
}
