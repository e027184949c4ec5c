// Computes the signs of damage of text_signals.hpp: how well a text compresses, which scripts its letters belong to, and how much it
// has in common with another text. It does not identify the language of a text.
#include "signals/text_signals.hpp"

#include <zlib.h>

#include <algorithm>
#include <map>

namespace assay::signals {
namespace {

// Returns the bytes of the piece divided by its bytes after zlib. `buffer` is scratch memory.
double ratio(std::string_view piece, std::vector<Bytef> &buffer) {
  uLongf size = compressBound(static_cast<uLong>(piece.size()));
  buffer.resize(size);
  compress2(buffer.data(), &size, reinterpret_cast<const Bytef *>(piece.data()),
            static_cast<uLong>(piece.size()), 6);
  return static_cast<double>(piece.size()) / static_cast<double>(size);
}

// Decodes the character at `place` and moves `place` behind it. If the bytes there do not have the form of a UTF-8 character, it
// returns -1 and moves `place` by one byte. It does not refuse surrogates, or 3 or 4 bytes for a character that needs fewer.
int32_t next_character(std::string_view text, size_t &place) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(place);
  const size_t length = first < 0x80   ? 1
                        : first < 0xC2 ? 0
                        : first < 0xE0 ? 2
                        : first < 0xF0 ? 3
                        : first < 0xF5 ? 4
                                       : 0;
  if (length == 0 || place + length > text.size()) {
    ++place;
    return -1;
  }
  int32_t code = static_cast<int32_t>(length == 1 ? first : first & (0xFFU >> (length + 1)));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(place + i) & 0xC0) != 0x80) {
      ++place;
      return -1;
    }
    code = code << 6 | (byte(place + i) & 0x3F);
  }
  place += length;
  return code;
}

struct script_range {
  int32_t first, last;
  const char *name;
};

// Ranges of code points that count as letters of a script. Code points outside these ranges do not
// count as letters.
constexpr script_range k_scripts[] = {
    {'A', 'Z', "latin"},        {'a', 'z', "latin"},        {0xC0, 0xD6, "latin"},
    {0xD8, 0xF6, "latin"},      {0xF8, 0x24F, "latin"},     {0x370, 0x3FF, "greek"},
    {0x400, 0x52F, "cyrillic"}, {0x530, 0x58F, "other"},    {0x5D0, 0x5EA, "hebrew"},
    {0x620, 0x64A, "arabic"},   {0x66E, 0x6D3, "arabic"},   {0x900, 0x97F, "devanagari"},
    {0x980, 0xDFF, "other"},    {0xE00, 0xE7F, "thai"},     {0xE80, 0x10FF, "other"},
    {0x1100, 0x11FF, "hangul"}, {0x1200, 0x1CFF, "other"},  {0x1E00, 0x1EFF, "latin"},
    {0x1F00, 0x1FFF, "greek"},  {0x3041, 0x30FF, "kana"},   {0x3130, 0x318F, "hangul"},
    {0x3400, 0x4DBF, "han"},    {0x4E00, 0x9FFF, "han"},    {0xAC00, 0xD7A3, "hangul"},
    {0xF900, 0xFAFF, "han"},    {0xFB1D, 0xFB4F, "hebrew"}, {0xFB50, 0xFDFF, "arabic"},
    {0xFE70, 0xFEFC, "arabic"}, {0x20000, 0x2FA1F, "han"},
};

}  // namespace

compression compression_ratios(std::string_view text) {
  constexpr size_t k_window_bytes = 512;
  compression out;
  if (text.empty()) return out;
  std::vector<Bytef> buffer;
  out.whole = ratio(text, buffer);
  out.largest_window = text.size() <= k_window_bytes ? out.whole : 0.0;
  for (size_t start = 0; start + k_window_bytes <= text.size(); start += k_window_bytes / 2)
    out.largest_window =
        std::max(out.largest_window, ratio(text.substr(start, k_window_bytes), buffer));
  return out;
}

std::vector<std::pair<std::string, int64_t>> letters_by_script(std::string_view text) {
  std::map<std::string, int64_t> counts;
  for (size_t place = 0; place < text.size();) {
    const int32_t code = next_character(text, place);
    for (const auto &range : k_scripts)
      if (code >= range.first && code <= range.last) {
        ++counts[range.name];
        break;
      }
  }
  return {counts.begin(), counts.end()};
}

int64_t count_replacement_characters(std::string_view text) {
  int64_t count = 0;
  for (size_t place = 0; place < text.size();) {
    const int32_t code = next_character(text, place);
    count += code == -1 || code == 0xFFFD ? 1 : 0;
  }
  return count;
}

// current[j + 1] is the length of the longest piece that ends both at the present byte of a and at byte j of b.
// `previous` has these lengths for the preceding byte of a.
int64_t longest_common_substring(std::string_view a, std::string_view b) {
  std::vector<int32_t> previous(b.size() + 1, 0);
  std::vector<int32_t> current(b.size() + 1, 0);
  int32_t best = 0;
  for (const char c : a) {
    for (size_t j = 0; j < b.size(); ++j) {
      current[j + 1] = c == b[j] ? previous[j] + 1 : 0;
      best = std::max(best, current[j + 1]);
    }
    std::swap(previous, current);
  }
  return best;
}

// current[j + 1] is the length of the longest common subsequence of a up to the present token and b up to token j.
double rouge_l(std::span<const int32_t> a, std::span<const int32_t> b) {
  if (a.empty() && b.empty()) return 1.0;
  std::vector<int32_t> previous(b.size() + 1, 0);
  std::vector<int32_t> current(b.size() + 1, 0);
  for (const int32_t token : a) {
    for (size_t j = 0; j < b.size(); ++j)
      current[j + 1] = token == b[j] ? previous[j] + 1 : std::max(previous[j + 1], current[j]);
    std::swap(previous, current);
  }
  return 2.0 * previous[b.size()] / static_cast<double>(a.size() + b.size());
}

int64_t first_divergence(std::span<const int32_t> a, std::span<const int32_t> b) {
  const auto place = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (place.first == a.end() && place.second == b.end()) return -1;
  return place.first - a.begin();
}

}  // namespace assay::signals
