// One HTTP request and the way to answer it, without the library that moves the bytes: connection.cpp implements `exchange`, app.cpp
// implements `application`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace assay::serve {

struct http_request {
  std::string method, path;  // the path without what follows '?'
  std::string content_type, content_encoding, authorization, request_id, origin;
  std::string
      preflight_method;  // Access-Control-Request-Method of a browser that asks before it posts
  std::string body;
  std::shared_ptr<const void>
      place;  // in the queue of the engine; held until the request runs or is refused
};

struct http_response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>>
      fields;          // further header fields; no CR or LF in them
  bool close = false;  // close the connection after this answer
};

// An answer is either one respond(), or one begin_stream() and then events and end_stream(). All functions may be called from any
// thread; what is called in order is sent in order. After the client has gone they do nothing.
class exchange {
 public:
  virtual ~exchange() = default;
  virtual http_request &request() = 0;
  virtual void respond(http_response answer) = 0;
  // Keeps the head until the first event, and sends both in one piece.
  virtual void begin_stream(std::vector<std::pair<std::string, std::string>> fields) = 0;
  virtual void send_event(
      const std::string &text) = 0;  // text: the whole event, its blank line included
  virtual void end_stream() = 0;
  // Calls `what` on the thread of this connection, after what was posted before.
  virtual void post(std::function<void()> what) = 0;
  // `what` is called once, on the connection's thread, if the client goes away before the answer is complete.
  virtual void when_gone(std::function<void()> what) = 0;
};

class application {
 public:
  virtual ~application() = default;
  // Called when the head of a request is complete. An answer refuses the request without its body. body_bytes: its declared length.
  virtual std::optional<http_response> check_head(const http_request &head,
                                                  uint64_t body_bytes) = 0;
  // Called with the whole request, before anything of the body is looked at; takes the place in the queue.
  virtual std::optional<http_response> enter(http_request &whole) = 0;
  // Answers the request, now or later. GET requests come on the connection's thread, others on a worker.
  virtual void handle(std::shared_ptr<exchange> with) = 0;
  // The answer to a request that could not be read. reason: of the parser
  virtual http_response unreadable(int status, const std::string &reason) = 0;
};

}  // namespace assay::serve
