// Escapes of Python string literals.
// Not those of JSON.
#pragma once

#include <string>
#include <string_view>

namespace assay::text::jinja {

// The text between the quotes, escapes replaced. An unknown escape stays as it is written. Throws
// error(failed) at the line for an incomplete one, a lone surrogate, or \N{name}.
std::string unescape(std::string_view literal, int line);

}  // namespace assay::text::jinja
