// Reads the lines of `assay chat` and lets the script answer them. What a line means is decided in scripts/assay/cli/chat.lua.
#include "lua/chat.hpp"

#include <unistd.h>

#include <cstdio>

#include "core/cancel.hpp"
#include "lua/line_editor.hpp"
#include "lua/lx.hpp"
#include "lua/state.hpp"

namespace assay::lua {
namespace {

class chat {
 public:
  chat(const settings &given, json options, bool with_traceback)
      : terminal_(::isatty(0)), lua_(given) {
    lua_State *L = lua_.get();
    lua_.push_library();
    lua_getglobal(L, "require");
    lua_pushstring(L, "assay.cli.chat");
    must(lua_.call(1, 1), with_traceback);
    options["terminal"] = terminal_;
    push_json(L, options);
    must(lua_.call(1, 1), with_traceback);  // leaves the session on the stack
    session_ = lua_gettop(L);
  }

  int run() {
    line_editor editor(
        terminal_, [this](const std::string &word) { return complete(word); }, false);
    std::string line;
    while (editor.read("> ", line)) {
      if (cancel_requested()) lua_.resume_after_interrupt();
      if (line.empty()) continue;
      editor.remember(line);
      if (!answer(line)) break;
    }
    return failed_ && !terminal_ ? 1 : 0;
  }

 private:
  static void must(const std::optional<caught> &problem, bool with_traceback) {
    if (problem) raise(*problem, with_traceback);
  }

  // Calls session:NAME(text) and leaves its result on the stack.
  std::optional<caught> call(const char *name, const std::string &text) {
    lua_State *L = lua_.get();
    lua_getfield(L, session_, name);
    lua_pushvalue(L, session_);
    push_string(L, text);
    return lua_.call(2, 1);
  }

  std::vector<std::string> complete(const std::string &word) {
    if (call("complete", word)) return {};
    std::vector<std::string> words = read_strings(lua_.get(), -1, "words");
    lua_settop(lua_.get(), session_);
    return words;
  }

  // Returns whether the conversation goes on.
  bool answer(const std::string &line) {
    lua_State *L = lua_.get();
    auto problem = call("line", line);
    const bool goes_on = problem || lua_toboolean(L, -1) != 0;
    const bool stopped = cancel_requested();
    if (stopped) {
      lua_.resume_after_interrupt();
      lua_settop(L, session_);
      problem = call("stopped", "");
    }
    lua_settop(L, session_);
    if (problem) {
      failed_ = true;
      std::fflush(stdout);
      std::fprintf(stderr, "%s\n", problem->problem.what());
    }
    if (stopped && !terminal_) throw error(error_kind::cancelled, "stopped by the user");
    return goes_on;
  }

  bool terminal_, failed_ = false;
  int session_ = 0;
  state lua_;
};

}  // namespace

int run_chat(const settings &given, const json &options, bool with_traceback) {
  return chat(given, options, with_traceback).run();
}

}  // namespace assay::lua
