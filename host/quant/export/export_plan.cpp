// Makes export plans and walks the items of an export.
// Which tensors are stored at all is summary.cpp's untouched_tensors: counted and written are the
// same set.
#include "quant/export/export_plan.hpp"

#include <algorithm>

#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "model/decoder_layout.hpp"
#include "plug/registry.hpp"
#include "quant/export/config_edits.hpp"
#include "quant/export/subject_files.hpp"
#include "quant/export/summary.hpp"
#include "quant/schemes/activation.hpp"
#include "quant/schemes/kv_scheme.hpp"
#include "quant/views/layer_view.hpp"

namespace assay::quant {
namespace {

// A fact that is one number, else 0: a list tells what the configuration may choose from.
int64_t number_of(const json &facts, const char *key) {
  return facts.contains(key) && facts[key].is_number_integer() ? facts[key].get<int64_t>() : 0;
}

json plan_head(const recipe &what, const model::decoder_config &config) {
  return {
      {"arch", arch_facts(config)}, {"tied", config.tied},
      {"items", json::array()},     {"scheme", {{"activation", what.activation}, {"kv", what.kv}}},
      {"online", json::array()},    {"untouched", json::array()},
      {"options", json::object()},  {"metadata", json::object()}};
}

json shape_json(const std::vector<int64_t> &shape) {
  return json(shape);
}

// The role of a linear or of the embedding by its last name; "" for other tensors.
std::string role_of(const std::string &name) {
  if (name == model::k_head_name) return model::k_head_name;
  if (name == model::k_embedding_name) return "embed";
  for (const model::linear_layout &layout : model::k_linears)
    if (name.ends_with(std::string(".") + layout.module)) return layout.role;
  return "";
}

// The recipe's word on one linear. An embedding answers to `embeddings`, not to `keep`.
bool stays_float(const recipe &what, const std::string &name, const std::string &role) {
  if (!what.quantizer || role.empty()) return true;
  return role == "embed" ? !what.embeddings : is_kept(what, name, role);
}

// Of the forms that a quantizer emits, as declared in its facts; integer grids where it says nothing.
std::string declared_format(const plug::component &component) {
  const auto formats = component.facts.find("formats");
  const bool listed = formats != component.facts.end() && formats->is_array() && !formats->empty();
  return listed ? formats->front().get<std::string>() : "int/1";
}

// Operations that a transform says it leaves in the forward pass: "online" of its facts names the settings that do.
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
  }
  for (const auto &tensor : untouched_tensors(model, subject))
    plan["untouched"].push_back({{"name", tensor.name},
                                 {"dtype", model::safetensors_dtype_name(tensor.dtype)},
                                 {"shape", shape_json(tensor.shape)}});
  return plan;
}

json plan_of(const recipe &what, const model::checkpoint &subject) {
  const auto config = model::parse_decoder_config(subject.config(), subject.path());
  json plan = plan_head(what, config);
  if (!what.activation.is_null())
    plan["scheme"]["activation"] = complete_activation(what.activation);
  if (!what.kv.is_null()) plan["scheme"]["kv"] = complete_kv(what.kv);
  for (const auto &choice : what.transforms)
    for (auto &operation : declared_online(choice)) plan["online"].push_back(std::move(operation));
  for (const auto &info : subject.tensors().tensors()) {
    if (config.tied && info.name == "lm_head.weight") continue;
    const bool weight = info.name.ends_with(".weight") && info.shape.size() == 2;
    const auto name = weight ? info.name.substr(0, info.name.size() - 7) : std::string();
    const auto role = weight ? role_of(name) : std::string();
    if (stays_float(what, name, role)) {
      plan["untouched"].push_back({{"name", info.name},
                                   {"dtype", model::safetensors_dtype_name(info.dtype)},
                                   {"shape", shape_json(info.shape)}});
      continue;
    }
    const auto &component = plug::plugins().find(plug::kind::quantizer, what.quantizer->id);
    const json full =
        component.complete_config(config_for_linear(what, name, role), "recipe.quantizer");
    plan["items"].push_back(
        {{"name", name},
         {"role", role},
         {"in", info.shape[1]},
         {"out", info.shape[0]},
         {"bits", full.value("bits", number_of(component.facts, "bits"))},
         {"group_size", full.value("group_size", number_of(component.facts, "group_size"))},
         {"symmetric", full.value("symmetric", true)},
         {"format", declared_format(component)},
         {"scale_dtype", full.value("scale_dtype", "float16")}});
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
  if (at_ > 0 && !entries_[at_ - 1].form) {  // the one before is done with
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
    form_ = std::make_unique<form_ref>(whole_form(model_, now.name));
    item_.form = form_->get();
    return &item_;
  }
  const auto edited = model_.edited.find(now.name);
  at::Tensor tensor =
      edited != model_.edited.end() ? edited->second : subject_.tensors().tensor(now.name);
  if (tensor.is_meta()) tensor = model_.fetch_edited(now.name);
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
