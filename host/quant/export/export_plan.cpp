// Makes export plans, JSON that describes the quantized model to an exporter, and gives out the
// items of an export, each a tensor or a form. untouched_tensors() of summary.cpp decides
// which tensors are stored besides the forms, so that the counted bytes are the written ones.
#include "quant/export/export_plan.hpp"

#include <algorithm>

#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "model/decoder_layout.hpp"
#include "model/required_tensors.hpp"
#include "plug/registry.hpp"
#include "quant/export/config_edits.hpp"
#include "quant/export/subject_files.hpp"
#include "quant/export/summary.hpp"
#include "quant/schemes/activation.hpp"
#include "quant/schemes/kv_scheme.hpp"
#include "quant/views/linear_view.hpp"

namespace assay::quant {
namespace {

// Returns a fact (what a component declares about itself) if it is one number, else 0. A
// fact that is a list only names the values that a configuration may have.
int64_t number_of(const json &facts, const char *key) {
  return facts.contains(key) && facts[key].is_number_integer() ? facts[key].get<int64_t>() : 0;
}

json plan_head(const recipe &recipe, const model::decoder_config &config) {
  return {{"arch", arch_facts(config)},
          {"tied", config.tied},
          {"items", json::array()},
          {"scheme", {{"activation", recipe.activation}, {"kv", recipe.kv}}},
          {"online", json::array()},
          {"untouched", json::array()},
          {"options", json::object()},
          {"metadata", json::object()}};
}

json shape_json(const std::vector<int64_t> &shape) {
  return json(shape);
}

// True if the recipe leaves this tensor in float. For the embedding the key
// `embeddings` decides, not `keep`.
bool stays_float(const recipe &recipe, const std::string &name, const std::string &role) {
  if (!recipe.quantizer || role.empty()) return true;
  return role == "embed" ? !recipe.embeddings : is_kept(recipe, name, role);
}

// Returns the format of forms that the facts of a quantizer list first. If they list none, the format
// is the integer grid.
std::string declared_format(const plug::component &component) {
  const auto formats = component.facts.find("formats");
  const bool listed = formats != component.facts.end() && formats->is_array() && !formats->empty();
  return listed ? formats->front().get<std::string>() : "int/1";
}

// The form that a quantizer makes with the configuration `full`: what its fact "forms" says (plugin_api/ABI.md), else what its
// configuration and its other facts say.
json declared_form(const plug::component &component, const json &full) {
  json form = {{"format", declared_format(component)},
               {"bits", full.value("bits", number_of(component.facts, "bits"))},
               {"group_size", full.value("group_size", number_of(component.facts, "group_size"))},
               {"symmetric", full.value("symmetric", true)}};
  const json forms = component.facts.value("forms", json::object());
  const json when = forms.value("when", json::object());
  for (const auto &[key, value] : when.items())
    if (full.value(key, json()) != value) return form;
  const json by = full.value(forms.value("by", ""), json());
  const json values = forms.value("values", json::object());
  if (by.is_string() && values.contains(by.get<std::string>()))
    form.update(values[by.get<std::string>()]);
  return form;
}

// The operations that a transform will leave in the forward pass. "online" of its facts lists the
// keys of its configuration that do so when they are true.
json declared_online(const component_choice &choice) {
  json out = json::array();
  const auto &component = plug::plugins().find(plug::kind::transform, choice.id);
  const json full = component.complete_config(choice.config, "recipe.transforms");
  for (const auto &key : component.facts.value("online", json::array()))
    if (full.value(key.get<std::string>(), false))
      out.push_back({{"layer", choice.id}, {"op", key}});
  return out;
}

}  // namespace

std::string role_of(const std::string &name) {
  if (name == model::k_head_name) return model::k_head_name;
  if (name == model::k_embedding_name) return "embed";
  for (const model::linear_layout &layout : model::k_linears)
    if (name.ends_with(std::string(".") + layout.module)) return layout.role;
  return "";
}

json plan_of(const quantized_model &model, const model::checkpoint &subject) {
  json plan = plan_head(model.made_by, model.decoder.config());
  plan["online"] = model.online;
  plan["biases"] = biases_without_key(model, subject);
  for (const auto &name : model.order) {
    const auto &form = model.forms.at(name);
    const auto *scales = form.find("scales");
    plan["items"].push_back(
        {{"name", name},
         {"role", form.role},
         {"in", form.in_features},
         {"out", form.out_features},
         {"bits", form.note.value("bits", 0)},
         {"group_size", form.note.value("group_size", 0)},
         {"symmetric", form.note.value("symmetric", true)},
         {"format", form.note.value("format", "unknown")},
         {"scale_dtype",
          scales ? plug::dtype_name(plug::dtype_of(scales->scalar_type())) : std::string()}});
    if (form.note.contains("block")) plan["items"].back()["block"] = form.note["block"];
  }
  for (const auto &tensor : untouched_tensors(model, subject))
    plan["untouched"].push_back({{"name", tensor.name},
                                 {"dtype", model::safetensors_dtype_name(tensor.dtype)},
                                 {"shape", shape_json(tensor.shape)}});
  return plan;
}

json plan_of(const recipe &recipe, const model::checkpoint &subject) {
  const auto config = model::read_decoder_config(subject);
  json plan = plan_head(recipe, config);
  if (!recipe.activation.is_null())
    plan["scheme"]["activation"] = complete_activation(recipe.activation);
  if (!recipe.kv.is_null()) plan["scheme"]["kv"] = complete_kv(recipe.kv);
  for (const auto &choice : recipe.transforms)
    for (auto &operation : declared_online(choice)) plan["online"].push_back(std::move(operation));
  for (const auto &info : subject.tensors().tensors()) {
    if (config.tied && info.name == "lm_head.weight") continue;
    const bool weight = info.name.ends_with(".weight") && info.shape.size() == 2;
    const auto name = weight ? info.name.substr(0, info.name.size() - 7) : std::string();
    const auto role = weight ? role_of(name) : std::string();
    if (stays_float(recipe, name, role)) {
      plan["untouched"].push_back({{"name", info.name},
                                   {"dtype", model::safetensors_dtype_name(info.dtype)},
                                   {"shape", shape_json(info.shape)}});
      continue;
    }
    const auto &component = plug::plugins().find(plug::kind::quantizer, recipe.quantizer->id);
    const json full =
        component.complete_config(config_for_linear(recipe, name, role), "recipe.quantizer");
    json item = {{"name", name},
                 {"role", role},
                 {"in", info.shape[1]},
                 {"out", info.shape[0]},
                 {"scale_dtype", full.value("scale_dtype", "float16")}};
    item.update(declared_form(component, full));
    plan["items"].push_back(std::move(item));
  }
  return plan;
}

model_export_source::model_export_source(const quantized_model &model,
                                         const model::checkpoint &subject)
    : model_(model), subject_(subject), files_(subject_files(subject)) {
  files_["config.json"] = config_for(model, files_.at("config.json"));
  for (const auto &tensor : untouched_tensors(model, subject))
    entries_.push_back({tensor.name, nullptr});
  for (const auto &[name, form] : model.forms) entries_.push_back({name, &form});
  std::sort(entries_.begin(), entries_.end(),
            [](const auto &a, const auto &b) { return a.name < b.name; });
}

model_export_source::~model_export_source() = default;

const assay_item *model_export_source::next() {
  if (at_ > 0 && !entries_[at_ - 1].form) {  // free the previous item
    tensor_ = plug::tensor_ref();
    subject_.tensors().give_back(entries_[at_ - 1].name);
  }
  if (at_ == entries_.size()) return nullptr;
  const auto &now = entries_[at_++];
  item_ = {};
  item_.struct_size = sizeof item_;
  item_.name = now.name.c_str();
  item_.role = now.form ? now.form->role.c_str() : "";
  if (now.form) {
    form_.emplace(view_of(model_.form(now.name)));
    item_.form = form_->get();
    return &item_;
  }
  const at::Tensor tensor = model_.edited.contains(now.name) ? model_.edited_tensor(now.name)
                                                             : subject_.tensors().tensor(now.name);
  tensor_ = plug::tensor_ref(tensor.cpu().contiguous());
  item_.tensor = tensor_.get();
  return &item_;
}

std::vector<std::string> model_export_source::files() {
  std::vector<std::string> names;
  for (const auto &[name, bytes] : files_) names.push_back(name);
  return names;
}

const std::string &model_export_source::file(const std::string &name) {
  const auto found = files_.find(name);
  if (found == files_.end())
    throw error(error_kind::usage, "the subject has no file '" + name + "'").at(subject_.path());
  return found->second;
}

}  // namespace assay::quant
