// An exporter at work: asked first whether it can hold the plan, then fed one item at a time.
// The folder under construction is the caller's (core/file folder_in_progress).
#pragma once

#include <string>
#include <vector>

#include "plug/instance.hpp"

namespace assay::plug {

struct refusal {
  std::string where, reason;
};

// What is exported. May throw assay::error: the plugin's call then fails with it.
class export_source {
 public:
  virtual ~export_source() = default;
  virtual const assay_item *next() = 0;  // borrow until the next call; nullptr after the last item
  virtual void restart() = 0;
  virtual std::vector<std::string> files() = 0;  // names: "config.json", ...
  virtual const std::string &file(
      const std::string &name) = 0;  // its bytes, valid until write ends
};

struct written_file {
  std::string name;
  uint64_t bytes = 0;
};

class exporter_instance : public instance {
 public:
  exporter_instance(const component &what, const json &config, const instance_options &options = {},
                    const std::string &where = "");

  std::vector<refusal> check(const json &plan);  // empty: it can hold it
  // Fills `folder`, which exists and is empty. Returns the files in the order in which
  // they were begun.
  std::vector<written_file> write(const json &plan, export_source &source,
                                  const std::string &folder);

 private:
  const assay_exporter_vtable &table() const;
};

}  // namespace assay::plug
