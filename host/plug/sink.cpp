// Checks what a quantizer emits: a known dtype, contiguous memory, each role (tensor name such as "codes")
// only once, a shape that fits the weight matrix, integers that fit their bits, finite floats. The table of
// roles is in plugin_api/assay/quantizer.h.
#include "plug/sink.hpp"

#include "core/error.hpp"

namespace assay::plug {
namespace {

std::string quoted(const std::string &role) {
  return "'" + role + "'";
}

std::string sizes(int64_t rows, int64_t columns) {
  return "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
}

bool has_shape(const assay_tensor &tensor, std::initializer_list<int64_t> shape) {
  if (tensor.ndim != static_cast<int32_t>(shape.size())) return false;
  int32_t i = 0;
  for (const int64_t extent : shape)
    if (tensor.shape[i++] != extent) return false;
  return true;
}

}  // namespace

form_sink::form_sink(const assay_linear &layer) : layer_(layer) {
  table_.struct_size = sizeof table_;
  table_.ctx = this;
  table_.emit = emit;
  table_.note = note;
  form_.out_features = layer.out_features;
  form_.in_features = layer.in_features;
}

int32_t form_sink::emit(void *ctx, const char *role, assay_managed *tensor,
                        uint32_t packed_bits) noexcept {
  managed_tensor owned(tensor);  // belongs to the host from here on, even if it is refused
  auto &self = *static_cast<form_sink *>(ctx);
  try {
    std::string wrong;
    if (role == nullptr || role[0] == '\0')
      wrong = "emitted a tensor without a role";
    else if (tensor == nullptr)
      wrong = "emitted NULL as " + quoted(role);
    else
      wrong = self.check(role, *tensor, packed_bits);
    if (role != nullptr && wrong.empty()) {
      self.form_.tensors.push_back({role, std::move(owned), packed_bits});
      return ASSAY_OK;
    }
    if (self.violation_.empty()) self.violation_ = wrong;
  } catch (...) {
    if (self.violation_.empty()) self.violation_ = "emitted what could not be taken over";
  }
  return ASSAY_INVALID_ARGUMENT;
}

int32_t form_sink::note(void *ctx, const char *json_text) noexcept {
  auto &self = *static_cast<form_sink *>(ctx);
  try {
    const json value = parse_json(json_text == nullptr ? "" : json_text, "note");
    if (!value.is_object()) throw error(error_kind::plugin, "it is not an object");
    self.form_.note.update(value);
    return ASSAY_OK;
  } catch (const std::exception &reason) {
    if (self.violation_.empty())
      self.violation_ = std::string("gave a note that is not a JSON object: ") + reason.what();
  }
  return ASSAY_INVALID_ARGUMENT;
}

std::string form_sink::check(const std::string &role, const assay_managed &managed,
                             uint32_t &packed_bits) const {
  const assay_tensor &tensor = managed.tensor;
  if (managed.version_major != 1)
    return "emitted " + quoted(role) + " as a managed tensor of version " +
           std::to_string(managed.version_major) + ", expected 1";
  if (form_.find(role) != nullptr) return "emitted " + quoted(role) + " twice";
  if (tensor.ndim < 0 || tensor.ndim > 8 || (tensor.ndim > 0 && tensor.shape == nullptr))
    return "emitted " + quoted(role) + " without a shape";
  for (int32_t i = 0; i < tensor.ndim; ++i)
    if (tensor.shape[i] < 0) return "emitted " + quoted(role) + " with a negative extent";
  if (!is_known_dtype(tensor.dtype))
    return "emitted " + quoted(role) + " with " + dtype_name(tensor.dtype) +
           ", which the plugin interface does not have";
  if (tensor.data == nullptr && element_count(tensor) > 0)
    return "emitted " + quoted(role) + " without memory";
  if (!is_contiguous(tensor))
    return "emitted " + quoted(role) +
           " with gaps between its rows: emitted tensors are contiguous";
  if (layer_.weight != nullptr && tensor.device.type != layer_.weight->device.type)
    return "emitted " + quoted(role) + " as " + describe(tensor) + ", but the weight is " +
           describe(*layer_.weight);
  if (packed_bits == 0) packed_bits = tensor.dtype.bits;
  if (packed_bits > tensor.dtype.bits)
    return "emitted " + quoted(role) + " with a packed width of " + std::to_string(packed_bits) +
           " bits in " + dtype_name(tensor.dtype);
  std::string shape = check_shape(role, tensor);
  if (!shape.empty()) return shape;
  // Values on a GPU are not read here. quant/linear_run checks later that the dequantized weight is finite.
  if (tensor.device.type != ASSAY_CPU) return "";
  const std::string wide = find_wide_value(tensor, packed_bits);
  if (!wide.empty()) return "emitted " + quoted(role) + " with " + wide;
  const std::string bad = find_not_finite(tensor);
  return bad.empty() ? "" : "emitted " + quoted(role) + ", which " + bad;
}

std::string form_sink::check_shape(const std::string &role, const assay_tensor &tensor) const {
  const int64_t rows = layer_.out_features, columns = layer_.in_features;
  std::string expected;
  if (role == "codes" && !has_shape(tensor, {rows, columns})) expected = sizes(rows, columns);
  if ((role == "g_idx" || role == "perm") && !has_shape(tensor, {columns}))
    expected = "[" + std::to_string(columns) + "]";
  const bool by_row = role == "scales" || role == "zeros" || role == "keep_values";
  if (by_row && (tensor.ndim != 2 || tensor.shape[0] != rows))
    expected = "[" + std::to_string(rows) + ", groups]";
  if (expected.empty()) return "";
  return "emitted " + quoted(role) + " of shape " + shape_text(tensor) + ", expected " + expected;
}

// Checks a form of the format int/1 (integer codes): its note must have "bits", "group_size" and "symmetric", and the tensors
// must agree with the note: scales and zeros have one column for each group (not checked if there is a g_idx).
std::string form_sink::check_integer_form() const {
  const std::string format = form_.note.value("format", "");
  if (format != "int/1") return "";
  for (const char *key : {"bits", "group_size", "symmetric"})
    if (!form_.note.contains(key)) return std::string("noted format int/1 without \"") + key + "\"";
  for (const char *role : {"codes", "scales"})
    if (form_.find(role) == nullptr)
      return std::string("noted format int/1 and emitted no '") + role + "'";
  if (!form_.note["symmetric"].get<bool>() && form_.find("zeros") == nullptr)
    return "noted an asymmetric int/1 grid and emitted no 'zeros'";
  const int64_t noted = form_.note["group_size"].get<int64_t>();
  const int64_t size = noted == 0 ? layer_.in_features : noted;
  if (size < 0) return "noted the group size " + std::to_string(noted);
  const int64_t groups = size == 0 ? 0 : (layer_.in_features + size - 1) / size;
  for (const char *role : {"scales", "zeros"}) {
    const emitted_tensor *found = form_.find(role);
    if (found != nullptr && form_.find("g_idx") == nullptr &&
        found->tensor.view().shape[1] != groups)
      return "emitted '" + std::string(role) + "' of shape " + shape_text(found->tensor.view()) +
             ", expected " + sizes(layer_.out_features, groups) + " for groups of " +
             std::to_string(size);
  }
  return "";
}

std::string form_sink::violation() const {
  if (!violation_.empty()) return violation_;
  if (form_.tensors.empty()) return "emitted nothing";
  try {
    return check_integer_form();
  } catch (const json::exception &) {
    return "noted \"format\", \"bits\", \"group_size\" or \"symmetric\" with a value of another "
           "type";
  }
}

}  // namespace assay::plug
