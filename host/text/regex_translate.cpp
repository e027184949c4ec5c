// Translates a regular expression from Oniguruma's syntax to PCRE2's in one pass from left to
// right. Groups, quantifiers and most escapes mean the same and are copied; what differs is
// rewritten or refused.
#include <cstdio>

#include "core/error.hpp"
#include "text/regex_pattern.hpp"
#include "unicode/unicode_ranges.hpp"

namespace assay::text {
namespace {

// The characters with and without Unicode's property White_Space, as members of a class [...].
constexpr std::string_view k_spaces =
    "\\t-\\r\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}"
    "\\x{3000}";
constexpr std::string_view k_non_spaces =
    "\\x00-\\x08\\x0e-\\x1f\\x21-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}"
    "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}"
    "\\x{3001}-\\x{10ffff}";

[[noreturn]] void refuse(std::string_view pattern, const std::string &construct) {
  throw error(error_kind::failed, "regular expression uses " + construct +
                                      ", which is not supported: " + std::string(pattern));
}

// The characters of a Unicode category that PCRE2 10.42 does not know, because they were assigned
// after its version of Unicode, 14.
struct category {
  const char *name;
  const uint32_t *newer;  // pairs: code points to skip, then code points in the run
  const size_t *count;    // how many numbers are in `newer`
};
#define ASSAY_CATEGORY(name, runs) \
  { name, ranges::runs, &ranges::runs##_count }
const category k_categories[] = {
    ASSAY_CATEGORY("Lu", k_newer_lu), ASSAY_CATEGORY("Ll", k_newer_ll),
    ASSAY_CATEGORY("Lm", k_newer_lm), ASSAY_CATEGORY("Lo", k_newer_lo),
    ASSAY_CATEGORY("Mn", k_newer_mn), ASSAY_CATEGORY("Mc", k_newer_mc),
    ASSAY_CATEGORY("Nd", k_newer_nd), ASSAY_CATEGORY("No", k_newer_no)};
#undef ASSAY_CATEGORY

// Returns the newer characters of all categories whose name begins with `property`, as members of a
// class. The property "L" covers Lu, Ll, Lm and Lo.
std::string newer_characters(std::string_view property) {
  std::string out;
  for (const category &c : k_categories) {
    if (std::string_view(c.name).substr(0, property.size()) != property) continue;
    size_t at = 0;
    for (size_t i = 0; i + 1 < *c.count; i += 2) {
      at += c.newer[i];
      char text[32];
      std::snprintf(text, sizeof text, "\\x{%zx}-\\x{%zx}", at, at + c.newer[i + 1] - 1);
      out += text;
      at += c.newer[i + 1];
    }
  }
  return out;
}

class translator {
 public:
  explicit translator(std::string_view pattern) : in_(pattern) {}

  std::string run() {
    while (at_ < in_.size()) {
      const char c = in_[at_];
      if (c == '\\')
        escape();
      else if (in_class_)
        class_character(c);
      else if (c == '[')
        open_class();
      else if (c == '(' && in_.substr(at_).starts_with("(?"))
        group();
      else
        copy(1);
    }
    if (in_class_) refuse(in_, "a character class without its end");
    return std::move(out_);
  }

 private:
  void copy(size_t n) {
    out_ += in_.substr(at_, n);
    at_ += n;
  }

  void open_class() {
    in_class_ = true;
    copy(1);
    if (at_ < in_.size() && in_[at_] == '^') copy(1);
    if (at_ < in_.size() && in_[at_] == ']') refuse(in_, "']' as the first member of a class");
  }

  void class_character(char c) {
    if (c == '[') {
      if (in_.substr(at_).starts_with("[:")) refuse(in_, "a POSIX class [:...:]");
      refuse(in_, "a class inside a class");
    }
    if (in_.substr(at_).starts_with("&&")) refuse(in_, "an intersection of classes");
    if (c == ']') in_class_ = false;
    copy(1);
  }

  // Copies the groups (?i: (?: (?! (?= (?<! (?<= (?> and (?i), which mean the same in both. Refuses
  // others, such as (?m, which is a different flag in Oniguruma.
  void group() {
    size_t end = at_ + 2;
    if (end < in_.size() && std::string_view(":=!><").find(in_[end]) != std::string_view::npos)
      return copy(3);
    while (end < in_.size() && (in_[end] == 'i' || in_[end] == '-')) ++end;
    if (end < in_.size() && (in_[end] == ':' || in_[end] == ')')) return copy(end + 1 - at_);
    refuse(in_, "the group '" + std::string(in_.substr(at_, 4)) + "...'");
  }

  void escape() {
    if (at_ + 1 >= in_.size()) refuse(in_, "a lone backslash at its end");
    const char c = in_[at_ + 1];
    if (c == 's' || c == 'S') return space(c == 'S');
    if (c == 'p' || c == 'P') return property(c == 'P');
    if (c == 'u') return code_point();
    const bool same = c == 'd' || c == 'D' || c == 'n' || c == 'r' || c == 't' || c == 'f' ||
                      c == 'x' || c == 'A' || c == 'z' || !(isalnum(static_cast<unsigned char>(c)));
    if (!same) refuse(in_, std::string("the escape '\\") + c + "'");
    if (c == 'd' || c == 'D') return digit(c == 'D');
    copy(2);
  }

  void space(bool negated) {
    at_ += 2;
    if (in_class_)
      out_ += negated ? k_non_spaces : k_spaces;
    else
      out_ += std::string(negated ? "[^" : "[") + std::string(k_spaces) + "]";
  }

  void digit(bool negated) {
    at_ += 2;
    emit_property("Nd", negated);
  }

  void property(bool negated) {
    size_t end = at_ + 3;
    std::string name;
    if (at_ + 2 < in_.size() && in_[at_ + 2] == '{') {
      end = in_.find('}', at_);
      if (end == std::string_view::npos) refuse(in_, "a property without its '}'");
      name = in_.substr(at_ + 3, end - at_ - 3);
      ++end;
    } else if (at_ + 2 < in_.size()) {
      refuse(in_, "a property without braces");
    }
    at_ = end;
    if (name.starts_with("^")) {
      negated = !negated;
      name.erase(0, 1);
    }
    emit_property(name, negated);
  }

  void emit_property(const std::string &name, bool negated) {
    const std::string newer = newer_characters(name);
    const std::string member = "\\p{" + name + "}" + newer;
    if (!in_class_)
      out_ += (negated ? "[^" : "[") + member + "]";
    else if (!negated)
      out_ += member;
    else if (newer.empty())
      out_ += "\\P{" + name + "}";
    else
      refuse(in_, "the negated property \\P{" + name + "} inside a class");
  }

  void code_point() {  // \uHHHH
    out_ += "\\x{" + std::string(in_.substr(at_ + 2, 4)) + "}";
    if (at_ + 6 > in_.size()) refuse(in_, "an incomplete \\u escape");
    at_ += 6;
  }

  std::string_view in_;
  size_t at_ = 0;
  bool in_class_ = false;
  std::string out_;
};

}  // namespace

std::string translate_pattern(std::string_view oniguruma) {
  return translator(oniguruma).run();
}

std::string escape_pattern(std::string_view literal) {
  std::string out;
  for (const char c : literal) {
    if (std::string_view("\\^$.|?*+()[]{}-#&~ ").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace assay::text
