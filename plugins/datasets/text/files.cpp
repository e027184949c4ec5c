// Finds, checks and hashes the files of a dataset, one file after another in one thread.
#include "files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include "utf8.hpp"

namespace text_dataset {
namespace {

namespace fs = std::filesystem;

std::string hexadecimal(unsigned char byte) {
  constexpr char k_digits[] = "0123456789ABCDEF";
  return std::string("0x") + k_digits[byte >> 4] + k_digits[byte & 15];
}

}  // namespace

bool has_ending(const std::string &path, const endings &wanted) {
  std::string ending = fs::path(path).extension().string();
  for (char &c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return std::find(wanted.begin(), wanted.end(), ending) != wanted.end();
}

assay_json::value parsed(const std::string &text, const std::string &place) {
  try {
    return assay_json::parse(text);
  } catch (const assay_json::number_too_large &problem) {
    throw io_problem(place + ": " + problem.what());
  } catch (const std::runtime_error &problem) {
    throw io_problem(place + " is not JSON: " + problem.what());
  }
}

bool is_folder(const std::string &path) {
  std::error_code problem;
  const fs::file_status status = fs::status(path, problem);
  if (!fs::exists(status)) throw io_problem(path + ": there is no such file or folder");
  return fs::is_directory(status);
}

std::vector<std::string> files_of(const std::string &path, const endings &wanted) {
  if (!is_folder(path)) return {path};
  std::vector<std::string> found;
  std::error_code problem;
  for (const auto &entry : fs::directory_iterator(path, problem))
    if (entry.is_regular_file() && has_ending(entry.path().string(), wanted))
      found.push_back(entry.path().string());
  std::sort(found.begin(), found.end());
  if (found.empty()) throw io_problem(path + ": the folder holds no " + wanted.front() + " files");
  return found;
}

std::string check_files(assay_cpp::host host, const std::vector<std::string> &paths) {
  struct state {
    utf8_check check;
    uint64_t bytes = 0;
  };
  std::map<std::string, state> states;
  std::string hash =
      assay_cpp::hash_files(host, paths, [&](const std::string &path, std::string_view bytes) {
        auto &[check, size] = states[path];
        if (!check.feed(bytes))
          throw io_problem(path + ": byte " + std::to_string(check.character_start_bytes()) +
                           " (line " + std::to_string(check.line()) +
                           ") is not UTF-8: " + hexadecimal(check.first_byte()));
        size += bytes.size();
      });
  for (const std::string &path : paths) {
    const auto &[check, size] = states[path];
    if (!check.complete())
      throw io_problem(path + ": ends in the middle of a UTF-8 character at byte " +
                       std::to_string(size));
    if (size == 0) throw io_problem(path + ": is empty");
  }
  return hash;
}

std::ifstream open_file(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw io_problem(path + ": cannot be read: " + std::strerror(errno));
  return stream;
}

provenance provenance::of(const assay_json::value &config) {
  provenance out{config.string("path"), config.string("license"), config.string("source")};
  if (out.path.empty()) throw config_problem("'path' must name a file or folder");
  return out;
}

void provenance::tell(assay_dataset_info &out) const {
  out.license = license.empty() ? nullptr : license.c_str();
  out.source = source.empty() ? path.c_str() : source.c_str();
}

void common_fields::add(const assay_json::value &record) {
  if (!any_)
    for (const auto &[name, member] : record.members)
      fields_.emplace_back(name, assay_json::name_of(member.kind));
  any_ = true;
  const auto differs = [&](const auto &field) {
    const assay_json::value *member = record.find(field.first);
    return member == nullptr || field.second != assay_json::name_of(member->kind);
  };
  fields_.erase(std::remove_if(fields_.begin(), fields_.end(), differs), fields_.end());
}

std::string common_fields::json() const {
  std::string out;
  for (const auto &[name, type] : fields_)
    out += (out.empty() ? "{" : ",") + assay_json::quoted(name) + ":\"" + type + "\"";
  return out + (out.empty() ? "{}" : "}");
}

}  // namespace text_dataset
