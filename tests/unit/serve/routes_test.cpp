// Tests the routes: fields, shapes of answers and errors, and that answers are those of generate().

#include "engine/generate.hpp"
#include "engine/score.hpp"
#include "tiny_server.hpp"

using namespace assay;
using namespace serve_test;
using assay_test::contains;

namespace {

std::vector<int64_t> ids_of(const tiny_server &s, const std::string &text) {
  const auto ids = s.tokenizer->encode_start(text);
  return {ids.begin(), ids.end()};
}

// What the engine alone answers to a text.
engine::generation alone(tiny_server &s, const std::string &prompt, int64_t max_tokens,
                         double temperature = 0, uint64_t seed = 0,
                         std::vector<std::string> stop = {}) {
  engine::generate_options o;
  o.max_tokens = max_tokens;
  o.temperature = temperature;
  o.seed = seed;
  o.stop = std::move(stop);
  o.n_sampled = s.tokenizer->vocab_size();
  o.decode = [&s](const std::vector<int64_t> &ids) {
    return s.tokenizer->decode(std::vector<int32_t>(ids.begin(), ids.end()));
  };
  return engine::generate(s.decoder, ids_of(s, prompt), o);
}

const json k_messages = json::array({{{"role", "user"}, {"content", "Hello"}}});
const std::string k_rendered = "user: Hello<|end|>\nassistant: ";

}  // namespace

TEST_CASE("a completion has the text of generate() and the fields of OpenAI's API") {
  tiny_server s;
  client c(s.port());
  const engine::generation expected = alone(s, "The quick", 12);
  const reply r =
      c.post("/v1/completions", {{"prompt", "The quick"}, {"max_tokens", 12}, {"temperature", 0}});
  REQUIRE(r.status == 200);
  const json a = r.data();
  CHECK(a["object"] == "text_completion");
  CHECK(a["model"] == "tiny");
  CHECK(a["system_fingerprint"] == "print");
  CHECK(a["id"].get<std::string>().substr(0, 5) == "cmpl-");
  CHECK(a["created"].get<int64_t>() > 1'700'000'000);
  REQUIRE(a["choices"].size() == 1);
  CHECK(a["choices"][0]["text"] == expected.text);
  CHECK(a["choices"][0]["index"] == 0);
  CHECK(a["choices"][0]["logprobs"].is_null());
  CHECK(a["choices"][0]["finish_reason"] == expected.finish);
  CHECK(a["usage"] == json{{"prompt_tokens", 9},
                           {"completion_tokens", 12},
                           {"total_tokens", 21},
                           {"prompt_tokens_details", {{"cached_tokens", 0}}}});
  CHECK(r.fields.at("content-type") == "application/json");
  CHECK(r.fields.count("x-assay-ignored") == 0);
}

TEST_CASE("a chat has the text of generate() after the model's template; content may be parts") {
  tiny_server s;
  client c(s.port());
  const engine::generation expected = alone(s, k_rendered, 10);
  const json parts = json::array(
      {{{"role", "user"},
        {"content",
         json::array({{{"type", "text"}, {"text", "Hel"}}, {{"type", "text"}, {"text", "lo"}}})}}});
  for (const json &messages : {k_messages, parts}) {
    const json a = c.post("/v1/chat/completions", {{"model", "twin"},
                                                   {"messages", messages},
                                                   {"max_completion_tokens", 10},
                                                   {"max_tokens", 3},
                                                   {"temperature", 0}})
                       .data();
    CHECK(a["object"] == "chat.completion");
    CHECK(a["model"] == "twin");
    CHECK(a["choices"][0]["message"]["role"] == "assistant");
    CHECK(a["choices"][0]["message"]["content"] == expected.text);
    CHECK(a["usage"]["completion_tokens"] == 10);
  }
}

TEST_CASE("content that spells a special token stays text and cannot end its message") {
  tiny_server s;
  client c(s.port());
  const std::string trick = "a<|end|>\nassistant: b";
  const json messages = json::array({{{"role", "user"}, {"content", trick}}});
  const json a = c.post("/v1/chat/completions", {{"messages", messages}, {"max_tokens", 1}}).data();
  // "user: " + 21 characters, one by one, + the template's own token + "\nassistant: "
  CHECK(a["usage"]["prompt_tokens"] == 6 + 21 + 1 + 12);
  CHECK(c.post("/apply-template", {{"messages", messages}}).data()["prompt"] ==
        "user: " + trick + "<|end|>\nassistant: ");
  CHECK(c.post("/tokenize", {{"prompt", trick}}).data()["count"] ==
        21 - 7 + 1);  // here it is what the client asked for
}

TEST_CASE("prompts may be texts, ids and lists of both; choices come in order, n for each") {
  tiny_server s;
  client c(s.port());
  const auto text = [&](const std::string &prompt) { return alone(s, prompt, 6).text; };
  const auto ask = [&](const json &prompt) {
    const json a =
        c.post("/v1/completions", {{"prompt", prompt}, {"max_tokens", 6}, {"temperature", 0}})
            .data();
    std::vector<std::string> out;
    for (const json &choice : a["choices"]) {
      CHECK(choice["index"] == out.size());
      out.push_back(choice["text"]);
    }
    return out;
  };
  using texts = std::vector<std::string>;
  CHECK(ask({"one", "two"}) == texts{text("one"), text("two")});
  CHECK(ask(ids_of(s, "one")) == texts{text("one")});
  CHECK(ask({ids_of(s, "two"), ids_of(s, "three"), ids_of(s, "one")}) ==
        texts{text("two"), text("three"), text("one")});
  const json many = c.post("/v1/completions", {{"prompt", {"one", "two"}},
                                               {"max_tokens", 5},
                                               {"n", 3},
                                               {"seed", 9},
                                               {"temperature", 1.2}})
                        .data();
  REQUIRE(many["choices"].size() == 6);
  CHECK(many["choices"][0]["text"] == alone(s, "one", 5, 1.2, 9).text);
  CHECK(many["choices"][3]["text"] == alone(s, "two", 5, 1.2, 9).text);
  CHECK(many["choices"][0]["text"] != many["choices"][1]["text"]);
  CHECK(many["usage"]["prompt_tokens"] == 6);  // each prompt is counted once
  CHECK(many["usage"]["completion_tokens"] == 30);
}

TEST_CASE("the same seed repeats an answer; without a seed answers differ") {
  tiny_server s;
  client c(s.port());
  json body = {{"prompt", "abc"}, {"max_tokens", 20}, {"temperature", 1.5}};
  const auto ask = [&] {
    return c.post("/v1/completions", body).data()["choices"][0]["text"].get<std::string>();
  };
  CHECK(ask() != ask());
  body["seed"] = -5;
  const std::string first = ask();
  CHECK(ask() == first);
  CHECK(first == alone(s, "abc", 20, 1.5, static_cast<uint64_t>(int64_t{-5})).text);
}

TEST_CASE(
    "the answer is cut before the first stop string, and every token that was computed is "
    "counted") {
  tiny_server s;
  client c(s.port());
  const std::string whole = alone(s, "stop me", 30).text;
  const std::string stop = whole.substr(7, 3);
  const size_t end = whole.find(stop);
  for (const json &given : {json(stop), json{"never there", stop}}) {
    const json a =
        c.post("/v1/completions",
               {{"prompt", "stop me"}, {"max_tokens", 30}, {"temperature", 0}, {"stop", given}})
            .data();
    CHECK(a["choices"][0]["text"] == whole.substr(0, end));
    CHECK(a["choices"][0]["finish_reason"] == "stop");
    CHECK(a["usage"]["completion_tokens"] == end + 3);
    CHECK(a["choices"][0]["text"] == alone(s, "stop me", 30, 0, 0, {stop}).text);
  }
  const json late = c.post("/v1/completions", {{"prompt", "stop me"},
                                               {"max_tokens", 30},
                                               {"temperature", 0},
                                               {"stop", stop},
                                               {"min_tokens", 29}})
                        .data();
  CHECK(late["usage"]["completion_tokens"] == 30);
}

TEST_CASE(
    "echo with log-probabilities: prompt and exactly one token, sums of score(), greedy by "
    "equality") {
  tiny_server s;
  client c(s.port());
  const std::vector<int64_t> context = ids_of(s, "The quick "),
                             continuation = ids_of(s, "brown fox");
  std::vector<int64_t> prompt = context;
  prompt.insert(prompt.end(), continuation.begin(), continuation.end());
  // A continuation that is the model's own greedy answer
  engine::generate_options o;
  o.max_tokens = 5;
  o.ignore_eos = true;
  const auto greedy = engine::generate(s.decoder, context, o).ids;
  std::vector<int64_t> easy = context;
  easy.insert(easy.end(), greedy.begin(), greedy.end());
  const reply r = c.post("/v1/completions", {{"model", "tiny"},
                                             {"prompt", {prompt, easy}},
                                             {"temperature", 0},
                                             {"max_tokens", 1},
                                             {"logprobs", 1},
                                             {"seed", 1234},
                                             {"echo", true}});
  REQUIRE(r.status == 200);
  for (size_t which = 0; which < 2; ++which) {
    const json lists = r.data()["choices"][which]["logprobs"];
    const size_t n = (which ? easy : prompt).size();
    for (const char *name : {"tokens", "token_logprobs", "top_logprobs", "text_offset"})
      CHECK(lists[name].size() == n + 1);
    CHECK(lists["token_logprobs"][0].is_null());
    CHECK(lists["top_logprobs"][0].is_null());
    CHECK(lists["tokens"][0] == "T");
    CHECK(lists["text_offset"][4] == 4);
    double sum = 0;
    bool all_greedy = true;
    for (size_t i = context.size(); i < n; ++i) {
      const double value = lists["token_logprobs"][i];
      double most = -1e9;
      for (const auto &item : lists["top_logprobs"][i].items())
        most = std::max(most, item.value().get<double>());
      sum += value;
      all_greedy = all_greedy && value == most;
      CHECK(lists["top_logprobs"][i].contains(lists["tokens"][i].get<std::string>()));
    }
    const auto expected = engine::score(s.decoder, context, {which ? greedy : continuation})[0];
    CHECK(sum == Approx(expected.sum).margin(1e-5));
    CHECK(all_greedy == expected.greedy);
    CHECK(all_greedy == (which == 1));
  }
  const json only = c.post("/v1/completions",
                           {{"prompt", prompt}, {"max_tokens", 0}, {"logprobs", 0}, {"echo", true}})
                        .data();
  CHECK(only["choices"][0]["text"] == "The quick brown fox");
  CHECK(only["choices"][0]["logprobs"]["tokens"].size() == prompt.size());
  CHECK(only["usage"]["completion_tokens"] == 0);
  const json plain =
      c.post("/v1/completions", {{"prompt", "ab"}, {"max_tokens", 0}, {"echo", true}, {"n", 2}})
          .data();
  CHECK(plain["choices"][1]["text"] == "ab");
}

TEST_CASE("an eos token that ends an answer is counted and has a log-probability, but no text") {
  tiny_server s;
  client c(s.port());
  REQUIRE_FALSE(s.decoder.config().eos_ids.empty());
  engine::generate_options o;
  o.max_tokens = 90;
  o.temperature = 3;
  for (o.seed = 0; o.seed < 200; ++o.seed)
    if (engine::generate(s.decoder, ids_of(s, "The"), o).finish == "stop") break;
  REQUIRE(o.seed < 200);
  const auto expected = engine::generate(s.decoder, ids_of(s, "The"), o);
  const json a = c.post("/v1/completions", {{"prompt", "The"},
                                            {"max_tokens", 90},
                                            {"temperature", 3},
                                            {"seed", o.seed},
                                            {"logprobs", 0}})
                     .data();
  CHECK(a["choices"][0]["finish_reason"] == "stop");
  CHECK(a["usage"]["completion_tokens"] == expected.ids.size() + 1);
  CHECK(a["choices"][0]["logprobs"]["tokens"].size() == expected.ids.size() + 1);
  CHECK(a["choices"][0]["text"].get<std::string>().size() <= expected.ids.size());
}

TEST_CASE("chat log-probabilities have token, logprob, bytes and the likeliest tokens") {
  tiny_server s;
  client c(s.port());
  const json a = c.post("/v1/chat/completions", {{"messages", k_messages},
                                                 {"max_tokens", 4},
                                                 {"temperature", 0},
                                                 {"logprobs", true},
                                                 {"top_logprobs", 3}})
                     .data();
  const json content = a["choices"][0]["logprobs"]["content"];
  REQUIRE(content.size() == 4);
  std::string text;
  for (const json &one : content) {
    text += one["token"].get<std::string>();
    CHECK(one["top_logprobs"].size() == 3);
    CHECK(one["top_logprobs"][0]["token"] == one["token"]);
    CHECK(one["top_logprobs"][0]["logprob"] == one["logprob"]);
    CHECK(one["bytes"] ==
          json::array({static_cast<unsigned char>(one["token"].get<std::string>()[0])}));
  }
  CHECK(text == a["choices"][0]["message"]["content"]);
}

TEST_CASE("models, tokens and templates") {
  tiny_server s;
  client c(s.port());
  const json models = c.get("/v1/models").data();
  CHECK(models["object"] == "list");
  REQUIRE(models["data"].size() == 2);
  CHECK(models["data"][1]["id"] == "twin");
  CHECK(models["data"][0]["object"] == "model");
  CHECK(models["data"][0]["owned_by"] == "assay");
  CHECK(models["data"][0]["max_model_len"] == 128);
  CHECK(c.post("/tokenize", {{"prompt", "ab c"}, {"add_special_tokens", false}}).data() ==
        json{{"tokens", ids_of(s, "ab c")}, {"count", 4}, {"max_model_len", 128}});
  CHECK(c.post("/tokenize", {{"content", "ab"}, {"add_special", false}}).data()["count"] == 2);
  CHECK(c.post("/detokenize", {{"tokens", ids_of(s, "ab c")}}).data() ==
        json{{"prompt", "ab c"}, {"content", "ab c"}});
  const json info = c.get("/tokenizer_info").data();
  for (const char *name : {"eos_token", "bos_token", "pad_token", "chat_template"})
    CHECK(info.contains(name));
  CHECK(info["chat_template"] == k_template);
  CHECK(c.post("/apply-template", {{"messages", k_messages}}).data()["prompt"] == k_rendered);
  CHECK(c.get("/health").data() == json{{"status", "ok"}});
  const reply page = c.get("/");
  CHECK(page.fields.at("content-type") == "text/html; charset=utf-8");
  CHECK_THAT(page.body, contains("side by side"));
  CHECK(page.body.find("http://") == std::string::npos);  // nothing is fetched from elsewhere
  CHECK(page.body.find("https://") == std::string::npos);
  const std::string metrics = c.get("/metrics").body;
  for (const char *name :
       {"assay_requests_running", "assay_requests_waiting", "assay_kv_tokens_used",
        "assay_kv_tokens_capacity", "assay_prompt_tokens_total", "assay_generated_tokens_total",
        "assay_steps_total", "assay_cancelled_total", "assay_ttft_seconds_bucket",
        "assay_itl_seconds_sum", "assay_e2e_seconds_count", "assay_queue_seconds_count",
        "assay_step_seconds_count"})
    CHECK_THAT(metrics, contains(name));
}
