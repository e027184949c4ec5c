// Hostile input: after each case the server lives, a stream that runs meanwhile is not changed, and memory comes back.

#include <sys/resource.h>

#include "core/resources.hpp"
#include "tiny_server.hpp"

using namespace assay;
using namespace serve_test;
using assay_test::contains;

namespace {

const std::string k_ask = "{\"prompt\": \"a\", \"max_tokens\": 2, \"temperature\": 0}";

std::string error_text(const reply &r) {
  return r.data()["error"]["message"].get<std::string>();
}

reply send_body(tiny_server &s, const std::string &body,
                const std::string &path = "/v1/completions") {
  client c(s.port());
  c.send(client::post_text(path, body));
  return c.read();
}

// Another client's stream, which must come to its end unchanged.
struct witness {
  explicit witness(tiny_server &s) : c(s.port()) {
    const json body = {{"prompt", "witness"},
                       {"max_tokens", 100},
                       {"temperature", 0},
                       {"ignore_eos", true},
                       {"stream", true}};
    c.send(client::post_text("/v1/completions", body.dump()));
  }
  std::string text() {
    std::string out;
    const event_list events = events_of(c.read().body);
    CHECK(events.done);
    CHECK(events.chunks.size() == 100);
    for (const json &chunk : events.chunks) out += chunk["choices"][0]["text"].get<std::string>();
    return out;
  }
  client c;
};

}  // namespace

TEST_CASE("bodies that are no request are refused with a reason, and nothing else is disturbed") {
  tiny_server s({}, 2);
  const std::string expected = witness(s).text();
  witness w(s);
  std::string deep(100'000, '['), many_keys = "{";
  for (int i = 0; i < 200'000; ++i) many_keys += "\"k" + std::to_string(i) + "\":0,";
  many_keys += "\"prompt\": \"a\"}";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "the body is empty"},
      {"   ", "the body is empty"},
      {"{", "the body is not valid JSON"},
      {"[1]", "the body is a JSON array, not an object"},
      {"{\"prompt\": \"\xff\xfe\"}", "not valid JSON"},
      {"{\"prompt\": \"\\ud800\"}", "not valid JSON"},
      {"{\"prompt\": \"\\udc00x\"}", "not valid JSON"},
      {std::string("{\"prompt\": \"a\0\"}", 15), "NUL"},
      {deep, "nested deeper than 32 levels"},
      {"{\"prompt\": " + deep, "nested deeper than 32 levels"},
      {"{\"prompt\": \"a\", \"prompt\": \"b\"}", "has the key 'prompt' twice"},
      {many_keys, "more than 128 keys"},
      {"{\"prompt\": \"a\", \"temperature\": 1e999}", "not valid JSON"},
      {"{\"prompt\": \"a\", \"max_tokens\": 99999999999999999999}", "whole number"},
      {"{\"prompt\": \"a\", \"max_tokens\": 9223372036854775807}", "whole number"},
      {"{\"prompt\": [99999999999999999999]}", "token ids"},
      {"{\"prompt\": [1.0]}", "token ids"},
      {"{\"prompt\": [[]]}", "is empty"},
      {"{\"prompt\": \"a\", \"n\": 16, \"max_tokens\": 127}", "answers at a time"},
  };
  serve::server_options narrow;
  narrow.live = 4;
  tiny_server t(narrow);
  for (const auto &[body, text] : cases) {
    const reply r = send_body(body.find("\"n\": 16") != std::string::npos ? t : s, body);
    INFO(body.substr(0, 60));
    CHECK(r.status == 400);
    CHECK_THAT(error_text(r), contains(text));
  }
  const reply huge =
      send_body(s, "{\"prompt\": \"" + std::string((8 << 20) - 14, 'a') + "\"}");  // exactly 8 MiB
  CHECK(huge.status == 400);
  CHECK_THAT(error_text(huge),
             contains("the prompt has 8388594 bytes, more than 128 tokens can stand for"));
  CHECK(w.text() == expected);
}

TEST_CASE("odd bodies that are requests are answered") {
  tiny_server s;
  for (const std::string body :
       {std::string("{\"prompt\": \"a\\u0000b\", \"max_tokens\": 1}"),
        std::string("{\"prompt\": \"a\", \"temperature\": -0, \"max_tokens\": 1}"),
        std::string("{\"prompt\": \"a\", \"temperature\": -0.0, \"max_tokens\": 1.0}"),
        std::string("{\"prompt\": \"<|end|><|end|>\", \"max_tokens\": 1}"),
        std::string("{\"prompt\": \"\\ud83d\\ude00a\", \"max_tokens\": 1}"),
        std::string("\r\n {\"prompt\": \"a\", \"max_tokens\": 1} \n")}) {
    INFO(body);
    CHECK(send_body(s, body).status == 200);
  }
  json messages = json::array();
  for (int i = 0; i < 10'001; ++i) messages.push_back({{"role", "user"}, {"content", ""}});
  CHECK_THAT(error_text(send_body(s, json{{"messages", messages}}.dump(), "/v1/chat/completions")),
             contains("more than 10000"));
  messages.erase(messages.begin());
  CHECK_THAT(error_text(send_body(s, json{{"messages", messages}}.dump(), "/v1/chat/completions")),
             contains("more than 128 tokens can stand for"));
}

TEST_CASE("sizes: a body of one byte more than 8 MiB and a head of more than 16 KB") {
  tiny_server s;
  {
    client c(s.port());
    c.send(
        "POST /v1/completions HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: "
        "8388609\r\n\r\n");
    const reply r = c.read();
    CHECK(r.status == 413);
    CHECK(r.fields.at("connection") == "close");
    CHECK_THAT(error_text(r), contains("larger than 8388608 bytes"));
  }
  {
    client c(s.port());  // in chunks, so that the size is not known before
    c.send(
        "POST /v1/completions HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: "
        "chunked\r\n\r\n");
    const std::string chunk = "100000\r\n" + std::string(0x100000, 'a') + "\r\n";
    for (int i = 0; i < 9 && c.send(chunk); ++i) continue;
    CHECK(c.read().status == 413);
  }
  {
    client c(s.port());
    c.send("GET /health HTTP/1.1\r\nX: " + std::string(1 << 20, 'a'));
    CHECK(c.read().status == 431);
    CHECK(c.ended());
  }
  client c(s.port());
  CHECK(c.get("/health", "X: " + std::string(15'000, 'a') + "\r\n").status == 200);
  c.send(
      "POST /v1/completions HTTP/1.1\r\nExpect: 100-continue\r\nContent-Type: "
      "application/json\r\nContent-Length: " +
      std::to_string(k_ask.size()) + "\r\n\r\n");
  CHECK_THAT(c.receive(), contains("100 Continue"));
  c.send(k_ask);
  CHECK(c.read().status == 200);
}

TEST_CASE("requests that are no HTTP, or mean two things, are refused and end the connection") {
  tiny_server s;
  const std::string head = "POST /v1/completions HTTP/1.1\r\nContent-Type: application/json\r\n";
  for (const std::string &bytes :
       {std::string("\x16\x03\x01\x02\x00 hello\r\n\r\n"), std::string("GET\r\n\r\n"),
        std::string("GET / HTTP/9.9\r\n\r\n"), std::string("GET /\x01 HTTP/1.1\r\n\r\n"),
        head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/models "
               "HTTP/1.1\r\n\r\n",
        head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /v1/models "
               "HTTP/1.1\r\n\r\n",
        head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
        head + "Content-Length: -1\r\n\r\n", head + "Content-Length: 99999999999999999999\r\n\r\n",
        head + "Transfer-Encoding: chunked\r\n\r\n-2\r\n",
        head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", head + "X : y\r\n\r\n"}) {
    client c(s.port());
    c.send(bytes);
    const reply r = c.read();
    INFO(bytes);
    CHECK((r.status >= 400 && r.status < 500));
    CHECK(c.ended());
  }
  client good(s.port());
  CHECK(good.get("/health").status == 200);
}

TEST_CASE("pipelined requests are answered in order") {
  tiny_server s;
  client c(s.port());
  const std::string models = "GET /v1/models HTTP/1.1\r\n\r\n";
  const json stream = {{"prompt", "a"}, {"max_tokens", 3}, {"stream", true}};
  c.send(models + client::post_text("/v1/completions", stream.dump()) +
         client::post_text("/tokenize", "{\"content\": \"abc\"}") + models);
  CHECK(c.read().data()["object"] == "list");
  CHECK(events_of(c.read().body).done);
  CHECK(c.read().data()["count"] == 3);
  CHECK(c.read().data()["object"] == "list");
  // A flood behind a slow answer is held back by the socket, not kept in memory.
  s.pause_ms = 5;
  client flood(s.port());
  flood.send(client::post_text("/v1/completions",
                               "{\"prompt\": \"a\", \"max_tokens\": 60, \"ignore_eos\": true}"));
  std::thread writer([&] {
    for (int i = 0; i < 4000; ++i)
      if (!flood.send(models)) break;
  });
  int answers = 0;
  while (answers < 4001 && flood.read().status == 200) ++answers;
  writer.join();
  CHECK(answers == 4001);
}

TEST_CASE(
    "slow heads, slow bodies and endless chunks end at the deadline; an idle connection ends at "
    "its own") {
  serve::server_options options;
  options.limits.request_time = std::chrono::milliseconds(300);
  options.limits.idle_time = std::chrono::milliseconds(600);
  tiny_server s(options);
  client head(s.port()), body(s.port()), chunks(s.port()), idle(s.port()), linger(s.port());
  head.send("GET /hea");
  body.send(
      "POST /v1/completions HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: "
      "50\r\n\r\n{");
  chunks.send(
      "POST /v1/completions HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: "
      "chunked\r\n\r\n");
  const auto start = std::chrono::steady_clock::now();
  const auto passed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  while (passed() < 0.25) {  // each byte comes in time; all together do not
    head.send("l");
    body.send(" ");
    chunks.send("1\r\n \r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  for (client *one : {&head, &body, &chunks}) CHECK(one->ended(2000));
  CHECK(passed() < 0.55);
  CHECK(idle.ended(2000));
  CHECK(passed() > 0.5);
  CHECK(wait_until([&] { return s.run->connections() == 0; }));
}

TEST_CASE(
    "a thousand idle connections cost little, and others are served meanwhile; more than the limit "
    "are turned away") {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 2300) {
    WARN("skipped: only " << files.rlim_cur << " open files are allowed");
    return;
  }
  serve::server_options options;
  options.limits.connections = 1010;
  tiny_server s(options);
  client warm(s.port());
  REQUIRE(warm.post("/v1/completions", json::parse(k_ask)).status == 200);
  const uint64_t before = resident_bytes();
  std::vector<client> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.emplace_back(s.port());
    REQUIRE(idle.back().connected());
  }
  REQUIRE(wait_until([&] { return s.run->connections() == 1001; }));
  for (size_t i = 0; i < idle.size(); i += 50) CHECK(idle[i].get("/health").status == 200);
  CHECK(resident_bytes() < before + (50u << 20));
  client other(s.port());
  CHECK(other.post("/v1/completions", json::parse(k_ask)).status == 200);
  for (int i = 0; i < 20; ++i) idle.emplace_back(s.port());
  CHECK(idle.back().read().status == 503);
  idle.clear();
  CHECK(wait_until([&] { return s.run->connections() <= 2; }));
}

TEST_CASE("memory comes back after large and refused requests") {
  serve::server_options options;
  options.queue = 4;
  tiny_server s(options);
  const std::string large = "{\"prompt\": \"" + std::string(2 << 20, 'a') + "\"}";
  const auto round = [&] {
    for (int i = 0; i < 4; ++i) CHECK(send_body(s, large).status == 400);
    client c(s.port());
    for (int i = 0; i < 200; ++i)
      REQUIRE(c.post("/v1/completions", {{"prompt", ""}}).status == 400);
  };
  round();
  round();
  const uint64_t before = resident_bytes();
  for (int i = 0; i < 3; ++i) round();
  CHECK(resident_bytes() < before + (16u << 20));
}
