// Creates a Lua state with its libraries and limits, and calls Lua code so that errors are caught.
#include "lua/state.hpp"

#include <cstdio>
#include <cstdlib>
#include <regex>

#include "core/cancel.hpp"
#include "core/file.hpp"
#include "lua/lx.hpp"

namespace assay::lua {
namespace {

constexpr int k_hook_period = 1000;  // Lua's instructions between two calls of interrupt_hook
constexpr const char *k_settings = "assay.settings";

// Lua calls this hook every k_hook_period instructions. If the user has asked for an end, it raises an
// error, and from then on it runs at every instruction: a script that catches the error with pcall
// is stopped again at once.
void interrupt_hook(lua_State *L, lua_Debug *) {
  if (!cancel_requested()) return;
  lua_sethook(L, interrupt_hook, LUA_MASKCOUNT, 1);
  push_error(L, error(error_kind::cancelled, "stopped by the user"));
  lua_error(L);
}

struct library {
  const char *name;
  lua_CFunction open;
};

constexpr library k_libraries[] = {
    {"json", open_json},   {"fs", open_fs},       {"sys", open_sys},       {"tensor", open_tensor},
    {"text", open_text},   {"model", open_model}, {"plugin", open_plugin}, {"data", open_data},
    {"quant", open_quant}, {"stats", open_stats},
};

int open_native(lua_State *L) {
  lua_newtable(L);
  for (const library &one : k_libraries) {
    lua_pushcfunction(L, one.open);
    lua_call(L, 0, 1);
    lua_setfield(L, -2, one.name);
  }
  return 1;
}

// Opens the libraries of a new state. It runs inside a protected call, because everything here may
// raise a Lua error.
int set_up(lua_State *L) {
  luaL_openlibs(L);
  register_error_class(L);
  const std::string folder = scripts_folder();
  set_library_folder(L, folder + "/assay/");
  lua_getglobal(L, "package");
  const settings &given = settings_of(L);
  push_string(L, folder + "/?.lua;" + folder + "/?/init.lua;" + given.script_folder + "/?.lua;" +
                     given.script_folder + "/?/init.lua");
  lua_setfield(L, -2, "path");
  lua_pushstring(L, "");
  lua_setfield(L, -2, "cpath");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, open_native);
  lua_setfield(L, -2, "assay.native");
  lua_settop(L, 0);
  restrict_standard_library(L);
  return 0;
}

// Makes an error from Lua's message for a syntax error, such as "long/na...:3: text". For a file the
// place is its whole path and the line, since Lua shortens long names.
error syntax_error(const std::string &message, const std::string &chunk_name) {
  static const std::regex k_position(":([0-9]+): ");
  std::smatch found;
  if (chunk_name[0] != '@' || !std::regex_search(message, found, k_position))
    return error(error_kind::usage, message);
  return error(error_kind::usage, found.suffix().str())
      .at(chunk_name.substr(1) + ":" + found[1].str());
}

// Returns the text with its last `return CALL` changed to `return (CALL)`: the parentheses turn the tail
// call into an ordinary call. Every line keeps its number. Returns "" if no line begins with `return `.
std::string without_tail_call(const std::string &text) {
  size_t at = text.rfind("\nreturn ");
  at = at == std::string::npos ? (text.compare(0, 7, "return ") == 0 ? 0 : at) : at + 1;
  if (at == std::string::npos) return "";
  const size_t end = text.find_last_not_of(" \t\r\n;") + 1;
  const size_t last_line = text.rfind('\n', end) + 1;
  // The closing parenthesis goes on the last line, because Lua gives a call the line where its end is
  // read. If that line has a comment, the parenthesis goes on the next line.
  const bool comment = text.find("--", last_line) != std::string::npos;
  return text.substr(0, at) + "return (" + text.substr(at + 7, end - at - 7) +
         (comment ? "\n)" : ")");
}

}  // namespace

void *state::allocate(void *self, void *block, size_t old_size, size_t new_size) {
  auto *owner = static_cast<state *>(self);
  const size_t before = block ? old_size : 0;  // for a new block, old_size is a type, not a size
  if (new_size == 0) {
    std::free(block);
    owner->used_bytes_ -= before;
    return nullptr;
  }
  const bool grows = new_size > before;
  if (grows && owner->used_bytes_ + (new_size - before) > owner->settings_.memory_limit_bytes)
    return nullptr;
  void *moved = std::realloc(block, new_size);
  if (moved) owner->used_bytes_ = owner->used_bytes_ - before + new_size;
  return moved;
}

state::state(settings given) : settings_(std::move(given)) {
  L_ = lua_newstate(allocate, this);
  if (!L_) throw error(error_kind::failed, "out of memory for the script engine");
  lua_atpanic(L_, [](lua_State *L) -> int {
    std::fprintf(stderr, "assay: internal error: unprotected script error: %s\n",
                 lua_tostring(L, -1));
    return 0;
  });
  // Set before any script runs: a coroutine (Lua's kind of thread) gets the hook when it is created,
  // and not later.
  lua_sethook(L_, interrupt_hook, LUA_MASKCOUNT, k_hook_period);
  lua_gc(L_, LUA_GCGEN, 0, 0);
  lua_pushlightuserdata(L_, &settings_);
  lua_setfield(L_, LUA_REGISTRYINDEX, k_settings);
  lua_pushcfunction(L_, guarded<set_up>);
  if (auto problem = call(0, 0)) {
    lua_close(L_);
    throw problem->problem;
  }
}

state::~state() {
  lua_close(L_);
}

std::optional<caught> state::call(int n_arguments, int n_results) {
  const int base = lua_gettop(L_) - n_arguments;
  lua_pushcfunction(L_, message_handler);
  lua_insert(L_, base);
  const int status = lua_pcall(L_, n_arguments, n_results, base);
  lua_remove(L_, base);
  if (status == LUA_OK) return std::nullopt;
  if (status == LUA_ERRMEM) {
    lua_pop(L_, 1);
    return caught{error(error_kind::failed, "the script needs more memory than its limit"),
                  "failed", ""};
  }
  return take_error(L_);
}

std::optional<caught> state::load(const std::string &text, const std::string &chunk_name) {
  if (luaL_loadbufferx(L_, text.data(), text.size(), chunk_name.c_str(), "t") == LUA_OK)
    return std::nullopt;
  const std::string message = lua_tostring(L_, -1);
  lua_pop(L_, 1);
  return caught{syntax_error(message, chunk_name), "syntax", ""};
}

std::optional<caught> state::load_file(const std::string &path) {
  std::string text = read_file(path);
  if (text.compare(0, 2, "#!") == 0) text.insert(0, "--");
  if (auto problem = load(text, "@" + path)) return problem;
  // `return assay.study { ... }` is a tail call: the called function replaces its caller, Lua forgets
  // the line of the call, and errors could not name it. If the text with parentheses around the call
  // compiles, its function replaces the first one.
  const std::string kept = without_tail_call(text);
  if (kept.empty() || load(kept, "@" + path)) return std::nullopt;
  lua_remove(L_, -2);
  return std::nullopt;
}

void state::push_library() {
  lua_getglobal(L_, "require");
  lua_pushstring(L_, "assay");
  if (auto problem = call(1, 1)) throw problem->problem;
}

void state::resume_after_interrupt() {
  clear_cancel();
  lua_sethook(L_, interrupt_hook, LUA_MASKCOUNT, k_hook_period);
}

void raise(const caught &what, bool with_traceback) {
  if (with_traceback && !what.traceback.empty())
    std::fprintf(stderr, "%s\n", what.traceback.c_str());
  throw what.problem;
}

const settings &settings_of(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, k_settings);
  const auto *found = static_cast<const settings *>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return *found;
}

}  // namespace assay::lua
