// Filters that choose, map, sort, add or join the items of a sequence, mostly by an attribute, a test or
// another filter. They give the results of Jinja2, Python's template library. jinja/filters.cpp has
// simpler filters of sequences, such as first and reverse.
#include <algorithm>

#include "jinja/filters.hpp"

namespace assay::text::jinja::filters {
namespace {

// Returns argument i of the filter `what`: the name of a filter or test. Throws if it is not a text.
std::string_view name_of(machine &m, const char *what, const call_arguments &given, size_t i) {
  if (i >= given.positional.size() || !given.positional[i].is_string())
    m.fail(std::string("filter '") + what + "' needs the name of " +
           (i == 0 ? "a filter or test" : "a test"));
  return given.positional[i].as_text();
}

// Returns the positional arguments from number `from` on, and all named ones.
call_arguments rest_of(const call_arguments &given, size_t from) {
  call_arguments rest;
  for (size_t i = from; i < given.positional.size(); ++i)
    rest.positional.push_back(given.positional[i]);
  rest.named = given.named;
  return rest;
}

// Returns the items whose test result equals `wanted`. The test looks at the item (select, reject) or
// at its attribute (selectattr, rejectattr). Without the name of a test, truth is tested.
value chosen(machine &m, const value &v, const call_arguments &given, const char *what,
             bool by_attribute, bool wanted) {
  const size_t first = by_attribute ? 1 : 0;
  if (by_attribute && given.positional.empty())
    m.fail(std::string("filter '") + what + "' needs the name of an attribute");
  const test_entry *test = nullptr;
  if (given.positional.size() > first) {
    const std::string_view name = name_of(m, what, given, first);
    test = find_test(name);
    if (!test) m.fail("the test '" + std::string(name) + "' is not supported");
  }
  const call_arguments rest = rest_of(given, first + 1);
  std::vector<value> kept;
  if (!truth(v)) return m.list({}, kind::generator);  // also for none: Jinja2 tests `if seq:` first
  for (const value &item : m.iterate(v)) {
    const value looked_at = by_attribute ? path_of(m, item, given.positional[0]) : item;
    if ((test ? test->run(m, looked_at, rest) : truth(looked_at)) == wanted) kept.push_back(item);
  }
  return m.list(std::move(kept), kind::generator);
}

// Returns what sorting compares: the item or its attribute, with texts in lower case unless
// case_sensitive. A list of attributes, "a,b", gives a list with one key for each.
value sort_key(machine &m, const value &item, const value &attribute, bool case_sensitive) {
  value key = item;
  if (attribute.is_string() && attribute.as_text().find(',') != std::string_view::npos) {
    std::vector<value> keys;
    std::string_view rest = attribute.as_text();
    while (true) {
      const size_t comma = rest.find(',');
      keys.push_back(sort_key(m, item, value::string(rest.substr(0, comma)), case_sensitive));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
    return m.list(std::move(keys), kind::list);
  }
  if (!attribute.is_none() && !attribute.is_undefined()) key = path_of(m, item, attribute);
  return key.is_string() && !case_sensitive ? m.text(lower(key.as_text())) : key;
}

// Returns the items in ascending order of keys (one key for each item), or, if `reverse` is set, in
// descending order. Items with equal keys keep their order.
std::vector<value> sorted(machine &m, const std::vector<value> &items,
                          const std::vector<value> &keys, bool reverse) {
  std::vector<size_t> order(items.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return reverse ? less(m, keys[b], keys[a]) : less(m, keys[a], keys[b]);
  });
  std::vector<value> out;
  for (const size_t i : order) out.push_back(items[i]);
  return out;
}

// Returns the item with the smallest key (want_less) or the largest; the first one of equal items.
value extreme(machine &m, const value &v, const call_arguments &given, bool want_less) {
  const parameters p(m, want_less ? "filter 'min'" : "filter 'max'", given,
                     {"case_sensitive", "attribute"});
  const std::vector<value> items = m.iterate(v);
  if (items.empty()) return value::undefined("the item of an empty sequence");
  const auto key = [&](const value &item) {
    return sort_key(m, item, p.get(1, value::none()), p.flag(0, false));
  };
  value best = items[0], best_key = key(items[0]);
  for (size_t i = 1; i < items.size(); ++i) {
    const value k = key(items[i]);
    if (want_less ? !less(m, k, best_key) : !less(m, best_key, k)) continue;
    best = items[i];
    best_key = k;
  }
  return best;
}

}  // namespace

value path_of(machine &m, const value &item, const value &path) {
  if (path.is_integral()) return m.item(item, path);
  std::string_view rest = path.is_string() ? path.as_text() : std::string_view();
  value v = item;
  while (true) {
    const size_t dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    const bool digits = !part.empty() && part.size() < 10 &&
                        part.find_first_not_of("0123456789") == std::string_view::npos;
    v = digits ? m.item(v, value::integer(std::stoi(std::string(part))))
               : m.item(v, m.text(std::string(part)));
    if (dot == std::string_view::npos) return v;
    rest.remove_prefix(dot + 1);
  }
}

value map(machine &m, const value &v, const call_arguments &given) {
  std::vector<value> out;
  const bool empty = !truth(v);  // also for none and undefined, as in Jinja2
  const bool by_attribute = std::any_of(given.named.begin(), given.named.end(),
                                        [](const auto &one) { return one.first == "attribute"; });
  if (given.positional.empty() && by_attribute) {
    const parameters p(m, "filter 'map'", given, {"attribute", "default"});
    if (empty) return m.list({}, kind::generator);
    for (const value &item : m.iterate(v)) {
      const value found = path_of(m, item, p.required(0));
      out.push_back(found.is_undefined() && p.has(1) ? p.required(1) : found);
    }
    return m.list(std::move(out), kind::generator);
  }
  const std::string_view name = name_of(m, "map", given, 0);
  const filter_entry *filter = find_filter(name);
  if (!filter) m.fail("the filter '" + std::string(name) + "' is not supported");
  const call_arguments rest = rest_of(given, 1);
  if (empty) return m.list({}, kind::generator);
  for (const value &item : m.iterate(v)) out.push_back(filter->run(m, item, rest));
  return m.list(std::move(out), kind::generator);
}

value select(machine &m, const value &v, const call_arguments &given) {
  return chosen(m, v, given, "select", false, true);
}

value reject(machine &m, const value &v, const call_arguments &given) {
  return chosen(m, v, given, "reject", false, false);
}

value selectattr(machine &m, const value &v, const call_arguments &given) {
  return chosen(m, v, given, "selectattr", true, true);
}

value rejectattr(machine &m, const value &v, const call_arguments &given) {
  return chosen(m, v, given, "rejectattr", true, false);
}

value sort(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'sort'", given, {"reverse", "case_sensitive", "attribute"});
  const std::vector<value> items = m.iterate(v);
  std::vector<value> keys;
  for (const value &item : items)
    keys.push_back(sort_key(m, item, p.get(2, value::none()), p.flag(1, false)));
  return m.list(sorted(m, items, keys, p.flag(0, false)));
}

value dictsort(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'dictsort'", given, {"case_sensitive", "by", "reverse"});
  if (!v.is(kind::dict))
    m.fail(std::string("filter 'dictsort' needs a mapping, not ") + type_name(v));
  const std::string by = p.text(1, "key");
  if (by != "key" && by != "value") m.fail("You can only sort by either \"key\" or \"value\"");
  std::vector<value> items, keys;
  for (const auto &[key, item] : v.as_dict().entries) {
    items.push_back(m.list({key, item}, kind::tuple));
    keys.push_back(sort_key(m, by == "key" ? key : item, value::none(), p.flag(0, false)));
  }
  return m.list(sorted(m, items, keys, p.flag(2, false)));
}

value unique(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'unique'", given, {"case_sensitive", "attribute"});
  std::vector<value> out, seen;
  for (const value &item : m.iterate(v)) {
    const value key = sort_key(m, item, p.get(1, value::none()), p.flag(0, false));
    if (std::any_of(seen.begin(), seen.end(), [&](const value &s) { return equal(s, key); }))
      continue;
    seen.push_back(key);
    out.push_back(item);
  }
  return m.list(std::move(out), kind::generator);
}

value minimum(machine &m, const value &v, const call_arguments &given) {
  return extreme(m, v, given, true);
}

value maximum(machine &m, const value &v, const call_arguments &given) {
  return extreme(m, v, given, false);
}

value sum(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'sum'", given, {"attribute", "start"});
  value total = p.get(1, value::integer(0));
  const value attribute = p.get(0, value::none());
  for (const value &item : m.iterate(v))
    total = apply(m, op::add, total, attribute.is_none() ? item : path_of(m, item, attribute));
  return total;
}

value join(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'join'", given, {"d", "attribute"});
  const std::string separator = m.to_text(p.get(0, value::string("")));
  const value attribute = p.get(1, value::none());
  std::string out;
  bool first = true;
  for (const value &item : m.iterate(v)) {
    const value shown = attribute.is_none() ? item : path_of(m, item, attribute);
    current_budget().take(separator.size() + (shown.is_string() ? shown.as_text().size() : 0));
    if (!first) out += separator;
    first = false;
    append_text(out, shown);
  }
  return m.text(std::move(out));
}

}  // namespace assay::text::jinja::filters
