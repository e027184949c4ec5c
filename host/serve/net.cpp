// Accepts connections and owns the threads that serve them.
#include "serve/net.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <thread>
#include <vector>

#include "core/error.hpp"
#include "serve/connection.hpp"

namespace assay::serve {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;

namespace {

// Connections that the system keeps until they are accepted: a burst must not overflow it, because a client whose first packet is dropped
// waits a second before it sends it again.
constexpr int k_backlog = 1024;

asio::ip::address address_of(const std::string &host) {
  error_code problem;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, problem);
  if (problem)
    throw error(error_kind::usage, "'" + host + "' is not an IP address")
        .at("--host")
        .hint("127.0.0.1 serves this machine only, 0.0.0.0 all networks");
  return address;
}

}  // namespace

struct network::state {
  state(application &app, const net_options &given)
      : options(given),
        shared(std::make_shared<net_shared>(app, given.limits)),
        acceptor(asio::make_strand(shared->io)),
        pause(acceptor.get_executor()) {
    const tcp::endpoint where(address_of(options.host), options.port);
    error_code problem;
    acceptor.open(where.protocol(), problem);
    if (!problem) acceptor.set_option(tcp::acceptor::reuse_address(true), problem);
    if (!problem) acceptor.bind(where, problem);
    if (!problem) acceptor.listen(k_backlog, problem);
    if (problem)
      throw error(error_kind::failed, "cannot listen on port " + std::to_string(options.port))
          .at(options.host)
          .cause(problem.message())
          .hint("--port 0 takes a free port");
    port = acceptor.local_endpoint().port();
  }

  void accept() {
    acceptor.async_accept(asio::make_strand(shared->io), [this](error_code problem, tcp::socket s) {
      if (!acceptor.is_open() || problem == asio::error::operation_aborted) return;
      if (problem) {  // most often: too many open files
        pause.expires_after(std::chrono::milliseconds(100));
        pause.async_wait([this](error_code stopped) {
          if (!stopped) accept();
        });
        return;
      }
      if (n_open() >= options.limits.connections)
        turn_away(s);
      else
        std::make_shared<connection>(std::move(s), shared)->start();
      accept();
    });
  }

  int64_t n_open() const {
    const std::lock_guard lock(shared->mutex);
    return static_cast<int64_t>(shared->open.size());
  }

  static void turn_away(tcp::socket &s) {
    static const std::string k_full =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: "
        "close\r\nContent-Length: 0\r\n\r\n";
    error_code ignored;
    s.non_blocking(true, ignored);
    s.write_some(asio::buffer(k_full), ignored);
    s.close(ignored);
  }

  template <class F>
  void for_each_open(F &&visit) {
    std::vector<std::shared_ptr<connection>> all;
    {
      const std::lock_guard lock(shared->mutex);
      for (const auto &[key, one] : shared->open)
        if (auto alive = one.lock()) all.push_back(std::move(alive));
    }
    for (const auto &one : all) visit(*one);
  }

  void close_acceptor() {
    asio::post(acceptor.get_executor(), [this] {
      error_code ignored;
      acceptor.close(ignored);
      pause.cancel();
    });
  }

  net_options options;
  std::shared_ptr<net_shared> shared;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  uint16_t port = 0;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::vector<std::thread> threads;
};

network::network(application &app, const net_options &options)
    : state_(std::make_unique<state>(app, options)) {}

network::~network() {
  state &s = *state_;
  s.shared->draining = true;
  s.close_acceptor();
  s.for_each_open([](connection &one) { one.close_now(); });
  if (s.shared->workers) s.shared->workers->join();
  s.work.reset();
  if (s.threads.empty()) s.shared->io.run();  // start() was never called
  for (std::thread &one : s.threads) one.join();
}

void network::start() {
  state &s = *state_;
  if (s.options.workers > 0)
    s.shared->workers = std::make_unique<asio::thread_pool>(static_cast<size_t>(s.options.workers));
  s.work.emplace(s.shared->io.get_executor());
  asio::post(s.acceptor.get_executor(), [&s] { s.accept(); });
  for (int i = 0; i < s.options.threads; ++i)
    s.threads.emplace_back([io = &s.shared->io] { io->run(); });
}

void network::stop_accepting() {
  state_->shared->draining = true;
  state_->close_acceptor();
  state_->for_each_open([](connection &one) { one.close_if_idle(); });
}

int64_t network::busy() const {
  return state_->shared->n_busy;
}

int64_t network::connections() const {
  return state_->n_open();
}

uint16_t network::port() const {
  return state_->port;
}

bool network::is_loopback(const std::string &host) {
  return address_of(host).is_loopback();
}

}  // namespace assay::serve
