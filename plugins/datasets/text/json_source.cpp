// Goes down through the lists of a JSON document to its records, which are objects or texts. Members of the objects on the
// way are copied into every record below them. If a name comes twice, the innermost member wins.
#include "json_source.hpp"

#include <iterator>

namespace text_dataset {

json_source::json_source(assay_cpp::host host, const char *config_json) {
  const assay_json::value config = assay_json::parse(config_json);
  about_ = provenance::of(config);
  if (const assay_json::value *at = config.find("at"))
    for (const assay_json::value &name : at->items) at_.push_back(name.text);
  files_ = files_of(about_.path, {".json"});
  content_hash_ = check_files(host, files_);
  counting_ = true;
  for (std::string record; next(record);) ++count_;
  counting_ = false;
  rewind();
  if (count_ == 0) throw io_problem(about_.path + ": holds no record");
  fields_json_ = fields_.json();
}

void json_source::info(assay_dataset_info &out) const {
  out.count = count_;
  out.fields_json = fields_json_.c_str();
  out.content_hash = content_hash_.c_str();
  about_.tell(out);
}

void json_source::rewind() {
  levels_.clear();
  document_ = {};
  next_file_ = 0;
}

bool json_source::open_next_file() {
  if (next_file_ == files_.size()) return false;
  const std::string &path = files_[next_file_++];
  std::ifstream stream = open_file(path);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  document_ = parsed(text.compare(0, 3, "\xEF\xBB\xBF") == 0 ? text.substr(3) : text, path);
  list_outside_ = document_.kind == assay_json::type::array;
  if (list_outside_)
    levels_.push_back({nullptr, &document_});
  else
    descend(document_);
  return true;
}

// Continues in the list that `owner` has under the next name of `at`.
void json_source::descend(const assay_json::value &owner) {
  const size_t depth = levels_.size() - (list_outside_ ? 1 : 0);
  if (depth == at_.size())
    throw io_problem(place() + " must be a list of objects; 'at' names the lists on the way to it");
  const assay_json::value *list = owner.find(at_[depth]);
  if (list == nullptr) throw io_problem(place() + " has no member '" + at_[depth] + "'");
  if (list->kind != assay_json::type::array)
    throw io_problem(place() + ": '" + at_[depth] + "' must be a list, not " +
                     assay_json::name_of(list->kind));
  levels_.push_back({&owner, list});
}

std::string json_source::place() const {
  std::string out = files_[next_file_ - 1];
  size_t name = 0;
  for (const level &one : levels_) {
    const std::string step = one.owner == nullptr ? "" : at_[name++];
    const std::string number = one.next == 0 ? "" : "[" + std::to_string(one.next - 1) + "]";
    out += (&one == &levels_.front() ? ": " : ".") + step + number;
  }
  return out;
}

// Returns the record as JSON, with the members of the objects above it.
std::string json_source::record_of(const assay_json::value &innermost) const {
  assay_json::value merged;
  merged.kind = assay_json::type::object;
  const auto put = [&](const std::pair<std::string, assay_json::value> &member) {
    for (auto &[name, old] : merged.members)
      if (name == member.first) {
        old = member.second;
        return;
      }
    merged.members.push_back(member);
  };
  size_t name = 0;
  for (const level &one : levels_) {
    if (one.owner == nullptr) continue;
    for (const auto &member : one.owner->members)
      if (member.first != at_[name]) put(member);
    ++name;
  }
  if (innermost.kind == assay_json::type::string) put({"text", innermost});
  for (const auto &member : innermost.members) put(member);
  std::string out;
  assay_json::write(out, merged);
  return out;
}

bool json_source::next(std::string &record_json) {
  while (!levels_.empty() || open_next_file()) {
    level &last = levels_.back();
    if (last.next == last.list->items.size()) {
      levels_.pop_back();
      continue;
    }
    const assay_json::value &item = last.list->items[last.next++];
    const bool innermost = levels_.size() == at_.size() + (list_outside_ ? 1 : 0);
    const bool text = innermost && item.kind == assay_json::type::string;
    if (item.kind != assay_json::type::object && !text)
      throw io_problem(place() + " must be an object, not " + assay_json::name_of(item.kind));
    if (!innermost) {
      descend(item);
      continue;
    }
    record_json = record_of(item);
    if (counting_) fields_.add(assay_json::parse(record_json));
    return true;
  }
  return false;
}

}  // namespace text_dataset
