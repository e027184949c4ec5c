// Reads JSON documents as a stream of records: the items of a list that may lie deep inside the document.
// text_source.hpp reads JSON lines.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "files.hpp"

namespace text_dataset {

// One whole document is in memory at a time.
class json_source {
 public:
  json_source(assay_cpp::host host, const char *config_json);
  void info(assay_dataset_info &out) const;  // its texts live as long as this object
  bool next(std::string &record_json);       // the next record; false after the last one
  void rewind();                             // next() starts again from the first record

 private:
  // A list on the way down, and the object that holds it. The other members of this object go into
  // every record below.
  struct level {
    const assay_json::value *owner;  // nullptr if the document itself is the list
    const assay_json::value *list;
    size_t next = 0;
  };
  bool open_next_file();
  void descend(const assay_json::value &owner);
  std::string record_of(const assay_json::value &innermost) const;
  std::string place() const;  // for messages: "dev.json: data[3].paragraphs[0]"

  provenance about_;
  std::vector<std::string> at_;  // names of the lists: data, paragraphs, qas
  std::vector<std::string> files_;
  size_t next_file_ = 0;
  assay_json::value document_;
  std::vector<level> levels_;
  bool list_outside_ = false;  // the document itself is a list
  bool counting_ = false;      // during the first pass, which counts records and collects fields_
  int64_t count_ = 0;
  common_fields fields_;
  std::string fields_json_, content_hash_;
};

}  // namespace text_dataset
