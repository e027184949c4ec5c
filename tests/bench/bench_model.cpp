// bench_model MODEL [load|hot|prefill|once|stages|decode|score|perplexity|all]: measures the speed of the decoder (the model's
// forward pass), where possible as a share of this machine's own rate of matrix products (GEMM).
// Not a test: nothing here fails on a slow machine.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "aten.hpp"
#include "core/error.hpp"
#include "core/resources.hpp"
#include "engine/generate.hpp"
#include "engine/perplexity.hpp"
#include "engine/score.hpp"
#include "kernels/matmul.hpp"

namespace {

using namespace assay;

// The least wall seconds of some rounds, and the least CPU seconds of the process divided by its number of threads.
// Other programs on the machine change CPU seconds less than wall seconds.
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

// Returns the machine's rate of fp32 products in GFLOP/s, by wall and by CPU time: the best of a square shape and two
// shapes of a small model, each with fast_linear (oneDNN) and with at::linear.
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

double linear_flops(const model::decoder &decoder) {  // operations for each token; without the head
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
  std::printf("load: %.3f s, weights %.1f MB, peak %.1f MB above the start\n", s,
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

// The shorter time of two prefills of 2048 tokens, after one that is not timed; peer_prefill.py reads the printed line.
void bench_once(const model::decoder &decoder) {
  const at::Tensor ids = at::randint(0, decoder.config().vocab_size, {1, 2048}, at::kLong);
  decoder.hidden(ids);
  const timing t = best_of(2, [&] { decoder.hidden(ids); });
  std::printf("once: %.3f wall %.3f cpu\n", t.wall, t.cpu);
}

// Measures how long each part of a prefill takes, summed over the blocks, in CPU seconds of all threads and in wall seconds.
// With two threads, a part that uses both fully takes twice as many CPU seconds as wall seconds.
void bench_stages(const model::decoder &decoder) {
  const at::NoGradGuard no_grad;
  const int64_t tokens = 2048;
  const model::forward_context context = decoder.context(1, tokens);
  const char *names[] = {"norm 1", "q k v, rope, attention", "o, add",
                         "norm 2", "gate, up, silu",         "down, add"};
  double seconds[6] = {}, wall[6] = {};
  at::Tensor h = decoder.embed(at::randint(0, decoder.config().vocab_size, {1, tokens}, at::kLong));
  for (int64_t i = 0; i < decoder.n_blocks(); ++i) {
    const model::decoder_block &b = decoder.block(i);
    double last = process_cpu_seconds();
    auto clock = std::chrono::steady_clock::now();
    const auto lap = [&](int stage) {
      const double now = process_cpu_seconds();
      const auto tick = std::chrono::steady_clock::now();
      seconds[stage] += now - last;
      wall[stage] += std::chrono::duration<double>(tick - clock).count();
      last = now;
      clock = tick;
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
    std::printf("stage %-24s %.3f CPU s, %.3f s\n", names[stage], seconds[stage], wall[stage]);
  const at::Tensor q = at::randn({1, 9, tokens, 64}), k = at::randn({1, 3, tokens, 64});
  const double start = process_cpu_seconds();
  for (int i = 0; i < 30; ++i)
    at::scaled_dot_product_attention(q, k, k, {}, 0.0, true, 0.125, true);
  std::printf("attention alone (9 heads of 64, 30 times): %.3f CPU s\n",
              process_cpu_seconds() - start);
}

// Random prompts of 8 tokens without a shared prefix. They are short, so that nearly all the time is decoding.
std::vector<std::vector<int64_t>> random_prompts(const model::decoder &decoder, int64_t n) {
  std::vector<std::vector<int64_t>> out;
  for (int64_t i = 0; i < n; ++i) {
    const at::Tensor ids = at::randint(0, decoder.config().vocab_size, {8}, at::kLong);
    out.emplace_back(ids.const_data_ptr<int64_t>(), ids.const_data_ptr<int64_t>() + 8);
  }
  return out;
}

// Decodes one prompt, then 16 prompts as a batch, in alternation: on a busy machine only the ratio of the two is reliable.
void bench_decode(const model::decoder &decoder) {
  engine::generate_options options;
  options.max_tokens = 64;
  options.ignore_eos = true;
  const auto prompts = random_prompts(decoder, 16);
  for (int round = 0; round < 3; ++round) {
    const timing one =
        best_of(1, [&] { engine::generate(decoder, prompts[size_t(round)], options); });
    const timing many = best_of(1, [&] { engine::generate_batch(decoder, prompts, options); });
    std::printf(
        "decode: %.1f tok/s alone (weights read at %.1f GB/s), %.1f tok/s in a batch of 16 = %.1f "
        "times (%.1f times by CPU time)\n",
        64 / one.wall, 4e-9 * static_cast<double>(decoder.n_parameters()) * 64 / one.wall,
        16 * 64 / many.wall, 16 * one.wall / many.wall, 16 * one.cpu / many.cpu);
  }
}

// Scores 64 questions of 40 tokens, each after the same 600 tokens and with four choices of 6 tokens. Compares two rates in
// questions per second: one call for all 64, and a call for each question (only 8 of them are timed).
void bench_score(const model::decoder &decoder) {
  const auto some = [&](int64_t n) {
    const at::Tensor ids = at::randint(0, decoder.config().vocab_size, {n}, at::kLong);
    return std::vector<int64_t>(ids.const_data_ptr<int64_t>(), ids.const_data_ptr<int64_t>() + n);
  };
  const std::vector<int64_t> header = some(600);
  std::vector<engine::score_request> requests;
  for (int i = 0; i < 64; ++i) {
    engine::score_request request{header, {some(6), some(6), some(6), some(6)}};
    const std::vector<int64_t> question = some(40);
    request.context.insert(request.context.end(), question.begin(), question.end());
    requests.push_back(std::move(request));
  }
  engine::score_usage usage;
  const timing many = best_of(1, [&] { engine::score_many(decoder, requests, {}, &usage); });
  const timing few = best_of(1, [&] {
    for (size_t i = 0; i < 8; ++i)
      engine::score(decoder, requests[i].context, requests[i].continuations);
  });
  std::printf(
      "score: %lld tokens went through the model, %.0f tok/s (needed with shared prefixes: %lld, "
      "without: %lld); one call for all questions is %.1f times as fast as a call for each (by CPU "
      "time: %.1f)\n",
      static_cast<long long>(usage.computed), static_cast<double>(usage.computed) / many.wall,
      static_cast<long long>(usage.needed), static_cast<long long>(usage.alone),
      8 * few.wall / many.wall, 8 * few.cpu / many.cpu);
}

// Measures how fast the weights of a checkpoint can be read for the first time. Use it with files whose dtype is the
// compute dtype: their weights are not copied but stay in the mapped file. The time to open the checkpoint counts. The
// weights are then read again, which shows the rate of the memory; it is printed beside the first rate.
void bench_hot_load(const std::string &path) {
  const auto sum_all = [](const model::decoder &decoder) {
    double sum = 0;
    uint64_t bytes = 0;
    for (const model::linear_op *op : decoder.linears()) {
      sum += op->weight.sum().item<double>();
      bytes += op->weight.nbytes();
    }
    return std::pair(sum, bytes);
  };
  for (int round = 0; round < 3; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const auto source = model::checkpoint::open(path);
    const model::decoder decoder = model::decoder::load(*source);
    const double opened =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    uint64_t bytes = 0;
    const double first = best_seconds(1, [&] { bytes = sum_all(decoder).second; });
    const double again = best_seconds(3, [&] { sum_all(decoder); });
    const double size = static_cast<double>(bytes) * 1e-9;
    std::printf(
        "hot load: opened in %.4f s; opening and the first read of %.3f GB of linears: %.1f GB/s, "
        "reading them again: %.1f GB/s\n",
        opened, size, size / (opened + first), size / again);
  }
}

void bench_perplexity(const model::decoder &decoder) {
  const at::Tensor random = at::randint(0, decoder.config().vocab_size, {2 * 2048}, at::kLong);
  const std::vector<int64_t> ids(random.const_data_ptr<int64_t>(),
                                 random.const_data_ptr<int64_t>() + random.numel());
  reset_peak_resident();
  const uint64_t before = resident_bytes();
  const double s = best_seconds(1, [&] { engine::perplexity(decoder, ids, {}); });
  std::printf("perplexity: %.3f s per window of 2048, peak %.1f MB above the start\n", s / 2,
              static_cast<double>(peak_resident_bytes() - before) * 1e-6);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 2)
    return std::fprintf(stderr,
                        "usage: bench_model MODEL "
                        "[load|hot|prefill|once|stages|decode|score|perplexity|all]\n"),
           2;
  const std::string path = argv[1], what = argc > 2 ? argv[2] : "all";
  try {
    const bool all = what == "all";
    std::printf("threads %d, %s\n", at::get_num_threads(), path.c_str());
    if (all || what == "load") bench_load(path);
    if (all || what == "hot") bench_hot_load(path);
    const auto source = model::checkpoint::open(path);
    const model::decoder decoder = model::decoder::load(*source);
    if (all || what == "prefill") bench_prefill(decoder);
    if (what == "once") bench_once(decoder);
    if (all || what == "stages") bench_stages(decoder);
    if (all || what == "decode") bench_decode(decoder);
    if (all || what == "score") bench_score(decoder);
    if (all || what == "perplexity") bench_perplexity(decoder);
  } catch (const error &e) {
    return std::fprintf(stderr, "%s\n", e.what()), exit_code(e.kind());
  }
  return 0;
}
