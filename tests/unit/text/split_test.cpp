// Tests that the hand-written functions which split text give the same pieces as the regular expressions that they
// replace. Whole pre-tokenizers are tested in tokenizer_golden_test.cpp.
#include <random>

#include "catch.hpp"
#include "core/error.hpp"
#include "text/fast_split.hpp"
#include "text/regex_pattern.hpp"
#include "unicode/unicode.hpp"

namespace assay::text {
namespace {

// Splits the text by a hand-written function.
std::vector<std::string> pieces(known_pattern pattern, const std::string &text) {
  std::vector<std::string> out;
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    const char *stop = match_end(pattern, at, end);
    out.emplace_back(at, stop);
    at = stop;
  }
  return out;
}

// Splits the text by a regular expression: its matches, and what lies between them.
std::vector<std::string> pieces(const regex_pattern &pattern, const std::string &text) {
  std::vector<std::string> out;
  size_t done = 0;
  pattern.for_each(text, [&](size_t begin, size_t end) {
    if (begin > done) out.push_back(text.substr(done, begin - done));
    out.push_back(text.substr(begin, end - begin));
    done = end;
  });
  if (done < text.size()) out.push_back(text.substr(done));
  return out;
}

std::string random_text(std::minstd_rand &rng) {
  static const std::vector<std::string> k_parts = {
      " ",          "  ",         "\n",     "\r\n",    "\t",           "a",
      "Zz",         "1",          "42",     "'",       "'s",           "'LL",
      "'\u017f",    "!",          "--",     "\u00e9",  "\u65e5\u672c", "\u0663",
      "\u00bd",     "\u00a0",     "\u3000", "\u2028",  "\u0085",       "\u180e",
      "e\u0301",    "\U0001F600", "\u212a", "'\u212a", "\u0939\u093f", "\u1c89",
      "\U00016d6b", "\x1c",       "_"};
  std::string text;
  const auto below = [&](uint32_t n) { return static_cast<uint32_t>(rng() % n); };
  for (uint32_t n = below(14); n > 0; --n) {
    if (below(8) == 0) {
      const char32_t cp = below(0x110000);
      append_utf8(text, cp >= 0xD800 && cp < 0xE000 ? U'x' : cp);
    } else {
      text += k_parts[below(static_cast<uint32_t>(k_parts.size()))];
    }
  }
  return text;
}

}  // namespace

TEST_CASE("The hand-written functions split 30,000 random texts as PCRE2 does") {
  const std::pair<known_pattern, std::string_view> known[] = {
      {known_pattern::gpt2, k_gpt2_pattern},
      {known_pattern::qwen2, k_qwen2_pattern},
      {known_pattern::llama3, k_llama3_pattern}};
  std::minstd_rand rng(11);
  for (const auto &[pattern, source] : known) {
    const regex_pattern regex(source);
    for (int i = 0; i < 10'000; ++i) {
      const std::string text = random_text(rng);
      if (pieces(pattern, text) != pieces(regex, text)) {
        INFO(text);
        CHECK(pieces(pattern, text) == pieces(regex, text));
      }
    }
  }
  SUCCEED();
}

// The tables of PCRE2 lack the newest characters of Unicode; translate_pattern adds these to the
// classes. From U+3400 to U+2FA1F only every eighth character is tested.
TEST_CASE("Character classes agree with those of PCRE2, for the newest characters too") {
  for (const auto &[property, bits] :
       {std::pair<const char *, int>{"\\p{L}", k_letter}, {"\\p{N}", k_number}, {"\\s", k_space}}) {
    const regex_pattern regex(property);
    int differences = 0;
    for (char32_t cp = 0; cp < 0x110000; cp += 1 + (cp >= 0x3400 && cp < 0x2FA20 ? 7 : 0)) {
      if (cp >= 0xD800 && cp < 0xE000) continue;
      std::string text;
      append_utf8(text, cp);
      bool matches = false;
      regex.for_each(text, [&](size_t, size_t) { matches = true; });
      differences += matches != ((char_classes(cp) & bits) != 0);
    }
    CHECK(differences == 0);
  }
}

TEST_CASE("Patterns are translated from Oniguruma's syntax or refused by name") {
  CHECK(translate_pattern("a|b{1,3}(?=c)(?:d)(?i:e)\\n") == "a|b{1,3}(?=c)(?:d)(?i:e)\\n");
  for (const auto &[pattern, what] :
       {std::pair<const char *, const char *>{"[a[b]]", "a class inside a class"},
        {"[[:alpha:]]", "a POSIX class [:...:]"},
        {"\\h", "the escape '\\h'"},
        {"\\b", "the escape '\\b'"},
        {"\\w+", "the escape '\\w'"},
        {"(?m:.)", "the group '(?m:...'"},
        {"[a", "a character class without its end"},
        {"\\", "a lone backslash at its end"}}) {
    try {
      translate_pattern(pattern);
      FAIL_CHECK(pattern);
    } catch (const error &e) {
      CHECK(e.message() == std::string("regular expression uses ") + what +
                               ", which is not supported: " + pattern);
    }
  }
  CHECK_THROWS_AS(regex_pattern("(a"), error);
}

TEST_CASE("A pattern that backtracks too long ends with an error") {
  const regex_pattern regex("(a|aa)+(?=c|d)");
  CHECK_THROWS_AS(regex.for_each(std::string(60, 'a'), [](size_t, size_t) {}), error);
}

}  // namespace assay::text
