// What lies behind assay_host::ctx: the state of one instance while calls into it run.
// Internal to plug/; what others may set is in plug/services.hpp.
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
  // what: nullptr for an entry call. config: complete; what host->config_... reads.
  service_context(const component *what, instance_options options, json config = json::object());
  service_context(const service_context &) = delete;
  service_context &operator=(const service_context &) = delete;

  const assay_host *table() const { return &table_; }
  const instance_options &options() const { return options_; }
  const json &config() const { return config_; }

  // Around each call into the plugin. end_call frees scratch memory.
  void begin_call(const std::string &layer);
  void end_call();

  // What the plugin told of the present or last call.
  bool has_failed() const { return failed_by_plugin_; }  // it called host->fail itself
  std::string failure_text() const { return failure_; }

  // An exception of a host callback (a full disk, a refused edit): kept here while the plugin's
  // frames are on the stack, thrown on afterwards. The first one counts.
  void keep_exception(std::exception_ptr what);
  void rethrow_kept();
  // Runs a host callback for a plugin: exceptions are kept and become a status.
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

  // by_plugin false: a service said no, which the plugin may get over.
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
