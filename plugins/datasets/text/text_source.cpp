// Reads text files and JSON lines, checks them and divides them into records. It uses one thread,
// because records are read one after another, in the order of the files.
#include "text_source.hpp"

namespace text_dataset {
namespace {

const endings k_text = {".txt", ".md", ".raw"}, k_jsonl = {".jsonl", ".ndjson"};

bool is_blank(const std::string &text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string::npos;
}

std::string text_record(const std::string &text) {
  return "{\"text\":" + assay_json::quoted(text) + "}";
}

}  // namespace

text_source::text_source(assay_cpp::host host, const char *config_json)
    : text_source(host, assay_json::parse(config_json), "") {}

text_source::text_source(assay_cpp::host host, const assay_json::value &config,
                         const std::string &format)
    : about_(provenance::of(config)),
      format_(format.empty() ? config.string("format") : format),
      records_(format.empty() ? config.string("records") : ""),
      keep_blank_(format.empty() && config.boolean("keep_blank")),
      field_(config.string("field")) {
  choose_format();
  files_ = files_of(about_.path, format_ == "jsonl" ? k_jsonl : k_text);
  content_hash_ = check_files(host, files_);
  check_records();
}

void text_source::choose_format() {
  const bool folder = is_folder(about_.path);
  if (format_ != "auto") return;
  if (!folder) {
    format_ = has_ending(about_.path, k_jsonl) ? "jsonl" : "text";
    return;
  }
  const auto holds = [this](const endings &wanted) {
    try {
      return !files_of(about_.path, wanted).empty();
    } catch (const assay_cpp::failure &) {
      return false;
    }
  };
  const bool tables = holds(k_jsonl);
  if (tables && holds(k_text))
    throw config_problem(about_.path +
                         ": holds both .txt and .jsonl files, so 'format' must be text or jsonl");
  format_ = tables ? "jsonl" : "text";
}

void text_source::info(assay_dataset_info &out) const {
  out.count = count_;
  out.fields_json = fields_json_.c_str();
  out.content_hash = content_hash_.c_str();
  about_.tell(out);
}

// Reads all records once. So a bad record is found before a long run, and the number of records is known.
void text_source::check_records() {
  counting_ = true;
  for (std::string record; next(record);) ++count_;
  counting_ = false;
  rewind();
  if (count_ == 0) throw io_problem(about_.path + ": holds no record, only blank lines");
  fields_json_ = format_ == "text" ? R"({"text":"string"})" : fields_.json();
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

bool text_source::next(std::string &record_json) {
  std::optional<std::string> record;
  if (format_ == "text" && records_ == "document") {
    record = document();
  } else {
    while (!record && (stream_.is_open() || open_next_file())) {
      record = format_ == "text" && records_ == "paragraph" ? paragraph() : line();
      if (!record) stream_ = {};
    }
  }
  if (record) record_json = std::move(*record);
  return record.has_value();
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
    if (is_blank(one) && !(keep_blank_ && format_ == "text")) continue;
    return format_ == "jsonl" ? json_line(one) : text_record(one);
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
  if (!counting_ && field_.empty()) return text;  // the first pass has checked it
  const std::string place = files_[next_file_ - 1] + ": line " + std::to_string(line_number_);
  assay_json::value record = parsed(text, place);
  if (record.kind != assay_json::type::object)
    throw io_problem(place + " must be a JSON object, not " + assay_json::name_of(record.kind));
  std::string out = text;
  if (!field_.empty()) {
    const assay_json::value *field = record.find(field_);
    if (field == nullptr) throw io_problem(place + " has no field '" + field_ + "'");
    if (field->kind != assay_json::type::string)
      throw io_problem(place + ": the field '" + field_ + "' must be a string, not " +
                       assay_json::name_of(field->kind));
    if (field_ != "text") {  // add it as "text"; of two members "text" the host takes the last
      out.erase(out.find_last_of('}'));
      out += ",\"text\":" + assay_json::quoted(field->text) + "}";
      const assay_json::value copy = *field;
      record.members.emplace_back("text", copy);
    }
  }
  if (counting_) fields_.add(record);
  return out;
}

}  // namespace text_dataset
