// Listens on a port and moves requests and answers. Boost.Asio and Boost.Beast are behind this header, because they compile slowly.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "serve/http.hpp"
#include "serve/limits.hpp"

namespace assay::serve {

struct net_options {
  std::string host = "127.0.0.1";
  uint16_t port = 0;  // 0 = a free one
  int threads = 2;    // that move bytes
  int workers =
      2;  // that read bodies and make token ids; 0: none, then POST requests run on the threads
  server_limits limits;
};

class network {
 public:
  // Binds and listens. The application is borrowed. Throws error(usage) for an address that is none, error(failed) if the port
  // cannot be taken.
  network(application &app, const net_options &options);
  ~network();  // closes all connections and ends all threads
  network(const network &) = delete;
  network &operator=(const network &) = delete;

  void start();  // accepts connections from now on
  // Accepts no more connections, and closes each connection when it has no request.
  void stop_accepting();
  int64_t busy() const;         // requests that are not answered completely
  int64_t connections() const;  // that are open
  uint16_t port() const;
  // Whether an address reaches this machine only: 127.0.0.0/8, ::1, localhost.
  static bool is_loopback(const std::string &host);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::serve
