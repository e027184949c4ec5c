// One connection of a client; only net.cpp and connection.cpp include this header, because it needs Boost.Asio.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "serve/http.hpp"
#include "serve/limits.hpp"

namespace assay::serve {

class connection;

// What the connections of a network share.
struct net_shared {
  net_shared(application &to, const server_limits &given) : app(to), limits(given) {}
  application &app;
  const server_limits limits;
  std::atomic<int64_t> n_busy{0};
  std::atomic<bool> draining{false};
  std::mutex mutex;  // guards `open`
  std::unordered_map<connection *, std::weak_ptr<connection>> open;
  boost::asio::io_context io;
  std::unique_ptr<boost::asio::thread_pool> workers;  // null = none
};

// Its socket belongs to a strand (an executor that runs one function at a time). What is private runs on that strand.
class connection final : public exchange, public std::enable_shared_from_this<connection> {
 public:
  using tcp = boost::asio::ip::tcp;
  connection(tcp::socket socket, std::shared_ptr<net_shared> shared);
  ~connection() override;
  void start();
  void close_if_idle();  // any thread
  void close_now();      // any thread

  http_request &request() override { return request_; }
  void respond(http_response answer) override;
  void begin_stream(std::vector<std::pair<std::string, std::string>> fields) override;
  void send_event(const std::string &text) override;
  void end_stream() override;
  void post(std::function<void()> what) override;
  void when_gone(std::function<void()> what) override;

 private:
  using parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using fields = std::vector<std::pair<std::string, std::string>>;
  using error_code = boost::system::error_code;

  void wait_for_request();
  void read_head();
  void on_head(error_code problem);
  void read_body();
  void on_body(error_code problem);
  void dispatch();
  void refuse(http_response answer);
  void refuse_unreadable(error_code problem);
  void watch();
  void on_readable(error_code problem);
  void queue(std::string bytes);
  void write_next();
  void on_written(error_code problem);
  void answered();
  void linger();
  void drain();
  void client_gone();
  void close();
  void set_deadline(std::chrono::milliseconds after);
  std::string head_of(int status, const std::string &content_type, const fields &more,
                      std::optional<size_t> length) const;
  std::string framed(const std::string &text) const;

  enum class phase { idle, reading, busy, closing, closed };

  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<net_shared> shared_;
  boost::beast::flat_buffer buffer_;
  std::optional<parser> parser_;
  http_request request_;
  std::optional<http_response> refusal_;  // the answer, while the body is still read
  phase phase_ = phase::idle;
  bool keep_alive_ = false, chunked_ = false, counted_ = false;
  bool watching_ = false, writing_ = false, answer_complete_ = false, stream_ = false;
  std::string stream_head_;  // not sent yet
  std::deque<std::string> out_;
  size_t out_bytes_ = 0;
  std::function<void()> when_gone_;
  char discarded_[4096];
};

}  // namespace assay::serve
