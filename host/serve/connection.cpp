// Reads requests from a socket and writes answers, one request at a time. Boost.Beast parses HTTP/1.1; heads of answers are
// written here, because the head and the first event of a stream go out in one piece.
#include "serve/connection.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <cstdio>
#include <ctime>

namespace assay::serve {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

// The largest buffer of bytes that were read and not parsed yet: a head, and what follows early.
size_t buffer_bytes(const server_limits &limits) {
  return limits.head_bytes + limits.early_bytes + (64 << 10);
}

std::string text_of(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

std::string date_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text;
}

http_request request_of(const http::request_header<> &head) {
  http_request out;
  out.method = text_of(head.method_string());
  out.path = text_of(head.target());
  out.path = out.path.substr(0, out.path.find_first_of("?#"));
  out.content_type = text_of(head[http::field::content_type]);
  out.content_encoding = text_of(head[http::field::content_encoding]);
  out.authorization = text_of(head[http::field::authorization]);
  out.origin = text_of(head[http::field::origin]);
  out.preflight_method = text_of(head[http::field::access_control_request_method]);
  out.request_id = text_of(head["x-request-id"]);
  return out;
}

}  // namespace

connection::connection(tcp::socket socket, std::shared_ptr<net_shared> shared)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      shared_(std::move(shared)),
      buffer_(buffer_bytes(shared_->limits)) {}

connection::~connection() {
  const std::lock_guard lock(shared_->mutex);
  shared_->open.erase(this);
}

void connection::start() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->open.emplace(this, weak_from_this());
  }
  error_code ignored;
  socket_.set_option(tcp::no_delay(true),
                     ignored);  // a chunk must not wait for the acknowledgement of the one before
  socket_.non_blocking(true, ignored);
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] { self->wait_for_request(); });
}

void connection::close_if_idle() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->phase_ == phase::idle) self->close();
  });
}

void connection::close_now() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->close(); });
}

// --- reading ---

void connection::wait_for_request() {
  phase_ = phase::idle;
  if (shared_->draining) return close();
  if (buffer_.size() > 0) {  // it came while the last one was answered
    set_deadline(shared_->limits.request_time);
    return read_head();
  }
  buffer_.shrink_to_fit();  // an idle connection holds no memory
  set_deadline(shared_->limits.idle_time);
  watch();
}

void connection::watch() {
  if (watching_ || phase_ == phase::closed) return;
  watching_ = true;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code problem) {
    self->watching_ = false;
    self->on_readable(problem);
  });
}

// While a request is answered, what the client sends is kept for later, and its end is noticed at once.
void connection::on_readable(error_code problem) {
  if (problem || phase_ == phase::closed) return;
  if (phase_ == phase::closing) return drain();
  if (phase_ == phase::idle) {
    set_deadline(shared_->limits.request_time);
    return read_head();
  }
  if (phase_ != phase::busy) return;
  const size_t n = socket_.read_some(buffer_.prepare(4096), problem);
  buffer_.commit(n);
  if (problem && problem != asio::error::would_block) return client_gone();
  if (buffer_.size() < shared_->limits.early_bytes) watch();
}

void connection::read_head() {
  phase_ = phase::reading;
  parser_.emplace();
  parser_->header_limit(shared_->limits.head_bytes);
  parser_->body_limit(shared_->limits.body_bytes);
  http::async_read_header(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](error_code problem, size_t) { self->on_head(problem); });
}

void connection::on_head(error_code problem) {
  if (phase_ != phase::reading) return;
  if (problem) return refuse_unreadable(problem);
  const auto &head = parser_->get();
  request_ = request_of(head);
  chunked_ = head.version() >= 11;
  keep_alive_ = parser_->keep_alive();
  const bool has_length = parser_->content_length().has_value();
  const uint64_t length = has_length ? *parser_->content_length() : 0;
  refusal_ = shared_->app.check_head(request_, length);
  const bool waits = boost::beast::iequals(head[http::field::expect], "100-continue");
  if (refusal_ && (waits || parser_->chunked() || length > shared_->limits.refused_body_bytes)) {
    refusal_->close = true;
    return refuse(std::move(*refusal_));
  }
  if (!waits) return read_body();
  auto go_on = std::make_shared<std::string>("HTTP/1.1 100 Continue\r\n\r\n");
  asio::async_write(socket_, asio::buffer(*go_on),
                    [self = shared_from_this(), go_on](error_code failed, size_t) {
                      if (failed) return self->close();
                      self->read_body();
                    });
}

void connection::read_body() {
  if (phase_ != phase::reading) return;
  http::async_read(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](error_code problem, size_t) { self->on_body(problem); });
}

void connection::on_body(error_code problem) {
  if (phase_ != phase::reading) return;
  if (problem) return refuse_unreadable(problem);
  if (!refusal_) {
    request_.body = std::move(parser_->get().body());
    refusal_ = shared_->app.enter(request_);
  }
  parser_.reset();
  if (refusal_) return refuse(std::move(*refusal_));
  dispatch();
}

void connection::dispatch() {
  phase_ = phase::busy;
  counted_ = true;
  ++shared_->n_busy;
  timer_.cancel();
  answer_complete_ = false;
  watch();
  auto run = [self = shared_from_this()] { self->shared_->app.handle(self); };
  if (shared_->workers && request_.method == "POST")
    asio::post(*shared_->workers, std::move(run));
  else
    run();
}

// Answers a request that is not handed to the application.
void connection::refuse(http_response answer) {
  phase_ = phase::busy;
  request_.body.clear();
  answer_complete_ = false;
  timer_.cancel();
  respond(std::move(answer));
}

void connection::refuse_unreadable(error_code problem) {
  if (problem == http::error::end_of_stream ||
      problem.category() != http::make_error_code(http::error::end_of_stream).category())
    return close();  // the client has gone
  request_.method = "POST";
  const int status =
      problem == http::error::body_limit                                                ? 413
      : problem == http::error::header_limit || problem == http::error::buffer_overflow ? 431
                                                                                        : 400;
  http_response answer = shared_->app.unreadable(status, problem.message());
  answer.close = true;
  refuse(std::move(answer));
}

// --- writing ---

std::string connection::head_of(int status, const std::string &content_type, const fields &more,
                                std::optional<size_t> length) const {
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  std::string out = "HTTP/1.1 " + std::to_string(status) + " " + text_of(reason) + "\r\n";
  out += "Date: " + date_now() + "\r\nServer: assay\r\n";
  if (!content_type.empty()) out += "Content-Type: " + content_type + "\r\n";
  for (const auto &[name, value] : more) out += name + ": " + value + "\r\n";
  if (length)
    out += "Content-Length: " + std::to_string(*length) + "\r\n";
  else if (chunked_)
    out += "Transfer-Encoding: chunked\r\n";
  out += keep_alive_ ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return out;
}

std::string connection::framed(const std::string &text) const {
  if (!chunked_) return text;
  char size[24];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  return size + text + "\r\n";
}

void connection::respond(http_response answer) {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this(), given = std::move(answer)] {
    if (self->phase_ != phase::busy) return;
    self->keep_alive_ = self->keep_alive_ && !given.close && !self->shared_->draining;
    std::string bytes =
        self->head_of(given.status, given.content_type, given.fields, given.body.size());
    if (self->request_.method != "HEAD") bytes += given.body;
    self->answer_complete_ = true;
    self->queue(std::move(bytes));
  });
}

void connection::begin_stream(fields more) {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this(), given = std::move(more)] {
    if (self->phase_ != phase::busy) return;
    self->keep_alive_ = self->keep_alive_ && self->chunked_;
    self->stream_ = true;
    self->stream_head_ = self->head_of(200, "text/event-stream", given, std::nullopt);
  });
}

void connection::send_event(const std::string &text) {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this(), text] {
    if (self->phase_ != phase::busy) return;
    std::string bytes = std::move(self->stream_head_) + self->framed(text);
    self->stream_head_.clear();
    self->queue(std::move(bytes));
  });
}

void connection::end_stream() {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
    if (self->phase_ != phase::busy) return;
    self->answer_complete_ = true;
    self->queue(std::move(self->stream_head_) + (self->chunked_ ? "0\r\n\r\n" : ""));
    self->stream_head_.clear();
  });
}

// Gives the bytes to the system at once if it takes them; what it does not take waits in out_.
void connection::queue(std::string bytes) {
  if (!writing_ && out_.empty() && !bytes.empty()) {
    error_code problem;
    const size_t n = socket_.write_some(asio::buffer(bytes), problem);
    if (problem && problem != asio::error::would_block) return client_gone();
    bytes.erase(0, n);
  }
  if (!bytes.empty()) {
    out_bytes_ += bytes.size();
    out_.push_back(std::move(bytes));
    if (stream_ && out_bytes_ > shared_->limits.stream_bytes) return client_gone();
  }
  if (!writing_) write_next();
}

void connection::write_next() {
  if (phase_ == phase::closed) return;
  if (out_.empty()) {
    if (answer_complete_) answered();
    return;
  }
  writing_ = true;
  set_deadline(shared_->limits.write_time);
  asio::async_write(
      socket_, asio::buffer(out_.front()),
      [self = shared_from_this()](error_code problem, size_t) { self->on_written(problem); });
}

void connection::on_written(error_code problem) {
  writing_ = false;
  if (phase_ == phase::closed) return;
  if (problem) return client_gone();
  timer_.cancel();
  out_bytes_ -= out_.front().size();
  out_.pop_front();
  write_next();
}

void connection::answered() {
  if (counted_) --shared_->n_busy;
  counted_ = false;
  stream_ = false;
  when_gone_ = nullptr;
  refusal_.reset();
  request_ = {};
  if (keep_alive_) return wait_for_request();
  linger();
}

// --- the end ---

void connection::post(std::function<void()> what) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), run = std::move(what)] { run(); });
}

void connection::when_gone(std::function<void()> what) {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this(), run = std::move(what)] {
    if (self->phase_ == phase::busy)
      self->when_gone_ = run;
    else
      run();
  });
}

// Says that no more comes, and takes what the client still sends: if unread bytes were left, the system would reset the connection,
// and the client might lose the answer.
void connection::linger() {
  phase_ = phase::closing;
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  buffer_.consume(buffer_.size());
  set_deadline(shared_->limits.linger_time);
  drain();
}

void connection::drain() {
  for (int i = 0; i < 64; ++i) {  // then others have their turn
    error_code problem;
    socket_.read_some(asio::buffer(discarded_), problem);
    if (problem == asio::error::would_block) break;
    if (problem) return close();
  }
  watch();
}

void connection::client_gone() {
  auto what = std::move(when_gone_);
  when_gone_ = nullptr;
  close();
  if (what) what();
}

void connection::close() {
  if (phase_ == phase::closed) return;
  phase_ = phase::closed;
  if (counted_) --shared_->n_busy;
  counted_ = false;
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
  when_gone_ = nullptr;
  request_.place.reset();
}

void connection::set_deadline(std::chrono::milliseconds after) {
  timer_.expires_after(after);
  timer_.async_wait([self = shared_from_this()](error_code problem) {
    if (problem || self->timer_.expiry() > asio::steady_timer::clock_type::now()) return;
    self->client_gone();
  });
}

}  // namespace assay::serve
