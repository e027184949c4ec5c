// Signs of damage in a generated text beside repetition: compressibility, scripts, lost characters, echo of the prompt,
// and likeness to the reference's text. Not a judgement, see scripts/assay/detectors.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace assay::signals {

// Bytes over zlib bytes (level 6): the whole text, and the largest over windows of 512 bytes with half overlap, since
// ordinary long prose compresses as well as a short loop. Both 0 for an empty text.
struct compression {
  double whole = 0.0;
  double largest_window = 0.0;
};
compression compression_ratios(std::string_view text);

// Letters by script, those that occur: "latin", "cyrillic", "greek", "han", "kana", "hangul", "arabic", "hebrew",
// "devanagari", "thai", "other". Bytes that are no UTF-8 are skipped.
std::vector<std::pair<std::string, int64_t>> letters_by_script(std::string_view text);

int64_t count_replacement_characters(std::string_view text);  // U+FFFD and bytes that are no UTF-8

// Length in bytes of the longest piece that both texts contain.
int64_t longest_common_substring(std::string_view a, std::string_view b);

// ROUGE-L F1 over tokens: longest common subsequence against both lengths. 1 for two empty texts.
double rouge_l(std::span<const int32_t> a, std::span<const int32_t> b);

// First position where two sequences differ, or -1 if they are equal.
int64_t first_divergence(std::span<const int32_t> a, std::span<const int32_t> b);

}  // namespace assay::signals
