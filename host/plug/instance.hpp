// What the five kinds of instances share: life, calls that are timed, guarded and blamed by name.
// The calls themselves are in plug/quantizer, transform, dataset, metric, exporter.
#pragma once

#include <assay.h>

#include <functional>
#include <memory>
#include <string>

#include "plug/component.hpp"
#include "plug/services.hpp"

namespace assay::plug {

// Move-only. Errors of the plugin become assay::error with component and layer named:
//   CANCELLED -> cancelled; INVALID_ARGUMENT in create -> usage; INTERNAL, no text, or a
//   broken contract -> plugin; everything else -> failed.
class instance {
 public:
  // Loads the plugin if need be, completes the configuration, creates. Throws error(usage) for the
  // configuration, error(plugin) for the plugin.
  instance(const component &what, const json &config, const instance_options &options,
           const std::string &where);
  virtual ~instance();
  instance(instance &&other) noexcept;
  instance &operator=(instance &&other) = delete;

  const component &made_by() const { return *component_; }
  const json &config() const;                   // complete
  double seconds() const { return *seconds_; }  // spent inside the plugin so far

 protected:
  // Runs one call into the plugin. `layer` is named in errors, seeds and ledger events.
  int32_t call(const char *verb, const std::string &layer,
               const std::function<int32_t()> &body) const;
  [[noreturn]] void blame(const std::string &layer, const std::string &message) const;

  const component *component_;
  std::unique_ptr<service_context> services_;
  const void *vtable_ = nullptr;  // gated copy, static
  void *self_ = nullptr;          // the plugin's instance
  std::unique_ptr<double> seconds_;
};

}  // namespace assay::plug
