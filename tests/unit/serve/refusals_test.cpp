// Tests what the routes refuse: unsupported and wrong fields, unknown models, wrong paths, methods, types and keys.

#include "tiny_server.hpp"

using namespace assay;
using namespace serve_test;
using assay_test::contains;

namespace {

json error_of(const reply &r) {
  return r.data().at("error");
}

const json k_messages = json::array({{{"role", "user"}, {"content", "Hello"}}});

}  // namespace

TEST_CASE("unknown fields are listed and counted; fields that change nothing are taken") {
  tiny_server s;
  client c(s.port());
  const reply r = c.post("/v1/completions", {{"prompt", "a"},
                                             {"max_tokens", 1},
                                             {"frobnicate", 1},
                                             {"x\r\nSet-Cookie: a", 2},
                                             {"logprobs", nullptr},
                                             {"repetition_penalty", 1.0},
                                             {"best_of", 1},
                                             {"user", "me"},
                                             {"stop", nullptr},
                                             {"logit_bias", json::object()},
                                             {"suffix", nullptr}});
  CHECK(r.status == 200);
  CHECK(r.fields.at("x-assay-ignored") == "frobnicate, x??Set-Cookie: a");
  CHECK_THAT(c.get("/metrics").body, contains("assay_ignored_fields_total 2\n"));
  CHECK(c.post("/v1/completions", {{"prompt", "a"}, {"max_tokens", 1}}, "X-Request-Id: abc-1\r\n")
            .fields.at("x-request-id") == "abc-1");
}

TEST_CASE("what is not supported or wrong is refused, and the error names the field") {
  tiny_server s;
  client c(s.port());
  const std::vector<std::tuple<json, std::string, std::string>> cases = {
      {{{"tools", json::array({1})}}, "tools", "'tools' is not supported here"},
      {{{"response_format", {{"type", "json_object"}}}},
       "response_format",
       "answers are plain text"},
      {{{"frequency_penalty", 0.5}}, "frequency_penalty", "not supported"},
      {{{"min_p", 0.1}}, "min_p", "not supported"},
      {{{"logit_bias", {{"5", 1}}}}, "logit_bias", "not supported"},
      {{{"best_of", 3}}, "best_of", "not supported"},
      {{{"max_tokens", -1}}, "max_tokens", "from 0 to"},
      {{{"max_tokens", 0}}, "max_tokens", "at least 1"},
      {{{"max_tokens", 9223372036854775808u}}, "max_tokens", "whole number"},
      {{{"max_tokens", 1e300}}, "max_tokens", "whole number"},
      {{{"max_tokens", "5"}}, "max_tokens", "whole number"},
      {{{"max_tokens", 500}}, "max_tokens", "tokens in all"},
      {{{"temperature", -1}}, "temperature", "from 0 to 100"},
      {{{"temperature", true}}, "temperature", "must be a number"},
      {{{"top_p", 0}}, "top_p", "larger than 0"},
      {{{"n", 17}}, "n", "from 1 to 16"},
      {{{"n", 0}}, "n", "from 1 to 16"},
      {{{"seed", 1.5}}, "seed", "whole number"},
      {{{"stop", json::array({""})}}, "stop", "not empty"},
      {{{"stop", ""}}, "stop", "not empty"},
      {{{"stop", std::vector<std::string>(17, "x")}}, "stop", "more than 16"},
      {{{"stop", std::string(257, 'x')}}, "stop", "more than 256 bytes"},
      {{{"stream", 1}}, "stream", "true or false"},
      {{{"stream_options", {{"include_usage", true}}}}, "stream_options", "only allowed with"},
      {{{"top_logprobs", 2}}, "top_logprobs", "only allowed with"},
      {{{"messages", json::array()}}, "messages", "not empty"},
      {{{"messages", "Hello"}}, "messages", "list"},
      {{{"messages", json::array({{{"role", "king"}, {"content", "x"}}})}},
       "messages[0].role",
       "must be system"},
      {{{"messages",
         json::array({{{"role", "user"}, {"content", json::array({{{"type", "image_url"}}})}}})}},
       "messages[0].content",
       "text alone"},
  };
  for (const auto &[change, param, text] : cases) {
    json body = {{"messages", k_messages}, {"max_tokens", 2}};
    body.update(change);
    const reply r = c.post("/v1/chat/completions", body);
    INFO(body.dump());
    CHECK(r.status == 400);
    const json e = error_of(r);
    CHECK(e["type"] == "invalid_request_error");
    CHECK(e["param"] == param);
    CHECK(e.size() == 4);
    CHECK_THAT(e["message"].get<std::string>(), contains(text));
  }
  const std::vector<std::tuple<json, std::string, std::string>> prompts = {
      {{{"prompt", ""}}, "prompt", "is empty"},
      {{{"prompt", json::array()}}, "prompt", "is empty"},
      {{{"prompt", json::array({96})}}, "prompt", "token ids from 0 to 95"},
      {{{"prompt", json::array({-1})}}, "prompt", "token ids from 0 to 95"},
      {{{"prompt", json::array({18446744073709551615u})}}, "prompt", "token ids"},
      {{{"prompt", json::array({1, "a"})}}, "prompt", "token ids"},
      {{{"prompt", json::array({"a", 1})}}, "prompt[1]", "string or a list"},
      {{{"prompt", 5}}, "prompt", "must be a string"},
      {{{"prompt", std::string(200, 'a')}}, "max_tokens", "the prompt has 200 tokens"},
      {{{"prompt", "a"}, {"logprobs", 21}}, "logprobs", "from 0 to 20"},
      {{{"prompt", "a"}, {"suffix", "b"}}, "suffix", "not supported"},
  };
  for (const auto &[body, param, text] : prompts) {
    const reply r = c.post("/v1/completions", body);
    INFO(body.dump());
    CHECK(r.status == 400);
    CHECK(error_of(r)["param"] == param);
    CHECK_THAT(error_of(r)["message"].get<std::string>(), contains(text));
  }
  CHECK(error_of(c.post("/v1/completions", {{"prompt", std::string(200, 'a')}}))["code"] ==
        "context_length_exceeded");
  const reply missing = c.post("/v1/completions", {{"model", "gpt-9"}, {"prompt", "a"}});
  CHECK(missing.status == 404);
  CHECK(error_of(missing)["code"] == "model_not_found");
  CHECK_THAT(error_of(missing)["message"].get<std::string>(), contains("there is 'tiny', 'twin'"));
}

TEST_CASE("wrong paths, methods, types and keys have their status") {
  serve::server_options options;
  options.api_key = "secret-key";
  options.cors_origin = "https://example.org";
  tiny_server s(options);
  client c(s.port());
  const std::string key = "Authorization: Bearer secret-key\r\n";
  CHECK(c.get("/health").status == 200);  // probes have no key
  CHECK(c.get("/").status == 200);
  CHECK(c.get("/v1/models").status == 401);
  CHECK(c.get("/v1/models", key).status == 200);
  const reply wrong =
      c.post("/v1/completions", {{"prompt", "a"}}, "Authorization: Bearer secret-kez\r\n");
  CHECK(wrong.status == 401);
  CHECK(error_of(wrong)["type"] == "authentication_error");
  CHECK(error_of(wrong)["param"].is_null());
  CHECK(c.post("/v1/completions", {{"prompt", "a"}, {"max_tokens", 1}}, key).status == 200);
  CHECK(c.get("/v1/nothing", key).status == 404);
  const reply method = c.get("/v1/completions", key);
  CHECK(method.status == 405);
  CHECK(method.fields.at("allow") == "POST");
  CHECK(c.post("/v1/models", json::object(), key).status == 405);
  c.send("POST /v1/completions HTTP/1.1\r\n" + key +
         "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
  CHECK(c.read().status == 415);
  c.send("POST /v1/completions HTTP/1.1\r\n" + key +
         "Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: "
         "4\r\n\r\n\x1f\x8b\x08\x01");
  CHECK(c.read().status == 415);
  // Pages of one origin may ask.
  const std::string origin = "Origin: https://example.org\r\n";
  CHECK(c.get("/health", origin).fields.at("access-control-allow-origin") == "https://example.org");
  CHECK(c.get("/health", "Origin: https://example.com\r\n")
            .fields.count("access-control-allow-origin") == 0);
  c.send("OPTIONS /v1/completions HTTP/1.1\r\n" + origin +
         "Access-Control-Request-Method: POST\r\n\r\n");
  const reply preflight = c.read();
  CHECK(preflight.status == 204);
  CHECK(preflight.fields.at("access-control-allow-methods") == "GET, POST");
  c.send("OPTIONS /v1/completions HTTP/1.1\r\nOrigin: https://example.com\r\n\r\n");
  CHECK(c.read().status == 405);
}

TEST_CASE("a model without a template has completions, and says why it has no chat") {
  tiny_server s({}, 0, false);
  client c(s.port());
  const reply r = c.post("/v1/chat/completions", {{"messages", k_messages}});
  CHECK(r.status == 400);
  CHECK_THAT(error_of(r)["message"].get<std::string>(),
             contains("has no chat template; use /v1/completions"));
  CHECK(c.post("/v1/completions", {{"prompt", "a"}, {"max_tokens", 1}}).status == 200);
}

TEST_CASE("other machines are not served without a key, unless that is spelled out") {
  serve::server_options options;
  options.host = "0.0.0.0";
  CHECK_THROWS_WITH(tiny_server(options),
                    contains("other machines could use this server without a key"));
  options.no_auth = true;
  CHECK(tiny_server(options).port() > 0);
  options.host = "nowhere";
  CHECK_THROWS_WITH(tiny_server(options), contains("'nowhere' is not an IP address"));
}
