// The host table that every instance gets: what a plugin may ask of us, and what we learn from it.
// Tensors on devices and linear algebra are put in by plug/bridge, so that the front program and
// the scanner need no LibTorch.
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
  std::string layer;  // in work, or ""
  uint64_t count = 0;
  std::string detail;  // one line, or ""
};

// How the world outside looks to one instance. Callbacks may come from any thread, one at a time.
struct instance_options {
  uint64_t seed = 0;  // of the study
  progress_fn progress;
  std::function<void(const ledger_event &)> ledger;             // empty: events are dropped
  std::function<void(int level, const std::string &text)> log;  // empty: warnings go to stderr
  bool checked = false;  // look for damage after each call: floating-point mode, changed weights
};

// What needs LibTorch. Installed once, before the first instance is made (bridge).
struct device_services {
  int32_t (*alloc)(const assay_tensor *prototype, assay_managed **out) = nullptr;
  int32_t (*scratch)(uint64_t bytes, const assay_device *device, std::shared_ptr<void> *owner,
                     void **out) = nullptr;
  int32_t (*stream)(const assay_device *device, void **out) = nullptr;
};
void install_device_services(const device_services &services);

// Offers an extension to plugins from now on; both static. A second call with the same id replaces.
void provide_extension(const char *id, const void *table);

// Threads of host->parallel_for; 0 = as many as this process may use. Takes effect at
// the next loop.
void set_plugin_threads(int n_threads);

// Behind assay_host::ctx: one for each instance.
class service_context;

}  // namespace assay::plug
