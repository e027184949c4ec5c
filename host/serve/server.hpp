// The server as one object: engine, routes, listeners, and their start and end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/service.hpp"
#include "serve/limits.hpp"
#include "serve/metrics.hpp"
#include "serve/served_model.hpp"

namespace assay::serve {

struct server_options {
  std::string host = "127.0.0.1";
  uint16_t port = 8080;  // 0 = a free one
  std::optional<uint16_t>
      monitor_port;  // a second listener for /health and /metrics with threads of its own; 0 = a free port
  int64_t live = 16;                  // answers of one model at a time
  int64_t queue = 64;                 // requests that wait
  int64_t kv_bytes = 2LL << 30;       // memory for keys and values of all models
  int64_t batch_tokens = 0;           // most tokens of a forward pass; 0 = the engine's default
  int64_t default_max_tokens = 1024;  // of a chat answer, if the client says nothing
  std::string api_key, cors_origin;
  bool no_auth = false;  // serve other machines without a key
  double grace = 30;     // seconds that running answers have after stop()
  server_limits limits;
};

// "http://127.0.0.1:8080"
std::string url_of(const std::string &host, uint16_t port);

class server {
 public:
  // Takes memory, binds the ports and starts to answer. Throws error(usage) for options that do not fit together, for example another
  // address than loopback without a key.
  server(std::vector<served_model> models, const server_options &options);
  ~server();
  std::string url() const;
  uint16_t port() const;
  uint16_t monitor_port() const;  // 0 if there is none
  engine::service_state state() const;
  const metrics &counts() const;
  int64_t connections() const;

  // Says 503 to new work and waits until the running answers end or the time is over; then these get an error. Returns whether all
  // answers were complete.
  bool stop();

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

// Catches SIGINT, SIGTERM and SIGHUP while it lives; before and after, they do what they did. A signal that is ignored stays ignored.
class stop_signals {
 public:
  stop_signals();
  ~stop_signals();
  stop_signals(const stop_signals &) = delete;
  stop_signals &operator=(const stop_signals &) = delete;
  void wait()
      const;  // until the first signal; from then on a further one ends the process with exit code 4

 private:
  struct saved;
  std::unique_ptr<saved> saved_;
};

}  // namespace assay::serve
