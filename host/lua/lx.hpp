// Helper for writing Lua libraries in C++: guarded functions, classes, argument readers. Not a
// binding generator: a library is a list of plain functions that read arguments and push results.
//
// Rules. A function body may throw assay::error or any std::exception; guarded<> turns it into an
// error object *after* the try block is left, so every destructor has run. Readers name the
// parameter: "encode: 'text' must be a string, not a table". Option tables have no unknown keys.
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

void push_error(lua_State *L, const error &problem);  // an error object, see error_object
void push_foreign_error(lua_State *L, const std::exception &problem);

// Lua's own errors are no std::exception: they pass through the catch clauses untouched.
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

// Asserts how a scope changes the stack's height.
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

// Pushes a new table with these guarded functions; ends with {nullptr, nullptr}.
void push_library(lua_State *L, const luaL_Reg *functions);

// Arguments. Each reader throws error(usage) that names the function and the parameter.

// "encode" for a function called by that name, else "?".
std::string called_name(lua_State *L);
[[noreturn]] void bad_argument(lua_State *L, int index, const char *name, const char *expected);
std::string type_text(lua_State *L, int index);  // "a string", "nil", "a tensor": for messages

std::string read_string(lua_State *L, int index, const char *name);
double read_number(lua_State *L, int index, const char *name);
int64_t read_integer(lua_State *L, int index, const char *name);
std::vector<int64_t> read_ids(lua_State *L, int index, const char *name);  // a list of integers
std::vector<std::string> read_strings(lua_State *L, int index, const char *name);
inline bool absent(lua_State *L, int index) {
  return lua_isnoneornil(L, index);
}

void push_ids(lua_State *L, const std::vector<int64_t> &ids);
void push_string(lua_State *L, std::string_view text);

// A table of named options. The constructor refuses keys that are not in `known`.
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

// ---- JSON and Lua values
// --------------------------------------------------------------------------

// Objects keep their key order through a metatable of their own (see json_text.cpp); null becomes
// assay.json.null; an empty list stays a list.
void push_json(lua_State *L, const json &value);
// Tables of consecutive integer keys are lists; other tables are objects, keys in their recorded
// order, then the rest sorted. Throws error(usage) for functions, cycles and non-finite numbers.
json read_json(lua_State *L, int index, const char *name);

// ---- classes: a C++ value inside a userdata ----------------------------------------------------

// Specialise: `static constexpr const char *name = "model";`
template <class T>
struct class_of;

// The userdata's content; empty after :free() or __close.
template <class T>
using box = std::optional<T>;

template <class T>
int collect(lua_State *L) {
  auto *content = static_cast<box<T> *>(lua_touserdata(L, 1));
  if (content) content->reset();
  return 0;
}

void make_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction collector,
                lua_CFunction to_text);
[[noreturn]] void freed_object(const char *name);

template <class T>
void register_class(lua_State *L, const luaL_Reg *methods, lua_CFunction to_text) {
  make_class(L, class_of<T>::name, methods, &collect<T>, to_text);
}

template <class T>
T &push_object(lua_State *L, T value) {
  auto *memory = lua_newuserdatauv(L, sizeof(box<T>), 1);
  auto *content = new (memory) box<T>(std::move(value));
  luaL_setmetatable(L, class_of<T>::name);
  return **content;
}

template <class T>
T *test_object(lua_State *L, int index) {
  auto *content = static_cast<box<T> *>(luaL_testudata(L, index, class_of<T>::name));
  if (content && !*content) freed_object(class_of<T>::name);
  return content ? &**content : nullptr;
}

template <class T>
T &check_object(lua_State *L, int index, const char *name) {
  T *object = test_object<T>(L, index);
  if (!object) bad_argument(L, index, name, class_of<T>::name);
  return *object;
}

}  // namespace assay::lua
