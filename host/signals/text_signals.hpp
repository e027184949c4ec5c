// Finds signs of damage in a generated text, other than repetition: how well it compresses, the scripts of its letters,
// lost characters, how much it copies from the prompt, and how similar it is to the text of the unquantized model.
// scripts/assay/detectors decides what these signs mean.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace assay::signals {

// Size of a text divided by its size after zlib (level 6), for the whole text and for windows of 512 bytes that overlap by half. The
// whole text is not enough, because long ordinary prose compresses as well as a text with a short loop. 0 for an empty text.
struct compression {
  double whole = 0.0;           // of the whole text
  double largest_window = 0.0;  // the largest of all windows; `whole` below 512 bytes
};
compression compression_ratios(std::string_view text);

// The number of letters of each script that occurs: "latin", "cyrillic", "greek", "han", "kana", "hangul", "arabic", "hebrew",
// "devanagari", "thai", "other". Bytes that are not UTF-8 do not count.
std::vector<std::pair<std::string, int64_t>> letters_by_script(std::string_view text);

// The number of characters U+FFFD (replacement character) plus the number of bytes that do not have the form of UTF-8
int64_t count_replacement_characters(std::string_view text);

// Length in bytes of the longest piece that both texts contain.
int64_t longest_common_substring(std::string_view a, std::string_view b);

// ROUGE-L F1 of two token sequences: 2 L / (length of a + length of b), where L is the length of the longest subsequence (in order,
// but not necessarily adjacent) that both contain. 1 for two empty sequences.
double rouge_l(std::span<const int32_t> a, std::span<const int32_t> b);

// The first position where two sequences differ; the shorter length if one is the beginning of the other; -1 if they are equal.
int64_t first_divergence(std::span<const int32_t> a, std::span<const int32_t> b);

}  // namespace assay::signals
