// The base class of the five kinds of plugin instances. It creates and destroys the instance, times
// each call into the plugin, and turns a failure into an error that names the plugin. The calls of
// each kind are in plug/quantizer, transform, dataset, metric and exporter.
#pragma once

#include <assay.h>

#include <functional>
#include <memory>
#include <string>

#include "plug/component.hpp"
#include "plug/services.hpp"

namespace assay::plug {

// An instance can be move-constructed, but not copied or assigned. A failed call throws an
// assay::error that names the component and the layer. The first line that fits decides its kind:
//   status CANCELLED                                        -> cancelled
//   status INTERNAL, no error text, or a broken contract    -> plugin
//   status INVALID_ARGUMENT from create                     -> usage
//   any other error status                                  -> failed
// If a callback of the host failed during the call, the error of that callback is thrown instead.
class instance {
 public:
  // Completes the configuration, loads the plugin unless it is loaded, and creates the instance.
  // Throws error(usage) for a wrong configuration and error(plugin) for a faulty plugin. `where`
  // names the place of the configuration in errors; "" = the id of the component.
  instance(const component &what, const json &config, const instance_options &options,
           const std::string &where);
  virtual ~instance();
  instance(instance &&other) noexcept;
  instance &operator=(instance &&other) = delete;

  const component &made_by() const { return *component_; }
  const json &config() const;                   // complete
  double seconds() const { return *seconds_; }  // wall clock of all calls so far

 protected:
  // Runs one call into the plugin. Errors and ledger events name `layer`, and seeds depend on it.
  int32_t call(const char *verb, const std::string &layer,
               const std::function<int32_t()> &body) const;
  // Throws error(plugin) that names the component and the layer.
  [[noreturn]] void blame(const std::string &layer, const std::string &message) const;

  const component *component_;
  std::unique_ptr<service_context> services_;
  const void *vtable_ = nullptr;  // copy that the loader has checked; lives until the process ends
  void *self_ = nullptr;          // the plugin's instance
  std::unique_ptr<double> seconds_;
};

}  // namespace assay::plug
