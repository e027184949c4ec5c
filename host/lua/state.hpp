// Declares a Lua state: one instance of the Lua interpreter with the Lua library, limits, and calls
// that catch errors. The command line comes in as `settings`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include "lua/lua_headers.hpp"

#include "lua/error_object.hpp"
#include "lua/settings.hpp"

namespace assay::lua {

class state {
 public:
  explicit state(settings given);
  ~state();
  state(const state &) = delete;
  state &operator=(const state &) = delete;

  lua_State *get() const { return L_; }
  const settings &given() const { return settings_; }

  // Calls a function with n_arguments: both lie on the stack, the function first, and are popped. Pushes
  // the results and returns nullopt, or pushes nothing and returns the error.
  std::optional<caught> call(int n_arguments, int n_results);
  // Compiles Lua text (never bytecode) and pushes the function; or returns the syntax error.
  // chunk_name: "@PATH" for a file, "=NAME" for other text.
  std::optional<caught> load(const std::string &text, const std::string &chunk_name);
  // Compiles the text of a file; its first line may begin with "#!".
  std::optional<caught> load_file(const std::string &path);
  // Pushes the table of the Lua library, require "assay". Throws error if the library is broken.
  void push_library();

  // Forgets an interrupt (Ctrl-C), so that scripts can run again.
  void resume_after_interrupt();
  uint64_t heap_bytes() const { return used_bytes_; }

 private:
  static void *allocate(void *self, void *block, size_t old_size, size_t new_size);
  settings settings_;
  uint64_t used_bytes_ = 0;
  lua_State *L_ = nullptr;
};

// Throws the exception of `what`. with_traceback prints the traceback to stderr first.
[[noreturn]] void raise(const caught &what, bool with_traceback);

// Returns the settings of the state that L belongs to. The reference is valid as long as the state.
const settings &settings_of(lua_State *L);

// The C++ libraries (lib/NAME.cpp; json is in values.cpp). Each function pushes one table, which is
// assay.native.NAME in Lua, and returns 1.
int open_json(lua_State *L);
int open_fs(lua_State *L);
int open_sys(lua_State *L);
int open_tensor(lua_State *L);
int open_text(lua_State *L);
int open_model(lua_State *L);
int open_plugin(lua_State *L);
int open_data(lua_State *L);
int open_quant(lua_State *L);
int open_stats(lua_State *L);

// Removes the standard functions that scripts must not have and limits others (sandbox.cpp).
void restrict_standard_library(lua_State *L);

}  // namespace assay::lua
