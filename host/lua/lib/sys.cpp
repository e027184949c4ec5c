// The Lua library assay.native.sys: clocks, memory, the settings of the command line, raising of error
// objects, and the progress line.
#include <sys/utsname.h>

#include <malloc.h>

#include <chrono>
#include <ctime>
#include <memory>
#include <thread>

#include "core/cancel.hpp"
#include "core/hash.hpp"
#include "core/progress.hpp"
#include "core/resources.hpp"
#include "core/suggest.hpp"
#include "lua/lx.hpp"
#include "lua/progress.hpp"
#include "lua/state.hpp"

namespace assay::lua {
namespace {

constexpr uint64_t k_steps = 1000000;  // total of the progress line while scope() is in use

// The progress line; there is one, because a process has one terminal. scope() says which share of the
// whole work the next piece is: a piece with offset 0.5 and span 0.25 moves the line from 50 % to 75 %.
struct {
  std::unique_ptr<progress_line> line;
  double offset = 0, span = 1;            // shares of the whole: where the piece begins, its size
  double part_offset = 0, part_span = 1;  // shares of that span, for a piece of several parts
  std::string label;
} g_progress;

// Draws the progress of the running piece of work; without begin() it draws nothing.
void draw(uint64_t done, uint64_t total, const std::string &what) {
  if (!g_progress.line) return;
  if (g_progress.label.empty()) return g_progress.line->update(done, total, what);
  const double own = total ? static_cast<double>(done) / static_cast<double>(total) : 0;
  const double share = g_progress.part_offset + g_progress.part_span * own;
  const double whole = g_progress.offset + g_progress.span * share;
  g_progress.line->update(static_cast<uint64_t>(whole * k_steps), k_steps,
                          g_progress.label + (what.empty() ? "" : " " + what));
}

// clock() -> seconds of a clock that never jumps; only differences have a meaning
int clock_seconds(lua_State *L) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  lua_pushnumber(L, std::chrono::duration<double>(now).count());
  return 1;
}

int utc_now(lua_State *L) {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  lua_pushstring(L, text);
  return 1;
}

// memory() -> { resident, peak, available } in bytes: what this process uses, the most that it has used,
// and what the machine can still give
int memory(lua_State *L) {
  lua_createtable(L, 0, 3);
  const auto put = [L](const char *key, uint64_t bytes) {
    lua_pushinteger(L, static_cast<lua_Integer>(bytes));
    lua_setfield(L, -2, key);
  };
  put("resident", resident_bytes());
  put("peak", peak_resident_bytes());
  put("available", available_memory_bytes());
  return 1;
}

// give_back_memory(): returns freed memory to the system, so that memory() says what is in use
int give_back_memory(lua_State *) {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
  return 0;
}

// reset_peak() -> whether the kernel has set `peak` back to the present use
int reset_peak(lua_State *L) {
  lua_pushboolean(L, reset_peak_resident());
  return 1;
}

int free_disk(lua_State *L) {
  lua_pushinteger(L, static_cast<lua_Integer>(free_disk_bytes(read_string(L, 1, "path"))));
  return 1;
}

int machine(lua_State *L) {
  utsname names{};
  ::uname(&names);
  json facts = {{"os", std::string(names.sysname) + " " + names.release + " " + names.machine},
                {"cores", std::thread::hardware_concurrency()}};
  push_json(L, facts);
  return 1;
}

int settings_table(lua_State *L) {
  const settings &given = settings_of(L);
  json all = {
      {"device", given.device},   {"dtype", given.dtype},    {"threads", given.threads},
      {"data", given.data},       {"out", given.out},        {"json", given.json},
      {"quiet", given.quiet},     {"strict", given.strict},  {"script_folder", given.script_folder},
      {"command", given.command}, {"version", ASSAY_VERSION}};
  if (given.seed) all["seed"] = *given.seed;
  json values = json::object();
  for (const auto &[key, value] : given.values) values[key] = value;
  all["values"] = values;
  push_json(L, all);
  return 1;
}

// fail { kind = , message = , hint = , where = , cause = , layer = , plugin = } raises an error object.
// Without a known kind it is "failed".
int fail(lua_State *L) {
  const option_table parts(L, 1, {"kind", "message", "hint", "where", "cause", "layer", "plugin"});
  const std::string name = parts.text("kind").value_or("failed");
  error_kind kind = error_kind::failed;
  for (const error_kind one : {error_kind::usage, error_kind::plugin, error_kind::cancelled,
                               error_kind::timeout, error_kind::gate})
    if (name == kind_name(one)) kind = one;
  throw error(kind, parts.text("message").value_or("failed"))
      .at(parts.text("where").value_or(""))
      .hint(parts.text("hint").value_or(""))
      .cause(parts.text("cause").value_or(""))
      .layer(parts.text("layer").value_or(""))
      .plugin(parts.text("plugin").value_or(""));
}

// suggestion(word, candidates) -> "Did you mean 'x'?", "Known: a, b, c" or ""
int suggest(lua_State *L) {
  push_string(L, suggestion(read_string(L, 1, "word"), read_strings(L, 2, "candidates")));
  return 1;
}

// position() -> the line of the script that is running, "a.lua:3"
int position(lua_State *L) {
  push_string(L, script_position(L));
  return 1;
}

// seed(study's seed, component, layer, label) -> a seed for one piece of work, the same in every run. It
// has 63 bits, so that it is no negative number in Lua.
int seed(lua_State *L) {
  const uint64_t value = labelled_seed(static_cast<uint64_t>(read_integer(L, 1, "seed")),
                                       read_string(L, 2, "component"), read_string(L, 3, "layer"),
                                       read_string(L, 4, "label"));
  lua_pushinteger(L, static_cast<lua_Integer>(value >> 1));
  return 1;
}

// begin(title): starts a new progress line
int begin(lua_State *L) {
  if (!g_progress.line) g_progress.line = std::make_unique<progress_line>(settings_of(L).quiet);
  g_progress.label.clear();
  g_progress.line->begin(read_string(L, 1, "title"));
  return 0;
}

// scope(offset, span, label): what follows is this share of the work that began with begin()
int scope(lua_State *L) {
  g_progress.offset = read_number(L, 1, "offset");
  g_progress.span = read_number(L, 2, "span");
  g_progress.label = read_string(L, 3, "label");
  g_progress.part_offset = 0;
  g_progress.part_span = 1;
  draw(0, 1, "");
  return 0;
}

int part(lua_State *L) {  // part(i, n): what follows is part i of n (from 1) of the scope
  throw_if_cancelled();
  const double n = read_number(L, 2, "n");
  g_progress.part_offset = (read_number(L, 1, "i") - 1) / n;
  g_progress.part_span = 1 / n;
  return 0;
}

// update(done, total, what?): draws the line; raises an error if the user has asked for an end
int update(lua_State *L) {
  throw_if_cancelled();
  draw(static_cast<uint64_t>(read_integer(L, 1, "done")),
       static_cast<uint64_t>(read_integer(L, 2, "total")),
       absent(L, 3) ? "" : read_string(L, 3, "what"));
  return 0;
}

int finish(lua_State *) {
  g_progress.label.clear();
  if (g_progress.line) g_progress.line->finish();
  return 0;
}

int text_of_duration(lua_State *L) {
  push_string(L, duration_text(read_number(L, 1, "seconds")));
  return 1;
}

int text_of_bytes(lua_State *L) {
  push_string(L, bytes_text(read_number(L, 1, "bytes")));
  return 1;
}

}  // namespace

progress_fn script_progress() {
  return [](uint64_t done, uint64_t total, const std::string &what) {
    throw_if_cancelled();
    draw(done, total, what);
  };
}

int open_sys(lua_State *L) {
  static const luaL_Reg functions[] = {{"clock", guarded<clock_seconds>},
                                       {"utc", guarded<utc_now>},
                                       {"memory", guarded<memory>},
                                       {"reset_peak", guarded<reset_peak>},
                                       {"give_back_memory", guarded<give_back_memory>},
                                       {"free_disk", guarded<free_disk>},
                                       {"machine", guarded<machine>},
                                       {"settings", guarded<settings_table>},
                                       {"fail", guarded<fail>},
                                       {"suggestion", guarded<suggest>},
                                       {"position", guarded<position>},
                                       {"seed", guarded<seed>},
                                       {"begin", guarded<begin>},
                                       {"scope", guarded<scope>},
                                       {"part", guarded<part>},
                                       {"update", guarded<update>},
                                       {"finish", guarded<finish>},
                                       {"duration", guarded<text_of_duration>},
                                       {"bytes", guarded<text_of_bytes>},
                                       {nullptr, nullptr}};
  push_library(L, functions);
  return 1;
}

}  // namespace assay::lua
