// The files behind a source: which they are, that they are UTF-8, their hash.
// Not what is in them.
#pragma once

#include <assay_json.hpp>
#include <assay_records.hpp>

#include <fstream>
#include <string>
#include <vector>

namespace text_dataset {

inline assay_cpp::failure io_problem(const std::string &text) {
  return {ASSAY_IO, text};
}
inline assay_cpp::failure config_problem(const std::string &text) {
  return {ASSAY_INVALID_ARGUMENT, text};
}

using endings =
    std::vector<std::string>;  // ".jsonl"; capital letters in a name count as small ones
bool has_ending(const std::string &path, const endings &wanted);
bool is_folder(const std::string &path);  // throws io_problem where there is nothing

// The file itself, or the folder's files with such an ending in order of name.
std::vector<std::string> files_of(const std::string &path, const endings &wanted);

// Reads everything once; returns "sha256:<hex>" over the bytes in order, which covers names only
// through their order. Throws io_problem at the byte that is not UTF-8 and for an empty file.
std::string check_files(assay_cpp::host host, const std::vector<std::string> &paths);

// The JSON of a file or line; throws io_problem that begins with `place`.
assay_json::value parsed(const std::string &text, const std::string &place);

std::ifstream open_file(const std::string &path);

// What of the configuration every form of file has.
struct provenance {
  std::string path, license, source;
  static provenance of(const assay_json::value &config);
  void tell(assay_dataset_info &out) const;
};

// The members that all records have with one type, for info.
class common_fields {
 public:
  void add(const assay_json::value &record);
  std::string json() const;  // {"text":"string"}

 private:
  bool any_ = false;
  std::vector<std::pair<std::string, std::string>> fields_;  // name, type
};

}  // namespace text_dataset
