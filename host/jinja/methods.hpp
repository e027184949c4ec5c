// The tables of methods, by type.
// Not for use elsewhere; call_method in jinja_builtins.hpp searches them.
#pragma once

#include <span>

#include "jinja/builtins.hpp"

namespace assay::text::jinja {

struct method {
  const char *name;
  // null: Python has it, this interpreter or the reference's sandbox has not
  value (*run)(machine &, const value &, const call_arguments &);
};

std::span<const method> str_methods();  // static

}  // namespace assay::text::jinja
