// What assay_host::ctx points to: the state of one instance while calls into it run.
// Only plug/ and tests use this file; what other folders of host/ may set is in plug/services.hpp.
#pragma once

#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plug/services.hpp"

namespace assay::plug {

class service_context {
 public:
  // `what` is nullptr for a call of the entry function, which belongs to no component. `config` has all defaults filled in; the
  // functions host->config_integer, config_number, config_flag and config_text read it.
  service_context(const component *what, instance_options options, json config = json::object());
  service_context(const service_context &) = delete;
  service_context &operator=(const service_context &) = delete;

  const assay_host *table() const { return &table_; }
  const instance_options &options() const { return options_; }
  const json &config() const { return config_; }

  // Called before and after each call into the plugin. end_call frees the scratch memory of the call.
  void begin_call(const std::string &layer);
  void end_call();

  // A failure of the present or last call. has_failed: true if the plugin itself called host->fail. failure_text: the
  // reason that the plugin gave, else the reason that a service of the host gave; "" if there was no failure.
  bool has_failed() const { return failed_by_plugin_; }
  std::string failure_text() const { return failure_; }

  // An exception of a host callback (a full disk, a refused edit) must not pass through the plugin's code. keep_exception stores
  // the first one, and rethrow_kept throws it again after the plugin's call has returned.
  void keep_exception(std::exception_ptr what);
  void rethrow_kept();
  // Runs a host callback for a plugin. An exception is kept, and the plugin gets the status ASSAY_IO.
  template <class F>
  int32_t guarded(F &&body) noexcept {
    try {
      body();
      return ASSAY_OK;
    } catch (...) {
      keep_exception(std::current_exception());
      return ASSAY_IO;
    }
  }

  // Records the text of a failure and returns `status`. by_plugin is false if a service of the host refused something, because the
  // plugin may still go on without it.
  int32_t fail(int32_t status, const std::string &text, bool by_plugin);

 private:
  friend struct service_functions;
  const component *component_;
  instance_options options_;
  const json config_;
  assay_host table_{};
  std::mutex guard_;
  std::string layer_;
  bool failed_ = false, failed_by_plugin_ = false;
  std::string failure_;
  std::exception_ptr kept_;
  std::vector<std::shared_ptr<void>> scratch_;
};

}  // namespace assay::plug
