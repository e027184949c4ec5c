// Tests the service: answers under any load are those of the prompt alone, requests can be cancelled, the queue is bounded,
// and short prompts pass long ones.

#include <algorithm>
#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include "aten.hpp"
#include "catch.hpp"
#include "core/error.hpp"
#include "engine/score.hpp"
#include "engine/service.hpp"
#include "tiny_decoder.hpp"

using namespace assay;
using namespace assay::engine;
using assay_test::some_ids;
using assay_test::tiny;
using ids_t = std::vector<int64_t>;

namespace {

// What happened to one request. The engine thread writes it; read it after wait().
struct outcome {
  std::map<size_t, ids_t> answers;
  std::map<size_t, std::string> finish;
  std::vector<token_reading> prompt;
  service_end end;
  std::promise<void> ended;
  void wait() {
    REQUIRE(ended.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready);
  }
};

// A request whose events go to `to`. each: called with every decision, after it was noted.
service_request request_for(outcome &to, ids_t prompt, int64_t max_tokens,
                            std::function<void()> each = {}) {
  service_request out;
  out.prompt = std::move(prompt);
  out.options.max_tokens = max_tokens;
  out.options.ignore_eos = true;
  out.options.on_decision = [&to, each](size_t index, const decision &made) {
    to.answers[index].push_back(made.token.id);
    to.finish[index] = made.finish;
    if (each) each();
    return false;
  };
  out.on_prompt = [&to](std::vector<token_reading> read) { to.prompt = std::move(read); };
  out.on_end = [&to](const service_end &end) {
    to.end = end;
    to.ended.set_value();
  };
  return out;
}

service::ticket submit(service &s, service_request one) {
  auto place = s.reserve();
  REQUIRE(place);
  std::vector<service_request> list;
  list.push_back(std::move(one));
  return s.submit(std::move(place), std::move(list))[0];
}

// A gate that holds up the engine thread in a callback until it is opened.
struct gate {
  std::promise<void> reached, opened;
  std::shared_future<void> open = opened.get_future().share();
  bool passed = false;
  void hold() {
    if (passed) return;
    passed = true;
    reached.set_value();
    open.wait();
  }
};

bool wait_until(const std::function<bool()> &condition) {
  for (int i = 0; i < 2000 && !condition(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return condition();
}

}  // namespace

TEST_CASE("answers under load are those of each prompt alone, in any order and number") {
  for (const std::string name : {"llama-gqa-untied", "qwen3-bias-window"}) {
    const model::decoder m = tiny(name);
    std::vector<ids_t> prompts;
    for (int64_t i = 0; i < 18; ++i) prompts.push_back(some_ids(3 + 5 * i % 47, 11 * i));
    generate_options alone;
    alone.max_tokens = 9;
    alone.ignore_eos = true;
    std::vector<ids_t> expected;
    for (const ids_t &prompt : prompts) expected.push_back(generate(m, prompt, alone).ids);
    std::vector<size_t> order(prompts.size());
    std::iota(order.begin(), order.end(), size_t{0});
    for (int turn = 0; turn < 4; ++turn) {
      if (turn == 1) std::reverse(order.begin(), order.end());
      if (turn == 2) std::rotate(order.begin(), order.begin() + 7, order.end());
      if (turn == 3)
        std::stable_partition(order.begin(), order.end(), [](size_t i) { return i % 3 == 0; });
      for (const int64_t live : {1, 4, 16}) {
        service s({&m}, {.max_live = live, .batch_tokens = 40});
        std::vector<outcome> got(prompts.size());
        for (const size_t i : order) submit(s, request_for(got[i], prompts[i], 9));
        for (size_t i = 0; i < got.size(); ++i) {
          got[i].wait();
          CHECK(got[i].answers[0] == expected[i]);
          CHECK(got[i].finish[0] == "length");
          CHECK(got[i].end.how == service_end::kind::done);
        }
        const service_state after = s.state();
        CHECK(after.answer_tokens == 18 * 9);
        CHECK(wait_until([&] { return s.state().kv_reserved == 0; }));
      }
    }
  }
}

TEST_CASE("two models are served side by side by one thread") {
  const model::decoder a = tiny(), b = tiny("qwen3-bias-window");
  generate_options alone;
  alone.max_tokens = 12;
  alone.ignore_eos = true;
  service s({&a, &b}, {});
  outcome from_a, from_b;
  service_request second = request_for(from_b, some_ids(6), 12);
  second.model = 1;
  submit(s, request_for(from_a, some_ids(6), 12));
  submit(s, std::move(second));
  from_a.wait();
  from_b.wait();
  CHECK(from_a.answers[0] == generate(a, some_ids(6), alone).ids);
  CHECK(from_b.answers[0] == generate(b, some_ids(6), alone).ids);
}

TEST_CASE(
    "several answers to one prompt read it once; sampled ones are those of a batch with the same "
    "seed") {
  const model::decoder m = tiny();
  service s({&m}, {.max_live = 4});
  outcome got;
  service_request one = request_for(got, some_ids(30), 8);
  one.answers = 3;
  one.options.temperature = 1.3;
  one.options.seed = 77;
  submit(s, std::move(one));
  got.wait();
  generate_options options;
  options.max_tokens = 8;
  options.ignore_eos = true;
  options.temperature = 1.3;
  options.seed = 77;
  const auto batch = generate_batch(m, {some_ids(30), some_ids(30), some_ids(30)}, options);
  for (size_t i = 0; i < 3; ++i) CHECK(got.answers[i] == batch[i].ids);
  CHECK(got.answers[0] != got.answers[1]);
  CHECK(got.end.steps == 8);
}

TEST_CASE("the tokens of a prompt are read as score reads them, whatever the pieces") {
  const model::decoder m = tiny();
  const ids_t prompt = some_ids(50, 3);
  const score_result whole = score(m, {prompt[0]}, {ids_t(prompt.begin() + 1, prompt.end())})[0];
  for (const int64_t budget : {0, 17}) {
    service s({&m}, {.batch_tokens = budget});
    outcome got;
    service_request one = request_for(got, prompt, 1);
    one.prompt_top = 2;
    submit(s, std::move(one));
    got.wait();
    REQUIRE(got.prompt.size() == 49);
    double sum = 0;
    for (size_t i = 0; i < 49; ++i) {
      const token_reading &read = got.prompt[i];
      CHECK(read.id == prompt[i + 1]);
      CHECK(read.top.size() == 2);
      CHECK(read.top[0].second >= read.top[1].second);
      CHECK(read.top[0].second >= read.logprob);
      if (read.top[0].first == read.id) CHECK(read.top[0].second == read.logprob);
      sum += read.logprob;
    }
    CHECK(sum == Approx(whole.sum).margin(1e-4));
    CHECK(got.answers[0].size() == 1);
  }
  service s({&m}, {});
  outcome only;
  service_request one = request_for(only, prompt, 0);
  one.answers = 0;
  one.prompt_top = 0;
  submit(s, std::move(one));
  only.wait();
  CHECK(only.prompt.size() == 49);
  CHECK(only.answers.empty());
}

TEST_CASE("a cancelled request leaves at the next step, and the others go on unchanged") {
  const model::decoder m = tiny();
  service s({&m}, {.max_live = 2});
  gate g;
  outcome cut, other, waiting;
  const auto ticket = submit(s, request_for(cut, some_ids(4), 100, [&] {
                               if (cut.answers[0].size() == 3) g.hold();
                             }));
  submit(s, request_for(other, some_ids(5, 2), 30));
  const auto third = submit(s, request_for(waiting, some_ids(6, 4), 5));
  g.reached.get_future().wait();
  s.cancel(ticket);
  g.opened.set_value();
  cut.wait();
  CHECK(cut.end.how == service_end::kind::cancelled);
  CHECK(cut.answers[0].size() == 3);
  waiting.wait();  // got the slot
  CHECK(waiting.answers[0].size() == 5);
  other.wait();
  generate_options alone;
  alone.max_tokens = 30;
  alone.ignore_eos = true;
  CHECK(other.answers[0] == generate(m, some_ids(5, 2), alone).ids);
  CHECK(wait_until([&] { return s.state().kv_reserved == 0; }));
  CHECK(s.state().cancelled == 1);
  s.cancel(ticket);  // too late: does nothing
  s.cancel(third);
}

TEST_CASE("a full queue is refused, and a place is free again once its request runs") {
  const model::decoder m = tiny();
  service s({&m}, {.max_live = 1, .max_waiting = 2});
  gate g;
  outcome first, second, third;
  submit(s, request_for(first, some_ids(4), 4, [&] { g.hold(); }));
  g.reached.get_future().wait();
  submit(s, request_for(second, some_ids(4), 4));
  const auto cancelled = submit(s, request_for(third, some_ids(4), 4));
  CHECK_FALSE(s.has_room());
  CHECK(s.reserve() == nullptr);
  CHECK(s.state().waiting == 2);
  s.cancel(cancelled);
  g.opened.set_value();
  third.wait();
  CHECK(third.answers.empty());
  CHECK(s.has_room());
  second.wait();
  CHECK(second.answers[0].size() == 4);
}

TEST_CASE("a short prompt passes a long one, and running answers go on while both are read") {
  const model::decoder m = tiny();
  service s({&m}, {.max_live = 4, .batch_tokens = 32});
  gate g;
  outcome running, slow, quick;
  std::vector<std::string> order;
  submit(s, request_for(running, some_ids(2), 12, [&] {
           order.push_back("running");
           g.hold();
         }));
  g.reached.get_future().wait();
  submit(s, request_for(slow, some_ids(110), 1, [&] { order.push_back("slow"); }));
  submit(s, request_for(quick, some_ids(10), 1, [&] { order.push_back("quick"); }));
  g.opened.set_value();
  for (outcome *one : {&running, &slow, &quick}) one->wait();
  const auto place = [&](const std::string &name) {
    return std::find(order.begin(), order.end(), name) - order.begin();
  };
  CHECK(place("quick") < place("slow"));
  CHECK(place("quick") == 2);  // read in the first pass after the gate
  CHECK(place("slow") >=
        5);  // 110 tokens in pieces of at most 31, with one of `running` in each pass
}

TEST_CASE("no reservation is exceeded: what does not fit waits, and what never fits is refused") {
  const model::decoder m = tiny();
  const int64_t per_token = cache_bytes_per_token(m);
  service s({&m}, {.max_live = 8, .kv_bytes = 40 * per_token});
  std::vector<outcome> got(6);
  for (outcome &one : got) submit(s, request_for(one, some_ids(10), 8));
  for (outcome &one : got) {
    one.wait();
    CHECK(one.answers[0].size() == 8);
  }
  CHECK(s.state().kv_capacity == 40);
  outcome never;
  CHECK_THROWS_WITH(submit(s, request_for(never, some_ids(30), 20)),
                    "the prompt has 30 tokens and its 1 answers may have 20 each, but the memory "
                    "for keys and values holds 40 tokens");
  CHECK_THROWS_WITH(submit(s, request_for(never, some_ids(120), 20)),
                    "the prompt has 120 tokens and the answer may have 20, but the model takes 128 "
                    "tokens in all");
  CHECK_THROWS_WITH(submit(s, request_for(never, {}, 2)), "the prompt is empty");
  CHECK_THROWS_WITH(submit(s, request_for(never, {5000}, 2)),
                    assay_test::contains("outside the vocabulary"));
  CHECK(s.has_room());
}

TEST_CASE("no eos token is chosen before min_tokens, and on_decision can end an answer") {
  const model::decoder m = tiny();
  generate_options options;
  options.max_tokens = 12;
  options.ignore_eos = true;
  const ids_t free_run = generate(m, some_ids(4), options).ids;
  options.ignore_eos = false;
  options.eos_ids = {free_run[0]};
  CHECK(generate(m, some_ids(4), options).ids.empty());
  options.min_tokens = 3;
  const ids_t longer = generate(m, some_ids(4), options).ids;
  CHECK(longer.size() >= 3);
  CHECK(std::count(longer.begin(), longer.end(), free_run[0]) == 0);
  std::vector<std::string> finishes;
  options.eos_ids = {free_run[0]};
  options.min_tokens = 0;
  options.on_decision = [&](size_t, const decision &made) {
    finishes.push_back(made.finish);
    CHECK(made.token.id == free_run[0]);
    return false;
  };
  generate(m, some_ids(4), options);
  CHECK(finishes == std::vector<std::string>{"stop"});
  options.ignore_eos = true;
  options.on_decision = [](size_t, const decision &) { return true; };
  const generation cut = generate(m, some_ids(4), options);
  CHECK(cut.ids.size() == 1);
  CHECK(cut.finish == "stop");
}

TEST_CASE("a model that fails fails its requests, and the service goes on") {
  model::decoder m = tiny();
  std::atomic<bool> broken{true};
  m.on_kv = [&](int64_t, at::Tensor &, at::Tensor &) {
    if (broken) throw std::runtime_error("the device is gone");
  };
  service s({&m}, {});
  outcome bad, good;
  submit(s, request_for(bad, some_ids(4), 4));
  bad.wait();
  CHECK(bad.end.how == service_end::kind::failed);
  CHECK(bad.end.problem == "the device is gone");
  broken = false;
  submit(s, request_for(good, some_ids(4), 4));
  good.wait();
  CHECK(good.answers[0].size() == 4);
}
