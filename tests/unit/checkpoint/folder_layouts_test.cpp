// Tests model folders as users have them: two sets of weights, other formats, the hub's cache, incomplete downloads, adapters.

#include <sys/stat.h>

#include "aten.hpp"
#include "catch.hpp"
#include "checkpoint/checkpoint.hpp"
#include "checkpoint/lora.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "scratch_folder.hpp"

using namespace assay;
using namespace assay::model;
namespace fs = std::filesystem;

namespace {

const std::string k_golden = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/";
const std::string k_model = k_golden + "models/llama-gqa-untied/";
const std::string k_pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";

// Opens `path` in the folder and returns the error as "message|hint" without the folder's path; "" if there is no error.
std::string problem(const scratch_folder &folder, const std::string &path = "") {
  try {
    checkpoint::open(folder.file(path));
  } catch (const error &e) {
    std::string text = e.message() + "|" + e.hint();
    for (const std::string root = folder.path.string() + "/"; text.find(root) != std::string::npos;)
      text.erase(text.find(root), root.size());
    return text;
  }
  return "";
}

void put_model(const scratch_folder &folder, const std::string &below = "") {
  fs::create_directories(folder.path / below);
  for (const char *name : {"config.json", "model.safetensors"})
    fs::copy_file(k_model + name, folder.path / below / name);
}

void put_index(const scratch_folder &folder, const std::string &shard,
               const std::string &tensor = "model.norm.weight") {
  folder.write("model.safetensors.index.json", json{{"weight_map", {{tensor, shard}}}}.dump());
}

}  // namespace

TEST_CASE(
    "two sets of weights in one folder are refused, and the message says which set other programs "
    "read") {
  const scratch_folder folder;
  put_model(folder);
  put_index(folder, "model-00001-of-00001.safetensors");
  CHECK(problem(folder) ==
        "model.safetensors lies beside model.safetensors.index.json, whose shards are not here|If "
        "model.safetensors is the whole model, remove model.safetensors.index.json; else get the "
        "shards and remove model.safetensors");
  fs::copy_file(k_model + "model.safetensors", folder.path / "model-00001-of-00001.safetensors");
  CHECK(problem(folder) ==
        "the folder has two sets of weights: model.safetensors, and the shards that "
        "model.safetensors.index.json names|transformers reads the single file and vLLM the index: "
        "remove model.safetensors or model.safetensors.index.json, whichever is the old one");
  fs::remove(folder.path / "model.safetensors");
  CHECK(problem(folder).empty());
  // Mistral's own file holds the same weights under other names; it is not read.
  folder.write("consolidated.safetensors", "not looked at");
  CHECK(problem(folder).empty());
}

TEST_CASE(
    "if the index names model.safetensors, all its tensors are read, not only the listed ones") {
  const scratch_folder folder;
  put_model(folder);
  put_index(folder, "model.safetensors");
  const auto indexed = checkpoint::open(folder.path.string());
  CHECK(indexed->tensors().tensors().size() == 30);  // though the index lists only one
  CHECK(indexed->tensors()
            .tensor("lm_head.weight")
            .equal(checkpoint::open(k_model)->tensors().tensor("lm_head.weight")));
  put_index(folder, "model.safetensors", "no.such.tensor");
  CHECK(problem(folder) ==
        "the index places 'no.such.tensor' in model.safetensors, which does not have it|");
}

TEST_CASE("a tensor that two shards hold is refused, because the shards are of two models") {
  const scratch_folder folder;
  write_safetensors(folder.file("a.safetensors"), {{"t", at::ones({2})}, {"u", at::ones({2})}});
  write_safetensors(folder.file("b.safetensors"), {{"t", at::zeros({2})}});
  folder.write("model.safetensors.index.json",
               R"({"weight_map": {"u": "a.safetensors", "t": "b.safetensors"}})");
  CHECK_THROWS_WITH(open_safetensors_folder(folder.path.string()),
                    assay_test::contains("two files of the index hold the tensor 't', one is "
                                         "a.safetensors. The shards of two models are mixed"));
}

TEST_CASE("weights of other formats are refused by name, and the message says what to do") {
  const scratch_folder folder;
  folder.write("config.json", read_file(k_model + "config.json"));
  const auto only = [&](const std::string &name) {
    folder.write(name, "x");
    const std::string said = problem(folder);
    fs::remove(folder.path / name);
    return said;
  };
  CHECK(only("pytorch_model-00001-of-00002.bin") ==
        "the weights are pytorch_model-00001-of-00002.bin, a pickle, which is not read|Load the "
        "folder with transformers and save it: save_pretrained writes safetensors");
  CHECK(only("adapter_model.safetensors") ==
        "the folder has adapter_model.safetensors and no adapter_config.json|Copy the "
        "adapter_config.json that PEFT wrote beside it");
  CHECK(only("m.Q4_0.gguf") ==
        "the folder has config.json and no safetensors, but GGUF files|Give the file itself: "
        "m.Q4_0.gguf");
  CHECK(only("model-00001-of-00002.safetensors") ==
        "the folder has the shard model-00001-of-00002.safetensors and no "
        "model.safetensors.index.json|The download is not complete: get the index too");
  CHECK(only("consolidated.safetensors") ==
        "the folder has consolidated.safetensors alone, whose tensors have Mistral's own names|Get "
        "model.safetensors, or the shards and their index, from the same repository");
  CHECK(
      only("readme.txt") ==
      "the folder has neither model.safetensors nor model.safetensors.index.json|Only safetensors "
      "and GGUF weights are read");
}

TEST_CASE("for a folder of GGUF files the message names one of them") {
  const scratch_folder folder;
  folder.write("b.gguf", "x");
  folder.write("a-00001-of-00002.gguf", "x");
  CHECK(
      problem(folder) ==
      "the folder has no config.json|It holds GGUF files, give one of them: a-00001-of-00002.gguf");
}

TEST_CASE("a folder of the hub's cache is opened as its snapshot") {
  const scratch_folder folder;
  put_model(folder, "hub/models--o--m/snapshots/abc");
  const std::string expected = folder.file("hub/models--o--m/snapshots/abc");
  const auto path = [&](const std::string &name) {
    return checkpoint::open(folder.file(name))->path();
  };
  CHECK(path("hub/models--o--m") == expected);
  CHECK(path("hub/models--o--m/") == expected);
  put_model(folder, "hub/models--o--m/snapshots/def");
  CHECK(problem(folder, "hub/models--o--m") ==
        "the cache folder holds several snapshots|Name one of abc, def below its snapshots folder");
  folder.write("hub/models--o--m/refs/main", "abc");
  CHECK(path("hub/models--o--m") == expected);
  CHECK(path("hub/models--o--m/snapshots") == expected);
  CHECK(path("hub/models--o--m/snapshots/def") == folder.file("hub/models--o--m/snapshots/def"));
  folder.write("hub/models--o--m/refs/main", "0123");
  CHECK(problem(folder, "hub/models--o--m") ==
        "refs/main names the snapshot '0123', which is not here|The download is not complete: get "
        "the model again");
  fs::create_directories(folder.path / "hub/models--o--n/snapshots");
  CHECK(problem(folder, "hub/models--o--n") ==
        "the cache folder holds no snapshot|The download is not complete: get the model again");
  CHECK(problem(folder, "hub") ==
        "the folder is a cache of several models|Name one of models--o--m, models--o--n");
}

TEST_CASE("a link to nothing is reported as an incomplete download") {
  const std::string incomplete =
      "the file is a link to nothing|The download is not complete: get the model again";
  for (const char *name : {"config.json", "model.safetensors", "model.safetensors.index.json"}) {
    INFO(name);
    const scratch_folder folder;
    put_model(folder);
    fs::remove(folder.path / name);
    fs::create_symlink("../../blobs/0123", folder.path / name);
    CHECK(problem(folder) == incomplete);
  }
  const scratch_folder folder;
  put_model(folder);
  fs::remove(folder.path / "model.safetensors");
  put_index(folder, "model-00001-of-00001.safetensors");
  fs::create_symlink("gone", folder.path / "model-00001-of-00001.safetensors");
  CHECK(problem(folder) == incomplete);
  fs::create_symlink("gone", folder.path / "tokenizer.json");
  fs::create_symlink("gone", folder.path / "m.gguf");
  CHECK(problem(folder, "m.gguf") == incomplete);
}

TEST_CASE("a Git LFS pointer in place of a file of a model is reported as one") {
  const std::string pointer =
      "the file is a Git LFS pointer, its content was not downloaded|Run 'git lfs pull' in the "
      "folder, or download the file itself";
  for (const char *name : {"config.json", "model.safetensors", "model.safetensors.index.json"}) {
    INFO(name);
    const scratch_folder folder;
    put_model(folder);
    folder.write(name, k_pointer);
    CHECK(problem(folder) == pointer);
  }
  const scratch_folder folder;
  put_model(folder);
  folder.write("m.gguf", k_pointer);
  CHECK(problem(folder, "m.gguf") == pointer);
  folder.write("tokenizer.json", k_pointer);
  CHECK_THROWS_WITH(checkpoint::open(folder.path.string())->read_tokenizer(),
                    assay_test::contains("tokenizer.json: the file is a Git LFS pointer"));
}

TEST_CASE("a pipe, a folder or a device in place of a file is refused and never waited for") {
  for (const char *name : {"config.json", "model.safetensors", "model.safetensors.index.json",
                           "quantize_config.json", "adapter_config.json"}) {
    INFO(name);
    const scratch_folder folder;
    put_model(folder);
    if (std::string(name) == "adapter_config.json") fs::remove(folder.path / "config.json");
    fs::remove(folder.path / name);
    REQUIRE(::mkfifo(folder.file(name).c_str(), 0600) == 0);
    CHECK(problem(folder).starts_with("not a regular file but a named pipe|"));
    fs::remove(folder.path / name);
    fs::create_directory(folder.path / name);
    CHECK(problem(folder).starts_with("not a regular file but a folder|"));
    fs::remove(folder.path / name);
    fs::create_symlink("/dev/zero", folder.path / name);
    const std::string device = problem(folder);
    CHECK((device.starts_with("not a regular file but a device|") ||
           device == "the file 'model.safetensors' is a link out of the folder|Copy the file, or "
                     "open the folder that it lies in"));
  }
  const scratch_folder folder;
  put_model(folder);
  for (const char *name : {"m.gguf", "tokenizer.json"})
    REQUIRE(::mkfifo(folder.file(name).c_str(), 0600) == 0);
  CHECK(problem(folder, "m.gguf").starts_with("not a regular file but a named pipe|"));
  CHECK_THROWS_WITH(checkpoint::open(folder.path.string())->read_tokenizer(),
                    assay_test::contains("not a regular file but a named pipe"));
}

TEST_CASE("if a single file of a model's folder is given, the message asks for the folder") {
  const scratch_folder folder;
  put_model(folder);
  CHECK(problem(folder, "model.safetensors") ==
        "the file is not GGUF|Give the folder that it lies in");
}

TEST_CASE(
    "an adapter beside config.json is read as an adapter; beside whole weights it is refused") {
  const scratch_folder folder;
  for (const char *name : {"adapter_config.json", "adapter_model.safetensors"})
    fs::copy_file(k_golden + "lora/plain/" + name, folder.path / name);
  json config = read_json_file(folder.file("adapter_config.json"));
  config["base_model_name_or_path"] = k_model;
  folder.write("adapter_config.json", config.dump());
  folder.write("config.json", read_file(k_model + "config.json"));
  const std::string q = "model.layers.0.self_attn.q_proj.weight";
  const at::Tensor merged = checkpoint::open(folder.path.string())->tensors().tensor(q);
  CHECK_FALSE(merged.equal(checkpoint::open(k_model)->tensors().tensor(q)));
  fs::copy_file(k_model + "model.safetensors", folder.path / "model.safetensors");
  CHECK(
      problem(folder) ==
      "the folder holds whole weights and an adapter (adapter_config.json), which may or may not "
      "be merged into them|If it is merged, move the adapter_* files elsewhere; if not, give base "
      "and adapter as two folders");
  CHECK(open_lora(folder.path.string(), k_model)->tensors().tensor(q).equal(merged));
}

TEST_CASE(
    "compression_config, the older key of compressed-tensors, is read like quantization_config") {
  const scratch_folder folder;
  put_model(folder);
  json config = read_json_file(folder.file("config.json"));
  const auto with = [&](const json &older) {
    config["compression_config"] = older;
    folder.write("config.json", config.dump());
    return checkpoint::open(folder.path.string());
  };
  CHECK(with({{"quant_method", "sparseml"}, {"config_groups", json::object()}})->quant_method() ==
        "compressed-tensors");
  CHECK(with({{"config_groups", json::object()}})->quant_method() == "compressed-tensors");
  CHECK_FALSE(with(nullptr)->config().contains("quantization_config"));
  config["compression_config"] = {{"quant_method", "modelopt"}};
  folder.write("config.json", config.dump());
  CHECK(problem(folder).starts_with("the checkpoint is quantized by 'modelopt'"));
  config.erase("compression_config");
  folder.write("config.json", config.dump());
  folder.write("hf_quant_config.json", R"({"quantization": {"quant_algo": "FP8"}})");
  CHECK(problem(folder).starts_with("the checkpoint is quantized by 'modelopt'"));
}
