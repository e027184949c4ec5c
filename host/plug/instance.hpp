// The base class of the five kinds of plugin instances. An instance is a component with a configuration. The class
// creates and destroys the instance, times each call into the plugin, and turns a failure into an error that names the
// plugin. The calls of each kind are in plug/quantizer, transform, dataset, metric and exporter.
#pragma once

#include <assay.h>

#include <functional>
#include <memory>
#include <string>

#include "plug/component.hpp"
#include "plug/services.hpp"

namespace assay::plug {

// An instance can be move-constructed, but not copied or assigned. A failed call throws an assay::error that names the
// component and the layer. The first line of this list that fits decides the kind of the error:
//   a broken rule of the ABI, such as an exception that escapes   -> plugin
//   status CANCELLED                                              -> cancelled
//   status INTERNAL or an unknown status                          -> plugin
//   an error status without a message                             -> plugin
//   status INVALID_ARGUMENT from create                           -> usage
//   any other error status                                        -> failed
// If a callback of the host failed during the call, the error of that callback is thrown instead.
class instance {
 public:
  // Fills in the defaults of the configuration, loads the plugin if necessary, and creates the instance. Throws error(usage) for
  // a wrong configuration and error(plugin) for a faulty plugin. `where` says in errors where the configuration comes from; ""
  // stands for the id of the component. `what` must outlive the instance.
  instance(const component &what, const json &config, const instance_options &options,
           const std::string &where);
  virtual ~instance();
  instance(instance &&other) noexcept;
  instance &operator=(instance &&other) = delete;

  const component &made_by() const { return *component_; }
  const json &config() const;  // with all defaults filled in
  // Wall-clock time of all calls into the plugin so far
  double seconds() const { return *seconds_; }

 protected:
  // Runs `body`, which makes one call into the plugin, and returns its status, which is >= 0. `verb` is the name of the function
  // in messages. Errors and ledger events name `layer`, and the random seeds that the plugin asks for depend on it.
  int32_t call(const char *verb, const std::string &layer,
               const std::function<int32_t()> &body) const;
  // Throws error(plugin) that names the component and the layer.
  [[noreturn]] void blame(const std::string &layer, const std::string &message) const;

  const component *component_;
  std::unique_ptr<service_context> services_;
  // The plugin's functions, checked and copied by plug/gate; valid until the process ends
  const void *vtable_ = nullptr;
  void *self_ = nullptr;  // the object that the plugin's create returned
  std::unique_ptr<double> seconds_;
};

}  // namespace assay::plug
