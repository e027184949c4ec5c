// The global functions of templates (range, namespace, ...) and the objects that they return; also
// the class `parameters`, which reads the arguments of all builtins.
#include <array>

#include "core/error.hpp"
#include "jinja/builtins.hpp"
#include "jinja/machine.hpp"

namespace assay::text::jinja {
namespace {

constexpr int64_t k_max_range = 100'000;  // most numbers in a range, as in Python's Jinja2

// A C++ function as a value that templates can call.
class function : public object {
 public:
  using body_type = value (*)(machine &, const call_arguments &);
  explicit function(body_type run) : run_(run) {}
  const char *type_name() const override { return "function"; }
  bool callable() const override { return true; }
  value call(machine &m, const call_arguments &arguments) override { return run_(m, arguments); }

 private:
  body_type run_;
};

// namespace(...): an object whose attributes `set ns.name = v` can change, even inside a loop.
class namespace_object : public object {
 public:
  const char *type_name() const override { return "Namespace"; }
  std::optional<value> attribute(machine &, std::string_view name) override {
    const value *found = members.find(name);
    return found ? std::optional<value>(*found) : std::nullopt;
  }
  dict_object members;
};

// cycler(a, b, ...): next() returns the items in turn, without end.
class cycler_object : public object {
 public:
  explicit cycler_object(std::vector<value> items) : items_(std::move(items)) {}
  const char *type_name() const override { return "Cycler"; }
  std::optional<value> attribute(machine &m, std::string_view name) override;
  std::vector<value> items_;
  size_t at_ = 0;
};

// The methods next() and reset() of a cycler.
class cycler_method : public object {
 public:
  cycler_method(cycler_object &owner, bool is_next) : owner_(owner), is_next_(is_next) {}
  const char *type_name() const override { return "method"; }
  bool callable() const override { return true; }
  value call(machine &, const call_arguments &) override {
    if (!is_next_) return owner_.at_ = 0, value::none();
    const value now = owner_.items_[owner_.at_];
    owner_.at_ = (owner_.at_ + 1) % owner_.items_.size();
    return now;
  }

 private:
  cycler_object &owner_;
  bool is_next_;
};

std::optional<value> cycler_object::attribute(machine &m, std::string_view name) {
  if (name == "current") return items_[at_];
  if (name == "next" || name == "reset")
    return value::of(&m.make<cycler_method>(*this, name == "next"));
  return std::nullopt;
}

// joiner(sep): the first call returns "", every later call returns the separator.
class joiner_object : public object {
 public:
  explicit joiner_object(const value &separator) : separator_(separator) {}
  const char *type_name() const override { return "Joiner"; }
  bool callable() const override { return true; }
  value call(machine &, const call_arguments &) override {
    return std::exchange(used_, true) ? separator_ : value::string("");
  }

 private:
  value separator_;
  bool used_ = false;
};

// Returns the entries that dict(mapping or pairs, key = value, ...) has. `what` is the function's name
// for messages: "dict()" or "namespace()".
dict_object make_entries(machine &m, const char *what, const call_arguments &given) {
  dict_object entries;
  if (given.positional.size() > 1) m.fail(std::string(what) + " takes at most one argument");
  if (!given.positional.empty()) {
    const value &from = given.positional[0];
    if (from.is(kind::dict)) {
      m.step(from.as_dict().entries.size());
      entries = from.as_dict();
    } else {
      for (const value &pair : m.iterate(from)) {
        const std::vector<value> both = m.iterate(pair);
        if (both.size() != 2 || !hashable(both[0]))
          m.fail(std::string(what) + " needs pairs of a key and a value");
        entries.set(both[0], both[1]);
      }
    }
  }
  for (const auto &[name, v] : given.named) entries.set(m.text(std::string(name)), v);
  return entries;
}

value make_dict(machine &m, const call_arguments &given) {
  return m.dict(make_entries(m, "dict()", given));
}

// Throws for names that begin with "_", which Jinja2 refuses too.
void check_member(machine &m, std::string_view name) {
  if (name.starts_with("_"))
    m.fail("a namespace cannot store the underscore-prefixed name '" + std::string(name) + "'");
}

value make_namespace(machine &m, const call_arguments &given) {
  auto &ns = m.make<namespace_object>();
  ns.members = make_entries(m, "namespace()", given);
  for (const auto &[key, v] : ns.members.entries)
    if (key.is_string()) check_member(m, key.as_text());
  return value::of(&ns);
}

value make_range(machine &m, const call_arguments &given) {
  const auto &p = given.positional;
  if (p.empty() || p.size() > 3 || !given.named.empty())
    m.fail("range() takes one to three numbers");
  for (const value &v : p)
    if (!v.is_integral())
      m.fail(std::string("'") + type_name(v) + "' object cannot be interpreted as an integer");
  const int64_t start = p.size() > 1 ? p[0].as_integer() : 0;
  const int64_t stop = p[p.size() > 1 ? 1 : 0].as_integer();
  const int64_t stride = p.size() > 2 ? p[2].as_integer() : 1;
  if (stride == 0) m.fail("range() arg 3 must not be zero");
  std::vector<value> items;
  for (int64_t i = start; stride > 0 ? i < stop : i > stop;) {
    if (items.size() >= static_cast<size_t>(k_max_range))
      m.fail("a range of more than 100000 numbers");
    items.push_back(value::integer(i));
    if (__builtin_add_overflow(i, stride, &i)) break;
  }
  m.step(items.size());
  return m.list(std::move(items));
}

value make_cycler(machine &m, const call_arguments &given) {
  if (given.positional.empty()) m.fail("cycler() needs at least one item");
  return value::of(&m.make<cycler_object>(given.positional));
}

value make_joiner(machine &m, const call_arguments &given) {
  const parameters p(m, "joiner()", given, {"sep"});
  return value::of(&m.make<joiner_object>(p.get(0, value::string(", "))));
}

// raise_exception(message): templates call it for conversations that they cannot render.
value raise(machine &m, const call_arguments &given) {
  const parameters p(m, "raise_exception()", given, {"message"});
  m.fail("the template refuses this conversation: " + m.to_text(p.required(0)));
}

value strftime_now(machine &m, const call_arguments &given) {
  const parameters p(m, "strftime_now()", given, {"format"});
  const std::string format = p.text(0, "");
  if (format.empty()) return value::string("");
  if (format.size() > 1000) m.fail("strftime_now() with a format of more than 1000 bytes");
  const std::tm now = m.now();
  std::array<char, 20'000> out;
  const size_t n = std::strftime(out.data(), out.size(), format.c_str(), &now);
  return m.text(std::string(out.data(), n));
}

value unsupported_lipsum(machine &m, const call_arguments &) {
  m.fail("the function 'lipsum' is not supported");
}

}  // namespace

void set_attribute(machine &m, const value &target, std::string_view name, const value &v) {
  auto *ns =
      target.is(kind::object) ? dynamic_cast<namespace_object *>(&target.as_object()) : nullptr;
  if (!ns) m.fail("cannot assign attribute '" + std::string(name) + "' on a non-namespace object");
  check_member(m, name);
  current_budget().take(sizeof(dict_entry));
  ns->members.set(value::string(name), v);
}

void define_globals(machine &m) {
  static constexpr std::pair<const char *, function::body_type> k_functions[] = {
      {"range", make_range},          {"dict", make_dict},           {"namespace", make_namespace},
      {"cycler", make_cycler},        {"joiner", make_joiner},       {"raise_exception", raise},
      {"lipsum", unsupported_lipsum}, {"strftime_now", strftime_now}};
  for (const auto &[name, run] : k_functions) {
    if (!m.mentions(name)) continue;
    m.define(name, value::of(&m.make<function>(run)));
  }
}

// ------------------------------------------------------------------ arguments of builtins

parameters::parameters(machine &m, std::string what, const call_arguments &given,
                       std::initializer_list<const char *> names)
    : m_(m), what_(std::move(what)), names_(names), slots_(names.size(), nullptr) {
  if (given.positional.size() > names.size())
    m.fail(what_ + " takes at most " + std::to_string(names.size()) + " arguments");
  for (size_t i = 0; i < given.positional.size(); ++i) slots_[i] = &given.positional[i];
  for (const auto &[name, v] : given.named) {
    size_t i = 0;
    while (i < names.size() && name != *(names.begin() + i)) ++i;
    if (i == names.size()) m.fail(what_ + " has no argument '" + std::string(name) + "'");
    if (slots_[i]) m.fail(what_ + " got two values for '" + std::string(name) + "'");
    slots_[i] = &v;
  }
}

const value &parameters::required(size_t i) const {
  if (!slots_[i]) m_.fail(what_ + " needs its argument '" + names_[i] + "'");
  return *slots_[i];
}

std::string parameters::text(size_t i, const std::string &fallback) const {
  if (!slots_[i] || slots_[i]->is_none()) return fallback;
  if (!slots_[i]->is_string())
    m_.fail(what_ + ": '" + names_[i] + "' must be str, not " + type_name(*slots_[i]));
  return std::string(slots_[i]->as_text());
}

int64_t parameters::integer(size_t i, int64_t fallback) const {
  if (!slots_[i] || slots_[i]->is_none()) return fallback;
  if (!slots_[i]->is_integral())
    m_.fail(what_ + ": '" + names_[i] + "' must be int, not " + type_name(*slots_[i]));
  return slots_[i]->as_integer();
}

bool parameters::flag(size_t i, bool fallback) const {
  return slots_[i] ? truth(*slots_[i]) : fallback;
}

}  // namespace assay::text::jinja
