// One Lua state: the library, limits, interrupts, protected running of scripts.
// Not the command line: what was typed arrives here as `settings`.
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

  // Calls the function below its n_arguments on the stack; results replace them. On failure the
  // stack is as before the call and the error is returned.
  std::optional<caught> call(int n_arguments, int n_results);
  // Compiles text (never binary) and leaves the function on the stack.
  std::optional<caught> load(const std::string &text, const std::string &chunk_name);
  std::optional<caught> load_file(const std::string &path);
  // require "assay" and leaves the table on the stack; throws error if the library is broken.
  void push_library();

  // After an interrupt: the flag is cleared and scripts run again.
  void resume_after_interrupt();
  uint64_t heap_bytes() const { return used_bytes_; }

 private:
  static void *allocate(void *self, void *block, size_t old_size, size_t new_size);
  settings settings_;
  uint64_t used_bytes_ = 0;
  lua_State *L_ = nullptr;
};

// Throws the error's exception; prints the traceback to stderr first if asked.
[[noreturn]] void raise(const caught &what, bool with_traceback);

// The settings of the state that L belongs to (static for the state's life).
const settings &settings_of(lua_State *L);

// The C++ libraries, each pushes one table (lib_*.cpp). assay.native.NAME in Lua.
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

// Removes what scripts must not have and limits the rest (sandbox.cpp).
void restrict_standard_library(lua_State *L);

}  // namespace assay::lua
