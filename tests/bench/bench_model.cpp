// bench_model MODEL [load|prefill|once|stages|decode|perplexity|all]: speed of the decoder as ratios to this
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
#include "model/matmul.hpp"

namespace {

using namespace assay;

// Best of some rounds: wall seconds, and CPU seconds of the whole process divided by its threads. The latter
// hardly sees the neighbours on a shared machine.
struct timing {
  double wall = 1e9, cpu = 1e9;
};

template <class F>
timing best_of(int rounds, F &&work) {
  timing best;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const double cpu = process_cpu_seconds();
    work();
    best.cpu = std::min(best.cpu, (process_cpu_seconds() - cpu) / at::get_num_threads());
    best.wall = std::min(
        best.wall, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

template <class F>
double best_seconds(int rounds, F &&work) {
  return best_of(rounds, work).wall;
}

// The machine's fp32 GEMM rate: the best of square and model-like shapes and of both libraries, GFLOP/s.
timing gemm_rate() {
  const at::NoGradGuard no_grad;
  timing best{0, 0};
  for (const auto &[m, n, k] : {std::tuple<int64_t, int64_t, int64_t>{2048, 2048, 2048},
                                {2048, 1536, 576},
                                {2048, 576, 1536}}) {
    const at::Tensor x = at::randn({m, k}), w = at::randn({n, k});
    const double flops = 2e-9 * static_cast<double>(m * n * k);
    for (const bool onednn : {true, false}) {
      const timing t = best_of(4, [&] { onednn ? model::fast_linear(x, w) : at::linear(x, w); });
      best = {std::max(best.wall, flops / t.wall), std::max(best.cpu, flops / t.cpu)};
    }
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
  for (int round = 0; round < 3; ++round) {
    const timing gemm = gemm_rate(), t = best_of(1, [&] { decoder.hidden(ids); });
    const double flops = 1e-9 * linear_flops(decoder) * static_cast<double>(tokens);
    std::printf(
        "prefill %lld: %.3f s, %.0f tok/s, linears at %.0f GFLOP/s = %.1f %% of the GEMM rate %.0f"
        " (by CPU time %.0f = %.1f %% of %.0f)\n",
        static_cast<long long>(tokens), t.wall, static_cast<double>(tokens) / t.wall,
        flops / t.wall, 100 * flops / t.wall / gemm.wall, gemm.wall, flops / t.cpu,
        100 * flops / t.cpu / gemm.cpu, gemm.cpu);
  }
}

// One warm prefill, for peer_prefill.py.
void bench_once(const model::decoder &decoder) {
  const at::Tensor ids = at::randint(0, decoder.config().vocab_size, {1, 2048}, at::kLong);
  decoder.hidden(ids);
  const timing t = best_of(2, [&] { decoder.hidden(ids); });
  std::printf("once: %.3f wall %.3f cpu\n", t.wall, t.cpu);
}

// Where a prefill's time goes, in CPU seconds of the process: those suffer less from neighbours than wall time.
void bench_stages(const model::decoder &decoder) {
  const at::NoGradGuard no_grad;
  const int64_t tokens = 2048;
  const model::forward_context context = decoder.context(1, tokens);
  const char *names[] = {"norm 1", "q k v, rope, attention", "o, add",
                         "norm 2", "gate, up, silu",         "down, add"};
  double seconds[6] = {};
  at::Tensor h = decoder.embed(at::randint(0, decoder.config().vocab_size, {1, tokens}, at::kLong));
  for (int64_t i = 0; i < decoder.n_blocks(); ++i) {
    const model::decoder_block &b = decoder.block(i);
    double last = process_cpu_seconds();
    const auto lap = [&](int stage) {
      const double now = process_cpu_seconds();
      seconds[stage] += now - last;
      last = now;
    };
    at::Tensor x = b.attention_input(h);
    lap(0);
    x = b.attention(x, context);
    lap(1);
    h = b.after_attention(h, x);
    lap(2);
    x = b.mlp_input(h);
    lap(3);
    x = b.mlp_hidden(x);
    lap(4);
    h = b.after_mlp(h, x);
    lap(5);
  }
  for (int stage = 0; stage < 6; ++stage)
    std::printf("stage %-24s %.3f CPU s\n", names[stage], seconds[stage]);
  const at::Tensor q = at::randn({1, 9, tokens, 64}), k = at::randn({1, 3, tokens, 64});
  const double start = process_cpu_seconds();
  for (int i = 0; i < 30; ++i)
    at::scaled_dot_product_attention(q, k, k, {}, 0.0, true, 0.125, true);
  std::printf("attention alone (9 heads of 64, 30 times): %.3f CPU s\n",
              process_cpu_seconds() - start);
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
    return std::fprintf(
               stderr,
               "usage: bench_model MODEL [load|prefill|once|stages|decode|perplexity|all]\n"),
           2;
  const std::string path = argv[1], what = argc > 2 ? argv[2] : "all";
  try {
    const bool all = what == "all";
    std::printf("threads %d, %s\n", at::get_num_threads(), path.c_str());
    if (all || what == "load") bench_load(path);
    const auto source = model::checkpoint::open(path);
    const model::decoder decoder = model::decoder::load(*source);
    if (all || what == "prefill") bench_prefill(decoder);
    if (what == "once") bench_once(decoder);
    if (all || what == "stages") bench_stages(decoder);
    if (all || what == "decode") bench_decode(decoder);
    if (all || what == "perplexity") bench_perplexity(decoder);
  } catch (const error &e) {
    return std::fprintf(stderr, "%s\n", e.what()), exit_code(e.kind());
  }
  return 0;
}
