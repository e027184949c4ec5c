// Cuts a template into tokens by the rules of Jinja2, Python's template library: which white space a
// tag removes, brackets that must match, escapes in strings. Line statements (a line that is a tag,
// marked by its first character) are not supported, because no chat template has them.
#include "jinja/lexer.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "jinja/escapes.hpp"
#include "unicode/unicode.hpp"

namespace assay::text::jinja {
namespace {

// Returns whether the character at i is white space for Python's str; n_bytes becomes its length.
bool is_space_at(std::string_view s, size_t i, size_t &n_bytes) {
  const decoded_char c = decode_valid(s.data() + i);
  n_bytes = c.n_bytes;
  // Unicode's White_Space and the four separators U+001C to U+001F
  return (char_classes(c.code_point) & k_space) || (c.code_point >= 0x1C && c.code_point <= 0x1F);
}

// Returns whether the character at i can be in a name; n_bytes becomes its length.
bool is_name_char(std::string_view s, size_t i, size_t &n_bytes) {
  const decoded_char c = decode_valid(s.data() + i);
  n_bytes = c.n_bytes;
  return c.code_point == '_' || (char_classes(c.code_point) & (k_letter | k_number | k_mark));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Turns every line end into \n. One line end at the very end is dropped, as Jinja2 does by default
// (keep_trailing_newline = false).
std::string normalize_lines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class lexer {
 public:
  explicit lexer(std::string_view source) : text_(normalize_lines(source)), in_(text_) {}

  std::vector<token> run() {
    while (at_ < in_.size()) {
      const size_t tag = find_tag(at_);
      if (tag == std::string_view::npos) {
        emit_data(in_.substr(at_));
        at_ = in_.size();
        break;
      }
      open_tag(tag);
    }
    tokens_.push_back({token_kind::end, line_, ""});
    return std::move(tokens_);
  }

 private:
  // Returns the place of the next {{, {% or {#; npos if there is none.
  size_t find_tag(size_t from) const {
    for (size_t i = in_.find('{', from); i != std::string_view::npos; i = in_.find('{', i + 1))
      if (i + 1 < in_.size() && (in_[i + 1] == '{' || in_[i + 1] == '%' || in_[i + 1] == '#'))
        return i;
    return std::string_view::npos;
  }

  void emit_data(std::string_view data) {
    if (!data.empty()) tokens_.push_back({token_kind::data, line_, std::string(data)});
  }

  // Moves to `to` and counts the lines on the way.
  void advance(size_t to) {
    line_ += static_cast<int>(std::count(in_.begin() + static_cast<ptrdiff_t>(at_),
                                         in_.begin() + static_cast<ptrdiff_t>(to), '\n'));
    at_ = to;
  }

  // Returns the text before a tag, without the white space that the tag removes. `sign` follows the
  // tag's {{, {% or {#: '-' removes all white space before the tag, '+' none. Without a sign, {% and
  // {# remove the blanks before them if only blanks precede them on their line (lstrip_blocks).
  std::string_view before_tag(std::string_view data, char sign, bool is_variable) const {
    if (sign == '-') return strip_right(data);
    if (sign == '+' || is_variable) return data;
    const size_t newline = data.rfind('\n');
    if (newline == std::string_view::npos && !line_starting_) return data;
    const size_t start = newline == std::string_view::npos ? 0 : newline + 1;
    return strip_right(data.substr(start)).empty() ? data.substr(0, start) : data;
  }

  static std::string_view strip_right(std::string_view s) {
    while (!s.empty()) {
      const decoded_char c = decode_before(s.data() + s.size());
      size_t n;
      if (!is_space_at(s, s.size() - c.n_bytes, n)) break;
      s.remove_suffix(c.n_bytes);
    }
    return s;
  }

  size_t skip_spaces(size_t i) const {
    size_t n;
    while (i < in_.size() && is_space_at(in_, i, n)) i += n;
    return i;
  }

  char sign_at(size_t i) const {
    return i < in_.size() && (in_[i] == '-' || in_[i] == '+') ? in_[i] : '\0';
  }

  void open_tag(size_t tag) {
    const char type = in_[tag + 1];
    const char sign = sign_at(tag + 2);
    const std::string_view data = in_.substr(at_, tag - at_);
    const size_t inner = tag + 2 + (sign ? 1 : 0);
    emit_data(before_tag(data, sign, type == '{'));
    advance(inner);
    if (type == '#') return comment();
    if (type == '%' && raw_block()) return;
    const bool is_block = type == '%';
    tokens_.push_back({is_block ? token_kind::block_begin : token_kind::variable_begin, line_, ""});
    inside_tag(is_block);
  }

  // Returns npos if the tag's end (`end`, "%}" for example) is not at i. Otherwise returns the place
  // after the end and after the white space that the end removes. "-%}" removes all white space,
  // "+%}" none, and "%}" one line end if trims_newline is set (trim_blocks).
  size_t tag_end(size_t i, std::string_view end, bool trims_newline, bool plus_allowed) const {
    const std::string_view rest = in_.substr(i);
    if (plus_allowed && rest.starts_with("+") && rest.substr(1).starts_with(end))
      return i + 1 + end.size();
    if (rest.starts_with("-") && rest.substr(1).starts_with(end))
      return skip_spaces(i + 1 + end.size());
    if (!rest.starts_with(end)) return std::string_view::npos;
    const size_t after = i + end.size();
    return trims_newline && after < in_.size() && in_[after] == '\n' ? after + 1 : after;
  }

  void finish_tag(size_t to) {
    line_starting_ = to > 0 && in_[to - 1] == '\n';
    advance(to);
  }

  void comment() {
    for (size_t i = at_; i < in_.size(); ++i) {
      const size_t end = tag_end(i, "#}", true, true);
      if (end != std::string_view::npos) return finish_tag(end);
    }
    fail_at(line_, "a comment {# without its end #}");
  }

  // Reads {% raw %} ... {% endraw %}; the text between the two is data. Returns false, and reads
  // nothing, if this is another tag.
  bool raw_block() {
    size_t i = skip_spaces(at_);
    if (!in_.substr(i).starts_with("raw")) return false;
    i = skip_spaces(i + 3);
    const size_t body = tag_end(i, "%}", false, false);
    if (body == std::string_view::npos) return false;
    finish_tag(body);
    for (size_t tag = in_.find("{%", body); tag != std::string_view::npos;
         tag = in_.find("{%", tag + 1)) {
      const char sign = sign_at(tag + 2);
      size_t k = skip_spaces(tag + 2 + (sign ? 1 : 0));
      if (!in_.substr(k).starts_with("endraw")) continue;
      const size_t end = tag_end(skip_spaces(k + 6), "%}", true, true);
      if (end == std::string_view::npos) continue;
      emit_data(before_tag(in_.substr(body, tag - body), sign, false));
      finish_tag(end);
      return true;
    }
    fail_at(line_, "{% raw %} without its {% endraw %}");
  }

  // Reads the tokens of a tag and its end. "}}" ends a tag only where no bracket is open. In
  // {{ {'a': {}} }} the first "}}" therefore closes two brackets.
  void inside_tag(bool is_block) {
    std::vector<char> open;  // for each open bracket, the one that closes it
    const int first_line = line_;
    while (at_ < in_.size()) {
      if (open.empty()) {
        const size_t end = tag_end(at_, is_block ? "%}" : "}}", is_block, is_block);
        if (end != std::string_view::npos) {
          tokens_.push_back(
              {is_block ? token_kind::block_end : token_kind::variable_end, line_, ""});
          return finish_tag(end);
        }
      }
      const size_t after_spaces = skip_spaces(at_);
      if (after_spaces != at_) {
        advance(after_spaces);
        continue;
      }
      if (number() || name() || string()) continue;
      sign(open);
    }
    fail_at(first_line, is_block ? "a tag {% without its end %}" : "a tag {{ without its end }}");
  }

  // Returns where the digits at i end; single underscores between digits belong to them.
  size_t digits(size_t i) const {
    if (i >= in_.size() || !is_digit(in_[i])) return i;
    while (i < in_.size() &&
           (is_digit(in_[i]) || (in_[i] == '_' && i + 1 < in_.size() && is_digit(in_[i + 1]))))
      ++i;
    return i;
  }

  // Each of the next three functions reads one token at the current place; it returns false if there is none of its
  // kind. A number is digits, then perhaps a fraction, then perhaps an exponent.
  bool number() {
    if (!is_digit(in_[at_])) return false;
    size_t end = digits(at_);
    bool is_real = false;
    const bool after_dot = at_ > 0 && in_[at_ - 1] == '.';  // x.0.1 is x[0][1]: 0.1 is no number
    if (!after_dot) {
      size_t fraction = end;
      if (end < in_.size() && in_[end] == '.') fraction = digits(end + 1);
      const bool has_fraction = fraction > end + 1;
      const size_t mantissa = has_fraction ? fraction : end;
      size_t exponent = mantissa;
      if (mantissa < in_.size() && (in_[mantissa] == 'e' || in_[mantissa] == 'E')) {
        size_t d = mantissa + 1;
        if (d < in_.size() && (in_[d] == '+' || in_[d] == '-')) ++d;
        if (digits(d) > d) exponent = digits(d);
      }
      is_real = has_fraction || exponent > mantissa;
      if (is_real) end = exponent;
    }
    if (!is_real && in_[at_] == '0' && at_ + 1 < in_.size() &&
        std::string_view("xXoObB").find(in_[at_ + 1]) != std::string_view::npos)
      fail_at(line_, "a number that is not decimal, which is not supported");
    std::string text(in_.substr(at_, end - at_));
    std::erase(text, '_');
    tokens_.push_back({is_real ? token_kind::real : token_kind::integer, line_, std::move(text)});
    at_ = end;
    return true;
  }

  bool name() {
    size_t end = at_, n;
    while (end < in_.size() && is_name_char(in_, end, n)) end += n;
    if (end == at_) return false;
    tokens_.push_back({token_kind::name, line_, std::string(in_.substr(at_, end - at_))});
    at_ = end;
    return true;
  }

  bool string() {
    const char quote = in_[at_];
    if (quote != '\'' && quote != '"') return false;
    size_t end = at_ + 1;
    while (end < in_.size() && in_[end] != quote) end += in_[end] == '\\' ? 2 : 1;
    if (end >= in_.size()) fail_at(line_, "a string without its closing quote");
    std::string text = unescape(in_.substr(at_ + 1, end - at_ - 1), line_);
    tokens_.push_back({token_kind::string, line_, std::move(text)});
    advance(end + 1);
    return true;
  }

  // Reads one operator or bracket. Throws error(failed) for any other character.
  void sign(std::vector<char> &open) {
    static constexpr std::string_view k_two[] = {"//", "**", "==", "!=", ">=", "<="};
    static constexpr std::string_view k_one = "+-/*%~[](){}><=.:|,;";
    std::string_view text = in_.substr(at_, 2);
    if (std::find(std::begin(k_two), std::end(k_two), text) == std::end(k_two)) {
      text = in_.substr(at_, 1);
      if (k_one.find(text[0]) == std::string_view::npos)
        fail_at(line_, "unexpected character '" +
                           std::string(in_.substr(at_, decode_valid(in_.data() + at_).n_bytes)) +
                           "'");
      balance(text[0], open);
    }
    tokens_.push_back({token_kind::sign, line_, std::string(text)});
    at_ += text.size();
  }

  // Keeps `open` up to date. Throws error(failed) for a closing bracket that does not match.
  void balance(char c, std::vector<char> &open) const {
    if (c == '(') open.push_back(')');
    if (c == '[') open.push_back(']');
    if (c == '{') open.push_back('}');
    if (c != ')' && c != ']' && c != '}') return;
    if (open.empty() || open.back() != c) fail_at(line_, std::string("unexpected '") + c + "'");
    open.pop_back();
  }

  std::string text_;
  std::string_view in_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;  // true if the text after the last tag begins at a line's start
  std::vector<token> tokens_;
};

}  // namespace

void fail_at(int line, const std::string &message) {
  throw error(error_kind::failed, message).at("chat template line " + std::to_string(line));
}

std::vector<token> tokenize(std::string_view source) {
  require_utf8(source, "the chat template");
  return lexer(source).run();
}

}  // namespace assay::text::jinja
