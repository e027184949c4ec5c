// Calls a quantizer plugin, and holds quantized matrices (forms) as the plugin emits and receives them.
#include "plug/quantizer.hpp"

#include "core/error.hpp"
#include "plug/service_context.hpp"
#include "plug/sink.hpp"

namespace assay::plug {

const emitted_tensor *emitted_form::find(const std::string &role) const {
  for (const emitted_tensor &one : tensors)
    if (one.role == role) return &one;
  return nullptr;
}

double emitted_form::packed_bits() const {
  double bits = 0;
  for (const emitted_tensor &one : tensors)
    bits += static_cast<double>(element_count(one.tensor.view())) * one.packed_bits;
  return bits;
}

form_view::form_view(int64_t out_features, int64_t in_features, std::string note_json)
    : note_(std::move(note_json)) {
  form_.struct_size = sizeof form_;
  form_.out_features = out_features;
  form_.in_features = in_features;
}

form_view::form_view(const emitted_form &form)
    : form_view(form.out_features, form.in_features, form.note.dump()) {
  for (const emitted_tensor &one : form.tensors) add(one.role, one.tensor.view(), one.packed_bits);
}

void form_view::add(const std::string &role, const assay_tensor &tensor, uint32_t packed_bits) {
  roles_.push_back(role);
  tensors_.push_back(&tensor);
  bits_.push_back(packed_bits == 0 ? tensor.dtype.bits : packed_bits);
}

void form_view::add(const std::string &role, std::shared_ptr<const assay_tensor> tensor,
                    uint32_t packed_bits) {
  add(role, *tensor, packed_bits);
  owned_.push_back(std::move(tensor));
}

const assay_form *form_view::get() {
  role_pointers_.clear();
  for (const std::string &role : roles_) role_pointers_.push_back(role.c_str());
  form_.n_tensors = static_cast<uint32_t>(roles_.size());
  form_.roles = role_pointers_.data();
  form_.tensors = tensors_.data();
  form_.packed_bits = bits_.data();
  form_.note_json = note_.c_str();
  return &form_;
}

quantizer_instance::quantizer_instance(const component &what, const json &config,
                                       const instance_options &options, const std::string &where)
    : instance(what, config, options, where) {}

const assay_quantizer_vtable &quantizer_instance::table() const {
  return *static_cast<const assay_quantizer_vtable *>(vtable_);
}

assay_needs quantizer_instance::needs(const assay_linear &layer) {
  assay_needs out{};
  out.struct_size = sizeof out;
  call("needs", layer.name, [&] { return table().needs(self_, &layer, &out); });
  if ((out.statistics & ASSAY_NEED_RAW_INPUT) != 0 && table().observe == nullptr)
    blame(layer.name, "needs raw inputs and has no observe");
  const bool whole_block = (out.schedule & ASSAY_SCHEDULE_WHOLE_BLOCK) != 0;
  if (whole_block && table().quantize_block == nullptr)
    blame(layer.name, "needs whole blocks and has no quantize_block");
  if (!whole_block && table().quantize == nullptr)
    blame(layer.name, "has no quantize and does not ask for whole blocks");
  return out;
}

void quantizer_instance::observe(const assay_linear &layer, const assay_tensor &tokens) {
  call("observe", layer.name, [&] { return table().observe(self_, &layer, &tokens); });
}

emitted_form quantizer_instance::quantize(const assay_linear &layer, const assay_stats *stats) {
  form_sink sink(layer);
  try {
    call("quantize", layer.name,
         [&] { return table().quantize(self_, &layer, stats, sink.table()); });
  } catch (const error &) {
    // If the sink refused a tensor, the plugin usually returns the status that it got from the sink, without a text of
    // its own. Then report what the sink refused.
    const std::string refused = sink.violation();
    if (services_->has_failed() || refused.empty() || refused == "emitted nothing") throw;
    blame(layer.name, refused);
  }
  const std::string violation = sink.violation();
  if (!violation.empty()) blame(layer.name, violation);
  return sink.take();
}

std::vector<std::optional<emitted_form>> quantizer_instance::quantize_block(
    const assay_block &block, const std::vector<const assay_stats *> &stats,
    const std::vector<bool> &wanted) {
  std::vector<std::unique_ptr<form_sink>> sinks;
  std::vector<const assay_sink *> tables;
  sinks.reserve(block.n_linears);
  tables.reserve(block.n_linears);
  for (uint32_t i = 0; i < block.n_linears; ++i) {
    sinks.push_back(wanted[i] ? std::make_unique<form_sink>(*block.linears[i]) : nullptr);
    tables.push_back(sinks.back() ? sinks.back()->table() : nullptr);
  }
  call("quantize_block", "block " + std::to_string(block.index),
       [&] { return table().quantize_block(self_, &block, stats.data(), tables.data()); });
  std::vector<std::optional<emitted_form>> out(block.n_linears);
  for (uint32_t i = 0; i < block.n_linears; ++i) {
    if (!sinks[i]) continue;
    const std::string violation = sinks[i]->violation();
    if (!violation.empty()) blame(block.linears[i]->name, violation);
    out[i] = sinks[i]->take();
  }
  return out;
}

void quantizer_instance::dequantize(const assay_form &form, const assay_tensor &out,
                                    const std::string &layer) {
  call("dequantize", layer, [&] { return table().dequantize(self_, &form, &out); });
}

std::optional<assay_estimate> quantizer_instance::estimate(const assay_linear &layer) {
  if (table().estimate == nullptr) return std::nullopt;
  assay_estimate out{};
  out.struct_size = sizeof out;
  call("estimate", layer.name, [&] { return table().estimate(self_, &layer, &out); });
  return out;
}

}  // namespace assay::plug
