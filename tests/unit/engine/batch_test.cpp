// Tests many requests at once: the results are those of single requests, shared prefixes are
// computed once, and the batch is halved when memory runs out.

#include <new>

#include "aten.hpp"
#include "catch.hpp"
#include "core/error.hpp"
#include "engine/generate.hpp"
#include "engine/key_pool.hpp"
#include "engine/score.hpp"
#include "engine/token_tree.hpp"
#include "tiny_decoder.hpp"

using namespace assay;
using namespace assay::engine;
using assay_test::some_ids;
using assay_test::tiny;
using ids_t = std::vector<int64_t>;

namespace {

ids_t joined(ids_t a, const ids_t &b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Requests with 20 tokens in common, each with its own question and choices; then one that shares
// nothing, and one whose context is the beginning of another context.
std::vector<score_request> questions() {
  std::vector<score_request> out;
  const ids_t header = some_ids(20);
  for (int64_t q = 0; q < 5; ++q)
    out.push_back({joined(header, some_ids(4 + q, 3 * q)), {{1}, {2}, some_ids(3, q), {1, 5}}});
  out.push_back({some_ids(6, 50), {some_ids(9, 11)}});
  out.push_back({some_ids(12), {some_ids(8, 85)}});
  return out;
}

}  // namespace

TEST_CASE(
    "a token tree holds each shared prefix once, and gives the places of the tokens of each "
    "sequence") {
  const std::vector<ids_t> sequences = {{1, 2, 3, 4}, {1, 2, 9}, {5}, {1, 2, 3}, {1, 2, 3, 4}};
  const token_tree tree = build_token_tree(sequences, {2, 1, 1, 3, 4});
  CHECK(tree.ids.size() == 6);
  REQUIRE(tree.nodes.size() == 4);  // the runs 1 2 3, 4, 9 and 5
  for (size_t i = 0; i < sequences.size(); ++i) {
    ids_t found;
    for (const int64_t place : tree.places[i]) found.push_back(tree.ids[size_t(place)]);
    CHECK(found == ids_t(sequences[i].end() - std::ssize(found), sequences[i].end()));
  }
  CHECK(tree.places[3] == ids_t{tree.places[4][0], tree.places[4][1], tree.places[4][2]});
}

TEST_CASE("many requests score what each scores alone, whatever the batch") {
  for (const std::string name : {"llama-gqa-untied", "qwen2-window"}) {
    const model::decoder m = tiny(name);
    const std::vector<score_request> requests = questions();
    for (const int64_t budget : {0, 7, 1}) {
      score_usage usage;
      score_options options;
      options.batch_tokens = budget;
      const auto together = score_many(m, requests, options, &usage);
      REQUIRE(together.size() == requests.size());
      for (size_t r = 0; r < requests.size(); ++r)
        for (size_t c = 0; c < requests[r].continuations.size(); ++c) {
          const score_result alone =
              score(m, requests[r].context, {requests[r].continuations[c]})[0];
          CHECK(together[r][c].sum == Approx(alone.sum).margin(1e-5));
          CHECK(together[r][c].greedy == alone.greedy);
          CHECK(together[r][c].tokens == alone.tokens);
        }
      CHECK(usage.computed == usage.needed);
      // 20 common tokens; 4 + 5 + 6 + 7 + 8 = 30 of the questions; 14 of their choices (the last token of a choice is never fed,
      // and two choices of the second question share a token);
      // 6 + 8 = 14 and 7 of the last two requests.
      CHECK(usage.needed == 20 + 30 + 14 + 14 + 7);
      CHECK(usage.alone > 5 * usage.needed);
      CHECK(usage.head_rows == 4 * 5 - 1 + 9 + 8);
    }
  }
}

TEST_CASE("memory that runs out halves the batch and changes no score") {
  model::decoder m = tiny();
  const auto expected = score_many(m, questions());
  m.on_kv = [](int64_t, at::Tensor &k, at::Tensor &) {
    if (k.size(2) > 5) throw std::bad_alloc();
  };
  score_usage usage;
  const auto scores = score_many(m, questions(), {}, &usage);
  for (size_t r = 0; r < scores.size(); ++r)
    for (size_t c = 0; c < scores[r].size(); ++c)
      CHECK(scores[r][c].sum == Approx(expected[r][c].sum).margin(1e-5));
  CHECK(usage.halvings == 4);  // 85 -> 42 -> 21 -> 10 -> 5 tokens
  CHECK(usage.computed == usage.needed);
  m.on_kv = [](int64_t, at::Tensor &, at::Tensor &) { throw std::bad_alloc(); };
  CHECK_THROWS_AS(score_many(m, questions()), std::bad_alloc);
}

TEST_CASE("a continuation beyond the model's positions is marked, not cut") {
  const model::decoder m = tiny();
  const ids_t full(static_cast<size_t>(m.config().max_positions), 3);
  const auto scores = score_many(m, {{full, {{1}, {1, 2}}}, {{4}, {{5}}}});
  CHECK_FALSE(scores[0][0].too_long);
  CHECK(scores[0][0].sum < 0);
  CHECK(scores[0][1].too_long);
  CHECK(scores[0][1].sum == 0);
  CHECK_FALSE(scores[1][0].too_long);
}

TEST_CASE("answers of a queue of prompts are those of each prompt alone") {
  model::decoder m = tiny("qwen3-bias-window");
  const ids_t header = some_ids(24);
  std::vector<ids_t> prompts;
  for (int64_t i = 0; i < 7; ++i) prompts.push_back(joined(header, some_ids(2 + i % 3, 5 * i)));
  prompts.push_back(some_ids(3, 40));
  prompts.push_back(header);
  generate_options options;
  options.max_tokens = 11;
  options.ignore_eos = true;
  options.max_live = 3;
  std::vector<generation> alone;
  for (const ids_t &prompt : prompts) alone.push_back(generate(m, prompt, options));
  for (const int64_t budget : {0, 4}) {
    options.batch_tokens = budget;
    generate_usage usage;
    const auto together = generate_batch(m, prompts, options, &usage);
    for (size_t i = 0; i < prompts.size(); ++i) CHECK(together[i].ids == alone[i].ids);
    CHECK(usage.answer_tokens == 99);
    CHECK(usage.prompt_tokens == 24 * 8 + 20 + 3);
    CHECK(usage.computed < 24 + 20 + 3 + 10 + 99);  // the common prefix only once
  }
  options.pool_bytes = 1;  // the minimum: room for two sequences
  options.batch_tokens = 0;
  m.on_kv = [](int64_t, at::Tensor &k, at::Tensor &) {
    if (k.size(2) > 8) throw std::bad_alloc();
  };
  generate_usage usage;
  const auto tight = generate_batch(m, prompts, options, &usage);
  for (size_t i = 0; i < prompts.size(); ++i) CHECK(tight[i].ids == alone[i].ids);
  CHECK(usage.halvings >= 1);
}

TEST_CASE("with a seed of its own, a prompt gets the same random draws in any batch") {
  const model::decoder m = tiny();
  generate_options options;
  options.max_tokens = 9;
  options.temperature = 1.5;
  options.ignore_eos = true;
  options.seeds = {11, 12, 13};
  const auto three = generate_batch(m, {some_ids(4), some_ids(5, 1), some_ids(4)}, options);
  options.seeds = {13, 12};
  const auto two = generate_batch(m, {some_ids(4), some_ids(5, 1)}, options);
  CHECK(two[0].ids == three[2].ids);
  CHECK(two[1].ids == three[1].ids);
  CHECK(three[0].ids != three[2].ids);
  options.seeds = {1};
  CHECK_THROWS_WITH(generate_batch(m, {{1}, {2}}, options), "'seeds' needs one seed per prompt");
}

TEST_CASE(
    "a prompt that fills the model's positions is marked; an answer ends where the positions end") {
  const model::decoder m = tiny();
  generate_options options;
  options.max_tokens = 8;
  options.ignore_eos = true;
  const auto n = static_cast<size_t>(m.config().max_positions);
  const auto answers = generate_batch(m, {ids_t(n, 3), ids_t(n - 3, 3), {5}}, options);
  CHECK(answers[0].finish == "too_long");
  CHECK(answers[0].ids.empty());
  CHECK(answers[1].finish == "length");
  CHECK(answers[1].ids.size() == 3);
  CHECK(answers[2].ids.size() == 8);
}

TEST_CASE("freed regions of the key pool can be taken again, and neighbours are joined") {
  key_pool pool(10);
  auto a = pool.take(4), b = pool.take(3), c = pool.take(3);
  CHECK(*a == 0);
  CHECK(*c == 7);
  CHECK(pool.take(1) == nullptr);
  const auto held = a;
  a.reset();
  b.reset();
  CHECK(pool.take(4) == nullptr);
  c.reset();
  CHECK(*pool.take(6) == 4);
  CHECK(pool.take(7) == nullptr);
}
