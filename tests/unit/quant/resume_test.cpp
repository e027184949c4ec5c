// Tests that a quantization run that is killed and started again gives the same bytes as a run that
// is not killed.
#include "catch.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "core/file.hpp"
#include "core/hash.hpp"
#include "core/process.hpp"
#include "quant/export/save.hpp"
#include "tiny_subject.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

recipe recipe_of(const std::string &id) {
  // Groups of 48 do not fit all rows, so the ledger has entries, which a resumed run must restore.
  json config = {{"bits", 4}, {"group_size", 48}};
  if (id == "autoround") config["iterations"] = 6;
  return recipe::from_json({{"quantizer", {{"id", id}, {"config", config}}},
                            {"propagation", id == "gptaq" ? "asymmetric" : "quantized"},
                            {"sink_weight", id == "gptq" ? 0.3 : 0.0},
                            {"min_token_ratio", 0}});
}

struct outcome {
  std::string hash;  // of all emitted tensors and of the weights
  json ledger, facts;
};

outcome outcome_of(const std::string &model, const std::string &id,
                   const quantize_options &options) {
  use_plugins();
  const auto checkpoint = assay::model::checkpoint::open(model);
  const auto decoder = assay::model::decoder::load(*checkpoint);
  const auto data = tiny_calibration(8, 24, 11);
  const auto q = quantize(*checkpoint, decoder, recipe_of(id), &data, options);
  assay::sha256 digest;
  const auto add = [&](const at::Tensor &t) {
    const auto flat = t.contiguous();
    digest.update(flat.const_data_ptr(), flat.nbytes());
  };
  for (const auto &[name, form] : q.forms)
    for (const auto &part : form.tensors) add(part.tensor);
  for (const auto *linear : q.decoder.linears()) add(linear->weight);
  return {digest.hex(), q.incidents.to_json(q.order), q.metadata["calibration_pass"]};
}

}  // namespace

// The test below starts this test in a process of its own. This test kills its own process when the
// run reaches the second block.
TEST_CASE("resume: the victim", "[.victim]") {
  const char *folder = std::getenv("ASSAY_TEST_RESUME");
  if (folder == nullptr) return;  // ctest selects the whole file, so it also starts this case
  quantize_options options;
  options.resume = folder;
  options.progress = [](uint64_t, uint64_t, const std::string &what) {
    if (what.rfind("block 2", 0) == 0) std::raise(SIGKILL);
  };
  outcome_of(std::getenv("ASSAY_TEST_MODEL"), std::getenv("ASSAY_TEST_METHOD"), options);
}

TEST_CASE("a killed run goes on after its last stored block and gives the same bytes",
          "[resume_test]") {
  const temporary_folder root;
  const auto model = write_tiny_model(root);
  for (const std::string id : {"gptq", "gptaq", "autoround"}) {
    CAPTURE(id);
    const auto whole = outcome_of(model, id, {});
    CHECK(outcome_of(model, id, {}).hash == whole.hash);  // two runs, the same bytes
    quantize_options options;
    options.resume = root / ("resume-" + id);
    ::setenv("ASSAY_TEST_RESUME", options.resume.c_str(), 1);
    ::setenv("ASSAY_TEST_MODEL", model.c_str(), 1);
    ::setenv("ASSAY_TEST_METHOD", id.c_str(), 1);
    const auto self = std::filesystem::read_symlink("/proc/self/exe").string();
    const int status = std::system(("'" + self + "' '[.victim]' >/dev/null 2>&1").c_str());
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 128 + SIGKILL);  // as the shell reports it
    CHECK(std::filesystem::exists(options.resume + "/block-0.json"));
    CHECK_FALSE(std::filesystem::exists(options.resume + "/block-1.json"));
    const auto resumed = outcome_of(model, id, options);
    CHECK(resumed.hash == whole.hash);
    CHECK(resumed.ledger == whole.ledger);
    CHECK(resumed.facts["resumed_blocks"] == 1);
    const auto again = outcome_of(model, id, options);  // both blocks are stored
    CHECK(again.hash == whole.hash);
    CHECK(again.facts["resumed_blocks"] == 2);
  }
}

TEST_CASE("stored blocks of another recipe are not used", "[resume_test]") {
  const temporary_folder root;
  const auto model = write_tiny_model(root);
  quantize_options options;
  options.resume = root / "resume";
  outcome_of(model, "gptq", options);
  const auto other = outcome_of(model, "gptaq", options);
  CHECK(other.facts["resumed_blocks"] == 0);
  CHECK(other.hash == outcome_of(model, "gptaq", {}).hash);
}

TEST_CASE("the error for a damaged stored block names its file", "[resume_test]") {
  const temporary_folder root;
  const auto model = write_tiny_model(root);
  quantize_options options;
  options.resume = root / "resume";
  outcome_of(model, "gptq", options);
  assay::write_file_atomically(options.resume + "/block-1.json", "{\"forms\": 1");
  CHECK_THROWS_WITH(outcome_of(model, "gptq", options),
                    assay_test::contains("a stored block cannot be read") &&
                        assay_test::contains("block-1.json"));
}
