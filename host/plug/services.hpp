// The host table that every instance gets: the functions that a plugin may call (log, memory, threads, seeds ...).
// plug/bridge adds memory on devices and linear algebra, which need LibTorch, so that the programs assay and assay-scan can be
// built without it.
#pragma once

#include <assay.h>

#include <functional>
#include <memory>
#include <string>

#include "core/progress.hpp"
#include "plug/component.hpp"

namespace assay::plug {

struct ledger_event {
  std::string event;  // "damping_raised"
  std::string layer;  // the weight matrix or block that was being processed, or ""
  uint64_t count = 0;
  std::string detail;  // one line, or ""
};

// What the host gives to one instance. Its callbacks are called from any thread, but only one at a time.
struct instance_options {
  uint64_t seed = 0;  // the study's; the plugin's seeds are made from it
  progress_fn progress;
  std::function<void(const ledger_event &)> ledger;  // empty: events are dropped
  // Empty: warnings and errors go to stderr
  std::function<void(int level, const std::string &text)> log;
  // After each call, check that the plugin left the rounding mode and the locale as they were
  bool checked = false;
};

// The services that need LibTorch. plug/bridge installs them once, before the first instance is made.
struct device_services {
  int32_t (*alloc)(const assay_tensor *prototype, assay_managed **out) = nullptr;
  int32_t (*scratch)(uint64_t bytes, const assay_device *device, std::shared_ptr<void> *owner,
                     void **out) = nullptr;
  int32_t (*stream)(const assay_device *device, void **out) = nullptr;  // a cudaStream_t
};
void install_device_services(const device_services &services);

// Offers an extension (a table of functions beyond the host table) to plugins from now on. `table` must stay valid until the
// process ends. A second call with the same id replaces the first.
void provide_extension(const char *id, const void *table);

// Sets the number of threads of host->parallel_for; 0 means as many as there are processors that this process may use. It takes
// effect at the next loop.
void set_plugin_threads(int n_threads);

// What assay_host::ctx points to; each instance has one (plug/service_context.hpp).
class service_context;

}  // namespace assay::plug
