// Tests streams: their events, and what happens when clients go away, wait, or do not read.

#include <fcntl.h>

#include "engine/generate.hpp"
#include "tiny_server.hpp"

using namespace assay;
using namespace serve_test;
using assay_test::contains;
using clock_type = std::chrono::steady_clock;

namespace {

const json k_messages = json::array({{{"role", "user"}, {"content", "Hello"}}});

json long_request(int64_t max_tokens = 100) {
  return {{"prompt", "a"},
          {"max_tokens", max_tokens},
          {"temperature", 0},
          {"ignore_eos", true},
          {"stream", true}};
}

std::string text_of(const event_list &events) {
  std::string out;
  for (const json &chunk : events.chunks)
    if (!chunk["choices"].empty()) out += chunk["choices"][0]["text"].get<std::string>();
  return out;
}

double seconds_since(clock_type::time_point start) {
  return std::chrono::duration<double>(clock_type::now() - start).count();
}

}  // namespace

TEST_CASE(
    "a stream has one chunk for each token; role comes with the first, finish_reason with the "
    "last") {
  tiny_server s;
  client c(s.port());
  json body = {{"messages", k_messages}, {"max_tokens", 9}, {"temperature", 0}};
  const json whole = c.post("/v1/chat/completions", body).data();
  body["stream"] = true;
  const reply r = c.post("/v1/chat/completions", body);
  CHECK(r.fields.at("content-type") == "text/event-stream");
  CHECK(r.fields.at("cache-control") == "no-cache");
  CHECK(r.fields.at("x-accel-buffering") == "no");
  const event_list events = events_of(r.body);
  CHECK(events.done);
  REQUIRE(events.chunks.size() == 9);
  std::string text;
  for (size_t i = 0; i < 9; ++i) {
    const json &chunk = events.chunks[i];
    CHECK(chunk["object"] == "chat.completion.chunk");
    CHECK(chunk["id"] == events.chunks[0]["id"]);
    CHECK_FALSE(chunk.contains("usage"));
    REQUIRE(chunk["choices"].size() == 1);
    CHECK(chunk["choices"][0]["delta"].contains("role") == (i == 0));
    CHECK(chunk["choices"][0]["finish_reason"] == (i == 8 ? json("length") : json()));
    text += chunk["choices"][0]["delta"]["content"].get<std::string>();
  }
  CHECK(text == whole["choices"][0]["message"]["content"]);
  CHECK(c.get("/health").status == 200);  // the connection goes on
}

TEST_CASE("usage comes only if it is asked for: at the end, or in each chunk") {
  tiny_server s;
  client c(s.port());
  json body = long_request(5);
  body["stream_options"] = {{"include_usage", true}};
  const event_list at_end = events_of(c.post("/v1/completions", body).body);
  REQUIRE(at_end.chunks.size() == 6);
  CHECK(at_end.chunks[0]["usage"].is_null());
  CHECK(at_end.chunks[5]["choices"].empty());
  CHECK(at_end.chunks[5]["usage"]["completion_tokens"] == 5);
  CHECK(at_end.chunks[5]["usage"]["prompt_tokens"] == 1);
  body["stream_options"] = {{"continuous_usage_stats", true}};
  const event_list each = events_of(c.post("/v1/completions", body).body);
  REQUIRE(each.chunks.size() == 5);
  for (size_t i = 0; i < 5; ++i) CHECK(each.chunks[i]["usage"]["completion_tokens"] == i + 1);
  body["stream_options"] = nullptr;
  body["assay_timings"] = true;
  const event_list timed = events_of(c.post("/v1/completions", body).body);
  const json timings = timed.chunks.back()["assay_timings"];
  CHECK(timings["steps"] == 5);
  for (const char *name : {"queue_seconds", "prefill_seconds", "decode_seconds"})
    CHECK(timings[name].get<double>() >= 0);
}

TEST_CASE(
    "a token whose text is held back for a stop string has a chunk too, and the text is that of "
    "the whole answer") {
  tiny_server s;
  client c(s.port());
  json body = long_request(30);
  body["stream"] = false;
  const std::string whole = c.post("/v1/completions", body).data()["choices"][0]["text"];
  body["stream"] = true;
  body["stop"] = {whole.substr(10, 4),
                  whole.substr(3, 2) + "\x01"};  // the second one begins, but never comes
  const event_list events = events_of(c.post("/v1/completions", body).body);
  const size_t end = whole.find(whole.substr(10, 4));
  CHECK(text_of(events) == whole.substr(0, end));
  CHECK(events.chunks.size() == end + 4);
  CHECK(events.chunks.back()["choices"][0]["finish_reason"] == "stop");
}

TEST_CASE("several choices and prompts share a stream; each has its own first and last chunk") {
  tiny_server s;
  client c(s.port());
  json body = long_request(4);
  body["prompt"] = {"one", "two"};
  body["n"] = 2;
  body["echo"] = true;
  body["logprobs"] = 1;
  const event_list events = events_of(c.post("/v1/completions", body).body);
  std::map<int, std::string> texts;
  std::map<int, size_t> tokens;
  for (const json &chunk : events.chunks) {
    const json &choice = chunk["choices"][0];
    texts[choice["index"]] += choice["text"].get<std::string>();
    tokens[choice["index"]] += choice["logprobs"]["tokens"].size();
  }
  REQUIRE(texts.size() == 4);
  CHECK(texts[0].substr(0, 3) == "one");
  CHECK(texts[3].substr(0, 3) == "two");
  CHECK(texts[0] == texts[1]);
  for (const auto &[index, n] : tokens) CHECK(n == 3 + 4);
  body = long_request(0);
  body["echo"] = true;
  const event_list empty = events_of(c.post("/v1/completions", body).body);
  REQUIRE(empty.chunks.size() == 1);
  CHECK(empty.chunks[0]["choices"][0]["text"] == "a");
  CHECK(empty.chunks[0]["choices"][0]["finish_reason"] == "length");
}

TEST_CASE("HTTP/1.0 clients get a stream that ends with the connection") {
  tiny_server s;
  client c(s.port());
  const std::string body = long_request(3).dump();
  c.send("POST /v1/completions HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body);
  const reply r = c.read();
  CHECK(r.fields.count("transfer-encoding") == 0);
  CHECK(events_of(r.body).chunks.size() == 3);
}

TEST_CASE("head and first event come in one piece") {
  tiny_server s({}, 5);
  client c(s.port());
  c.send(client::post_text("/v1/completions", long_request(3).dump()));
  const std::string first = c.receive();
  CHECK_THAT(first, contains("200 OK"));
  CHECK_THAT(first, contains("data: {"));
  CHECK_FALSE(c.ended(100));  // the connection goes on
}

TEST_CASE("cut streams free their slots within two steps, and the others go on token for token") {
  serve::server_options options;
  options.live = 40;
  tiny_server s(options, 10);
  std::vector<client> clients;
  for (int i = 0; i < 40; ++i) {
    clients.emplace_back(s.port());
    json body = long_request(60);
    body["prompt"] = std::string(1 + static_cast<size_t>(i) % 5, 'a');
    clients.back().send(client::post_text("/v1/completions", body.dump()));
  }
  REQUIRE(wait_until(
      [&] { return s.run->state().running == 40 && s.run->state().answer_tokens > 100; }));
  const int64_t before = s.run->state().steps;
  const auto cut = clock_type::now();
  for (size_t i = 0; i < 40; i += 2) i % 4 == 0 ? clients[i].close() : clients[i].reset();
  REQUIRE(wait_until([&] { return s.run->state().running <= 20; }, 2000));
  CHECK(s.run->state().running == 20);
  CHECK(s.run->state().steps - before <=
        4);  // the step that runs, two more, and one because the clients end one after another
  CHECK(seconds_since(cut) < 0.3);  // 200 ms, and the pauses of this test
  CHECK(s.run->state().cancelled == 20);
  for (size_t i = 1; i < 40; i += 2) {
    const reply r = clients[i].read();
    CHECK(r.complete);
    engine::generate_options o;
    o.max_tokens = 60;
    o.ignore_eos = true;
    o.n_sampled = 96;
    const auto ids = s.tokenizer->encode_start(std::string(1 + i % 5, 'a'));
    s.pause_ms = 0;
    const auto alone = engine::generate(s.decoder, {ids.begin(), ids.end()}, o).ids;
    CHECK(text_of(events_of(r.body)) ==
          s.tokenizer->decode(std::vector<int32_t>(alone.begin(), alone.end())));
  }
  CHECK(wait_until([&] { return s.run->state().kv_reserved == 0; }));
}

TEST_CASE(
    "whole answers and waiting requests are cancelled when their client goes away, also by a half "
    "close") {
  serve::server_options options;
  options.live = 1;
  tiny_server s(options, 10);
  client running(s.port()), waiting(s.port());
  json body = long_request(100);
  body["stream"] = false;
  running.send(client::post_text("/v1/completions", body.dump()));
  REQUIRE(wait_until([&] { return s.run->state().running == 1; }));
  waiting.send(client::post_text("/v1/completions", body.dump()));
  REQUIRE(wait_until([&] { return s.run->state().waiting == 1; }));
  waiting.half_close();
  CHECK(wait_until([&] { return s.run->state().waiting == 0; }, 500));
  running.close();
  CHECK(wait_until([&] { return s.run->state().running == 0; }, 500));
  CHECK(s.run->state().cancelled == 2);
}

TEST_CASE("a reader that never reads is cut off at the bound of its stream, and others go on") {
  serve::server_options options;
  options.limits.stream_bytes = 128 << 10;
  tiny_server s(options);
  // The system takes some MB itself, so many long answers are asked for in one stream.
  json body = long_request(100);
  body["prompt"] = std::vector<std::string>(20, "a");
  body["logprobs"] = 20;
  body["n"] = 16;
  client lazy(s.port());
  const int small = 1024;
  ::setsockopt(lazy.descriptor(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  lazy.send(client::post_text("/v1/completions", body.dump()));
  CHECK(wait_until([&] { return s.run->state().cancelled > 0; }, 60000));
  CHECK(s.run->state().answer_tokens > 300);  // it was not cut for the tokens of a few steps
  CHECK(wait_until([&] { return s.run->state().running == 0 && s.run->state().waiting == 0; }));
  client eager(s.port());
  const reply r = eager.post("/v1/completions", body);  // the same bound does not cut one who reads
  CHECK(events_of(r.body).chunks.size() == 20 * 16 * 100);
}

TEST_CASE(
    "one request more than the queue has places gets 429 at once, and the client may come back") {
  serve::server_options options;
  options.live = 1;
  options.queue = 2;
  tiny_server s(options, 5);
  std::vector<client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(s.port());
    clients.back().send(client::post_text("/v1/completions", long_request(100).dump()));
    REQUIRE(wait_until([&] { return s.run->state().running == 1 && s.run->state().waiting == i; }));
  }
  client late(s.port());
  const auto start = clock_type::now();
  for (int i = 0; i < 200; ++i) {
    const reply r = late.post("/v1/completions", long_request());
    REQUIRE(r.status == 429);
    if (i > 0) continue;
    CHECK(r.data()["error"]["type"] == "rate_limit_error");
    CHECK(r.data()["error"]["code"] == "queue_full");
    const int after = std::stoi(r.fields.at("retry-after"));
    CHECK((after >= 1 && after <= 60));
  }
  CHECK(seconds_since(start) < 1);  // 5 ms for each
  CHECK(s.run->counts().rejected("queue_full") == 200);
  clients.clear();
  CHECK(wait_until([&] { return s.run->state().running == 0; }));
  CHECK(late.post("/v1/completions", long_request(2)).status == 200);
}

TEST_CASE(
    "stop() lets running answers end, refuses new work meanwhile, and cuts what is left after the "
    "grace") {
  serve::server_options options;
  options.live = 2;
  tiny_server s(options, 5);
  client running(s.port());
  running.send(client::post_text("/v1/completions", long_request(60).dump()));
  REQUIRE(wait_until([&] { return s.run->state().running == 1; }));
  bool complete = false;
  std::thread stopper([&] { complete = s.run->stop(); });
  client probe(s.port());
  REQUIRE(wait_until([&] { return probe.get("/health").status == 503; }));
  const reply refused = probe.post("/v1/completions", long_request(2));
  CHECK(refused.status == 503);
  CHECK(refused.data()["error"]["type"] == "unavailable_error");
  CHECK(refused.fields.count("retry-after") == 1);
  const event_list events = events_of(running.read().body);
  CHECK(events.chunks.size() == 60);
  CHECK(events.done);
  stopper.join();
  CHECK(complete);

  options.grace = 0.1;
  tiny_server t(options, 20);
  client cut(t.port()), whole(t.port());
  json body = long_request(100);
  cut.send(client::post_text("/v1/completions", body.dump()));
  body["stream"] = false;
  whole.send(client::post_text("/v1/completions", body.dump()));
  REQUIRE(
      wait_until([&] { return t.run->state().running == 2 && t.run->state().answer_tokens > 3; }));
  CHECK_FALSE(t.run->stop());
  const event_list broken = events_of(cut.read().body);
  CHECK(broken.done);
  CHECK(broken.chunks.back()["error"]["message"] == "the server is shutting down");
  const reply error = whole.read();
  CHECK(error.status == 503);
  CHECK(error.complete);
}

TEST_CASE("the monitoring port answers while all slots are taken, and has nothing else") {
  serve::server_options options;
  options.live = 2;
  options.monitor_port = 0;
  tiny_server s(options, 20);
  std::vector<client> busy;
  for (int i = 0; i < 8; ++i) {
    busy.emplace_back(s.port());
    busy.back().send(client::post_text("/v1/completions", long_request(60).dump()));
  }
  REQUIRE(wait_until([&] { return s.run->state().running == 2; }));
  client monitor(s.run->monitor_port());
  const auto start = clock_type::now();
  CHECK(monitor.get("/health").status == 200);
  CHECK(seconds_since(start) < 0.05);
  CHECK_THAT(monitor.get("/metrics").body, contains("assay_requests_running 2\n"));
  CHECK(monitor.get("/v1/models").status == 404);
  CHECK(monitor.post("/v1/completions", long_request(1)).status == 404);
}

TEST_CASE("a model that fails gives 500, or an error event in a stream that has begun") {
  tiny_server s;
  std::atomic<int> left{3};
  s.decoder.on_kv = [&](int64_t layer, at::Tensor &, at::Tensor &) {
    if (layer == 0 && --left < 0) throw std::runtime_error("the device is gone");
  };
  client c(s.port());
  const event_list events = events_of(c.post("/v1/completions", long_request(9)).body);
  CHECK(events.done);
  CHECK(events.chunks.back()["error"]["type"] == "server_error");
  const reply r = c.post("/v1/completions", {{"prompt", "a"}});
  CHECK(r.status == 500);
  CHECK(r.data()["error"]["message"] == "the device is gone");
  left = 1000;
  CHECK(c.post("/v1/completions", {{"prompt", "a"}}).status == 200);
}
