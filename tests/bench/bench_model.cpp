// bench_model MODEL [load|prefill|decode|perplexity|all]: speed of the decoder as ratios to this
// machine's own GEMM rate.
// Not a test: nothing here fails on a slow machine.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "core/error.hpp"
#include "core/resources.hpp"
#include "engine/generate.hpp"
#include "engine/perplexity.hpp"

namespace {

using namespace assay;

template <class F>
double best_seconds(int rounds, F &&work) {
  double best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

// The machine's fp32 GEMM rate: the best of square and model-like shapes, GFLOP/s.
double gemm_rate() {
  double best = 0;
  for (const auto &[m, n, k] : {std::tuple<int64_t, int64_t, int64_t>{2048, 2048, 2048},
                                {2048, 1536, 576},
                                {2048, 576, 1536}}) {
    const at::Tensor x = at::randn({m, k}), w = at::randn({n, k});
    const double s = best_seconds(5, [&] { at::linear(x, w); });
    best = std::max(best, 2e-9 * static_cast<double>(m * n * k) / s);
  }
  return best;
}

double linear_flops(const model::decoder &decoder) {  // per token, without the head
  double sum = 0;
  for (const model::linear_op *op : decoder.linears())
    sum += 2.0 * static_cast<double>(op->weight.numel());
  return sum;
}

void bench_load(const std::string &path) {
  reset_peak_resident();
  const uint64_t before = resident_bytes();
  uint64_t weights = 0;
  const double s = best_seconds(3, [&] {
    const auto source = model::checkpoint::open(path);
    const model::decoder decoder = model::decoder::load(*source);
    weights = decoder.n_parameters() * 4;
  });
  std::printf("load: %.3f s, weights %.1f MB, peak %.1f MB over the start\n", s,
              static_cast<double>(weights) * 1e-6,
              static_cast<double>(peak_resident_bytes() - before) * 1e-6);
}

void bench_prefill(const model::decoder &decoder) {
  const int64_t tokens = 2048;
  const at::Tensor ids = at::randint(0, decoder.config().vocab_size, {1, tokens}, at::kLong);
  decoder.hidden(ids);
  double ratio_sum = 0;
  for (int round = 0; round < 3; ++round) {
    const double gemm = gemm_rate(), s = best_seconds(1, [&] { decoder.hidden(ids); });
    const double rate = 1e-9 * linear_flops(decoder) * static_cast<double>(tokens) / s;
    std::printf(
        "prefill %lld: %.3f s, %.0f tok/s, %.1f GFLOP/s of linears = %.1f %% of the GEMM rate "
        "%.1f\n",
        static_cast<long long>(tokens), s, static_cast<double>(tokens) / s, rate, 100 * rate / gemm,
        gemm);
    ratio_sum += rate / gemm;
  }
  std::printf("prefill: mean ratio %.1f %%\n", 100 * ratio_sum / 3);
}

void bench_decode(const model::decoder &decoder) {
  engine::generate_options options;
  options.max_tokens = 64;
  options.ignore_eos = true;
  const std::vector<int64_t> prompt(16, 5);
  const double one = best_seconds(3, [&] { engine::generate(decoder, prompt, options); });
  const std::vector<std::vector<int64_t>> prompts(8, prompt);
  const double eight = best_seconds(2, [&] { engine::generate_batch(decoder, prompts, options); });
  std::printf("decode: %.1f tok/s alone (weights read at %.1f GB/s), %.1f tok/s in a batch of 8\n",
              64 / one, 4e-9 * static_cast<double>(decoder.n_parameters()) * 64 / one,
              8 * 64 / eight);
}

void bench_perplexity(const model::decoder &decoder) {
  const at::Tensor random = at::randint(0, decoder.config().vocab_size, {2 * 2048}, at::kLong);
  const std::vector<int64_t> ids(random.const_data_ptr<int64_t>(),
                                 random.const_data_ptr<int64_t>() + random.numel());
  reset_peak_resident();
  const uint64_t before = resident_bytes();
  const double s = best_seconds(1, [&] { engine::perplexity(decoder, ids, {}); });
  std::printf("perplexity: %.3f s per window of 2048, peak %.1f MB over the start\n", s / 2,
              static_cast<double>(peak_resident_bytes() - before) * 1e-6);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 2)
    return std::fprintf(stderr, "usage: bench_model MODEL [load|prefill|decode|perplexity|all]\n"),
           2;
  const std::string path = argv[1], what = argc > 2 ? argv[2] : "all";
  try {
    const bool all = what == "all";
    std::printf("threads %d, %s\n", at::get_num_threads(), path.c_str());
    if (all || what == "load") bench_load(path);
    const auto source = model::checkpoint::open(path);
    const model::decoder decoder = model::decoder::load(*source);
    if (all || what == "prefill") bench_prefill(decoder);
    if (all || what == "decode") bench_decode(decoder);
    if (all || what == "perplexity") bench_perplexity(decoder);
  } catch (const error &e) {
    return std::fprintf(stderr, "%s\n", e.what()), exit_code(e.kind());
  }
  return 0;
}
