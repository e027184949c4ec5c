// The filters, one function each; the table is in jinja_filters.cpp.
// Not for calling from elsewhere; find_filter gives them.
#pragma once

#include <algorithm>

#include "jinja/builtins.hpp"
#include "jinja/machine.hpp"

namespace assay::text::jinja::filters {

using filter_body = value(machine &, const value &, const call_arguments &);

// texts and numbers: jinja_filters_text.cpp
filter_body upper_filter, lower_filter, capitalize, title, trim, string, replace, indent, truncate,
    wordcount, escape, safe, format, tojson, integer, real, abs_filter, round;

// choosing and mapping items by tests, filters and attributes: jinja_filters_select.cpp
filter_body map, select, reject, selectattr, rejectattr, sort, unique, minimum, maximum, sum, join,
    dictsort;

// "a.b.0" of an item, as the `attribute` of filters means it.
value path_of(machine &m, const value &item, const value &path);

}  // namespace assay::text::jinja::filters
