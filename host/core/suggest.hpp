// "Did you mean": the candidate nearest to a mistyped word.
// Used by the command line, by configuration schemas and by Lua option tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay {

// Edit distance with transpositions of neighbours (optimal string alignment).
int edit_distance(std::string_view a, std::string_view b);

// The candidate that `word` was probably meant to be, or "" if none is near enough
// (at most a third of the word's length in edits, or one is the beginning of the other).
std::string closest(std::string_view word, const std::vector<std::string> &candidates);

// "Did you mean 'group'?" or "Known: a, b, c" (first 12), or "" without candidates.
std::string suggestion(std::string_view word, const std::vector<std::string> &candidates);

}  // namespace assay
