// Implements the split patterns of GPT-2, Qwen2 and Llama-3 by hand. Each branch implements one
// alternative of a pattern, which its comment cites. regex_pattern runs all other patterns.
#include "text/fast_split.hpp"

#include "unicode/unicode.hpp"

namespace assay::text {

const std::string_view k_gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string_view k_qwen2_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view k_llama3_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

constexpr uint8_t k_any = k_letter | k_number | k_space;

// The end of the text, and tables with the class bits (letter, number, space) of each character.
struct cursor {
  const class_table &table;
  const uint8_t *ascii;
  const char *end;

  // Returns the class bits of the character at p, and sets n_bytes to its length.
  uint8_t classes(const char *p, uint32_t &n_bytes) const {
    const auto b = static_cast<uint8_t>(*p);
    if (b < 0x80) {
      n_bytes = 1;
      return ascii[b];
    }
    const decoded_char c = decode_valid(p);
    n_bytes = c.n_bytes;
    return table[c.code_point];
  }

  // Returns the end of the run of characters from p on that have a bit of `mask`, or, if `wanted` is
  // false, that have none.
  const char *run(const char *p, uint8_t mask, bool wanted) const {
    uint32_t n;
    while (p < end && ((classes(p, n) & mask) != 0) == wanted) p += n;
    return p;
  }
};

bool is_newline(char c) {
  return c == '\r' || c == '\n';
}

// Returns the length in bytes of the letters s, t, re, ve, m, ll or d at p, just after an
// apostrophe; 0 if there are none.
size_t contraction(const char *p, const char *end, bool any_case) {
  if (p >= end) return 0;
  const auto letter = [&](char c) {
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  };
  // U+017F, the long s, equals s if case is ignored.
  if (any_case && end - p >= 2 && p[0] == '\xC5' && p[1] == '\xBF') return 2;
  const char first = letter(*p);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 1;
  if (end - p < 2) return 0;
  const char second = letter(p[1]);
  const bool two = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
                   (first == 'l' && second == 'l');
  return two ? 2 : 0;
}

// \s+(?!\S)|\s+ : returns the end of the white space [p, stop). If text follows and there are
// several spaces, the last one is left for the next piece.
const char *leave_last_space(const char *p, const char *stop, const char *end) {
  if (stop == end) return stop;
  const char *last = stop - decode_before(stop).n_bytes;
  return last > p ? last : stop;
}

const char *gpt2_end(const cursor &c, const char *p) {
  if (*p == '\'') {  // 's|'t|'re|'ve|'m|'ll|'d
    if (const size_t n = contraction(p + 1, c.end, false)) return p + 1 + n;
  }
  uint32_t n, n_next;
  const char *body = p;
  uint8_t bits = c.classes(p, n);
  if (*p == ' ' && p + 1 < c.end) {  // the optional space of the next three alternatives
    const uint8_t next = c.classes(p + 1, n_next);
    if (!(next & k_space)) {
      body = p + 1;
      bits = next;
      n = n_next;
    }
  }
  if (bits & k_letter) return c.run(body + n, k_letter, true);  //  ?\p{L}+
  if (bits & k_number) return c.run(body + n, k_number, true);  //  ?\p{N}+
  if (!(bits & k_space)) return c.run(body + n, k_any, false);  //  ?[^\s\p{L}\p{N}]+
  return leave_last_space(p, c.run(p + n, k_space, true), c.end);
}

const char *qwen_llama_end(const cursor &c, const char *p, int max_digits) {
  if (*p == '\'') {  // (?i:'s|'t|'re|'ve|'m|'ll|'d)
    if (const size_t n = contraction(p + 1, c.end, true)) return p + 1 + n;
  }
  uint32_t n, n_next = 0;
  const uint8_t bits = c.classes(p, n);
  if (bits & k_letter) return c.run(p + n, k_letter, true);  // \p{L}+
  if (bits & k_number) {                                     // \p{N} or \p{N}{1,3}
    const char *stop = p + n;
    for (int i = 1; i < max_digits && stop < c.end && (c.classes(stop, n_next) & k_number); ++i)
      stop += n_next;
    return stop;
  }
  const uint8_t next = p + n < c.end ? c.classes(p + n, n_next) : k_any;
  if (p + n < c.end && !is_newline(*p) && (next & k_letter))  // [^\r\n\p{L}\p{N}]\p{L}+
    return c.run(p + n + n_next, k_letter, true);
  const bool space_first = *p == ' ' && !(next & k_any);
  if (space_first || !(bits & k_space)) {  //  ?[^\s\p{L}\p{N}]+[\r\n]*
    const char *stop = c.run(p + n, k_any, false);
    while (stop < c.end && is_newline(*stop)) ++stop;
    return stop;
  }
  const char *stop = p, *after_newline = nullptr;
  while (stop < c.end && (c.classes(stop, n) & k_space)) {
    if (is_newline(*stop)) after_newline = stop + 1;
    stop += n;
  }
  if (after_newline) return after_newline;  // \s*[\r\n]+ : up to the last line end of the run
  return leave_last_space(p, stop, c.end);
}

}  // namespace

std::optional<known_pattern> recognise_pattern(std::string_view pattern) {
  if (pattern == k_gpt2_pattern) return known_pattern::gpt2;
  if (pattern == k_qwen2_pattern) return known_pattern::qwen2;
  if (pattern == k_llama3_pattern) return known_pattern::llama3;
  return std::nullopt;
}

const char *match_end(known_pattern pattern, const char *at, const char *end) {
  const class_table &table = class_table::instance();
  const cursor c{table, table.ascii(), end};
  switch (pattern) {
    case known_pattern::gpt2:
      return gpt2_end(c, at);
    case known_pattern::qwen2:
      return qwen_llama_end(c, at, 1);
    case known_pattern::llama3:
      return qwen_llama_end(c, at, 3);
  }
  return end;
}

}  // namespace assay::text
