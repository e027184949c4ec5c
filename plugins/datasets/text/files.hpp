// Finds the files of a dataset, checks that they are UTF-8, and hashes them. The files named *_source
// read the records.
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

// Endings of file names in small letters, such as ".jsonl". has_ending does not distinguish capital
// and small letters (ASCII) in the path.
using endings = std::vector<std::string>;
bool has_ending(const std::string &path, const endings &wanted);
bool is_folder(const std::string &path);  // throws io_problem if nothing has this path

// Returns the path itself if it is a file, else the folder's files with one of the endings, in the
// order of their names. Throws io_problem if there is none.
std::vector<std::string> files_of(const std::string &path, const endings &wanted);

// Reads all files once and returns "sha256:<hex>" over their bytes in order. Names of files are not
// part of the hash. Throws io_problem with the first byte that is not UTF-8, and for an empty file.
std::string check_files(assay_cpp::host host, const std::vector<std::string> &paths);

// Parses the JSON of a file or line. Throws an io_problem whose text begins with `place`.
assay_json::value parsed(const std::string &text, const std::string &place);

// Throws io_problem if the file cannot be opened.
std::ifstream open_file(const std::string &path);

// The keys of the configuration that every form of file has.
struct provenance {
  std::string path, license, source;
  static provenance of(const assay_json::value &config);
  void tell(assay_dataset_info &out) const;
};

// Collects the members that all records have with the same type. A dataset tells the host their names
// and types as its fields.
class common_fields {
 public:
  void add(const assay_json::value &record);
  std::string json() const;  // such as {"text":"string"}

 private:
  bool any_ = false;
  std::vector<std::pair<std::string, std::string>> fields_;  // name, type
};

}  // namespace text_dataset
