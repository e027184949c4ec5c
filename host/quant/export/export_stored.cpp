// Makes a quantized model of what a checkpoint stores, and saves it like one that was just quantized.
#include "quant/export/export_stored.hpp"

#include <algorithm>
#include <filesystem>

#include "core/error.hpp"
#include "plug/registry.hpp"
#include "quant/export/stored_forms.hpp"
#include "quant/export/summary.hpp"
#include "quant/linear_patterns.hpp"
#include "quant/schemes/scheme_files.hpp"

namespace assay::quant {
namespace {

namespace fs = std::filesystem;

constexpr size_t k_shown_problems = 3;
constexpr const char *k_metadata = "quantization_metadata.json";

// Whether the exporter says that its scales are float16 (the fact "scale_dtype").
bool demands_half_scales(const std::string &format) {
  if (format == "auto") return false;
  std::string id = format;
  std::replace(id.begin(), id.end(), '-', '_');
  return plug::plugins().find(plug::kind::exporter, id).facts.value("scale_dtype", "") == "float16";
}

void refuse(const std::vector<unmapped> &problems, const model::checkpoint &source) {
  if (problems.empty()) return;
  std::string reasons;
  for (size_t i = 0; i < std::min(problems.size(), k_shown_problems); ++i)
    reasons += (i > 0 ? "; " : "") + problems[i].where + ": " + problems[i].why;
  if (problems.size() > k_shown_problems)
    reasons += "; and " + std::to_string(problems.size() - k_shown_problems) + " more";
  throw error(error_kind::usage, "these weights cannot be moved to this format")
      .at(source.path())
      .cause(reasons)
      .hint("Choose another format, or let these weights become floats with --keep NAMES");
}

// The metadata of the folder that assay wrote before, or null.
json earlier_metadata(const model::checkpoint &source) {
  const fs::path path = fs::path(source.path()) / k_metadata;
  std::error_code code;
  if (source.is_gguf() || !fs::is_regular_file(path, code)) return {};
  return read_json_file(path.string());
}

// Static scales of keys and values are tensors that the reader of the format leaves out of its list.
void take_kv_scales(const model::checkpoint &source, quantized_model &out) {
  for (const model::tensor_info &info : source.raw_tensors().tensors())
    if (info.name.ends_with(".self_attn.k_scale") || info.name.ends_with(".self_attn.v_scale"))
      out.edited[info.name] = source.raw_tensors().tensor(info.name);
}

void take_schemes(const model::checkpoint &source, quantized_model &out) {
  const json schemes = restore_schemes(out.decoder, source);
  out.made_by.activation = schemes["activation"];
  out.made_by.kv = schemes["kv"];
  if (!out.made_by.kv.is_null()) take_kv_scales(source, out);
  if (!out.made_by.activation.is_null() && is_static(out.made_by.activation))
    for (auto &[name, form] : out.forms) store_input_grid(form, input_grid_of(source, name));
}

quantized_model stored_model(const std::shared_ptr<const model::checkpoint> &source,
                             const export_options &options) {
  quantized_model out;
  out.decoder = model::decoder::load_on_demand(source, {});
  const model::decoder_config &config = out.decoder.config();
  recipe patterns;
  patterns.keep = options.keep;
  require_patterns(patterns, config, "export");
  const auto forms = std::make_shared<stored_forms>(source, options.keep, config.tied);
  if (demands_half_scales(options.save.format)) forms->demand_half_scales();
  refuse(forms->problems(), *source);
  for (const quantized_linear &outline : forms->outlines()) {
    out.order.push_back(outline.name);
    out.forms[outline.name] = outline;
  }
  for (const auto &[name, shape] : forms->halves()) out.edited[name] = shape;
  out.values = forms;
  take_schemes(*source, out);
  const json earlier = earlier_metadata(*source);
  out.made_by.method = earlier.is_object() && earlier.contains("recipe")
                           ? earlier["recipe"].value("method", source->quant_method())
                           : source->quant_method();
  out.metadata["exported_from"] = {{"name", source->name()}, {"format", source->quant_method()}};
  if (!earlier.is_null()) out.metadata["exported_from"]["metadata"] = earlier;
  out.summary = summarize(out, *source);
  return out;
}

}  // namespace

json export_stored(const std::shared_ptr<const model::checkpoint> &source,
                   const std::string &folder, const export_options &options) {
  return save(stored_model(source, options), *source, folder, options.save);
}

json planned_export(const std::shared_ptr<const model::checkpoint> &source,
                    const export_options &options) {
  return planned_export(stored_model(source, options), *source, options.save);
}

}  // namespace assay::quant
