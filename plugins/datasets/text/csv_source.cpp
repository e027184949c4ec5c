// Reads CSV by RFC 4180, with either end of line (\n or \r\n). A quoted cell may hold delimiters and
// line ends; a quote inside it is written twice.
#include "csv_source.hpp"

#include <algorithm>
#include <filesystem>

namespace text_dataset {
namespace {

constexpr int k_end = std::char_traits<char>::eof();

}  // namespace

csv_source::csv_source(assay_cpp::host host, const char *config_json) {
  const assay_json::value config = assay_json::parse(config_json);
  about_ = provenance::of(config);
  const std::string &delimiter = config.string("delimiter");
  if (delimiter.size() != 1 || delimiter == "\"" || delimiter == "\n" || delimiter == "\r")
    throw config_problem(
        "'delimiter' must be one character that is neither a quote nor a line end");
  delimiter_ = delimiter[0];
  header_ = config.boolean("header");
  file_field_ = config.string("file_field");
  if (const assay_json::value *columns = config.find("columns"))
    for (const assay_json::value &name : columns->items) names_.push_back(name.text);
  if (!header_ && names_.empty())
    throw config_problem("'columns' must name the columns of a file without a header");
  files_ = files_of(about_.path, delimiter_ == '\t' ? endings{".tsv", ".csv"} : endings{".csv"});
  content_hash_ = check_files(host, files_);
  for (std::string record; next(record);) ++count_;
  rewind();
  if (count_ == 0) throw io_problem(about_.path + ": holds no row");
  for (const std::string &name : names_)
    fields_json_ += (fields_json_.empty() ? "{" : ",") + assay_json::quoted(name) + ":\"string\"";
  if (!file_field_.empty()) fields_json_ += "," + assay_json::quoted(file_field_) + ":\"string\"";
  fields_json_ += "}";
}

void csv_source::info(assay_dataset_info &out) const {
  out.count = count_;
  out.fields_json = fields_json_.c_str();
  out.content_hash = content_hash_.c_str();
  about_.tell(out);
}

void csv_source::rewind() {
  stream_ = {};
  next_file_ = 0;
}

void csv_source::refuse(uint64_t line, const std::string &what) const {
  throw io_problem(files_[next_file_ - 1] + ": line " + std::to_string(line) + " " + what);
}

// pandas writes the numbers of the rows as a first column without a name. This names it "index", or "column 1" if another
// column is called "index".
void csv_source::name_index(std::vector<std::string> &names) {
  if (names.size() < 2 || !names[0].empty()) return;
  names[0] = std::count(names.begin(), names.end(), "index") == 0 ? "index" : "column 1";
}

// Opens the next file, skips a byte-order mark and reads the header. Returns false if there is no file left.
bool csv_source::open_next_file() {
  if (next_file_ == files_.size()) return false;
  stream_ = open_file(files_[next_file_++]);
  line_ = 1;
  char mark[3] = {};
  stream_.read(mark, 3);
  stream_.clear();
  if (std::string(mark, 3) != "\xEF\xBB\xBF") stream_.seekg(0);
  if (!header_) return true;
  if (!read_row()) refuse(1, "should be the header");
  name_index(cells_);
  if (names_.empty()) names_ = cells_;
  if (names_ != cells_ && next_file_ > 1) refuse(1, "names other columns than " + files_.front());
  if (names_ != cells_) refuse(1, "names other columns than 'columns'");
  for (size_t i = 0; i < names_.size(); ++i)
    if (names_[i].empty() || std::count(names_.begin(), names_.end(), names_[i]) > 1)
      refuse(1, names_[i].empty() ? "has a column without a name"
                                  : "names the column '" + names_[i] + "' twice");
  return true;
}

// Reads a quoted cell whose opening quote was just read, and the delimiter or line end after its closing quote. Returns true if
// the cell was the last of its row.
bool csv_source::quoted_cell(std::string &cell) {
  std::streambuf &in = *stream_.rdbuf();
  for (int c = in.sbumpc(); c != k_end; c = in.sbumpc()) {
    if (c == '\n') ++line_;
    if (c != '"') {
      cell += static_cast<char>(c);
      continue;
    }
    const int after = in.sbumpc();
    if (after == '"') {
      cell += '"';
      continue;
    }
    if (after == delimiter_) return false;
    if (after == '\r' && in.sgetc() == '\n') in.sbumpc();
    if (after != '\r' && after != '\n' && after != k_end)
      refuse(line_, "has text behind a closing quote");
    ++line_;
    return true;
  }
  refuse(row_line_, "opens a quote that is never closed");
}

bool csv_source::read_row() {
  std::streambuf &in = *stream_.rdbuf();
  while (in.sgetc() == '\n' || in.sgetc() == '\r') line_ += in.sbumpc() == '\n' ? 1 : 0;
  if (in.sgetc() == k_end) return false;
  cells_.clear();
  row_line_ = line_;
  std::string cell;
  for (bool ended = false; !ended;) {
    cell.clear();
    const bool quoted = in.sgetc() == '"';
    if (quoted) {
      in.sbumpc();
      ended = quoted_cell(cell);
    } else {
      int c = in.sbumpc();
      for (; c != k_end && c != '\n' && c != delimiter_; c = in.sbumpc())
        cell += static_cast<char>(c);
      ended = c != delimiter_;
      if (ended && !cell.empty() && cell.back() == '\r') cell.pop_back();
      line_ += c == '\n' ? 1 : 0;
    }
    if (cell.find('\r') != std::string::npos && !quoted)
      refuse(row_line_,
             "has a carriage return without a line feed; if all its lines end so, convert it: tr "
             "'\\r' '\\n' < FILE > NEW");
    cells_.push_back(cell);
  }
  return true;
}

bool csv_source::next(std::string &record_json) {
  while (true) {
    if (!stream_.is_open() && !open_next_file()) return false;
    if (read_row()) break;
    stream_ = {};
  }
  if (cells_.size() != names_.size())
    refuse(row_line_,
           "has " + std::to_string(cells_.size()) + " cells, not " + std::to_string(names_.size()));
  record_json = "{";
  for (size_t i = 0; i < names_.size(); ++i)
    record_json +=
        (i > 0 ? "," : "") + assay_json::quoted(names_[i]) + ":" + assay_json::quoted(cells_[i]);
  if (!file_field_.empty())
    record_json +=
        "," + assay_json::quoted(file_field_) + ":" +
        assay_json::quoted(std::filesystem::path(files_[next_file_ - 1]).stem().string());
  record_json += "}";
  return true;
}

}  // namespace text_dataset
