// Creates and destroys an instance. Runs each call into it: notes for which layer the call is, measures the time, and
// turns a failure into an error that names the plugin.
#include "plug/instance.hpp"

#include <cfenv>
#include <chrono>
#include <clocale>

#include "core/error.hpp"
#include "plug/loader.hpp"
#include "plug/service_context.hpp"

namespace assay::plug {
namespace {

// What a plugin must leave as it was: the rounding mode of floating-point numbers and the locale. Checked only if
// instance_options::checked is true.
struct surroundings {
  int rounding = std::fegetround();
  std::string locale = std::setlocale(LC_ALL, nullptr);

  // Puts back what was changed and returns its name for a message; "" if nothing was changed.
  std::string restore() const {
    std::string changed;
    if (std::fegetround() != rounding) {
      changed = "the floating-point rounding mode";
      std::fesetround(rounding);
    }
    if (locale != std::setlocale(LC_ALL, nullptr)) {
      changed = "the locale";
      std::setlocale(LC_ALL, locale.c_str());
    }
    return changed;
  }
};

// Each kind of plugin has its own type of table. create and destroy have the same signature in all five types, so the two functions
// below only choose the type.
using create_fn = int32_t (*)(const assay_host *, const char *, void **);
using destroy_fn = void (*)(void *);

create_fn create_of(kind what, const void *table) {
  switch (what) {
    case kind::quantizer:
      return static_cast<const assay_quantizer_vtable *>(table)->create;
    case kind::transform:
      return static_cast<const assay_transform_vtable *>(table)->create;
    case kind::dataset:
      return static_cast<const assay_dataset_vtable *>(table)->create;
    case kind::metric:
      return static_cast<const assay_metric_vtable *>(table)->create;
    case kind::exporter:
      return static_cast<const assay_exporter_vtable *>(table)->create;
  }
  return nullptr;
}

destroy_fn destroy_of(kind what, const void *table) {
  switch (what) {
    case kind::quantizer:
      return static_cast<const assay_quantizer_vtable *>(table)->destroy;
    case kind::transform:
      return static_cast<const assay_transform_vtable *>(table)->destroy;
    case kind::dataset:
      return static_cast<const assay_dataset_vtable *>(table)->destroy;
    case kind::metric:
      return static_cast<const assay_metric_vtable *>(table)->destroy;
    case kind::exporter:
      return static_cast<const assay_exporter_vtable *>(table)->destroy;
  }
  return nullptr;
}

error_kind kind_of_status(int32_t status, const std::string &verb, bool has_text) {
  if (status == ASSAY_CANCELLED) return error_kind::cancelled;
  if (status == ASSAY_INTERNAL || status < ASSAY_INTERNAL || !has_text) return error_kind::plugin;
  if (status == ASSAY_INVALID_ARGUMENT && verb == "create") return error_kind::usage;
  return error_kind::failed;
}

std::string place(const component &what, const std::string &where) {
  return where.empty() ? what.id : where;
}

}  // namespace

instance::instance(const component &what, const json &config, const instance_options &options,
                   const std::string &where)
    : component_(&what),
      services_(std::make_unique<service_context>(
          &what, options, what.complete_config(config, place(what, where)))),
      vtable_(&load_component(what).vtable),
      seconds_(std::make_unique<double>(0.0)) {
  // The plugin gets the configuration as JSON text, which can hold only UTF-8, and the name of a file must arrive unchanged.
  require_utf8_texts(services_->config(), where);
  const std::string text = services_->config().dump();
  call("create", "",
       [&] { return create_of(what.what, vtable_)(services_->table(), text.c_str(), &self_); });
  if (self_ == nullptr) blame("", "create returned success and no instance");
}

const json &instance::config() const {
  return services_->config();
}

instance::~instance() {
  if (self_ != nullptr) destroy_of(component_->what, vtable_)(self_);
}

instance::instance(instance &&other) noexcept
    : component_(other.component_),
      services_(std::move(other.services_)),
      vtable_(other.vtable_),
      self_(other.self_),
      seconds_(std::move(other.seconds_)) {
  other.self_ = nullptr;
}

int32_t instance::call(const char *verb, const std::string &layer,
                       const std::function<int32_t()> &body) const {
  const bool checked = services_->options().checked;
  const surroundings before;
  services_->begin_call(layer);
  const auto start = std::chrono::steady_clock::now();
  int32_t status = ASSAY_OK;
  bool escaped = false;
  try {
    status = body();
  } catch (...) {
    escaped = true;
  }
  *seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  services_->end_call();
  // If a callback of the host failed, its error is the reason, whatever status the plugin returned.
  try {
    services_->rethrow_kept();
  } catch (error &kept) {
    if (kept.kind() != error_kind::plugin || !kept.plugin().empty()) throw;
    // The callback blamed the plugin, but could not name it. Here its name is known.
    throw std::move(kept).plugin(component_->id).layer(layer);
  }
  if (escaped) blame(layer, std::string("let an exception escape from ") + verb);
  const std::string changed = checked ? before.restore() : std::string();
  if (!changed.empty()) blame(layer, std::string(verb) + " changed " + changed);
  if (status >= 0) {
    if (services_->has_failed())
      blame(layer, std::string(verb) +
                       " reported a failure and returned success: " + services_->failure_text());
    return status;
  }
  const std::string text = services_->failure_text();
  const error_kind blamed = kind_of_status(status, verb, !text.empty());
  if (blamed == error_kind::cancelled)
    throw error(blamed, "stopped by the user").plugin(component_->id).layer(layer);
  throw error(blamed, !text.empty() ? text
                                    : std::string(verb) + " failed with status " +
                                          std::to_string(status) + " and gave no reason")
      .plugin(component_->id)
      .layer(layer);
}

void instance::blame(const std::string &layer, const std::string &message) const {
  throw error(error_kind::plugin, message).plugin(component_->id).layer(layer);
}

}  // namespace assay::plug
