// Tests perplexity, scoring and generation on tiny models, against the plain definition from full logits.

#include <cmath>
#include <set>

#include "aten.hpp"
#include "catch.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "engine/generate.hpp"
#include "engine/perplexity.hpp"
#include "engine/sampler.hpp"
#include "engine/score.hpp"

using namespace assay;
using namespace assay::engine;
using assay_test::contains;

namespace {

model::decoder tiny(const std::string &name = "llama-gqa-untied") {
  const std::string folder = ASSAY_SOURCE_DIR "/tests/golden/models/";
  return model::decoder::load(*model::checkpoint::open(folder + name));
}

std::vector<int64_t> some_ids(int64_t n, int64_t start = 0) {
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < n; ++i) ids.push_back((start + 7 * i) % 90);
  return ids;
}

// Log-probabilities [tokens, vocab] of the next token after each token, from one full forward pass.
at::Tensor log_probs(const model::decoder &m, const std::vector<int64_t> &ids) {
  const at::Tensor h = m.hidden(at::tensor(ids, at::kLong).unsqueeze(0)).select(0, 0);
  return at::log_softmax(m.logits(h).to(at::kDouble), -1);
}

}  // namespace

TEST_CASE(
    "perplexity is exp of the mean cross-entropy over windows; tokens after the last whole window "
    "are dropped") {
  const model::decoder m = tiny();
  perplexity_options options;
  options.window = 16;
  options.token_nll = true;
  std::vector<std::pair<uint64_t, uint64_t>> steps;
  options.progress = [&](uint64_t done, uint64_t total, const std::string &) {
    steps.emplace_back(done, total);
  };
  const std::vector<int64_t> ids = some_ids(16 * 3 + 9);
  const perplexity_result result = perplexity(m, ids, options);
  REQUIRE(result.windows.size() == 3);
  CHECK(result.tokens == 45);
  CHECK(result.token_nll.size() == 45);
  double mean = 0;
  for (int64_t w = 0; w < 3; ++w) {
    const std::vector<int64_t> window(ids.begin() + 16 * w, ids.begin() + 16 * (w + 1));
    const at::Tensor lp = log_probs(m, window);
    double ce = 0;
    for (int64_t i = 0; i < 15; ++i)
      ce -= lp[i][window[static_cast<size_t>(i) + 1]].item<double>() / 15;
    CHECK(result.windows[static_cast<size_t>(w)] == Approx(ce).epsilon(1e-5));
    mean += ce / 3;
  }
  CHECK(result.ppl == Approx(std::exp(mean)).epsilon(1e-5));
  CHECK(steps.back() == std::pair<uint64_t, uint64_t>{3, 3});
  options.limit = 2;
  CHECK(perplexity(m, ids, options).windows.size() == 2);
}

TEST_CASE("perplexity refuses what it cannot measure") {
  const model::decoder m = tiny();
  perplexity_options options;
  options.window = 16;
  CHECK_THROWS_WITH(perplexity(m, some_ids(15), options),
                    contains("the text has 15 tokens, fewer than one window of 16"));
  options.window = 129;
  CHECK_THROWS_WITH(perplexity(m, some_ids(200), options),
                    "a window of 129 tokens is longer than the model's 128 positions");
  options.window = 1;
  CHECK_THROWS_WITH(perplexity(m, some_ids(200), options),
                    "a perplexity window needs at least 2 tokens");
  options.window = 4;
  CHECK_THROWS_WITH(perplexity(m, {1, 2, 3, 96}, options),
                    "token id 96 lies outside the vocabulary of 96");
}

TEST_CASE("a cancelled run stops before the next window") {
  const model::decoder m = tiny();
  perplexity_options options;
  options.window = 8;
  options.progress = [](uint64_t done, uint64_t, const std::string &) {
    if (done == 1) request_cancel();
  };
  try {
    perplexity(m, some_ids(80), options);
    FAIL("not cancelled");
  } catch (const error &e) {
    CHECK(e.kind() == error_kind::cancelled);
  }
  clear_cancel();
}

TEST_CASE("scores are the continuation's log-likelihoods after the context") {
  for (const std::string name : {"llama-gqa-untied", "qwen2-window"}) {
    const model::decoder m = tiny(name);
    const std::vector<int64_t> context = some_ids(9);
    const std::vector<std::vector<int64_t>> continuations{{5}, {17, 3, 80}, some_ids(12, 4), {}};
    const auto scores = score(m, context, continuations);
    REQUIRE(scores.size() == 4);
    for (size_t c = 0; c < 3; ++c) {
      std::vector<int64_t> all = context;
      all.insert(all.end(), continuations[c].begin(), continuations[c].end());
      const at::Tensor lp = log_probs(m, all);
      double sum = 0;
      bool greedy = true;
      for (size_t i = 0; i < continuations[c].size(); ++i) {
        const at::Tensor row = lp[static_cast<int64_t>(context.size() + i) - 1];
        sum += row[continuations[c][i]].item<double>();
        greedy = greedy && row.argmax().item<int64_t>() == continuations[c][i];
      }
      CHECK(scores[c].sum == Approx(sum).epsilon(1e-5));
      CHECK(scores[c].greedy == greedy);
      CHECK(scores[c].tokens == static_cast<int64_t>(continuations[c].size()));
      CHECK(scores[c].token_logprobs.size() == continuations[c].size());
    }
    CHECK(scores[3].tokens == 0);
    const at::Tensor best = log_probs(m, context)[8].argmax();
    CHECK(score(m, context, {{best.item<int64_t>()}})[0].greedy);
  }
  CHECK_THROWS_WITH(score(tiny(), {}, {{1}}),
                    contains("scoring needs a context of at least one token"));
}

TEST_CASE("each prompt of a batch generates what it generates alone") {
  const model::decoder m = tiny("qwen3-bias-window");
  generate_options options;
  options.max_tokens = 14;
  options.ignore_eos = true;
  options.logprobs = true;
  for (const double temperature : {0.0, 0.9}) {
    options.temperature = temperature;
    const std::vector<std::vector<int64_t>> prompts{some_ids(3), some_ids(11, 2), some_ids(6, 5)};
    const auto together = generate_batch(m, prompts, options);
    CHECK(together[0].ids == generate(m, prompts[0], options).ids);
    for (size_t i = 0; i < prompts.size() && temperature == 0; ++i) {
      const generation alone = generate(m, prompts[i], options);
      CHECK(together[i].ids == alone.ids);
      CHECK(together[i].finish == "length");
      CHECK(alone.logprobs.size() == 14);
      CHECK(alone.margins.size() == 14);
      const at::Tensor top = std::get<0>(
          log_probs(m, prompts[i])[static_cast<int64_t>(prompts[i].size()) - 1].topk(2));
      CHECK(alone.margins[0] == Approx((top[0] - top[1]).item<double>()).margin(1e-4));
      std::vector<int64_t> all = prompts[i];
      all.push_back(alone.ids[0]);
      CHECK(
          alone.logprobs[0] ==
          Approx(log_probs(m, prompts[i])[static_cast<int64_t>(prompts[i].size()) - 1][alone.ids[0]]
                     .item<double>())
              .epsilon(1e-4));
    }
  }
}

TEST_CASE("the same seed gives the same answer, another seed gives another one") {
  const model::decoder m = tiny();
  generate_options options;
  options.max_tokens = 20;
  options.temperature = 1.5;
  options.ignore_eos = true;
  options.seed = 4;
  const auto first = generate(m, some_ids(4), options).ids;
  CHECK(generate(m, some_ids(4), options).ids == first);
  options.seed = 5;
  CHECK(generate(m, some_ids(4), options).ids != first);
}

TEST_CASE("generation ends at any of several eos ids, which are not part of the answer") {
  const model::decoder m = tiny();
  generate_options options;
  options.max_tokens = 12;
  options.ignore_eos = true;
  const auto free_run = generate(m, some_ids(4), options).ids;
  options.ignore_eos = false;
  options.eos_ids = {95, free_run[5]};
  const generation stopped = generate(m, some_ids(4), options);
  const auto end = std::find(free_run.begin(), free_run.end(), free_run[5]);
  CHECK(stopped.ids == std::vector<int64_t>(free_run.begin(), end));
  CHECK(stopped.finish == "stop");
}

TEST_CASE("the text ends before the first stop string, even if the string spans several tokens") {
  const model::decoder m = tiny();
  generate_options options;
  options.max_tokens = 12;
  options.ignore_eos = true;
  options.decode = [](const std::vector<int64_t> &ids) {
    std::string text;
    for (const int64_t id : ids) text.append("<").append(std::to_string(id)).append(">");
    return text;
  };
  const generation free_run = generate(m, some_ids(4), options);
  std::string across = std::to_string(free_run.ids[2]);
  across.append("><").append(std::to_string(free_run.ids[3]));
  options.stop = {"never", across};
  const generation stopped = generate(m, some_ids(4), options);
  CHECK(stopped.finish == "stop");
  CHECK(stopped.text == free_run.text.substr(0, free_run.text.find(across)));
  options.decode = nullptr;
  CHECK_THROWS_WITH(generate(m, some_ids(4), options), "stop strings need a decoder of token ids");
}

TEST_CASE("token ids beyond the tokenizer's vocabulary are never drawn") {
  const model::decoder m = tiny();
  generate_options options;
  options.max_tokens = 30;
  options.ignore_eos = true;
  options.n_sampled = 10;
  for (const double temperature : {0.0, 3.0}) {
    options.temperature = temperature;
    for (const int64_t id : generate(m, some_ids(4), options).ids) CHECK(id < 10);
  }
}

TEST_CASE("top-k, top-p and penalties shape the draw as defined") {
  const at::Tensor logits =
      at::tensor({2.0f, 1.0f, 0.0f, -1.0f, 3.0f});  // p: .233 .086 .032 .012 .637
  const auto drawn = [&](sampler_options options) {
    options.temperature = 1;
    sampler s(options, 1);
    std::set<int64_t> ids;
    for (int i = 0; i < 400; ++i) ids.insert(s.next(logits).id);
    return ids;
  };
  CHECK(drawn({}) == std::set<int64_t>{0, 1, 2, 3, 4});
  CHECK(drawn({.top_k = 2}) == std::set<int64_t>{0, 4});
  CHECK(drawn({.top_p = 0.5}) == std::set<int64_t>{4});
  CHECK(drawn({.top_p = 0.65}) == std::set<int64_t>{0, 4});
  CHECK(drawn({.top_k = 3, .top_p = 0.99}) == std::set<int64_t>{0, 1, 4});
  sampler presence({.presence_penalty = 1.5}, 1);
  CHECK(presence.next(logits).id == 4);
  CHECK(presence.next(logits).id == 0);  // 3 - 1.5 < 2
  sampler repetition({.repetition_penalty = 2.0}, 1);
  repetition.saw_prompt({4});
  CHECK(repetition.next(logits).id == 0);  // 3 / 2 < 2
  sampler plain({}, 1);
  CHECK(plain.next(logits).logprob == Approx(std::log(0.6364)).epsilon(1e-3));
}

TEST_CASE("misuse of generation is named") {
  const model::decoder m = tiny();
  generate_options options;
  CHECK_THROWS_WITH(generate(m, {}, options), "a prompt needs at least one token");
  options.top_p = 0;
  CHECK_THROWS_WITH(generate(m, {1}, options), "top_p must lie in (0, 1]");
  options = {};
  options.temperature = -1;
  CHECK_THROWS_WITH(generate(m, {1}, options), "temperature is negative");
  options = {};
  options.max_tokens = 0;
  CHECK(generate(m, {1}, options).ids.empty());
}
