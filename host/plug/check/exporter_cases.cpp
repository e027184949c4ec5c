// Cases for an exporter: the same plan gives the same refusals, the same model gives the same bytes, and failures of the host are
// reported with the host's reason.
#include <filesystem>

#include "core/error.hpp"
#include "core/file.hpp"
#include "plug/check/check.hpp"
#include "plug/exporter.hpp"
#include "plug/quantizer.hpp"
#include "plug/tensor.hpp"

namespace assay::check {
namespace {

namespace fs = std::filesystem;

// A model of two tensors: a symmetric 4-bit weight matrix [16, 64] with a scale for every 32 weights, and a
// norm. If `fails_at` is 0 or 1, the request for the item with this index throws. If it is 2, the request after
// the last item throws.
class small_model : public plug::export_source {
 public:
  explicit small_model(int fails_at = -1)
      : fails_at_(fails_at),
        codes_(16 * 64, int8_t{3}),
        scales_(16 * 2, uint16_t{0x2000}),
        norm_(64, 1.0f),
        codes_view_(codes_.data(), plug::k_i8, {16, 64}),
        scales_view_(scales_.data(), plug::k_f16, {16, 2}),
        norm_view_(norm_.data(), plug::k_f32, {64}),
        form_(16, 64, R"({"format": "int/1", "bits": 4, "group_size": 32, "symmetric": true})") {
    form_.add("codes", *codes_view_, 4);
    form_.add("scales", *scales_view_, 16);
    linear_ = {sizeof linear_, 0, "model.layers.0.mlp.up_proj", form_.get(), nullptr, "mlp.up"};
    tensor_ = {sizeof tensor_, 0, "model.norm.weight", nullptr, norm_view_.get(), ""};
  }

  const assay_item *next() override {
    if (at_ == fails_at_) throw error(error_kind::failed, "the model went away");
    ++at_;
    return at_ == 1 ? &linear_ : at_ == 2 ? &tensor_ : nullptr;
  }
  void restart() override { at_ = 0; }
  std::vector<std::string> files() override { return {"config.json", "tokenizer.json"}; }
  const std::string &file(const std::string &name) override {
    if (name != "config.json" && name != "tokenizer.json")
      throw error(error_kind::failed, "the subject has no file '" + name + "'");
    return name == "config.json" ? config_ : tokenizer_;
  }

  static json plan() {
    return {{"arch",
             {{"family", "llama"},
              {"hidden_size", 64},
              {"intermediate_size", 16},
              {"layers", 1},
              {"heads", 4},
              {"kv_heads", 4},
              {"head_dim", 16},
              {"vocab_size", 4},
              {"qk_norm", false},
              {"qkv_bias", false},
              {"norm", "rms"},
              {"tied", true}}},
            {"tied", true},
            {"scheme", {{"activation", nullptr}, {"kv", nullptr}}},
            {"items",
             {{{"name", "model.layers.0.mlp.up_proj"},
               {"role", "mlp.up"},
               {"in", 64},
               {"out", 16},
               {"format", "int/1"},
               {"bits", 4},
               {"group_size", 32},
               {"symmetric", true},
               {"scale_dtype", "float16"},
               {"tie_group", ""}}}},
            {"online", json::array()},
            {"untouched", {{{"name", "model.norm.weight"}, {"dtype", "F32"}, {"shape", {64}}}}},
            {"options", json::object()},
            {"metadata", json::object()}};
  }

 private:
  int at_ = 0, fails_at_;
  std::vector<int8_t> codes_;
  std::vector<uint16_t> scales_;
  std::vector<float> norm_;
  plug::tensor_view codes_view_, scales_view_, norm_view_;
  plug::form_view form_;
  assay_item linear_{}, tensor_{};
  std::string config_ =
      R"({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64,
                            "tie_word_embeddings": true})";
  std::string tokenizer_ =
      R"({"added_tokens": [], "normalizer": null, "pre_tokenizer": {"type": "ByteLevel",
          "add_prefix_space": false, "use_regex": true}, "post_processor": null,
          "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}})";
};

struct temporary_folder {
  temporary_folder() : path((fs::temp_directory_path() / "assay-check-XXXXXX").string()) {
    if (mkdtemp(path.data()) == nullptr) fail("cannot make a temporary folder");
  }
  ~temporary_folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string path;
};

std::string text_of(const std::vector<plug::refusal> &refusals) {
  std::string text;
  for (const plug::refusal &one : refusals) text += one.where + ": " + one.reason + "\n";
  return text;
}

void refusals_repeat(const subject &on) {
  plug::exporter_instance exporter(*on.what, on.config);
  if (text_of(exporter.check(small_model::plan())) != text_of(exporter.check(small_model::plan())))
    fail("check answers the same plan in two ways");
}

// An unknown key of the plan's scheme must be refused. If the exporter ignored it, the file would not be what was asked for.
void refuses_the_unknown(const subject &on) {
  plug::exporter_instance exporter(*on.what, on.config);
  json plan = small_model::plan();
  plan["scheme"]["time_travel"] = {{"years", 3}};
  if (exporter.check(plan).empty())
    fail("check accepts a plan whose scheme asks for 'time_travel'");
}

void writes_the_same_bytes(const subject &on) {
  std::string seen[2];
  for (std::string &bytes : seen) {
    plug::exporter_instance exporter(*on.what, on.config);
    const std::string refusals = text_of(exporter.check(small_model::plan()));
    if (!refusals.empty())
      skip("it refuses the plan of this case: " + refusals.substr(0, refusals.find('\n')));
    const temporary_folder folder;
    small_model source;
    for (const plug::written_file &file : exporter.write(small_model::plan(), source, folder.path))
      bytes += file.name + "\n" + read_file(folder.path + "/" + file.name);
  }
  if (seen[0] != seen[1]) fail("two exports of the same model differ");
}

// If a request for an item fails in the host, write must fail with the host's reason and not crash.
void passes_failures_on(const subject &on) {
  for (const int at : {0, 1, 2}) {
    plug::exporter_instance exporter(*on.what, on.config);
    if (!exporter.check(small_model::plan()).empty()) skip("it refuses the plan of this case");
    const temporary_folder folder;
    small_model source(at);
    try {
      exporter.write(small_model::plan(), source, folder.path);
    } catch (const error &reason) {
      if (reason.message() != "the model went away")
        fail(std::string("it hides the host's reason: ") + reason.what());
      continue;
    }
    fail("write reports success although the host could not give item " + std::to_string(at));
  }
}

}  // namespace

const std::vector<test_case> &exporter_cases() {
  static const std::vector<test_case> cases = {
      {"refusals_repeat", refusals_repeat},
      {"refuses_the_unknown", refuses_the_unknown},
      {"writes_the_same_bytes", writes_the_same_bytes},
      {"passes_failures_on", passes_failures_on},
  };
  return cases;
}

}  // namespace assay::check
