// A dataset at work: records as JSON text, one after the other.
#pragma once

#include <string>

#include "plug/instance.hpp"

namespace assay::plug {

struct dataset_info {
  int64_t count = -1;            // records; -1 = takes a full pass
  json fields = json::object();  // name -> type
  std::string content_hash, license, source;
};

class dataset_instance : public instance {
 public:
  dataset_instance(const component &what, const json &config, const instance_options &options = {},
                   const std::string &where = "");

  dataset_info info();
  bool next(std::string &record_json);  // false after the last one
  bool next(json &record);              // parsed; throws error(plugin) if it is not a JSON object
  void rewind();

 private:
  const assay_dataset_vtable &table() const;
};

}  // namespace assay::plug
