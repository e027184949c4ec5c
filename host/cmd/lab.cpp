// Options as scripts see them.
#include "cmd/lab.hpp"

namespace assay::cmd {

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
  for (const std::string &word : given.arguments) out.command += " " + word;
  return out;
}

}  // namespace assay::cmd
