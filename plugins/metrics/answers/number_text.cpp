// Writes what can be written in several ways (minus signs, spaces, LaTeX commands) in one way, so that the search for numbers
// has few cases.
#include "python_text.hpp"
#include "written_number.hpp"

namespace answers {
namespace {

constexpr char32_t k_thin_space = 0x2009;

struct replacement {
  std::u32string_view from, to;
};

// If one `from` begins with another one, the longer one must come first.
constexpr replacement k_replacements[] = {
    {U"\\$", U"$"},          {U"\\%", U"%"},          {U"\\!", U""},
    {U"\\,", U"\u2009"},     {U"\\;", U"\u2009"},     {U"\\:", U"\u2009"},
    {U"\\ ", U"\u2009"},     {U"~", U"\u2009"},       {U"{,}", U","},
    {U"\\left", U""},        {U"\\right", U""},       {U"\\dfrac", U"\\frac"},
    {U"\\tfrac", U"\\frac"}, {U"\\cfrac", U"\\frac"}, {U"\\times", U"\u00D7"},
    {U"\\cdot", U"\u00D7"},  {U"\u22C5", U"\u00D7"},  {U"\u00B7", U"\u00D7"},
    {U"\u2212", U"-"},       {U"\u2013", U"-"},       {U"\u2010", U"-"},
    {U"\u2011", U"-"},       {U"\uFE63", U"-"},       {U"\uFF0D", U"-"},
    {U"\u2044", U"/"},       {U"\u2215", U"/"},       {U"\uFF0F", U"/"},
    {U"\uFF05", U"%"},       {U"\uFF0B", U"+"},       {U"\uFF1D", U"="},
    {U"\uFF0C", U","},       {U"\uFF0E", U"."},       {U"\uFF04", U"$"},
    {U"\u200B", U""},        {U"\u200E", U""},        {U"\u200F", U""},
    {U"\u2060", U""},        {U"\uFEFF", U""},        {U"\u00AD", U""}};

constexpr std::u32string_view k_superscripts =
    U"\u2070\u00B9\u00B2\u00B3\u2074\u2075\u2076\u2077\u2078\u2079";

bool is_letter(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Whether the text before `end` is a whole LaTeX command, not only the first part of one: "\left" is not "\leftarrow".
bool whole_command(std::u32string_view text, size_t end) {
  return !is_letter(text[end - 1]) || end == text.size() || !is_letter(text[end]);
}

const replacement *replacement_at(std::u32string_view text, size_t place) {
  for (const replacement &one : k_replacements)
    if (text.substr(place, one.from.size()) == one.from &&
        (one.from.front() != U'\\' || whole_command(text, place + one.from.size())))
      return &one;
  return nullptr;
}

bool is_exponent_part(char32_t c) {
  return k_superscripts.find(c) != std::u32string_view::npos || c == 0x207B;  // superscript minus
}

// Appends a run of superscript characters as "^{-3}". Returns the end of the run.
size_t append_superscripts(std::u32string &out, std::u32string_view text, size_t place) {
  out += U"^{";
  for (; place < text.size() && is_exponent_part(text[place]); ++place) {
    const size_t digit = k_superscripts.find(text[place]);
    out += digit == std::u32string_view::npos ? U'-' : static_cast<char32_t>(U'0' + digit);
  }
  out += U'}';
  return place;
}

}  // namespace

std::u32string plain_number_text(std::string_view utf8) {
  const std::u32string text = decoded(utf8);
  std::u32string out;
  out.reserve(text.size());
  for (size_t place = 0; place < text.size();) {
    const char32_t c = text[place];
    if (const replacement *other = replacement_at(text, place)) {
      out += other->to;
      place += other->from.size();
    } else if (is_exponent_part(c)) {
      place = append_superscripts(out, text, place);
    } else {
      const bool wide_digit = c >= 0xFF10 && c <= 0xFF19;
      const bool fixed_space = c == 0xA0 || c == 0x202F || (c >= 0x2002 && c <= 0x200A);
      out += wide_digit ? c - 0xFF10 + U'0' : fixed_space ? k_thin_space : c;
      ++place;
    }
  }
  return out;
}

}  // namespace answers
