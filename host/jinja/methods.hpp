// Declares the entries of the method tables, and the table of text methods. Only methods.cpp and
// methods_str.cpp use them; other code calls call_method (jinja/builtins.hpp), which searches the tables.
#pragma once

#include <span>

#include "jinja/builtins.hpp"

namespace assay::text::jinja {

struct method {
  const char *name;
  // null: Python has the method, but this interpreter lacks it, or the sandbox of Jinja2 forbids it
  value (*run)(machine &, const value &, const call_arguments &);
};

std::span<const method> str_methods();  // in static memory

}  // namespace assay::text::jinja
