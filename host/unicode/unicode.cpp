// Builds the table of character classes from the runs in unicode_ranges.cpp, and checks and writes UTF-8.
#include "unicode/unicode.hpp"

#include <cstring>
#include <map>
#include <vector>

#include "core/error.hpp"
#include "unicode/unicode_ranges.hpp"

namespace assay::text {
namespace {

// Sets `bits` for the characters of the runs: runs[i] is the gap before a run, runs[i + 1] its length.
void mark_runs(std::vector<uint8_t> &flat, const uint32_t *runs, size_t count, uint8_t bits) {
  size_t at = 0;
  for (size_t i = 0; i + 1 < count; i += 2) {
    at += runs[i];
    for (uint32_t k = 0; k < runs[i + 1]; ++k) flat[at++] |= bits;
  }
}

bool is_continuation(unsigned char b) {
  return (b & 0xC0) == 0x80;
}

// The allowed values of the second byte after the first byte `lead` (Unicode, table 3-7). low > high if no character of several bytes
// begins with `lead`.
struct second_range {
  unsigned char low, high;
  unsigned length;  // bytes of the whole character
};
second_range second_of(unsigned char lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return {0x80, 0xBF, 2};
  if (lead == 0xE0) return {0xA0, 0xBF, 3};
  if (lead == 0xED) return {0x80, 0x9F, 3};
  if (lead >= 0xE1 && lead <= 0xEF) return {0x80, 0xBF, 3};
  if (lead == 0xF0) return {0x90, 0xBF, 4};
  if (lead == 0xF4) return {0x80, 0x8F, 4};
  if (lead >= 0xF1 && lead <= 0xF3) return {0x80, 0xBF, 4};
  return {1, 0, 1};
}

}  // namespace

const class_table &class_table::instance() {
  static const class_table table;
  return table;
}

class_table::class_table() {
  std::vector<uint8_t> flat(0x110000, 0);
  mark_runs(flat, ranges::k_letter, ranges::k_letter_count, text::k_letter | k_word);
  mark_runs(flat, ranges::k_number, ranges::k_number_count, text::k_number | k_numeric);
  mark_runs(flat, ranges::k_mark, ranges::k_mark_count, text::k_mark | k_word);
  mark_runs(flat, ranges::k_space, ranges::k_space_count, text::k_space);
  mark_runs(flat, ranges::k_numeric_extra, ranges::k_numeric_extra_count, k_numeric);
  mark_runs(flat, ranges::k_punctuation, ranges::k_punctuation_count, text::k_punctuation);
  mark_runs(flat, ranges::k_word_extra, ranges::k_word_extra_count, k_word);
  mark_runs(flat, ranges::k_nfc_active, ranges::k_nfc_active_count, text::k_nfc_active);
  std::map<std::basic_string<uint8_t>, uint16_t> seen;
  for (size_t block = 0; block < 0x1100; ++block) {
    const std::basic_string<uint8_t> content(&flat[block * 256], 256);
    const auto [it, is_new] = seen.try_emplace(content, static_cast<uint16_t>(seen.size()));
    if (is_new) blocks_ += content;
    index_[block] = it->second;
  }
}

void append_utf8(std::string &out, char32_t cp) {
  const auto put = [&](char32_t b) { out.push_back(static_cast<char>(b)); };
  if (cp < 0x80) {
    put(cp);
  } else if (cp < 0x800) {
    put(0xC0 | cp >> 6), put(0x80 | (cp & 63));
  } else if (cp < 0x10000) {
    put(0xE0 | cp >> 12), put(0x80 | (cp >> 6 & 63)), put(0x80 | (cp & 63));
  } else {
    put(0xF0 | cp >> 18), put(0x80 | (cp >> 12 & 63)), put(0x80 | (cp >> 6 & 63));
    put(0x80 | (cp & 63));
  }
}

utf8_check check_utf8(std::string_view bytes) {
  const auto b = reinterpret_cast<const unsigned char *>(bytes.data());
  const size_t n = bytes.size();
  size_t i = 0;
  while (i < n) {
    if (b[i] < 0x80) {  // skips ASCII, eight bytes at a time
      uint64_t word;
      while (i + 8 <= n && (std::memcpy(&word, b + i, 8), (word & 0x8080808080808080u) == 0))
        i += 8;
      while (i < n && b[i] < 0x80) ++i;
      continue;
    }
    const second_range range = second_of(b[i]);
    if (range.low > range.high) return {i, 1, false};
    if (i + 1 == n) return {i, 1, true};
    if (b[i + 1] < range.low || b[i + 1] > range.high) return {i, 1, false};
    for (unsigned k = 2; k < range.length; ++k) {
      if (i + k == n) return {i, k, true};
      if (!is_continuation(b[i + k])) return {i, k, false};
    }
    i += range.length;
  }
  return {n, 0, false};
}

void require_utf8(std::string_view text, const char *what) {
  const utf8_check check = check_utf8(text);
  if (check.bad_bytes == 0) return;
  throw error(error_kind::failed, std::string(what) + " is not UTF-8: bad byte at offset " +
                                      std::to_string(check.valid_bytes))
      .hint("convert it first, for example with iconv -f LATIN1 -t UTF-8");
}

void append_lossy(std::string &out, std::string_view bytes) {
  while (!bytes.empty()) {
    const utf8_check check = check_utf8(bytes);
    out.append(bytes.substr(0, check.valid_bytes));
    if (check.bad_bytes == 0) return;
    out.append("\xEF\xBF\xBD");
    bytes.remove_prefix(check.valid_bytes + check.bad_bytes);
  }
}

}  // namespace assay::text
