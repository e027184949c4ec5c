// The tests of templates, which are the words after `is`: {{ x is defined }}.
#include "jinja/builtins.hpp"
#include "jinja/machine.hpp"

namespace assay::text::jinja {
namespace {

// Returns the one argument of a test; throws if there is none, or more than one.
const value &one(machine &m, const call_arguments &given) {
  if (given.positional.size() != 1 || !given.named.empty()) m.fail("this test needs one argument");
  return given.positional[0];
}

// Throws if an argument is given. Tests that take no argument call this.
void none(machine &m, const call_arguments &given) {
  if (!given.positional.empty() || !given.named.empty()) m.fail("this test takes no argument");
}

template <kind K>
bool is_kind(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  return v.is(K);
}

template <op O>
bool compares(machine &m, const value &v, const call_arguments &given) {
  return compare(m, O, v, one(m, given));
}

bool is_defined(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  return !v.is_undefined();
}

bool is_number(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  return v.is_number();
}

bool is_true(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  return v.is(kind::boolean) && v.as_bool();
}

bool is_false(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  return v.is(kind::boolean) && !v.as_bool();
}

bool is_iterable(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  return !v.is_none() && !v.is_number() && !v.is(kind::object);
}

bool is_sequence(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  if (v.is_sequence()) return v.as_list().view == nullptr;
  return v.is_string() || v.is(kind::dict) || v.is_undefined();
}

bool is_callable(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  return v.is_undefined() || (v.is(kind::object) && v.as_object().callable());
}

bool is_odd(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  return equal(apply(m, op::modulo, v, value::integer(2)), value::integer(1));
}

bool is_even(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  return equal(apply(m, op::modulo, v, value::integer(2)), value::integer(0));
}

bool is_divisible(machine &m, const value &v, const call_arguments &given) {
  return equal(apply(m, op::modulo, v, one(m, given)), value::integer(0));
}

bool is_lower(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  const std::string s = m.to_text(v);
  return lower(s) == s && upper(s) != s;
}

bool is_upper(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  const std::string s = m.to_text(v);
  return upper(s) == s && lower(s) != s;
}

bool is_same(machine &m, const value &v, const call_arguments &given) {
  return same(v, one(m, given));
}

bool is_escaped(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  return v.is_marked();
}

bool names_filter(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  return v.is_string() && find_filter(v.as_text());
}

bool names_test(machine &m, const value &v, const call_arguments &given) {
  none(m, given);
  return v.is_string() && find_test(v.as_text());
}

constexpr test_entry k_tests[] = {
    {"boolean", is_kind<kind::boolean>},
    {"callable", is_callable},
    {"defined", is_defined},
    {"divisibleby", is_divisible},
    {"eq", compares<op::equal>},
    {"equalto", compares<op::equal>},
    {"escaped", is_escaped},
    {"even", is_even},
    {"false", is_false},
    {"filter", names_filter},
    {"float", is_kind<kind::real>},
    {"ge", compares<op::greater_equal>},
    {"greaterthan", compares<op::greater>},
    {"gt", compares<op::greater>},
    {"in", compares<op::in>},
    {"integer", is_kind<kind::integer>},
    {"iterable", is_iterable},
    {"le", compares<op::less_equal>},
    {"lessthan", compares<op::less>},
    {"lower", is_lower},
    {"lt", compares<op::less>},
    {"mapping", is_kind<kind::dict>},
    {"ne", compares<op::unequal>},
    {"none", is_kind<kind::none>},
    {"number", is_number},
    {"odd", is_odd},
    {"sameas", is_same},
    {"sequence", is_sequence},
    {"string", is_kind<kind::string>},
    {"test", names_test},
    {"true", is_true},
    {"undefined", is_kind<kind::undefined>},
    {"upper", is_upper},
    {"==", compares<op::equal>},
    {"!=", compares<op::unequal>},
    {"<", compares<op::less>},
    {"<=", compares<op::less_equal>},
    {">", compares<op::greater>},
    {">=", compares<op::greater_equal>},
};

}  // namespace

const test_entry *find_test(std::string_view name) {
  for (const test_entry &t : k_tests)
    if (name == t.name) return &t;
  return nullptr;
}

}  // namespace assay::text::jinja
