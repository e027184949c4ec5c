// Calls a dataset plugin, and checks its info and each record that is parsed.
#include "plug/dataset.hpp"

#include "core/error.hpp"

namespace assay::plug {

dataset_instance::dataset_instance(const component &what, const json &config,
                                   const instance_options &options, const std::string &where)
    : instance(what, config, options, where) {}

const assay_dataset_vtable &dataset_instance::table() const {
  return *static_cast<const assay_dataset_vtable *>(vtable_);
}

dataset_info dataset_instance::info() {
  assay_dataset_info told{};
  told.struct_size = sizeof told;
  call("info", "", [&] { return table().info(self_, &told); });
  if (told.fields_json == nullptr) blame("", "info gives no fields");
  if (told.content_hash == nullptr) blame("", "info gives no content hash");
  dataset_info out;
  out.count = told.count;
  out.fields = parse_json(told.fields_json, "fields of " + made_by().id);
  out.content_hash = told.content_hash;
  if (told.license != nullptr) out.license = told.license;
  if (told.source != nullptr) out.source = told.source;
  return out;
}

bool dataset_instance::next(std::string_view &record_json) {
  const char *text = nullptr;
  uint64_t bytes = 0;
  const int32_t status = call("next", "", [&] { return table().next(self_, &text, &bytes); });
  if (status == ASSAY_END) return false;
  if (text == nullptr) blame("", "next returned success and no record");
  record_json = std::string_view(text, bytes);
  return true;
}

bool dataset_instance::next(std::string &record_json) {
  std::string_view text;
  if (!next(text)) return false;
  record_json.assign(text);
  return true;
}

bool dataset_instance::next(json &record) {
  std::string_view text;
  if (!next(text)) return false;
  record = parsed(text);
  return true;
}

json dataset_instance::parsed(std::string_view text) const {
  json record;
  try {
    record = parse_json(text, "record");
  } catch (const error &reason) {
    blame("", std::string("gave a record that is not JSON: ") + reason.what());
  }
  if (!record.is_object()) blame("", "gave a record that is not a JSON object");
  return record;
}

void dataset_instance::rewind() {
  call("rewind", "", [&] { return table().rewind(self_); });
}

}  // namespace assay::plug
