// Writes a quantized model through an exporter, with its model card and its metadata. The folder
// has a temporary name until it is complete.
#include "quant/export/save.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/in_progress.hpp"
#include "plug/registry.hpp"
#include "quant/export/export_plan.hpp"
#include "quant/export/subject_files.hpp"
#include "quant/views/plugin_services.hpp"

namespace assay::quant {
namespace {

constexpr size_t k_shown_refusals = 3;

std::string refusal_text(const std::vector<plug::refusal> &refusals) {
  std::string reasons;
  for (size_t i = 0; i < std::min(refusals.size(), k_shown_refusals); ++i)
    reasons += (i ? "; " : "") + refusals[i].where + ": " + refusals[i].reason;
  if (refusals.size() > k_shown_refusals)
    reasons += "; and " + std::to_string(refusals.size() - k_shown_refusals) + " more";
  return reasons;
}

std::vector<const plug::component *> exporters_for(const std::string &format) {
  if (format == "auto") {
    auto all = plug::plugins().all(plug::kind::exporter);
    std::erase_if(all, [](const auto *one) { return !one->facts.value("auto", true); });
    return all;
  }
  std::string id = format;
  std::replace(id.begin(), id.end(), '-', '_');  // "compressed-tensors", as users write it
  return {&plug::plugins().find(plug::kind::exporter, id)};
}

// Returns the first exporter, by id, that can hold the plan. Throws error(usage) with the reasons of all
// exporters if none can. The exporter's events are added to `incidents`, which must outlive the exporter.
plug::exporter_instance choose(const json &plan, const save_options &options, ledger &incidents) {
  std::string reasons;
  const auto candidates = exporters_for(options.format);
  for (const auto *component : candidates) {
    plug::exporter_instance exporter(*component, options.config, plugin_options(0, incidents),
                                     "save");
    const auto refusals = exporter.check(plan);
    if (refusals.empty()) return exporter;
    reasons += (reasons.empty() ? "" : " | ") + component->id + ": " + refusal_text(refusals);
  }
  throw error(error_kind::usage, "no exporter can hold this model").cause(reasons);
}

// What planned_export() returns for a plan.
json outline(const json &plan, const save_options &options) {
  ledger incidents;
  const auto exporter = choose(plan, options, incidents);
  json items = json::array();
  for (const json &item : plan["items"]) {
    json kind = json::object();
    for (const char *key : {"bits", "group_size", "symmetric", "format"}) kind[key] = item[key];
    if (std::find(items.begin(), items.end(), kind) == items.end())
      items.push_back(std::move(kind));
  }
  return {{"exporter", exporter.made_by().id}, {"items", items}, {"scheme", plan["scheme"]}};
}

// The mean of the linears' relative errors; negative without linears.
double mean_error(const json &summary) {
  double sum = 0;
  const json linears = summary.value("linears", json::array());
  for (const json &one : linears) sum += one.value("relative_error", 0.0);
  return linears.empty() ? -1 : sum / static_cast<double>(linears.size());
}

json without_linears(const json &summary) {
  json head = summary;
  head.erase("linears");
  return head;
}

// Returns id and revision, plugin and file hash of every component that took part.
json plugins_of(const quantized_model &model, const plug::exporter_instance &exporter) {
  json out = json::array();
  const auto add = [&](const plug::component &c) {
    out.push_back({{"component", c.identity()},
                   {"plugin", c.plugin_id + " " + c.plugin_version},
                   {"sha256", c.file_hash}});
  };
  for (const auto &transform : model.made_by.transforms)
    add(plug::plugins().find(plug::kind::transform, transform.id));
  if (model.made_by.quantizer)
    add(plug::plugins().find(plug::kind::quantizer, model.made_by.quantizer->id));
  add(exporter.made_by());
  return out;
}

std::string metadata_text(const quantized_model &model, const model::checkpoint &subject,
                          const plug::exporter_instance &exporter, const ledger &incidents,
                          const json &provenance) {
  json out;
  out["schema"] = "assay.quantization/1";
  out["made_by"] = "assay";
  for (const auto &[key, value] : provenance.items()) out[key] = value;
  out["plugins"] = plugins_of(model, exporter);
  out["format"] = {
      {"exporter", exporter.made_by().identity()},
      {"plugin", exporter.made_by().plugin_id + " " + exporter.made_by().plugin_version},
      {"config", exporter.config()}};
  out["subject"] = {{"name", subject.name()}, {"provenance", subject.provenance_note()}};
  for (const auto &[key, value] : model.metadata.items()) out[key] = value;
  out["components"] = json::object();
  for (const auto &name : model.order) {
    const auto &form = model.forms.at(name);
    if (!form.component.empty()) out["components"][form.component] = form.config;
  }
  out["summary"] = without_linears(model.summary);
  out["linears"] = model.summary.value("linears", json::array());
  out["ledger"] = incidents.to_json(model.order);
  return json_text(out, 2) + "\n";
}

std::string number(double value, const char *format) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// Returns the text of README.md. It is short, and begins with what every reader must see.
std::string model_card(const quantized_model &model, const model::checkpoint &subject,
                       const ledger &incidents, const std::string &format,
                       const std::string &further) {
  const auto &s = model.summary;
  std::string card = "---\nlibrary_name: transformers\ntags:\n- quantized\n- assay\n---\n\n# " +
                     subject.name() + ", " + model.made_by.method + "\n\n";
  if (const auto note = subject.provenance_note(); !note.empty())
    card += "> **The subject is not the original model:** " + note +
            ".\n> A comparison that takes it for the original is wrong.\n\n";
  card += "| | |\n|---|---|\n| method | " + model.made_by.method + " |\n";
  if (model.made_by.quantizer)
    card += "| quantizer | " + model.made_by.quantizer->id + " `" +
            model.made_by.quantizer->config.dump() + "` |\n";
  card += "| format | " + format + " |\n| bits per weight, counted over all parameters | " +
          number(s.value("bits_per_weight", 0.0), "%.3f") + " |\n| bytes | " +
          std::to_string(s.value("bytes", int64_t{0})) + " |\n| parameters | " +
          std::to_string(s.value("parameters", int64_t{0})) + " |\n| quantized linears | " +
          std::to_string(model.order.size()) + " |\n";
  if (const double error = mean_error(s); error >= 0)
    card +=
        "| measured: error of a quantized weight matrix, \\|\\|W - Q\\|\\| / \\|\\|W\\|\\|, mean "
        "| " +
        number(error, "%.4f") + " |\n";
  const auto counts = incidents.counts();
  for (const auto &[kind, count] : counts)
    card += "| ledger: " + kind + " | " + std::to_string(count) + " |\n";
  if (counts.empty()) card += "| ledger | empty: nothing fell back, was skipped or repaired |\n";
  return card +
         "\n`quantization_metadata.json` holds the recipe, every setting, the calibration's hash, "
         "the error of each\n"
         "linear and the ledger.\n" +
         (further.empty() ? "" : "\n" + further);
}

}  // namespace

json save(const quantized_model &model, const model::checkpoint &subject, const std::string &folder,
          const save_options &options) {
  const auto start = std::chrono::steady_clock::now();
  const json plan = plan_of(model, subject);
  ledger of_export;
  auto exporter = choose(plan, options, of_export);
  folder_in_progress target(folder, options.replace);
  model_export_source source(model, subject);
  auto files = exporter.write(plan, source, target.path());
  const auto put = [&](const std::string &name, const std::string &text) {
    write_file_atomically((std::filesystem::path(target.path()) / name).string(), text);
    files.push_back({name, text.size()});
  };
  for (const auto &[name, text] : subject_templates(subject)) put(name, text);
  ledger incidents = model.incidents;
  for (const auto &entry : of_export.entries()) incidents.add(entry);
  put("README.md", model_card(model, subject, incidents, exporter.made_by().id, options.card));
  put("quantization_metadata.json",
      metadata_text(model, subject, exporter, incidents, options.provenance));
  target.commit();
  json out = {
      {"format", exporter.made_by().id}, {"files", json::array()}, {"ledger", of_export.to_json()}};
  uint64_t bytes = 0;
  for (const auto &file : files) {
    bytes += file.bytes;
    out["files"].push_back({{"name", file.name}, {"bytes", file.bytes}});
  }
  out["bytes"] = bytes;
  out["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return out;
}

json planned_export(const recipe &recipe, const model::checkpoint &subject,
                    const save_options &options) {
  return outline(plan_of(recipe, subject), options);
}

json planned_export(const quantized_model &model, const model::checkpoint &subject,
                    const save_options &options) {
  return outline(plan_of(model, subject), options);
}

std::vector<std::string> cannot_hold(const recipe &recipe, const model::checkpoint &subject,
                                     const std::string &format, const json &config) {
  const json plan = plan_of(recipe, subject);
  std::vector<std::string> reasons;
  for (const auto *component : exporters_for(format)) {
    plug::exporter_instance exporter(*component, config, {}, "save");
    const auto refusals = exporter.check(plan);
    if (refusals.empty()) return {};
    for (const auto &refusal : refusals)
      reasons.push_back(component->id + ": " + refusal.where + ": " + refusal.reason);
  }
  return reasons;
}

}  // namespace assay::quant
