// Calls a dataset plugin, which gives records as JSON text, one after the other.
#pragma once

#include <string>

#include "plug/instance.hpp"

namespace assay::plug {

struct dataset_info {
  // Number of records; -1 if it is known only after all of them were read
  int64_t count = -1;
  json fields = json::object();  // name -> type, as {"text": "string"}
  // content_hash: "sha256:..." of the data that is read. license and source (where the data came from) are "" if the
  // plugin does not know them.
  std::string content_hash, license, source;
};

class dataset_instance : public instance {
 public:
  dataset_instance(const component &what, const json &config, const instance_options &options = {},
                   const std::string &where = "");

  dataset_info info();
  // Gets the next record; returns false after the last one. A string_view is valid until the next
  // call of this instance.
  bool next(std::string_view &record_json);
  bool next(std::string &record_json);
  bool next(json &record);  // throws as parsed() does
  // Throws error(plugin) if the text is not a JSON object
  json parsed(std::string_view record_json) const;
  void rewind();  // next() then gives the first record again

 private:
  const assay_dataset_vtable &table() const;
};

}  // namespace assay::plug
