// Converts the options of the command line to the settings that Lua scripts see.
#include "cmd/lab.hpp"

#include <string_view>

namespace assay::cmd {
namespace {

// Returns a word as a user types it in a POSIX shell: in quotes if it has characters with a
// meaning for the shell.
std::string as_typed(const std::string &word) {
  constexpr std::string_view k_plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(k_plain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

lua::settings script_settings(const options &given) {
  lua::settings out;
  out.device = given.device;
  out.dtype = given.dtype.empty() ? "float32" : given.dtype;
  out.threads = given.threads;
  out.seed = given.seed;
  out.data = given.data;
  out.out = given.out;
  out.plugin_dirs = given.plugin_dirs;
  out.values = given.settings;
  out.json = given.json;
  out.quiet = given.quiet;
  out.strict = given.strict;
  out.command = "assay";
  for (const std::string &word : given.arguments) out.command += " " + as_typed(word);
  return out;
}

}  // namespace assay::cmd
