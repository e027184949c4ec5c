// bench_solve: measures gptq's solver alone, on linears with the shapes of one block of each of two
// models. It times two steps: the factor of each distinct Hessian (Cholesky and triangular inverse), then
// the loop that rounds column by column.
// The search for grids and what the host measures afterwards are not timed here but in bench_quant.
// For n columns it counts 2/3 n^3 operations for a factor (once for all linears that share it) and
// rows * n^2 for each linear's loop.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linspace.h>

#include <cstdio>
#include <vector>

#include "feedback.hpp"
#include "gemm_rate.hpp"
#include "plug/bridge.hpp"
#include "plug/service_context.hpp"

namespace {

using namespace assay;

struct input {
  const char *name;
  int64_t columns;
  std::vector<int64_t> rows;  // rows of each linear that reads this input
};
struct shape {
  const char *name;
  int64_t blocks;
  std::vector<input> inputs;
};

const shape k_shapes[] = {
    {"SmolLM2-135M",
     30,
     {{"q k v", 576, {576, 192, 192}},
      {"o", 576, {576}},
      {"gate up", 576, {1536, 1536}},
      {"down", 1536, {576}}}},
    {"Qwen3-0.6B",
     28,
     {{"q k v", 1024, {2048, 1024, 1024}},
      {"o", 2048, {1024}},
      {"gate up", 1024, {3072, 3072}},
      {"down", 3072, {1024}}}},
};

struct cost {
  double flops = 0, seconds = 0;  // GFLOP; CPU seconds of all threads
  cost &operator+=(const cost &other) {
    flops += other.flops, seconds += other.seconds;
    return *this;
  }
};

// 4-bit grids for groups of 64 weights, all with scale 0.4 and zero point 8. They cover -3.2 to 2.8, so nearly all of
// the random weights, which are normally distributed.
struct grids_of {
  explicit grids_of(int64_t rows, int64_t columns)
      : groups(columns / 64), grids(static_cast<size_t>(rows * groups), {0.4f, 8.0f}) {
    range.end = columns;
    range.n_groups = groups;
    range.grids = &grids;
    range.grid.bits = 4;
    range.grid.group_size = 64;
    range.block_size = 128;
  }
  int64_t groups;
  std::vector<hessian::group_grid> grids;
  hessian::feedback_range range;
};

// Returns the costs of the factor and of the column loops of the linears that read this input, on random data.
std::pair<cost, cost> solve(const assay_host *host, const input &what) {
  const int64_t n = what.columns;
  const at::Tensor x = at::randn({2 * n, n}) * at::linspace(2.0, 0.2, n);
  const at::Tensor h = x.t().matmul(x).contiguous();
  hessian::hessian_input in;
  in.in = n;
  in.h = h.const_data_ptr<float>();
  for (int64_t i = 0; i < n; ++i) in.diagonal.push_back(in.h[i * n + i]);
  const auto order = hessian::column_order(in.diagonal, true);
  cost factors{2e-9 / 3 * static_cast<double>(n * n * n), 0}, columns;
  std::shared_ptr<const hessian::factored> factor;
  factors.seconds = bench::best_cpu(3, [&] {
    factor = hessian::factor_inverse(host, {in.h, &in.diagonal, &order, 0.05, false});
  });
  for (const int64_t rows : what.rows) {
    const at::Tensor w = at::randn({rows, n});
    in.out = rows;
    grids_of grids(rows, n);
    for (const int64_t column : order)
      grids.range.group.push_back(static_cast<int32_t>(column / 64));
    double best = 1e30;
    for (int round = 0; round < 3; ++round) {
      auto p = hessian::begin_feedback(
          host, in, {w.const_data_ptr<float>(), w.const_data_ptr<float>() + w.numel()}, order);
      p.factor = factor;
      best = std::min(best, bench::best_cpu(1, [&] { hessian::feed_back(p, grids.range); }));
    }
    columns += {1e-9 * static_cast<double>(rows * n * n), best};
  }
  return {factors, columns};
}

void print(const char *name, const cost &c, double rate) {
  std::printf("  %-24s %8.1f GFLOP %8.3f s CPU  %3.0f %% of GEMM\n", name, c.flops, c.seconds,
              100 * c.flops / c.seconds / rate);
}

}  // namespace

int main() {
  const at::NoGradGuard no_grad;
  plug::install_tensor_services();
  plug::use_product(
      [](const at::Tensor &x, const at::Tensor &weight) { return model::fast_linear(x, weight); });
  plug::service_context services(nullptr, {});
  const double rate = bench::gemm_rate();
  std::printf("GEMM %.0f GFLOP per CPU second\n", rate);
  for (const auto &model : k_shapes) {
    std::printf("%s, one block\n", model.name);
    cost factors, columns;
    for (const auto &what : model.inputs) {
      const auto [factor, loop] = solve(services.table(), what);
      std::printf(" %s (%lld columns)\n", what.name, static_cast<long long>(what.columns));
      print("factor", factor, rate);
      print("columns", loop, rate);
      factors += factor, columns += loop;
    }
    print("all factors", factors, rate);
    print("all columns", columns, rate);
    cost all = factors;
    all += columns;
    const auto blocks = static_cast<double>(model.blocks);
    print("solve of the whole model", {all.flops * blocks, all.seconds * blocks}, rate);
  }
  return 0;
}
