// The methods of lists, tuples and dicts, and the search for a method of any type. Methods that would
// change their object throw, as in the sandbox of Jinja2, Python's template library.
#include "jinja/methods.hpp"

#include "jinja/machine.hpp"

namespace assay::text::jinja {
namespace {

// dict.keys(), dict.values() and dict.items(): Part is 0, 1 or 2.
template <int Part>
value view(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, "this method of dict", given, {});
  std::vector<value> items;
  m.step(self.as_dict().entries.size());
  for (const auto &[key, v] : self.as_dict().entries)
    items.push_back(Part == 0 ? key : Part == 1 ? v : m.list({key, v}, kind::tuple));
  static constexpr const char *k_names[] = {"dict_keys", "dict_values", "dict_items"};
  return m.list(std::move(items), kind::list, k_names[Part]);
}

value get(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, "dict.get()", given, {"key", "default"});
  const value *found = self.as_dict().find(p.required(0));
  return found ? *found : p.get(1, value::none());
}

value copy_dict(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, "dict.copy()", given, {});
  return m.dict(self.as_dict());
}

constexpr method k_dict_methods[] = {
    {"clear", nullptr},      {"copy", copy_dict}, {"fromkeys", nullptr}, {"get", get},
    {"items", view<2>},      {"keys", view<0>},   {"pop", nullptr},      {"popitem", nullptr},
    {"setdefault", nullptr}, {"update", nullptr}, {"values", view<1>},
};

value list_count(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, "list.count()", given, {"value"});
  int64_t n = 0;
  for (const value &v : self.as_list().items) n += equal(v, p.required(0));
  return value::integer(n);
}

value list_index(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, "list.index()", given, {"value"});
  const auto &items = self.as_list().items;
  for (size_t i = 0; i < items.size(); ++i)
    if (equal(items[i], p.required(0))) return value::integer(static_cast<int64_t>(i));
  m.fail("the value is not in the list");
}

value copy_list(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, "list.copy()", given, {});
  return m.list(self.as_list().items);
}

constexpr method k_list_methods[] = {
    {"append", nullptr}, {"clear", nullptr},    {"copy", copy_list}, {"count", list_count},
    {"extend", nullptr}, {"index", list_index}, {"insert", nullptr}, {"pop", nullptr},
    {"remove", nullptr}, {"reverse", nullptr},  {"sort", nullptr},
};
constexpr method k_tuple_methods[] = {{"count", list_count}, {"index", list_index}};

const method *find_method(const value &self, std::string_view name) {
  const auto search = [&](const auto &table) -> const method * {
    for (const method &entry : table)
      if (name == entry.name) return &entry;
    return nullptr;
  };
  if (self.is_string()) return search(str_methods());
  if (self.is(kind::dict)) return search(k_dict_methods);
  if (self.is(kind::tuple)) return search(k_tuple_methods);
  if (self.is(kind::list) && !self.as_list().view) return search(k_list_methods);
  return nullptr;
}

}  // namespace

bool has_method(machine &, const value &self, std::string_view name) {
  return find_method(self, name) != nullptr;
}

std::optional<value> call_method(machine &m, const value &self, std::string_view name,
                                 const call_arguments &given) {
  const method *found = find_method(self, name);
  if (!found) return std::nullopt;
  if (!found->run)
    m.fail(std::string("the method '") + found->name + "' of '" + type_name(self) +
           "' is not supported" +
           (self.is_string() ? "" : ": templates may not change their variables"));
  return found->run(m, self, given);
}

}  // namespace assay::text::jinja
