// Builds the parts of the server in the order in which they need each other, and takes them down in the other order.
#include "serve/server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <thread>

#include "core/error.hpp"
#include "serve/app.hpp"
#include "serve/net.hpp"

namespace assay::serve {
namespace {

// Each connection is an open file. Raises the limit as far as the system allows without asking.
void allow_open_files(int64_t n) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const auto wanted = static_cast<rlim_t>(n);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void check(const std::vector<served_model> &models, const server_options &o) {
  if (models.empty()) throw error(error_kind::usage, "there is no model to serve");
  if (!network::is_loopback(o.host) && o.api_key.empty() && !o.no_auth)
    throw error(error_kind::usage, "other machines could use this server without a key")
        .at("--host " + o.host)
        .hint("Give --api-key-file FILE, or --no-auth if this is what you want");
}

size_t longest_token(const text::tokenizer &tokenizer) {
  size_t most = 1;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id)
    if (const auto text = tokenizer.id_to_token(id)) most = std::max(most, text->size());
  return most;
}

// Gives each decoder one place in the engine's list; models that share a decoder share the place.
std::vector<const model::decoder *> number_lanes(std::vector<served_model> &models) {
  std::vector<const model::decoder *> out;
  for (served_model &one : models) {
    const auto at = std::find(out.begin(), out.end(), one.decoder);
    one.lane = static_cast<size_t>(at - out.begin());
    if (at == out.end()) out.push_back(one.decoder);
    one.longest_token = longest_token(*one.tokenizer);
  }
  return out;
}

engine::service_options engine_options(const server_options &o, metrics &counts) {
  engine::service_options out;
  out.max_live = o.live;
  out.max_waiting = o.queue;
  out.kv_bytes = o.kv_bytes;
  out.batch_tokens = o.batch_tokens;
  out.on_step = [&counts](const engine::loop_step &, double seconds) { counts.step.add(seconds); };
  return out;
}

app_options routes_options(const server_options &o) {
  return {o.api_key, o.cors_origin, o.default_max_tokens, o.limits.body_bytes,
          static_cast<int64_t>(std::time(nullptr))};
}

net_options main_net(const server_options &o) {
  net_options out;
  out.host = o.host;
  out.port = o.port;
  out.limits = o.limits;
  return out;
}

net_options monitor_net(const server_options &o) {
  net_options out = main_net(o);
  out.port = *o.monitor_port;
  out.workers = 0;
  return out;
}

}  // namespace

struct server::parts {
  parts(std::vector<served_model> given, const server_options &o)
      : options(o),
        models(std::move(given)),
        decoders(number_lanes(models)),
        routes(models, engine_for(o), counts, routes_options(o)),
        net(routes, main_net(o)) {
    if (!o.monitor_port) return;
    monitor = std::make_unique<app>(models, *running, counts, routes_options(o), true);
    monitor_listener = std::make_unique<network>(*monitor, monitor_net(o));
  }
  // The engine goes first: its last callbacks still find the connections.
  ~parts() { running.reset(); }

  engine::service &engine_for(const server_options &o) {
    running = std::make_unique<engine::service>(decoders, engine_options(o, counts));
    return *running;
  }

  const server_options options;
  metrics counts;
  std::vector<served_model> models;
  std::vector<const model::decoder *> decoders;
  std::unique_ptr<engine::service> running;
  app routes;
  network net;
  std::unique_ptr<app> monitor;
  std::unique_ptr<network> monitor_listener;
};

server::server(std::vector<served_model> models, const server_options &options) {
  check(models, options);
  allow_open_files(options.limits.connections + 128);
  parts_ = std::make_unique<parts>(std::move(models), options);
  parts_->net.start();
  if (parts_->monitor_listener) parts_->monitor_listener->start();
}

server::~server() = default;

std::string url_of(const std::string &host, uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string server::url() const {
  return url_of(parts_->options.host, port());
}

uint16_t server::port() const {
  return parts_->net.port();
}

uint16_t server::monitor_port() const {
  return parts_->monitor_listener ? parts_->monitor_listener->port() : uint16_t{0};
}

engine::service_state server::state() const {
  return parts_->running->state();
}

const metrics &server::counts() const {
  return parts_->counts;
}

int64_t server::connections() const {
  return parts_->net.connections();
}

bool server::stop() {
  using namespace std::chrono_literals;
  using clock = std::chrono::steady_clock;
  parts &p = *parts_;
  p.routes.drain();
  if (p.monitor) p.monitor->drain();
  const auto wait = [&](double seconds) {
    const auto end = clock::now() + std::chrono::duration_cast<clock::duration>(
                                        std::chrono::duration<double>(seconds));
    while (p.net.busy() > 0 && clock::now() < end) std::this_thread::sleep_for(10ms);
    return p.net.busy() == 0;
  };
  const bool complete = wait(p.options.grace);
  if (!complete) {
    p.routes.stop_answers();
    wait(2);  // the errors go out
  }
  p.net.stop_accepting();
  return complete;
}

// --- signals ---

namespace {

int g_pipe[2] = {-1, -1};
std::atomic<bool> g_waited{false};

void on_signal(int) {
  const int kept = errno;
  if (g_waited) ::_exit(exit_code(error_kind::cancelled));
  const char byte = 0;
  [[maybe_unused]] const auto n = ::write(g_pipe[1], &byte, 1);
  errno = kept;
}

constexpr int k_signals[] = {SIGINT, SIGTERM, SIGHUP};

}  // namespace

struct stop_signals::saved {
  struct sigaction before[3];
};

stop_signals::stop_signals() : saved_(std::make_unique<saved>()) {
  if (::pipe2(g_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
    throw error(error_kind::failed, "no pipe for signals").cause(std::to_string(errno));
  g_waited = false;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < 3; ++i) {
    ::sigaction(k_signals[i], nullptr, &saved_->before[i]);
    if (saved_->before[i].sa_handler != SIG_IGN) ::sigaction(k_signals[i], &action, nullptr);
  }
}

stop_signals::~stop_signals() {
  for (size_t i = 0; i < 3; ++i) ::sigaction(k_signals[i], &saved_->before[i], nullptr);
  for (int &end : g_pipe) {
    ::close(end);
    end = -1;
  }
}

void stop_signals::wait() const {
  pollfd readable{g_pipe[0], POLLIN, 0};
  while (::poll(&readable, 1, -1) <= 0) {
  }
  g_waited = true;
}

}  // namespace assay::serve
