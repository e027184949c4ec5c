// Declares the filters of filters_text.cpp and filters_select.cpp, one function each, for the table in
// filters.cpp. Code outside the filters gets them from find_filter (jinja/builtins.hpp).
#pragma once

#include <algorithm>

#include "jinja/builtins.hpp"
#include "jinja/machine.hpp"

namespace assay::text::jinja::filters {

using filter_body = value(machine &, const value &, const call_arguments &);

// texts and numbers: jinja/filters_text.cpp
filter_body upper_filter, lower_filter, capitalize, title, trim, string, replace, indent, truncate,
    wordcount, escape, safe, format, tojson, integer, real, abs_filter, round;

// choosing and mapping items by tests, filters and attributes: jinja/filters_select.cpp
filter_body map, select, reject, selectattr, rejectattr, sort, unique, minimum, maximum, sum, join,
    dictsort;

// Returns what a path such as "a.b.0" names in an item: item.a.b[0]. Filters take such a path as their
// argument `attribute`. A path that is a number is an index. The result is undefined if only the last
// part is missing; a missing part before it throws.
value path_of(machine &m, const value &item, const value &path);

}  // namespace assay::text::jinja::filters
