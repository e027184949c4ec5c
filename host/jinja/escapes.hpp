// Replaces the escapes in a template's string literals, such as \n and \u00e9. They are Python's
// escapes, which differ from those of JSON.
#pragma once

#include <string>
#include <string_view>

namespace assay::text::jinja {

// literal: the text between the quotes. An unknown escape such as \q stays as it is written. Throws
// error(failed), with the line, for an incomplete escape, a code point that is no character (a surrogate
// or a number above 0x10FFFF), or \N{name}, which is not supported.
std::string unescape(std::string_view literal, int line);

}  // namespace assay::text::jinja
