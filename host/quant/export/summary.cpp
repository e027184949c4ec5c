// Counts the bits of a quantized model over all parameters: forms at their packed width, all other
// tensors at their stored dtype.
#include "quant/export/summary.hpp"

#include <algorithm>
#include <cmath>

#include "core/resources.hpp"

namespace assay::quant {

run_cost::run_cost()
    : start_(std::chrono::steady_clock::now()),
      cpu_start_(process_cpu_seconds()),
      fresh_peak_(reset_peak_resident()) {}

void run_cost::put_into(json &summary, double plugin_seconds) const {
  const auto wall = std::chrono::steady_clock::now() - start_;
  summary["seconds"] = std::chrono::duration<double>(wall).count();
  summary["cpu_seconds"] = process_cpu_seconds() - cpu_start_;
  summary["plugin_seconds"] = plugin_seconds;
  summary["peak_memory_bytes"] = fresh_peak_ ? json(peak_resident_bytes()) : json();
}

uint64_t untouched_tensor::bytes() const {
  uint64_t n = c10::elementSize(dtype);
  for (const int64_t extent : shape) n *= static_cast<uint64_t>(extent);
  return n;
}

std::vector<untouched_tensor> untouched_tensors(const quantized_model &model,
                                                const model::checkpoint &subject) {
  std::vector<untouched_tensor> out;
  const bool tied = model.decoder.config().tied;
  for (const auto &info : subject.tensors().tensors()) {
    if (tied && info.name == "lm_head.weight")
      continue;  // checkpoint/FORMATS.md, "A tied head in exports"
    if (info.name.ends_with(".weight") &&
        model.forms.count(info.name.substr(0, info.name.size() - 7)))
      continue;
    const auto edited = model.edited.find(info.name);
    out.push_back({info.name,
                   edited == model.edited.end() ? info.dtype : edited->second.scalar_type(),
                   info.shape});
  }
  for (const auto &[name, tensor] : model.edited)  // biases and scales that the run added
    if (!subject.tensors().has(name))
      out.push_back({name, tensor.scalar_type(), tensor.sizes().vec()});
  std::sort(out.begin(), out.end(), [](const auto &a, const auto &b) { return a.name < b.name; });
  return out;
}

namespace {

// The size of what one token goes through: all tensors but the experts that the router does not choose. Of the embedding all rows count.
class active_size {
 public:
  explicit active_size(const model::decoder_config &config)
      : share_(config.experts.count == 0 ? 1.0
                                         : static_cast<double>(config.experts.per_token) /
                                               static_cast<double>(config.experts.count)) {}
  void add(const std::string &name, double parameters, double bits) {
    const double share = name.find(".experts.") == std::string::npos ? 1.0 : share_;
    parameters_ += share * parameters;
    bits_ += share * bits;
  }
  void put_into(json &summary) const {
    summary["active_parameters"] = std::llround(parameters_);
    summary["active_bytes"] = std::llround(bits_ / 8);
    summary["bits_per_active_weight"] = parameters_ > 0 ? bits_ / parameters_ : 0.0;
  }

 private:
  double share_, parameters_ = 0, bits_ = 0;
};

}  // namespace

json summarize(const quantized_model &model, const model::checkpoint &subject) {
  double quantized_bits = 0, float_bits = 0;
  uint64_t quantized_parameters = 0, float_parameters = 0;
  active_size active(model.decoder.config());
  json linears = json::array();
  for (const auto &name : model.order) {
    const auto &form = model.forms.at(name);
    quantized_bits += form.packed_bits;
    quantized_parameters += static_cast<uint64_t>(form.in_features * form.out_features);
    active.add(name, static_cast<double>(form.in_features * form.out_features), form.packed_bits);
    json item = {{"name", name},
                 {"role", form.role},
                 {"bits", form.bits_per_weight()},
                 {"bytes", std::llround(std::ceil(form.packed_bits / 8))},
                 {"relative_error", form.relative_error}};
    if (form.output_error >= 0) item["output_error"] = form.output_error;
    item["claims"] = form.note;
    linears.push_back(std::move(item));
  }
  for (const auto &tensor : untouched_tensors(model, subject)) {
    float_bits += 8.0 * static_cast<double>(tensor.bytes());
    float_parameters += tensor.bytes() / c10::elementSize(tensor.dtype);
    active.add(tensor.name, static_cast<double>(tensor.bytes() / c10::elementSize(tensor.dtype)),
               8.0 * static_cast<double>(tensor.bytes()));
  }
  const double parameters = static_cast<double>(quantized_parameters + float_parameters);
  json out;
  out["bits_per_weight"] = parameters > 0 ? (quantized_bits + float_bits) / parameters : 0.0;
  out["bits_per_quantized_weight"] =
      quantized_parameters ? json(quantized_bits / static_cast<double>(quantized_parameters))
                           : json();
  out["bytes"] = std::llround((quantized_bits + float_bits) / 8);
  out["parameters"] = quantized_parameters + float_parameters;
  out["quantized_parameters"] = quantized_parameters;
  if (model.decoder.config().experts.count > 0) active.put_into(out);
  out["linears"] = std::move(linears);
  out["edited"] = json::array();  // by transforms, corrections and tuning
  for (const auto &[name, tensor] : model.edited) out["edited"].push_back(name);
  return out;
}

}  // namespace assay::quant
