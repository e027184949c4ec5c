// "Did you mean": finds the known word that is nearest to a mistyped one.
// The command line, the schemas of configurations and the option tables of Lua use it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay {

// The number of edits that turn `a` into `b`: insert, delete or change one byte, or swap two neighbours (this distance is known
// as optimal string alignment).
int edit_distance(std::string_view a, std::string_view b);

// The candidate that `word` was probably meant to be, or "" if none is near enough. A candidate is near enough if its distance is at
// most a third of the word's length (at most 1 for short words), or if one word of 3 bytes or more is the beginning of the other.
std::string closest(std::string_view word, const std::vector<std::string> &candidates);

// A hint for a message: "Did you mean 'group'?" if a candidate is near enough, else "Known: a, b, c" with the first 12
// candidates. The hint is "" if there are no candidates.
std::string suggestion(std::string_view word, const std::vector<std::string> &candidates);

}  // namespace assay
