// The table of all filters, and the filters that are not in filters_text.cpp or filters_select.cpp, such as
// first, batch and default. Of the filters of Jinja2 (Python's template library), filesizeformat, groupby,
// pprint, random, striptags, urlize, wordwrap and xmlattr are not supported.
#include "jinja/filters.hpp"

#include <cctype>
#include <cstdio>

namespace assay::text::jinja {
namespace filters {
namespace {

value fallback(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'default'", given, {"default_value", "boolean"});
  const bool missing = v.is_undefined() || (p.flag(1, false) && !truth(v));
  return missing ? p.get(0, value::string("")) : v;
}

value length(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'length'", given, {});
  switch (v.type()) {
    case kind::undefined:
      return value::integer(0);
    case kind::string:
      m.work(v.as_text().size());
      return value::integer(static_cast<int64_t>(count_chars(v.as_text())));
    case kind::list:
    case kind::tuple:
      return value::integer(static_cast<int64_t>(v.as_list().items.size()));
    case kind::dict:
      return value::integer(static_cast<int64_t>(v.as_dict().entries.size()));
    default:
      m.fail(std::string("object of type '") + type_name(v) + "' has no len()");
  }
}

value first(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'first'", given, {});
  const std::vector<value> items = m.iterate(v);
  return items.empty() ? value::undefined("the first item of an empty sequence") : items.front();
}

value last(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'last'", given, {});
  if (v.is(kind::generator)) m.fail("'generator' object is not reversible");
  const std::vector<value> items = m.iterate(v);
  return items.empty() ? value::undefined("the last item of an empty sequence") : items.back();
}

value list(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'list'", given, {});
  return m.list(m.iterate(v));
}

value reverse(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'reverse'", given, {});
  std::vector<value> items = m.iterate(v);
  std::reverse(items.begin(), items.end());
  if (!v.is_string()) return m.list(std::move(items), kind::generator);
  std::string out;
  for (const value &c : items) out += c.as_text();
  return m.text(std::move(out));
}

value items(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'items'", given, {});
  std::vector<value> pairs;
  if (v.is_undefined()) return m.list({}, kind::generator);
  if (!v.is(kind::dict)) m.fail("Can only get item pairs from a mapping.");
  for (const auto &[key, item] : v.as_dict().entries)
    pairs.push_back(m.list({key, item}, kind::tuple));
  return m.list(std::move(pairs), kind::generator);
}

value attr(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'attr'", given, {"name"});
  const value name = m.text(p.text(0, ""));
  if (v.is(kind::dict) && !has_method(m, v, name.as_text()))
    return value::undefined(name.as_text());  // `attr` never finds the keys of a dict
  return m.attribute(v, name.as_text());
}

value batch(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'batch'", given, {"linecount", "fill_with"});
  const int64_t size = p.integer(0, 0);
  if (size < 1) m.fail("filter 'batch' needs a size above 0");
  std::vector<value> rows, row;
  for (const value &item : m.iterate(v)) {
    row.push_back(item);
    if (static_cast<int64_t>(row.size()) < size) continue;
    rows.push_back(m.list(std::exchange(row, {})));
  }
  const value fill = p.get(1, value::none());
  if (!row.empty()) {
    if (!fill.is_none()) {
      m.step(static_cast<uint64_t>(size));
      current_budget().take(static_cast<uint64_t>(size) * sizeof(value));
      row.resize(static_cast<size_t>(size), fill);
    }
    rows.push_back(m.list(std::move(row)));
  }
  return m.list(std::move(rows), kind::generator);
}

value slice(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'slice'", given, {"slices", "fill_with"});
  const int64_t slices = p.integer(0, 0);
  if (slices < 1 || slices > 100'000) m.fail("filter 'slice' needs a number from 1 to 100000");
  const std::vector<value> all = m.iterate(v);
  const size_t n = static_cast<size_t>(slices), each = all.size() / n, longer = all.size() % n;
  const value fill = p.get(1, value::none());
  std::vector<value> out;
  size_t at = 0;
  for (size_t i = 0; i < n; ++i) {
    const size_t size = each + (i < longer ? 1 : 0);
    std::vector<value> part(all.begin() + static_cast<ptrdiff_t>(at),
                            all.begin() + static_cast<ptrdiff_t>(at + size));
    at += size;
    if (!fill.is_none() && i >= longer) part.push_back(fill);
    out.push_back(m.list(std::move(part)));
  }
  return m.list(std::move(out), kind::generator);
}

value center(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'center'", given, {"width"});
  const value s = m.text(m.to_text(v));
  call_arguments arguments;
  arguments.positional.push_back(p.get(0, value::integer(80)));
  return *call_method(m, s, "center", arguments);
}

value urlencode(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'urlencode'", given, {});
  if (!v.is_string()) m.fail("filter 'urlencode' of anything but a text is not supported");
  std::string out;
  for (const char c : v.as_text()) {
    const auto b = static_cast<unsigned char>(c);
    const bool plain =
        (b < 0x80 && isalnum(b)) || std::string_view("_.-~/").find(c) != std::string_view::npos;
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", b);
    if (plain)
      out += c;
    else
      out += hex;
  }
  return m.text(std::move(out));
}

constexpr filter_entry k_filters[] = {
    {"abs", abs_filter},      {"attr", attr},
    {"batch", batch},         {"capitalize", capitalize},
    {"center", center},       {"count", length},
    {"d", fallback},          {"default", fallback},
    {"dictsort", dictsort},   {"e", escape},
    {"escape", escape},       {"first", first},
    {"float", real},          {"forceescape", escape},
    {"format", format},       {"indent", indent},
    {"int", integer},         {"items", items},
    {"join", join},           {"last", last},
    {"length", length},       {"list", list},
    {"lower", lower_filter},  {"map", map},
    {"max", maximum},         {"min", minimum},
    {"reject", reject},       {"rejectattr", rejectattr},
    {"replace", replace},     {"reverse", reverse},
    {"round", round},         {"safe", safe},
    {"select", select},       {"selectattr", selectattr},
    {"slice", slice},         {"sort", sort},
    {"string", string},       {"sum", sum},
    {"title", title},         {"tojson", tojson},
    {"trim", trim},           {"truncate", truncate},
    {"unique", unique},       {"upper", upper_filter},
    {"urlencode", urlencode}, {"wordcount", wordcount},
};

}  // namespace
}  // namespace filters

const filter_entry *find_filter(std::string_view name) {
  for (const filter_entry &f : filters::k_filters)
    if (name == f.name) return &f;
  return nullptr;
}

}  // namespace assay::text::jinja
