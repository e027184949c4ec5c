// Reads tokenizer.json with a SAX parser, which calls a function for each value, so that vocabulary
// and merges go into their tables at once. It does not check what the other values mean.
#include "text/tokenizer_file.hpp"

#include "core/error.hpp"

namespace assay::text {
namespace {

constexpr size_t k_max_depth = 64;
constexpr size_t k_max_keys = 10'000;  // of one object outside the vocabulary; look-ups are linear

// Splits a merge of the older form, "a b". Returns false unless there is exactly one space.
bool split_merge(std::string_view line, std::string_view &left, std::string_view &right) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
    return false;
  left = line.substr(0, space);
  right = line.substr(space + 1);
  return true;
}

// Receives the events of nlohmann's JSON parser. It puts model.vocab and model.merges into their
// tables and all other values into `head`. With only_vocab, the whole text is a vocabulary.
class reader {
 public:
  reader(tokenizer_file &file, const std::string &where, bool only_vocab)
      : file_(file), where_(where), only_vocab_(only_vocab) {}

  bool null() { return value(json(nullptr)); }
  bool boolean(bool v) { return value(json(v)); }
  bool number_integer(json::number_integer_t v) { return number(json(v), v); }
  bool number_unsigned(json::number_unsigned_t v) {
    return number(json(v), v > uint64_t{1} << 40 ? -1 : static_cast<int64_t>(v));
  }
  bool number_float(json::number_float_t v, const std::string &) { return value(json(v)); }
  bool binary(json::binary_t &) { return false; }

  bool string(std::string &v) {
    if (mode_ == mode::merges) return merge(v);
    if (mode_ == mode::pair) {
      pair_.push_back(v);
      return true;
    }
    return value(json(std::move(v)));
  }

  bool start_object(size_t) {
    if (mode_ == mode::skip) return ++skip_depth_, true;
    if (mode_ != mode::tree) fail("a token's value is not a number");
    if (only_vocab_ ? stack_.empty() : at_model("vocab")) {
      mode_ = mode::vocab;
      return true;
    }
    return open(json::object());
  }

  bool key(std::string &k) {
    if (mode_ == mode::vocab || !stack_.empty()) key_ = std::move(k);
    return true;
  }

  bool end_object() {
    if (mode_ == mode::vocab) return mode_ = mode::tree, true;
    return close();
  }

  bool start_array(size_t) {
    if (mode_ == mode::skip) return ++skip_depth_, true;
    if (mode_ == mode::merges) {
      pair_.clear();
      mode_ = mode::pair;
      return true;
    }
    if (mode_ != mode::tree) fail("a list where a token or its id is expected");
    if (at_model("merges")) return mode_ = mode::merges, true;
    if (at_model("vocab")) {
      file_.vocab_is_list = true;
      mode_ = mode::skip;
      skip_depth_ = 1;
      return true;
    }
    return open(json::array());
  }

  bool end_array() {
    if (mode_ == mode::pair) {
      if (pair_.size() != 2) fail("a merge is not a pair of two texts");
      file_.merges.add(pair_[0], pair_[1]);
      mode_ = mode::merges;
      return true;
    }
    if (mode_ == mode::merges) return mode_ = mode::tree, true;
    return close();
  }

  bool parse_error(size_t, const std::string &, const nlohmann::json::exception &e) {
    throw error(error_kind::failed, "not valid JSON").at(where_).cause(e.what());
  }

 private:
  enum class mode { tree, vocab, merges, pair, skip };  // where the next value goes

  [[noreturn]] void fail(const std::string &message) const {
    throw error(error_kind::failed, message).at(where_);
  }

  bool at_model(const char *name) const {
    return stack_.size() == 2 && stack_[0]->is_object() && path_ == "model" && key_ == name &&
           stack_[1]->is_object();
  }

  bool number(json v, int64_t id) {
    if (mode_ != mode::vocab) return value(std::move(v));
    if (id < 0 || id > token_table::k_max_id)
      fail("token '" + key_ + "' has the id " + v.dump() + ", outside 0 ... 16777215");
    file_.vocab.add(key_, static_cast<int32_t>(id));
    return true;
  }

  bool merge(std::string_view line) {
    std::string_view left, right;
    if (!split_merge(line, left, right))
      fail("merge '" + std::string(line) + "' is not two tokens separated by one space");
    file_.merges.add(left, right);
    return true;
  }

  bool value(json v) {
    if (mode_ == mode::skip) return true;
    if (mode_ == mode::vocab) fail("token '" + key_ + "' has no number as its id");
    if (mode_ != mode::tree) fail("a merge is not a text or a pair of texts");
    place(std::move(v));
    return true;
  }

  json *place(json v) {
    if (stack_.empty()) return file_.head = std::move(v), &file_.head;
    json &parent = *stack_.back();
    if (parent.is_array()) return parent.push_back(std::move(v)), &parent.back();
    if (parent.size() >= k_max_keys) fail("an object with more than 10000 keys");
    return &(parent[key_] = std::move(v));
  }

  bool open(json v) {
    if (stack_.size() >= k_max_depth) fail("nested deeper than 64 levels");
    if (stack_.size() == 1 && stack_[0]->is_object()) path_ = key_;
    stack_.push_back(place(std::move(v)));
    return true;
  }

  bool close() {
    if (mode_ == mode::skip) {
      if (--skip_depth_ == 0) mode_ = mode::tree;
      return true;
    }
    stack_.pop_back();
    return true;
  }

  tokenizer_file &file_;
  const std::string &where_;
  bool only_vocab_;
  mode mode_ = mode::tree;
  std::vector<json *> stack_;  // open containers; pointers stay valid, as only the innermost grows
  std::string key_, path_;     // the last key; the key of the top-level object that is open
  std::vector<std::string> pair_;
  size_t skip_depth_ = 0;
};

}  // namespace

void merge_list::add(std::string_view left, std::string_view right) {
  spans_.push_back(
      {arena_.size(), static_cast<uint32_t>(left.size()), static_cast<uint32_t>(right.size())});
  arena_.append(left).append(right);
}

std::pair<std::string_view, std::string_view> merge_list::operator[](size_t rank) const {
  const span &s = spans_[rank];
  const std::string_view both(arena_.data() + s.offset, size_t{s.left} + s.right);
  return {both.substr(0, s.left), both.substr(s.left)};
}

namespace {

// Refuses a NUL byte, because the parser takes it for the end of the text and ignores the rest.
void refuse_nul(std::string_view text, const std::string &where) {
  if (text.find('\0') != std::string_view::npos)
    throw error(error_kind::failed, "not valid JSON: it holds a NUL byte").at(where);
}

}  // namespace

tokenizer_file read_tokenizer_json(std::string_view text, const std::string &where) {
  refuse_nul(text, where);
  tokenizer_file file;
  reader events(file, where, false);
  json::sax_parse(text.begin(), text.end(), &events);
  if (!file.head.is_object())
    throw error(error_kind::failed, "a tokenizer.json is an object, this is not one").at(where);
  return file;
}

void read_vocab_json(std::string_view text, const std::string &where, token_table &vocab) {
  refuse_nul(text, where);
  tokenizer_file file;
  reader events(file, where, true);
  json::sax_parse(text.begin(), text.end(), &events);
  if (!file.head.is_null())
    throw error(error_kind::failed, "a vocab.json is an object of token ids").at(where);
  vocab = std::move(file.vocab);
}

void read_merges_txt(std::string_view text, const std::string &where, merge_list &merges) {
  size_t line_number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++line_number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.starts_with("#version") || line.empty()) continue;
    std::string_view left, right;
    if (!split_merge(line, left, right))
      throw error(error_kind::failed, "not two tokens separated by one space")
          .at(where + ":" + std::to_string(line_number));
    merges.add(left, right);
  }
}

}  // namespace assay::text
