// Tests the signs of broken text (loops, repetition, compression): they agree with published examples, and ordinary
// prose has none. The thresholds of the detectors are in Lua and tested there.
#include "catch.hpp"

#include <cmath>
#include <fstream>
#include <iterator>

#include "signals/repetition.hpp"
#include "signals/text_signals.hpp"

using namespace assay::signals;

namespace {

std::vector<int32_t> as_tokens(const std::string &text) {
  return {text.begin(), text.end()};
}

std::string repeated(const std::string &piece, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += piece;
  return out;
}

std::string prose() {
  std::ifstream file(std::string(ASSAY_SOURCE_DIR) + "/scripts/studies/data/persuasion.txt");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.substr(0, 20000);
}

}  // namespace

TEST_CASE("find_suffix_period finds loops at the end of a text, and none in prose",
          "[text_signals]") {
  CHECK(find_suffix_period(as_tokens(std::string(64, '!'))).period == 1);
  const suffix_period abc = find_suffix_period(as_tokens(repeated("abc", 40)));
  CHECK(abc.period == 3);
  CHECK(abc.repeats == 40);
  CHECK(find_suffix_period(as_tokens("A start, then " + repeated("the river is ", 6))).period ==
        13);
  CHECK(find_suffix_period(as_tokens(prose())).period == 0);
  CHECK(find_suffix_period(as_tokens("!!!!!!!!")).period == 0);  // 8 repeats are too few
  CHECK(find_suffix_period({}).period == 0);
}

TEST_CASE("n-gram repetition is the share of n-grams seen before", "[text_signals]") {
  CHECK(ngram_repetition(as_tokens("abcdefgh"), 4) == 0.0);
  CHECK(ngram_repetition(as_tokens("aaaaaaaa"), 4) == Approx(0.8));
  CHECK(ngram_repetition(as_tokens("abc"), 4) == 0.0);
}

TEST_CASE("count_tokens finds the commonest token and the shares of tokens", "[text_signals]") {
  const token_shares shares = count_tokens(as_tokens("aaab"));
  CHECK(shares.top == Approx(0.75));
  CHECK(shares.top_token == 'a');
  CHECK(shares.distinct == Approx(0.5));
  CHECK(shares.entropy == Approx(-0.75 * std::log(0.75) - 0.25 * std::log(0.25)));
}

TEST_CASE("loops are compressed much more than prose", "[text_signals]") {
  const compression loop = compression_ratios(std::string(1000, '!'));
  CHECK(loop.whole == Approx(59).margin(3));
  CHECK(loop.largest_window > 4.0);
  const compression text = compression_ratios(prose());
  CHECK(text.whole > 2.0);           // so a limit of 2.4 for whole texts would be near prose
  CHECK(text.largest_window < 2.5);  // windows of prose stay far below their limit of 4
  CHECK(compression_ratios("").whole == 0.0);
}

// Rules of the paper on the model Gopher (Rae et al. 2021), which filter repetitive texts out of training data.
TEST_CASE("the Gopher rules fire on repetition and not on prose", "[text_signals]") {
  CHECK(gopher_violations(prose()).empty());
  CHECK(gopher_violations(repeated("the same line again and again\n", 30)).size() >= 5);
  CHECK(gopher_violations(repeated("the same line again and again\n", 5))
            .empty());  // under 100 words
}

TEST_CASE("a segment counts as repeated only if it has at least twenty bytes", "[text_signals]") {
  CHECK(most_repeated_segment(repeated("The answer is forty-two. ", 5)) == 5);
  CHECK(most_repeated_segment(repeated("Short one. ", 5)) == 0);
  CHECK(most_repeated_segment(prose()) <= 2);
}

TEST_CASE("letters are counted by script", "[text_signals]") {
  using list = std::vector<std::pair<std::string, int64_t>>;
  CHECK(letters_by_script("na\xC3\xAFve caf\xC3\xA9 42!") == list{{"latin", 9}});
  CHECK(letters_by_script("abc \xE4\xBD\xA0\xE5\xA5\xBD \xD0\x9F\xD1\x80") ==
        list{{"cyrillic", 2}, {"han", 2}, {"latin", 3}});
}

TEST_CASE("replacement characters are counted, and so are bytes that are not UTF-8",
          "[text_signals]") {
  CHECK(count_replacement_characters("fine \xE2\x80\x94 text") == 0);
  CHECK(count_replacement_characters("one \xEF\xBF\xBD and \xE2\x80") == 3);
}

TEST_CASE("an echo of the prompt and the likeness of two texts are measured", "[text_signals]") {
  CHECK(longest_common_substring("What is the capital?", "I ask: what is the capital?") == 19);
  CHECK(longest_common_substring("abc", "xyz") == 0);
  CHECK(rouge_l(as_tokens("abcd"), as_tokens("abcd")) == 1.0);
  CHECK(rouge_l(as_tokens("abcd"), as_tokens("acxx")) == Approx(0.5));
  CHECK(rouge_l({}, {}) == 1.0);
  CHECK(first_divergence(as_tokens("abcd"), as_tokens("abxd")) == 2);
  CHECK(first_divergence(as_tokens("ab"), as_tokens("abc")) == 2);
  CHECK(first_divergence(as_tokens("ab"), as_tokens("ab")) == -1);
}
