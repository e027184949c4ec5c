// The function native.model.serve: answers requests over HTTP with loaded models until a signal ends it (host/serve).
#include "serve/server.hpp"

#include <algorithm>
#include <cstdio>

#include "core/json.hpp"
#include "lua/state.hpp"
#include "lua/subject.hpp"

namespace assay::lua {
namespace {

// Reads { { name, model, fingerprint }, ... }.
std::vector<serve::served_model> read_models(lua_State *L, int index,
                                             std::vector<subject_handle> &alive) {
  std::vector<serve::served_model> out;
  const auto n = static_cast<lua_Integer>(lua_rawlen(L, index));
  for (lua_Integer i = 1; i <= n; ++i) {
    lua_rawgeti(L, index, i);
    const option_table one(L, lua_gettop(L), {"name", "model", "fingerprint"});
    serve::served_model m;
    m.name = one.text("name").value_or("model");
    m.fingerprint = one.text("fingerprint").value_or("");
    lua_getfield(L, -1, "model");
    check_object<subject_handle>(L, lua_gettop(L), "model");  // refuses other objects
    const subject_handle of = *test_object<subject_handle>(L, lua_gettop(L));
    lua_pop(L, 2);
    m.decoder = &of->decoder;
    m.tokenizer = of->shared_tokenizer();
    if (const std::string jinja = m.tokenizer->chat_template_text(); !jinja.empty())
      m.chat_template =
          std::make_shared<const text::chat_template>(jinja, m.tokenizer->special_tokens());
    alive.push_back(of);
    out.push_back(std::move(m));
  }
  return out;
}

serve::server_options read_options(lua_State *L, int index) {
  const option_table given(L, index,
                           {"host", "port", "live", "queue", "kv_bytes", "default_max_tokens",
                            "api_key", "cors", "monitor_port", "grace", "no_auth"});
  serve::server_options out;
  out.host = given.text("host").value_or(out.host);
  out.port = static_cast<uint16_t>(given.integer("port").value_or(out.port));
  out.live = given.integer("live").value_or(out.live);
  out.queue = given.integer("queue").value_or(out.queue);
  out.kv_bytes = given.integer("kv_bytes").value_or(out.kv_bytes);
  out.default_max_tokens = given.integer("default_max_tokens").value_or(out.default_max_tokens);
  out.api_key = given.text("api_key").value_or("");
  out.cors_origin = given.text("cors").value_or("");
  out.grace = given.number("grace").value_or(out.grace);
  out.no_auth = given.flag("no_auth", false);
  if (const auto port = given.integer("monitor_port"))
    out.monitor_port = static_cast<uint16_t>(*port);
  return out;
}

void print_line(const std::string &line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

// serve({ { name = , model = , fingerprint = }, ... }, options) -> exit code. Prints the URL, or with --json one event for each line.
// Options: those of serve::server_options; cors: an origin; monitor_port: a second port. Returns when a signal has ended the server: 0
// if all answers were complete, 4 if some were cut.
int serve(lua_State *L) {
  if (lua_type(L, 1) != LUA_TTABLE) bad_argument(L, 1, "models", "list of models");
  std::vector<subject_handle> alive;
  std::vector<serve::served_model> models = read_models(L, 1, alive);
  const serve::server_options options = read_options(L, 2);
  const bool as_json = settings_of(L).json;
  const serve::stop_signals signals;
  serve::server running(std::move(models), options);
  const std::string monitor =
      running.monitor_port() > 0 ? serve::url_of(options.host, running.monitor_port()) : "";
  if (as_json) {
    json event = {{"event", "listening"}, {"url", running.url()}};
    if (!monitor.empty()) event["monitor_url"] = monitor;
    print_line(json_text(event));
  } else {
    print_line(running.url());
    if (!monitor.empty()) print_line(monitor + " (health and metrics)");
  }
  signals.wait();
  const bool complete = running.stop();
  if (as_json) print_line(json_text({{"event", "stopped"}, {"complete", complete}}));
  lua_pushinteger(L, complete ? 0 : exit_code(error_kind::cancelled));
  return 1;
}

}  // namespace assay::lua
