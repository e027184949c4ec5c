// Stores a block as two files: block-N.safetensors holds the emitted tensors under
// "linear/role", and block-N.json everything else. The JSON file is written last, so that a
// block that has one is complete.
#include "quant/streaming/resume_store.hpp"

#include <filesystem>

#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/file.hpp"

namespace assay::quant {
namespace {

namespace fs = std::filesystem;

json form_json(const quantized_linear &form) {
  json parts = json::array();
  for (const auto &part : form.tensors)
    parts.push_back({{"role", part.role}, {"packed_bits", part.packed_bits}});
  return {{"name", form.name},
          {"role", form.role},
          {"note", form.note},
          {"component", form.component},
          {"config", form.config},
          {"in", form.in_features},
          {"out", form.out_features},
          {"packed_bits", form.packed_bits},
          {"relative_error", form.relative_error},
          {"output_error", form.output_error},
          {"tensors", parts}};
}

quantized_linear form_of(const json &item, const model::tensor_source &tensors) {
  quantized_linear form;
  form.name = item.at("name");
  form.role = item.at("role");
  form.note = item.at("note");
  form.component = item.at("component");
  form.config = item.at("config");
  form.in_features = item.at("in");
  form.out_features = item.at("out");
  form.packed_bits = item.at("packed_bits");
  form.relative_error = item.at("relative_error");
  form.output_error = item.at("output_error");
  for (const auto &part : item.at("tensors")) {
    const std::string role = part.at("role");
    form.tensors.push_back({role, tensors.tensor(form.name + "/" + role).clone(),
                            part.at("packed_bits").get<uint32_t>()});
  }
  return form;
}

}  // namespace

resume_store::resume_store(std::string folder, const json &key)
    : folder_(std::move(folder)), claim_(path_claim::inside(folder_)) {
  const auto key_file = folder_ + "/identity.json";
  const auto text = json_text(key, 1) + "\n";
  if (!fs::exists(key_file) || read_file(key_file) != text) {
    std::error_code ignored;
    for (int64_t i = 0; fs::exists(file(i, ".json")); ++i) fs::remove(file(i, ".json"), ignored);
    write_file_atomically(key_file, text);
  }
  while (fs::exists(file(n_done_, ".json"))) ++n_done_;
}

std::string resume_store::file(int64_t block, const char *suffix) const {
  return folder_ + "/block-" + std::to_string(block) + suffix;
}

stored_block resume_store::load(int64_t block) const {
  const auto path = file(block, ".json");
  try {
    const json stored = read_json_file(path);
    stored_block out;
    if (!stored.at("forms").empty()) {
      const auto tensors = model::open_safetensors_file(file(block, ".safetensors"));
      for (const auto &item : stored.at("forms")) out.linears.push_back(form_of(item, *tensors));
    }
    for (const auto &item : stored.at("incidents"))
      out.incidents.push_back(
          {item.at("kind"), item.at("where"), item.at("text"), item.at("data")});
    return out;
  } catch (const std::exception &problem) {
    throw error(error_kind::failed, "a stored block cannot be read")
        .at(path)
        .cause(problem.what())
        .hint("Remove the folder to start anew");
  }
}

void resume_store::save(int64_t block, const stored_block &finished) {
  model::named_tensors tensors;
  json forms = json::array(), incidents = json::array();
  for (const auto &form : finished.linears) {
    forms.push_back(form_json(form));
    for (const auto &part : form.tensors)
      tensors.emplace_back(form.name + "/" + part.role, part.tensor);
  }
  for (const auto &entry : finished.incidents)
    incidents.push_back(
        {{"kind", entry.kind}, {"where", entry.where}, {"text", entry.text}, {"data", entry.data}});
  if (!tensors.empty()) model::write_safetensors(file(block, ".safetensors"), tensors);
  write_file_atomically(file(block, ".json"),
                        json_text({{"forms", forms}, {"incidents", incidents}}, 1) + "\n");
  n_done_ = block + 1;
}

}  // namespace assay::quant
