// Reading, checking and cutting text into records.
// Not parallel: a pass runs at the speed of the disk and the UTF-8 check.
#include "text_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "assay_json.hpp"
#include "sha256.hpp"
#include "utf8.hpp"

namespace text_dataset {
namespace {

namespace fs = std::filesystem;

bool has_extension(const fs::path &path, std::initializer_list<const char *> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](const char *e) { return path.extension() == e; });
}

bool is_jsonl(const fs::path &path) {
  return has_extension(path, {".jsonl", ".ndjson"});
}

bool is_blank(const std::string &text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string::npos;
}

std::ifstream open_file(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw io_problem(path + ": cannot be read: " + std::strerror(errno));
  return stream;
}

std::string hexadecimal(unsigned char byte) {
  constexpr char k_digits[] = "0123456789ABCDEF";
  return std::string("0x") + k_digits[byte >> 4] + k_digits[byte & 15];
}

std::string text_record(const std::string &text) {
  return "{\"text\":" + assay_json::quoted(text) + "}";
}

}  // namespace

text_source::text_source(config chosen) : config_(std::move(chosen)) {
  find_files();
  check_bytes();
  check_records();
}

void text_source::find_files() {
  std::error_code problem;
  const fs::file_status status = fs::status(config_.path, problem);
  if (!fs::exists(status)) throw io_problem(config_.path + ": there is no such file or folder");
  if (!fs::is_directory(status)) {
    files_ = {config_.path};
    if (config_.format == "auto") config_.format = is_jsonl(config_.path) ? "jsonl" : "text";
    return;
  }
  std::vector<std::string> texts, tables;
  for (const auto &entry : fs::directory_iterator(config_.path, problem)) {
    if (!entry.is_regular_file()) continue;
    if (is_jsonl(entry.path())) tables.push_back(entry.path().string());
    if (has_extension(entry.path(), {".txt", ".md"})) texts.push_back(entry.path().string());
  }
  if (config_.format == "auto" && !texts.empty() && !tables.empty())
    throw config_problem(config_.path +
                         ": holds both .txt and .jsonl files, so 'format' must be text or jsonl");
  if (config_.format == "auto") config_.format = tables.empty() ? "text" : "jsonl";
  files_ = config_.format == "jsonl" ? tables : texts;
  std::sort(files_.begin(), files_.end());
  if (files_.empty())
    throw io_problem(config_.path + ": the folder holds no " +
                     (config_.format == "jsonl" ? ".jsonl" : ".txt") + " files");
}

// One pass over the raw bytes: encoding and identity. The hash covers names only through their order.
void text_source::check_bytes() {
  sha256 hash;
  std::string piece(1 << 20, '\0');
  for (const std::string &path : files_) {
    std::ifstream stream = open_file(path);
    utf8_check check;
    uint64_t size = 0;
    while (stream.read(piece.data(), static_cast<std::streamsize>(piece.size())) ||
           stream.gcount() > 0) {
      const std::string_view bytes(piece.data(), static_cast<size_t>(stream.gcount()));
      if (!check.feed(bytes)) {
        throw io_problem(path + ": byte " + std::to_string(check.character_start_bytes()) +
                         " (line " + std::to_string(check.line()) +
                         ") is not UTF-8: " + hexadecimal(check.first_byte()));
      }
      hash.update(bytes);
      size += bytes.size();
    }
    if (stream.bad()) throw io_problem(path + ": reading stopped at byte " + std::to_string(size));
    if (!check.complete())
      throw io_problem(path + ": ends in the middle of a UTF-8 character at byte " +
                       std::to_string(size));
    if (size == 0) throw io_problem(path + ": is empty");
  }
  content_hash_ = "sha256:" + hash.hex();
}

// One pass over the records, so that a bad one is found before a long run and the count is known.
void text_source::check_records() {
  rewind();
  while (next()) ++count_;
  rewind();
  if (count_ == 0) throw io_problem(config_.path + ": holds no record, only blank lines");
  if (config_.format == "text") {
    fields_json_ = R"({"text":"string"})";
    return;
  }
  for (const auto &[name, type] : common_fields_)
    fields_json_ +=
        (fields_json_.empty() ? "{" : ",") + assay_json::quoted(name) + ":\"" + type + "\"";
  fields_json_ += fields_json_.empty() ? "{}" : "}";
}

void text_source::rewind() {
  stream_ = {};
  next_file_ = 0;
}

bool text_source::open_next_file() {
  if (next_file_ == files_.size()) return false;
  stream_ = open_file(files_[next_file_++]);
  line_number_ = 0;
  return true;
}

std::optional<std::string> text_source::next() {
  if (config_.format == "text" && config_.records == "document") return document();
  while (stream_.is_open() || open_next_file()) {
    auto record = config_.format == "text" && config_.records == "paragraph" ? paragraph() : line();
    if (record) return record;
    stream_ = {};
  }
  return std::nullopt;
}

std::optional<std::string> text_source::document() {
  while (open_next_file()) {
    std::string text{std::istreambuf_iterator<char>(stream_), {}};
    stream_ = {};
    if (text.compare(0, 3, "\xEF\xBB\xBF") == 0) text.erase(0, 3);
    if (!is_blank(text)) return text_record(text);
  }
  return std::nullopt;
}

std::optional<std::string> text_source::paragraph() {
  std::string text, one;
  while (read_line(one)) {
    if (!is_blank(one))
      text += (text.empty() ? "" : "\n") + one;
    else if (!text.empty())
      break;
  }
  return text.empty() ? std::nullopt : std::optional(text_record(text));
}

std::optional<std::string> text_source::line() {
  std::string one;
  while (read_line(one)) {
    if (is_blank(one)) continue;
    return config_.format == "jsonl" ? json_line(one) : text_record(one);
  }
  return std::nullopt;
}

bool text_source::read_line(std::string &out) {
  if (!std::getline(stream_, out)) return false;
  if (line_number_++ == 0 && out.compare(0, 3, "\xEF\xBB\xBF") == 0) out.erase(0, 3);
  if (!out.empty() && out.back() == '\r') out.pop_back();
  return true;
}

std::string text_source::json_line(const std::string &text) {
  const std::string place = files_[next_file_ - 1] + ": line " + std::to_string(line_number_);
  assay_json::value record;
  try {
    record = assay_json::parse(text);
  } catch (const std::runtime_error &problem) {
    throw io_problem(place + " is not JSON: " + problem.what());
  }
  if (record.kind != assay_json::type::object)
    throw io_problem(place + " must be a JSON object, not " + assay_json::name_of(record.kind));
  std::string out = text;
  if (!config_.field.empty()) {
    const assay_json::value *field = record.find(config_.field);
    if (field == nullptr) throw io_problem(place + " has no field '" + config_.field + "'");
    if (field->kind != assay_json::type::string)
      throw io_problem(place + ": the field '" + config_.field + "' must be a string, not " +
                       assay_json::name_of(field->kind));
    if (config_.field != "text") {  // the host reads "text"; the last member of a name wins
      out.erase(out.find_last_of('}'));
      out += ",\"text\":" + assay_json::quoted(field->text) + "}";
      record.members.emplace_back("text", *field);
    }
  }
  if (count_ == 0) {
    common_fields_.clear();
    for (const auto &[name, member] : record.members)
      common_fields_.emplace_back(name, assay_json::name_of(member.kind));
  }
  const auto differs = [&](const auto &field) {
    const assay_json::value *member = record.find(field.first);
    return member == nullptr || field.second != assay_json::name_of(member->kind);
  };
  common_fields_.erase(std::remove_if(common_fields_.begin(), common_fields_.end(), differs),
                       common_fields_.end());
  return out;
}

}  // namespace text_dataset
