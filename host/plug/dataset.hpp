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
  // The next record's text; false after the last one. A view holds until the next call of anything here.
  bool next(std::string_view &record_json);
  bool next(std::string &record_json);
  bool next(json &record);  // parsed
  json parsed(
      std::string_view record_json) const;  // throws error(plugin) if it is not a JSON object
  void rewind();

 private:
  const assay_dataset_vtable &table() const;
};

}  // namespace assay::plug
