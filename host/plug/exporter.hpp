// Calls an exporter plugin: first asks whether its format can store the planned model, then gives it the model's tensors one by one.
// The caller makes the folder and renames it when it is complete (folder_in_progress in core/in_progress).
#pragma once

#include <string>
#include <vector>

#include "plug/instance.hpp"

namespace assay::plug {

struct refusal {
  // where: a weight matrix, tensor or key of the plan. reason: why the format cannot store it
  std::string where, reason;
};

// The model that is exported. If a function throws assay::error, the plugin's call fails with this error.
class export_source {
 public:
  virtual ~export_source() = default;
  // A tensor or quantized matrix, valid until next or restart; nullptr after the last one
  virtual const assay_item *next() = 0;
  virtual void restart() = 0;  // next() then gives the first item again
  // Names of the model's other files: "config.json", ...
  virtual std::vector<std::string> files() = 0;
  // The bytes of one of these files, valid until write ends
  virtual const std::string &file(const std::string &name) = 0;
};

struct written_file {
  std::string name;
  uint64_t bytes = 0;
};

class exporter_instance : public instance {
 public:
  exporter_instance(const component &what, const json &config, const instance_options &options = {},
                    const std::string &where = "");

  // Returns what the format cannot store; empty if it can store the whole plan. plan: what will be exported; its keys
  // are in plugin_api/assay/exporter.h.
  std::vector<refusal> check(const json &plan);
  // Fills `folder`, which exists and is empty. Returns its files in the order in which they were written.
  std::vector<written_file> write(const json &plan, export_source &source,
                                  const std::string &folder);

 private:
  const assay_exporter_vtable &table() const;
};

}  // namespace assay::plug
