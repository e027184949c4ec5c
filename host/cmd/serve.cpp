// `assay serve MODEL..` answers requests over HTTP (host/serve). scripts/assay/cli/serve.lua loads the models.
#include "cmd/lab.hpp"
#include "lua/script.hpp"

namespace assay::cmd {

int verb_serve(const options &given) {
  json options = {{"models", given.operands},
                  {"packed", given.packed},
                  {"port", given.port},
                  {"no_auth", given.no_auth}};
  if (!given.host.empty()) options["host"] = given.host;
  if (!given.api_key_file.empty()) options["api_key_file"] = given.api_key_file;
  if (!given.cors.empty()) options["cors"] = given.cors;
  if (given.live > 0) options["live"] = given.live;
  if (given.queue > 0) options["queue"] = given.queue;
  if (given.kv_bytes > 0) options["kv_bytes"] = given.kv_bytes;
  if (given.default_max_tokens > 0) options["default_max_tokens"] = given.default_max_tokens;
  if (given.monitor_port) options["monitor_port"] = *given.monitor_port;
  if (given.grace) options["grace"] = *given.grace;
  return lua::run_command(script_settings(given), "serve", options, given.traceback);
}

}  // namespace assay::cmd
