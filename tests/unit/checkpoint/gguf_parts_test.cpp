// Tests the reading of split GGUF files, and the refusal of GGUF files that are incomplete,
// big-endian or not a model.

#include <filesystem>

#include "aten.hpp"
#include "catch.hpp"
#include "checkpoint/checkpoint.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "gguf_bytes.hpp"
#include "model/import_gguf.hpp"
#include "scratch_folder.hpp"

using namespace assay;
using namespace assay::model;

namespace {

const std::string k_first = "m-00001-of-00002.gguf", k_second = "m-00002-of-00002.gguf";

std::string filled(size_t n, float value) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += gguf_bytes::raw(value);
  return out;
}

gguf_bytes &add_split(gguf_bytes &g, uint16_t number, uint16_t count, int32_t tensors) {
  return g.add("split.no", 2, gguf_bytes::raw(number))
      .add("split.count", 2, gguf_bytes::raw(count))
      .add("split.tensors.count", 5, gguf_bytes::raw(tensors));
}

// Returns the first part: the metadata of small_llama and its 2 tensors, the embedding and q.
std::string first_part(int32_t tensors = 11) {
  gguf_bytes g = small_llama();
  return add_split(g, 0, 2, tensors).str();
}

// Adds the 9 tensors that small_llama lacks: 8 of its one layer, and the last norm. head_dim is 4,
// and there is one key head.
gguf_bytes with_rest(gguf_bytes g) {
  const auto matrix = [&](const std::string &name, uint64_t rows, float value) {
    g.tensor(name, {8, rows}, 0, filled(8 * rows, value));
  };
  matrix("blk.0.attn_k.weight", 4, 2);
  matrix("blk.0.attn_v.weight", 4, 3);
  matrix("blk.0.attn_output.weight", 8, 4);
  matrix("blk.0.ffn_gate.weight", 8, 5);
  matrix("blk.0.ffn_up.weight", 8, 6);
  matrix("blk.0.ffn_down.weight", 8, 7);
  for (const char *norm : {"blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "output_norm.weight"})
    g.tensor(norm, {8}, 0, filled(8, 1));
  return g;
}

std::string second_part(uint16_t number = 1, uint16_t count = 2) {
  gguf_bytes g = with_rest({});
  return add_split(g, number, count, 11).str();
}

// Opens the file `name` in the folder and returns the error as "message|where|hint", or "" if there
// is none. The text leaves out the path of the folder, because it differs from run to run.
std::string problem(const scratch_folder &folder, const std::string &name) {
  try {
    checkpoint::open(folder.file(name));
  } catch (const error &e) {
    std::string text = e.message() + "|" + e.where() + "|" + e.hint();
    for (const std::string root = folder.path.string() + "/"; text.find(root) != std::string::npos;)
      text.erase(text.find(root), root.size());
    return text;
  }
  return "";
}

}  // namespace

TEST_CASE("a split GGUF is read whole from its first part") {
  const scratch_folder folder;
  folder.write(k_first, first_part());
  folder.write(k_second, second_part());
  const auto split = checkpoint::open(folder.file(k_first));
  CHECK(split->tensors().tensors().size() == 11);
  CHECK(split->tensors()
            .tensor("model.layers.0.mlp.down_proj.weight")
            .equal(at::full({8, 8}, 7, at::kFloat)));
  CHECK(split->tensors().tensor("model.layers.0.self_attn.q_proj.weight")[1][0].item<float>() == 2);
  folder.write("whole.gguf", with_rest(small_llama()).str());
  const auto whole = checkpoint::open(folder.file("whole.gguf"));
  json provenance = split->config(), other = whole->config();
  provenance.erase("assay_provenance"), other.erase("assay_provenance");
  CHECK(provenance == other);
  for (const tensor_info &info : whole->tensors().tensors())
    CHECK(split->tensors().tensor(info.name).equal(whole->tensors().tensor(info.name)));
}

TEST_CASE("a part that is missing, not the first, renamed or of another split is named") {
  const scratch_folder folder;
  folder.write(k_first, first_part());
  CHECK(problem(folder, k_first) == "part 2 of 2 of the split GGUF is missing|" + k_second +
                                        "|Get all 2 parts into one folder");
  folder.write(k_second, second_part());
  CHECK(problem(folder, k_second) ==
        "the file is part 2 of 2 of a split GGUF|" + k_second + "|Give the first part: " + k_first);
  folder.write("renamed.gguf", first_part());
  CHECK(problem(folder, "renamed.gguf") ==
        "the file is part 1 of 2 of a split GGUF|renamed.gguf|Its name must end with "
        "-00001-of-00002.gguf, so that the other parts are found");
  folder.write(k_first, first_part(12));
  CHECK(problem(folder, k_first) ==
        "the parts hold 11 tensors, where the first part says 12|" + k_first +
            "|The parts are of different models or splits: get them again");
  folder.write(k_first, first_part());
  folder.write(k_second, second_part(2, 3));
  CHECK(problem(folder, k_first) == "the file is not part 2 of 2 but part 3 of 3|" + k_second +
                                        "|Get the parts again, under the names that they had");
  folder.write(k_second, small_llama().str());
  CHECK(problem(folder, k_first) == "the file is not part 2 of 2 but a whole model|" + k_second +
                                        "|Get the parts again, under the names that they had");
  gguf_bytes twice = small_llama();
  folder.write(k_second, add_split(twice, 1, 2, 11).str());
  CHECK(problem(folder, k_first) ==
        "the tensor 'token_embd.weight' is in an earlier part too|" + k_second +
            "|The parts are of different models or splits: get them again");
}

TEST_CASE("a GGUF that lacks a tensor is not imported, and no folder is left") {
  const scratch_folder folder;
  folder.write("half.gguf", small_llama().str());
  CHECK_THROWS_WITH(
      import_gguf(folder.file("half.gguf"), folder.file("out")),
      folder.file("half.gguf") +
          ": the weights lack the tensor 'model.layers.0.input_layernorm.weight': 9 of "
          "11 that config.json asks for are missing. The download or the conversion "
          "was not complete, or config.json is another model's: get the model again");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("the message about a GGUF file that is no model says what the file is") {
  const auto message = [](const std::string &bytes) {
    const scratch_folder folder;
    folder.write("f.gguf", bytes);
    return problem(folder, "f.gguf");
  };
  const std::string adapter =
      "the GGUF file is a LoRA adapter, not a model|f.gguf|Merge it into its model with "
      "llama-export-lora of llama.cpp, and give the file that it writes";
  CHECK(message(small_llama().add("general.type", "adapter").str()) == adapter);
  CHECK(message(gguf_bytes()
                    .add("general.architecture", "llama")
                    .tensor("blk.0.attn_q.weight.lora_a", {4}, 0, std::string(16, '\0'))
                    .str()) == adapter);
  CHECK(message(small_llama().add("general.type", "mmproj").str()) ==
        "the GGUF file holds 'mmproj', not a model|f.gguf|Give the file of the language model");
  CHECK(message(gguf_bytes().add("general.architecture", "llama").str()) ==
        "the GGUF file holds no tensors|f.gguf|It is a vocabulary alone: give the file of the "
        "language model");
  std::string big = small_llama().str();
  std::swap(big[4], big[7]);  // the version
  CHECK(message(big) ==
        "the GGUF file is big-endian, which is not read|f.gguf|Get the little-endian file, or "
        "convert it with gguf_convert_endian.py of llama.cpp");
}

TEST_CASE(
    "if a GGUF names no first or last token, config.json gets null, not the default id of the "
    "architecture") {
  const scratch_folder folder;
  const auto source = checkpoint::open(folder.write("m.gguf", small_llama().str()));
  CHECK(source->config()["eos_token_id"].is_null());
  CHECK(source->config()["bos_token_id"].is_null());
}
