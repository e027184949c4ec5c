// Copies the structs of a plugin, each up to its struct_size, and checks the members that they must have. The messages
// are written for authors of plugins.
#include "plug/gate.hpp"

#include "core/error.hpp"
#include "plug/component.hpp"

namespace assay::plug {
namespace {

// Bytes; a larger struct_size can only be a mistake
constexpr uint32_t k_longest_struct = 1u << 16;

class gate {
 public:
  explicit gate(const std::string &file) : file_(file) {}

  [[noreturn]] void refuse(const std::string &message, const std::string &hint = "") const {
    error refusal = error(error_kind::plugin, message).at(file_);
    if (!hint.empty()) throw std::move(refusal).hint(hint);
    throw refusal;
  }

  // Copies a struct of the plugin into a zeroed struct of this host. New members are only added at the end of a struct.
  // So the first bytes, up to the size of the shorter struct, mean the same on both sides.
  template <class T>
  T copy(const void *foreign, const std::string &what) const {
    if (foreign == nullptr) refuse(what + " is NULL");
    uint32_t size = 0;
    std::memcpy(&size, foreign, sizeof size);
    if (size < 8 || size % 8 != 0 || size > k_longest_struct)
      refuse(what + " has struct_size " + std::to_string(size) +
                 ", which is not a valid size (ABI 1.0 has " + std::to_string(sizeof(T)) + ")",
             "Set struct_size to sizeof the struct");
    T own{};
    std::memcpy(&own, foreign, size < sizeof own ? size : sizeof own);
    return own;
  }

  template <class T>
  void require(T member, const std::string &what, const char *name, const char *why = "") const {
    if (member == nullptr) refuse(what + " has no " + name + why);
  }

  void require_text(const char *text, const std::string &what, const char *name) const {
    require(text, what, name);
    if (text[0] == '\0') refuse(what + " has an empty " + name);
    if (!is_utf8(text)) refuse(what + " has a " + name + " that is not UTF-8");
  }

  static bool is_utf8(const char *text) {
    try {
      (void)json(text).dump();
      return true;
    } catch (const json::exception &) {
      return false;
    }
  }

 private:
  const std::string &file_;
};

// Users type ids, and files are named after them (ID.assay.so). So an id has only a-z and 0-9, and after the first character also
// '-', '_' and '.'.
bool is_good_id(const std::string &id) {
  if (id.size() > 64) return false;
  for (size_t i = 0; i < id.size(); ++i) {
    const char c = id[i];
    const bool inner = c == '_' || c == '-' || c == '.';
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (inner && i > 0))) return false;
  }
  return !id.empty();
}

void require_vtable(const gate &at, const gated_component &one, const std::string &what) {
  const any_vtable &v = one.vtable;
  switch (static_cast<kind>(one.facts.kind)) {
    case kind::quantizer:
      at.require(v.quantizer.create, what, "create");
      at.require(v.quantizer.destroy, what, "destroy");
      at.require(v.quantizer.needs, what, "needs");
      if (v.quantizer.quantize == nullptr && v.quantizer.quantize_block == nullptr)
        at.refuse(what + " has neither quantize nor quantize_block");
      at.require(v.quantizer.dequantize, what, "dequantize",
                 ", from which the host derives every fake-quantized weight");
      return;
    case kind::transform:
      at.require(v.transform.create, what, "create");
      at.require(v.transform.destroy, what, "destroy");
      at.require(v.transform.needs, what, "needs");
      at.require(v.transform.apply, what, "apply");
      return;
    case kind::dataset:
      at.require(v.dataset.create, what, "create");
      at.require(v.dataset.destroy, what, "destroy");
      at.require(v.dataset.info, what, "info");
      at.require(v.dataset.next, what, "next");
      at.require(v.dataset.rewind, what, "rewind");
      return;
    case kind::metric:
      at.require(v.metric.create, what, "create");
      at.require(v.metric.destroy, what, "destroy");
      at.require(v.metric.declare, what, "declare");
      at.require(v.metric.begin, what, "begin");
      at.require(v.metric.update, what, "update");
      at.require(v.metric.finish, what, "finish");
      return;
    case kind::exporter:
      at.require(v.exporter.create, what, "create");
      at.require(v.exporter.destroy, what, "destroy");
      at.require(v.exporter.check, what, "check");
      at.require(v.exporter.write, what, "write");
      return;
  }
}

any_vtable copy_vtable(const gate &at, const assay_component &facts, const std::string &what) {
  any_vtable own;
  std::memset(&own, 0, sizeof own);
  const std::string name = "the vtable of " + what;
  switch (static_cast<kind>(facts.kind)) {
    case kind::quantizer:
      own.quantizer = at.copy<assay_quantizer_vtable>(facts.vtable, name);
      break;
    case kind::transform:
      own.transform = at.copy<assay_transform_vtable>(facts.vtable, name);
      break;
    case kind::dataset:
      own.dataset = at.copy<assay_dataset_vtable>(facts.vtable, name);
      break;
    case kind::metric:
      own.metric = at.copy<assay_metric_vtable>(facts.vtable, name);
      break;
    case kind::exporter:
      own.exporter = at.copy<assay_exporter_vtable>(facts.vtable, name);
      break;
  }
  return own;
}

// The upper half of `flags`: a host that does not know a flag there must not use the component (base.h).
constexpr uint32_t k_critical_flags = 0xffff0000u;

// Returns why this host is too old to use the component, or "" if it can use it. The component itself has no fault.
std::string why_unsupported(const assay_component &facts) {
  if (!is_known_kind(facts.kind))
    return "kind " + std::to_string(facts.kind) + " is unknown to this host";
  if ((facts.flags & k_critical_flags) != 0)
    return "it needs a flag that this host does not know (" +
           std::to_string(facts.flags & k_critical_flags) + ")";
  return "";
}

void admit_component(const gate &at, const assay_component *foreign, uint32_t index,
                     gated_plugin &into) {
  gated_component one{};
  one.facts = at.copy<assay_component>(foreign, "component " + std::to_string(index));
  at.require_text(one.facts.id, "component " + std::to_string(index), "id");
  const std::string id = one.facts.id;
  if (!is_good_id(id))
    at.refuse("component id '" + id + "' is not made of a-z, 0-9, '_', '-' and '.'");
  const std::string reason = why_unsupported(one.facts);
  if (!reason.empty()) {
    into.unsupported.push_back("component '" + id + "': " + reason);
    return;
  }
  const std::string what =
      std::string(kind_name(static_cast<kind>(one.facts.kind))) + " '" + id + "'";
  at.require_text(one.facts.summary, what, "summary");
  at.require_text(one.facts.config_schema, what, "config_schema");
  if (one.facts.facts != nullptr) at.require_text(one.facts.facts, what, "facts");
  for (const gated_component &other : into.components)
    if (other.facts.kind == one.facts.kind && id == other.facts.id)
      at.refuse(what + " is there twice");
  one.vtable = copy_vtable(at, one.facts, what);
  require_vtable(at, one, what);
  into.components.push_back(one);
}

}  // namespace

gated_plugin admit(const assay_plugin *foreign, const std::string &file) {
  const gate at(file);
  gated_plugin out;
  out.facts = at.copy<assay_plugin>(foreign, "the plugin descriptor");
  at.require_text(out.facts.id, "the plugin", "id");
  at.require_text(out.facts.version, "the plugin", "version");
  at.require_text(out.facts.summary, "the plugin", "summary");
  at.require_text(out.facts.license, "the plugin", "license");
  if (out.facts.n_components == 0) at.refuse("the plugin has no components");
  if (out.facts.n_components > 1024)
    at.refuse("the plugin claims " + std::to_string(out.facts.n_components) + " components");
  at.require(out.facts.components, "the plugin", "list of components");
  for (uint32_t i = 0; i < out.facts.n_components; ++i)
    admit_component(at, out.facts.components[i], i, out);
  return out;
}

}  // namespace assay::plug
