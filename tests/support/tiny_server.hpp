// A server with a tiny model whose tokens are single characters, and a plain HTTP client on sockets, for the tests of host/serve.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "aten.hpp"
#include "catch.hpp"
#include "core/json.hpp"
#include "serve/server.hpp"

namespace serve_test {

using assay::json;

// 96 tokens: newline and space, which byte-level tokenizers write as Ċ and Ġ, then the printable ASCII characters. "<|end|>" is a
// special token with the id of '~'.
inline std::string tiny_tokenizer() {
  json vocabulary = {{"Ċ", 0}, {"Ġ", 1}};
  for (int byte = 33; byte <= 126; ++byte)
    vocabulary[byte == 126 ? std::string("<|end|>") : std::string(1, static_cast<char>(byte))] =
        byte - 31;
  const json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  return json{{"version", "1.0"},
              {"added_tokens", json::array({{{"id", 95},
                                             {"content", "<|end|>"},
                                             {"single_word", false},
                                             {"lstrip", false},
                                             {"rstrip", false},
                                             {"normalized", false},
                                             {"special", true}}})},
              {"normalizer", nullptr},
              {"pre_tokenizer", byte_level},
              {"post_processor", nullptr},
              {"decoder", byte_level},
              {"model",
               {{"type", "BPE"},
                {"dropout", nullptr},
                {"unk_token", nullptr},
                {"fuse_unk", false},
                {"byte_fallback", false},
                {"vocab", vocabulary},
                {"merges", json::array()}}}}
      .dump();
}

constexpr const char *k_template =
    "{% for m in messages %}{{ m.role }}: {{ m.content }}<|end|>\n{% endfor %}{% if "
    "add_generation_prompt %}assistant: {% endif %}";

struct tiny_server {
  // step_ms: how long a forward pass takes at least
  explicit tiny_server(assay::serve::server_options options = {}, int step_ms = 0,
                       bool with_template = true) {
    options.port = 0;
    source =
        assay::model::checkpoint::open(ASSAY_SOURCE_DIR "/tests/golden/models/llama-gqa-untied");
    decoder = assay::model::decoder::load(*source);
    pause_ms = step_ms;
    decoder.on_kv = [this](int64_t layer, at::Tensor &, at::Tensor &) {
      if (layer == 0 && pause_ms > 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
    };
    tokenizer = assay::text::tokenizer::from_json(tiny_tokenizer());
    assay::serve::served_model one{"tiny", &decoder, tokenizer, nullptr, "print"};
    if (with_template)
      one.chat_template = std::make_shared<const assay::text::chat_template>(
          k_template, tokenizer->special_tokens());
    assay::serve::served_model two = one;
    two.name = "twin";
    run = std::make_unique<assay::serve::server>(std::vector{one, two}, options);
  }
  uint16_t port() const { return run->port(); }

  std::shared_ptr<assay::model::checkpoint> source;
  assay::model::decoder decoder;
  std::atomic<int> pause_ms{0};
  std::shared_ptr<const assay::text::tokenizer> tokenizer;
  std::unique_ptr<assay::serve::server> run;
};

// An answer; `complete` is false if the connection ended before it did.
struct reply {
  int status = 0;
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;                           // without the frames of chunks
  bool complete = false;
  json data() const { return json::parse(body); }
};

class client {
 public:
  explicit client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr *>(&to), sizeof to) == 0;
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~client() { close(); }
  client(const client &) = delete;
  client &operator=(const client &) = delete;
  client(client &&other) noexcept
      : socket_(other.socket_), connected_(other.connected_), held_(std::move(other.held_)) {
    other.socket_ = -1;
  }

  bool connected() const { return connected_; }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  void reset() {  // the peer sees a reset, not an end
    const linger hard{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void half_close() { ::shutdown(socket_, SHUT_WR); }
  int descriptor() const { return socket_; }

  // Returns whether all bytes were taken.
  bool send(const std::string &bytes) {
    for (size_t done = 0; done < bytes.size();) {
      const auto n = ::send(socket_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (n <= 0) return false;
      done += static_cast<size_t>(n);
    }
    return true;
  }

  // Waits for more bytes; returns "" at the end of the connection or after `ms`.
  std::string receive(int ms = 20000) {
    pollfd readable{socket_, POLLIN, 0};
    if (::poll(&readable, 1, ms) <= 0) return "";
    char bytes[65536];
    const auto n = ::recv(socket_, bytes, sizeof bytes, 0);
    return n > 0 ? std::string(bytes, static_cast<size_t>(n)) : "";
  }

  // Returns whether the server has ended the connection within the time; what comes before is thrown away.
  bool ended(int ms = 20000) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    while (std::chrono::steady_clock::now() < end) {
      pollfd readable{socket_, POLLIN, 0};
      if (::poll(&readable, 1, 50) <= 0) continue;
      char bytes[65536];
      if (::recv(socket_, bytes, sizeof bytes, 0) <= 0) return true;
    }
    return false;
  }

  reply read() {
    reply out;
    const auto more = [&] {
      const std::string bytes = receive();
      held_ += bytes;
      return !bytes.empty();
    };
    size_t head = 0;
    while ((head = held_.find("\r\n\r\n")) == std::string::npos)
      if (!more()) return out;
    out.status = std::atoi(held_.c_str() + 9);
    for (size_t at = held_.find("\r\n") + 2; at < head + 2;) {
      const size_t end = held_.find("\r\n", at), colon = held_.find(": ", at);
      std::string name = held_.substr(at, colon - at);
      for (char &c : name) c = static_cast<char>(std::tolower(c));
      out.fields[name] = held_.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
    held_.erase(0, head + 4);
    if (out.status == 100) return read();
    if (out.fields.count("content-length")) {
      const size_t n = std::stoul(out.fields["content-length"]);
      while (held_.size() < n)
        if (!more()) return out;
      out.body = held_.substr(0, n);
      held_.erase(0, n);
      out.complete = true;
      return out;
    }
    while (out.fields.count("transfer-encoding") > 0) {
      size_t line = 0;
      while ((line = held_.find("\r\n")) == std::string::npos)
        if (!more()) return out;
      const size_t n = std::stoul(held_, nullptr, 16);
      while (held_.size() < line + 2 + n + 2)
        if (!more()) return out;
      out.body += held_.substr(line + 2, n);
      held_.erase(0, line + 2 + n + 2);
      if (n == 0) {
        out.complete = true;
        return out;
      }
    }
    while (more()) {
    }
    out.body = std::move(held_);
    out.complete = true;
    return out;
  }

  reply post(const std::string &path, const json &body, const std::string &more = "") {
    send(post_text(path, body.dump(), more));
    return read();
  }
  reply get(const std::string &path, const std::string &more = "") {
    send("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n");
    return read();
  }
  static std::string post_text(const std::string &path, const std::string &body,
                               const std::string &more = "") {
    return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + more +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

 private:
  int socket_;
  bool connected_ = false;
  std::string held_;
};

// The JSON of each event of a stream, without the last one, "[DONE]"; `done` says whether that came.
struct event_list {
  std::vector<json> chunks;
  bool done = false;
};
inline event_list events_of(const std::string &body) {
  event_list out;
  for (size_t at = 0; at < body.size();) {
    const size_t end = body.find("\n\n", at);
    REQUIRE(end != std::string::npos);
    REQUIRE(body.compare(at, 6, "data: ") == 0);
    const std::string data = body.substr(at + 6, end - at - 6);
    REQUIRE_FALSE(out.done);
    if (data == "[DONE]")
      out.done = true;
    else
      out.chunks.push_back(json::parse(data));
    at = end + 2;
  }
  return out;
}

inline bool wait_until(const std::function<bool()> &condition, int ms = 10000) {
  for (int i = 0; i < ms / 5 && !condition(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return condition();
}

}  // namespace serve_test
