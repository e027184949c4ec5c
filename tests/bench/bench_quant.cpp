// bench_quant gram | make-qwen3 FOLDER | MODEL RECIPE.json [SEQUENCES LENGTH]: measures the speed of each part of a
// calibrated quantization, as a share of this machine's own rate of matrix products (GEMM).
// Not a test: nothing here fails on a slow machine. Shares are computed from CPU seconds, since wall time depends on what else the
// machine does. Calibration ids are random: the times do not depend on them.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>

#include "aten.hpp"
#include "calibration/statistics.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/resources.hpp"
#include "gemm_rate.hpp"
#include "quant/quantize.hpp"
#include "quant/views/plugin_services.hpp"

namespace {

using namespace assay;
using bench::best_cpu;
using bench::gemm_rate;

// Measures the Hessian kernel, h += x^T x for x [4096, width]. The kernel computes half of the symmetric matrix.
void gram() {
  const double rate = gemm_rate();
  std::printf("GEMM %.0f GFLOP per CPU second\n", rate);
  for (const int64_t width : {576, 1024, 1536, 2048, 3072}) {
    const at::Tensor x = at::randn({4096, width});
    at::Tensor h = at::zeros({width, width});
    const double full = 2e-9 * 4096 * static_cast<double>(width * width);
    const double seconds = best_cpu(4, [&] { quant::accumulate_gram(h, x); });
    std::printf(
        "Hessian of %lld columns: %.0f %% of GEMM counted as a full product, %.0f %% as its half\n",
        static_cast<long long>(width), 100 * full / seconds / rate, 50 * full / seconds / rate);
  }
}

// Writes a model of Qwen3-0.6B's shape with random weights. To quantize it takes as long as to quantize the real
// model, but its output has no meaning.
void make_qwen3(const std::string &folder) {
  const int64_t hidden = 1024, inner = 3072, layers = 28, heads = 16, kv = 8, dim = 128,
                vocab = 151936;
  std::filesystem::create_directories(folder);
  const auto generator = at::detail::createCPUGenerator(1);
  const auto random = [&](std::vector<int64_t> shape) {
    return (at::randn(shape, generator, at::kFloat) * 0.02).to(at::kBFloat16);
  };
  model::named_tensors tensors = {{"model.embed_tokens.weight", random({vocab, hidden})},
                                  {"model.norm.weight", at::ones({hidden}, at::kBFloat16)}};
  for (int64_t i = 0; i < layers; ++i) {
    const std::string at = "model.layers." + std::to_string(i) + ".";
    for (const auto &[name, out, in] :
         {std::tuple<const char *, int64_t, int64_t>{"self_attn.q_proj", heads * dim, hidden},
          {"self_attn.k_proj", kv * dim, hidden},
          {"self_attn.v_proj", kv * dim, hidden},
          {"self_attn.o_proj", hidden, heads * dim},
          {"mlp.gate_proj", inner, hidden},
          {"mlp.up_proj", inner, hidden},
          {"mlp.down_proj", hidden, inner}})
      tensors.emplace_back(at + name + ".weight", random({out, in}));
    for (const char *name : {"input_layernorm", "post_attention_layernorm"})
      tensors.emplace_back(at + name + ".weight", at::ones({hidden}, at::kBFloat16));
    for (const char *name : {"self_attn.q_norm", "self_attn.k_norm"})
      tensors.emplace_back(at + name + ".weight", at::ones({dim}, at::kBFloat16));
  }
  model::write_safetensors_folder(folder, tensors);
  const json config = {{"architectures", {"Qwen3ForCausalLM"}},
                       {"model_type", "qwen3"},
                       {"hidden_size", hidden},
                       {"intermediate_size", inner},
                       {"num_hidden_layers", layers},
                       {"num_attention_heads", heads},
                       {"num_key_value_heads", kv},
                       {"head_dim", dim},
                       {"vocab_size", vocab},
                       {"max_position_embeddings", 40960},
                       {"rms_norm_eps", 1e-6},
                       {"rope_theta", 1000000.0},
                       {"hidden_act", "silu"},
                       {"tie_word_embeddings", true},
                       {"torch_dtype", "bfloat16"}};
  write_file_atomically(folder + "/config.json", config.dump(1) + "\n");
}

struct work {
  double forward = 0, hessian = 0, solve = 0;  // GFLOP; half of each Hessian, since it is symmetric
};

// Returns the work of a run over `tokens` tokens in sequences of `length`. `forward` counts the linears and the
// attention, in which a token reads half of its sequence on average. `hessian` counts one Hessian for all linears that
// read the same input. `solve` counts gptq's factor and column loop.
work work_of(const model::decoder &decoder, double tokens, double length) {
  work out;
  const auto &c = decoder.config();
  for (const auto *linear : decoder.linears()) {
    const double in = static_cast<double>(linear->in_features()),
                 rows = static_cast<double>(linear->out_features());
    out.forward += 2e-9 * tokens * in * rows;
    out.solve += 1e-9 * (2.0 / 3 * in * in * in + rows * in * in);
    const auto &role = linear->role;
    if (role == "attn.q" || role == "attn.o" || role == "mlp.gate" || role == "mlp.down")
      out.hessian += 1e-9 * tokens * in * in;
  }
  out.forward += 2e-9 * tokens * length * static_cast<double>(c.n_heads * c.head_dim * c.n_layers);
  return out;
}

quant::calibration random_calibration(int64_t sequences, int64_t length, int64_t vocab) {
  const auto ids =
      at::randint(0, vocab, {sequences, length}, at::detail::createCPUGenerator(3), at::kLong);
  std::vector<quant::calibration_sequence> made;
  for (int64_t row = 0; row < sequences; ++row) {
    const auto *first = ids.const_data_ptr<int64_t>() + row * length;
    made.push_back({{first, first + length}, {}});
  }
  return quant::calibration(std::move(made));
}

// Quantizes the model once, and prints CPU seconds of each part with its rate as a share of the machine's GEMM rate. "floor" is the
// time of forward passes and Hessians at the full GEMM rate.
void whole(const std::string &path, const std::string &recipe, int64_t sequences, int64_t length) {
  quant::install_plugin_services();
  const double rate = gemm_rate();
  const auto checkpoint = model::checkpoint::open(path);
  const auto what = quant::recipe::from_json(read_json_file(recipe));
  const auto decoder = quant::needs_whole_model(what).empty()
                           ? model::decoder::load_on_demand(checkpoint)
                           : model::decoder::load(*checkpoint);
  const auto data = random_calibration(sequences, length, decoder.config().vocab_size);
  const auto folder = std::filesystem::temp_directory_path() / "assay_bench_quant";
  quant::quantize_options options;
  options.resume = folder.string();
  std::filesystem::remove_all(folder);
  const uint64_t resident = resident_bytes();
  const auto q = quant::quantize(*checkpoint, decoder, what, &data, options);
  std::filesystem::remove_all(folder);
  const auto &pass = q.metadata["calibration_pass"];
  const double forward = pass["forward_cpu_seconds"], statistics = pass["statistics_cpu_seconds"],
               all = q.summary["cpu_seconds"];
  const auto work =
      work_of(decoder, static_cast<double>(sequences * length), static_cast<double>(length));
  const double floor = (work.forward + work.hessian) / rate;
  std::printf("GEMM %.0f GFLOP per CPU second, %d threads\n", rate, at::get_num_threads());
  std::printf("forward    %7.1f s CPU  %8.0f GFLOP  %3.0f %% of GEMM\n", forward, work.forward,
              100 * work.forward / forward / rate);
  std::printf(
      "statistics %7.1f s CPU  %8.0f GFLOP  %3.0f %% of GEMM (twice that as full products)\n",
      statistics, work.hessian, 100 * work.hessian / statistics / rate);
  std::printf("the rest   %7.1f s CPU  %8.0f GFLOP  %3.0f %% of GEMM\n", all - forward - statistics,
              work.solve, 100 * work.solve / (all - forward - statistics) / rate);
  std::printf(
      "all        %7.1f s CPU  %7.1f s wall; floor of forward and Hessians %.1f s CPU: %.0f %%\n",
      all, q.summary["seconds"].get<double>(), floor, 100 * floor / all);
  const double peak = q.summary["peak_memory_bytes"];
  std::printf("memory: %.0f MB before, peak %.0f MB, so %.0f MB for the run\n",
              static_cast<double>(resident) / 1e6, peak / 1e6,
              (peak - static_cast<double>(resident)) / 1e6);
}

}  // namespace

int main(int n, char **words) {
  try {
    const std::string what = n > 1 ? words[1] : "gram";
    if (what == "gram")
      gram();
    else if (what == "make-qwen3" && n > 2)
      make_qwen3(words[2]);
    else if (n > 2)
      whole(what, words[2], n > 4 ? std::stoll(words[3]) : 64, n > 4 ? std::stoll(words[4]) : 512);
    else
      throw error(error_kind::usage,
                  "bench_quant gram | make-qwen3 FOLDER | MODEL RECIPE.json [N LENGTH]");
    return 0;
  } catch (const assay::error &problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return exit_code(problem.kind());
  }
}
