// Helps to write Lua libraries in C++: guarded functions, classes, argument readers. A library is a
// list of plain functions, written by hand, that read arguments from the Lua stack and push results.
//
// Rules. A function may throw assay::error or any std::exception: guarded<> turns it into a Lua
// error after all destructors have run. Messages of readers name the parameter: "encode: 'text'
// must be a string, not a table". Option tables refuse unknown keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include "lua/lua_headers.hpp"

#include "core/error.hpp"
#include "core/json.hpp"

namespace assay::lua {

// ---- guarded functions -------------------------------------------------------------------------

using function = int (*)(lua_State *);  // pushes results, returns their number

// Both push an error object (error_object.hpp). The second is for exceptions of other types than
// assay::error, such as those of LibTorch.
void push_error(lua_State *L, const error &problem);
void push_foreign_error(lua_State *L, const std::exception &problem);

// Wraps F, so that Lua can call it: exceptions of F become Lua errors. Lua's own errors, which
// are exceptions but no std::exception, pass through unchanged.
template <function F>
int guarded(lua_State *L) {
  try {
    return F(L);
  } catch (const error &problem) {
    push_error(L, problem);
  } catch (const std::exception &problem) {
    push_foreign_error(L, problem);
  }
  return lua_error(L);
}

// Checks, at the end of a scope, that the Lua stack has `change` values more than at its beginning.
// If not, it ends the program, because that is a mistake in the binding. If an exception ends the
// scope, nothing is checked.
class stack_check {
 public:
  stack_check(lua_State *L, int change) : L_(L), expected_(lua_gettop(L) + change) {}
  ~stack_check();
  stack_check(const stack_check &) = delete;
  stack_check &operator=(const stack_check &) = delete;

 private:
  lua_State *L_;
  int expected_;
};

// Pushes a new table with these functions. The list ends with {nullptr, nullptr}.
void push_library(lua_State *L, const luaL_Reg *functions);

// Arguments. Each read_... function reads the value at `index`. `name` is the parameter's name for
// the message. A value of the wrong type throws error(usage), which names function and parameter.

// called_name: the name by which the running function was called, such as "encode"; "?" if it was
// called without a name. bad_argument throws the error for a value that is not what `expected`
// names, such as "string".
std::string called_name(lua_State *L);
[[noreturn]] void bad_argument(lua_State *L, int index, const char *name, const char *expected);
std::string type_text(lua_State *L, int index);  // "a string", "nil", "a tensor": for messages

std::string read_string(lua_State *L, int index, const char *name);
double read_number(lua_State *L, int index, const char *name);
int64_t read_integer(lua_State *L, int index, const char *name);
std::vector<int64_t> read_ids(lua_State *L, int index, const char *name);  // a list of integers
// A list of strings; one string counts as a list of one.
std::vector<std::string> read_strings(lua_State *L, int index, const char *name);
// Whether an optional argument is nil or was not given.
inline bool absent(lua_State *L, int index) {
  return lua_isnoneornil(L, index);
}

void push_ids(lua_State *L, const std::vector<int64_t> &ids);
void push_string(lua_State *L, std::string_view text);

// A table of named options, such as { bits = 4 }; it may be absent. The constructor throws error(usage)
// for a key that is not in `known`. The readers return nullopt (flag: `otherwise`) for an absent key,
// and throw error(usage) for a value of the wrong type.
class option_table {
 public:
  option_table(lua_State *L, int index, const std::vector<std::string> &known);

  std::optional<std::string> text(const char *key) const;
  std::optional<double> number(const char *key) const;
  std::optional<int64_t> integer(const char *key) const;
  bool flag(const char *key, bool otherwise) const;
  bool has(const char *key) const;
  bool push(const char *key) const;  // pushes the value; false (and pushes nothing) if absent

 private:
  [[noreturn]] void bad(const char *key, const char *expected) const;
  lua_State *L_;
  int index_;  // 0 = no table given
};

// ---- JSON and Lua values -----------------------------------------------------------------------

// Pushes a JSON value as a Lua value. Objects keep the order of their keys, and an empty list stays a
// list, through metatables (values.cpp). null becomes assay.json.null.
void push_json(lua_State *L, const json &value);
// Reads a Lua value as JSON. A table with the keys 1, 2, ... is a list, any other an object. Keys
// that the object remembers come first, in that order; other keys follow, sorted. Throws
// error(usage) for what JSON lacks, such as functions and numbers that are not finite, and for
// tables that contain themselves, have holes or mix list items with named keys.
json read_json(lua_State *L, int index, const char *name);

// ---- classes: a C++ value inside a userdata ----------------------------------------------------

// Each class specialises this struct with its name: `static constexpr const char *name = "model";`
template <class T>
struct class_of;

// What a userdata (Lua's block of C++ memory) contains; empty after :free() or __close.
template <class T>
using box = std::optional<T>;

// Destroys the value of a userdata. Lua calls it when the object is collected (__gc), at the end of the
// scope of a `<close>` variable (__close), and for :free().
template <class T>
int collect(lua_State *L) {
  auto *content = static_cast<box<T> *>(lua_touserdata(L, 1));
  if (content) content->reset();
  return 0;
}

void make_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction collector,
                lua_CFunction to_text);
[[noreturn]] void freed_object(const char *name);  // throws error(usage)

// Makes the metatable of class T, in which Lua finds these methods. to_text: what tostring calls, or
// null for Lua's own.
template <class T>
void register_class(lua_State *L, const luaL_Reg *methods, lua_CFunction to_text) {
  make_class(L, class_of<T>::name, methods, &collect<T>, to_text);
}

// Pushes a userdata that owns `value`. The reference is valid until the userdata is collected or freed.
template <class T>
T &push_object(lua_State *L, T value) {
  auto *memory = lua_newuserdatauv(L, sizeof(box<T>), 1);
  auto *content = new (memory) box<T>(std::move(value));
  luaL_setmetatable(L, class_of<T>::name);
  return **content;
}

// Makes Lua's garbage collector count these bytes, too, so that it collects dead objects in time. Lua itself sees only
// the small userdata of an object. Call it after the object was pushed.
void tell_collector(lua_State *L, int64_t bytes);

// Returns the object at `index`; null if it has another class. Throws error(usage) if it was freed.
template <class T>
T *test_object(lua_State *L, int index) {
  auto *content = static_cast<box<T> *>(luaL_testudata(L, index, class_of<T>::name));
  if (content && !*content) freed_object(class_of<T>::name);
  return content ? &**content : nullptr;
}

// The same as test_object, but throws error(usage) if the object has another class.
template <class T>
T &check_object(lua_State *L, int index, const char *name) {
  T *object = test_object<T>(L, index);
  if (!object) bad_argument(L, index, name, class_of<T>::name);
  return *object;
}

}  // namespace assay::lua
