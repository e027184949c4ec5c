// Tests the distances between the next-token distributions of two models, against the plain definition from full logits.
#include "engine/distance.hpp"

#include <cmath>
#include <filesystem>

#include "aten.hpp"
#include "catch.hpp"
#include "core/error.hpp"
#include "engine/layer_profile.hpp"
#include "engine/rolling.hpp"

using namespace assay;
using namespace assay::engine;
using assay_test::contains;

namespace {

model::decoder tiny() {
  return model::decoder::load(
      *model::checkpoint::open(ASSAY_SOURCE_DIR "/tests/golden/models/llama-gqa-untied"));
}

// The tiny model with all linear weights multiplied by 1.05, in memory of their own.
model::decoder disturbed() {
  model::decoder m = tiny();
  for (model::linear_op *linear : m.linears()) linear->weight = linear->weight * 1.05;
  return m;
}

std::vector<int64_t> some_ids(int64_t n) {
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < n; ++i) ids.push_back((7 * i) % 90);
  return ids;
}

at::Tensor log_probs(const model::decoder &m, const std::vector<int64_t> &ids) {
  const at::Tensor h = m.hidden(at::tensor(ids, at::kLong).unsqueeze(0)).select(0, 0);
  return at::log_softmax(m.logits(h).to(at::kDouble), -1);
}

}  // namespace

TEST_CASE("a model has no distance to itself") {
  const model::decoder m = tiny();
  distance_options options;
  options.window = 16;
  const auto windows = distance(m, m, some_ids(40), options);
  REQUIRE(windows.size() == 2);
  for (const auto &one : windows) {
    REQUIRE(one.kld.size() == 15);
    for (size_t i = 0; i < 15; ++i) {
      CHECK(one.kld[i] == 0);
      CHECK(one.delta_p[i] == 0);
      CHECK(one.same_top[i] == 1);
      CHECK(one.top5_shared[i] == 1);
    }
  }
}

TEST_CASE("distances are those of the definition in double precision") {
  const model::decoder reference = tiny(), own = disturbed();
  distance_options options;
  options.window = 24;
  const std::vector<int64_t> ids = some_ids(24);
  const auto windows = distance(reference, own, ids, options);
  const at::Tensor p = log_probs(reference, ids), q = log_probs(own, ids);
  for (int64_t i = 0; i < 23; ++i) {
    const auto at_token = static_cast<size_t>(i);
    const double kld = (p[i].exp() * (p[i] - q[i])).sum().item<double>();
    const int64_t next = ids[at_token + 1];
    const double p_next = p[i][next].exp().item<double>(), q_next = q[i][next].exp().item<double>();
    CHECK(std::abs(windows[0].kld[at_token] - kld) < 1e-5);
    CHECK(std::abs(windows[0].delta_p[at_token] - (q_next - p_next)) < 1e-5);
    CHECK(std::abs(windows[0].own_nll[at_token] + std::log(q_next)) < 1e-4);
    CHECK(std::abs(windows[0].reference_top[at_token] - p[i].max().exp().item<double>()) < 1e-5);
    CHECK((windows[0].same_top[at_token] == 1) ==
          (p[i].argmax().item<int64_t>() == q[i].argmax().item<int64_t>()));
  }
}

// keep_states writes the states of the reference to files: its hidden states before the head.
TEST_CASE("kept states give the same bytes as running the reference again") {
  const model::decoder reference = tiny(), own = disturbed();
  const auto folder = std::filesystem::temp_directory_path() / "assay-distance-test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  distance_options options;
  options.window = 16;
  options.limit = 2;
  const std::vector<int64_t> ids = some_ids(70);
  CHECK(keep_states(reference, ids, folder.string(), options) == 2);
  const auto again = distance(reference, own, ids, options);
  options.states = folder.string();
  const auto kept = distance(reference, own, ids, options);
  REQUIRE(kept.size() == 2);
  for (size_t w = 0; w < 2; ++w) {
    CHECK(kept[w].kld == again[w].kld);
    CHECK(kept[w].delta_p == again[w].delta_p);
  }
  options.window = 20;
  try {
    distance(reference, own, ids, options);
    FAIL("states of another window were taken");
  } catch (const error &problem) {
    CHECK_THAT(problem.what(), contains("the kept states belong to another model or window"));
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("tokens that are only read as context do not change the distances of the scored tokens") {
  const model::decoder reference = tiny(), own = disturbed();
  distance_options options;
  options.window = 16;
  options.limit = 1;
  const std::vector<int64_t> ids = some_ids(16);
  const window_distance all = distance(reference, own, ids, options)[0];
  options.context = 11;
  const window_distance end = distance(reference, own, ids, options)[0];
  REQUIRE(end.kld.size() == 5);
  for (size_t i = 0; i < 5; ++i) CHECK(end.kld[i] == Approx(all.kld[10 + i]).epsilon(1e-4));
  options.context = 16;
  try {
    distance(reference, own, ids, options);
    FAIL("nothing was thrown");
  } catch (const error &problem) {
    CHECK_THAT(problem.what(), contains("'context' must be 1 to 15 tokens, fewer than a window"));
  }
}

TEST_CASE("a text shorter than a window is refused with its length") {
  const model::decoder m = tiny();
  distance_options options;
  options.window = 16;
  try {
    distance(m, m, some_ids(9), options);
    FAIL("nothing was thrown");
  } catch (const error &problem) {
    CHECK_THAT(problem.what(), contains("the text has 9 tokens, fewer than one window of 16"));
  }
}

// A rolling score is the log-likelihood of a whole text, summed window by window.
TEST_CASE(
    "a rolling score counts every token once; the last window is filled up with earlier tokens") {
  const model::decoder m = tiny();
  const std::vector<int64_t> ids = some_ids(21);
  const rolling_result whole = rolling_score(m, ids, 3, 8);
  CHECK(whole.tokens == 21);
  CHECK(whole.windows == 3);
  std::vector<int64_t> all = {3};
  all.insert(all.end(), ids.begin(), ids.end());
  double sum = 0;  // windows as in lm-eval: inputs [0,8), [8,16), [13,21) of `all`
  for (const auto &[begin, first] : {std::pair<int64_t, int64_t>{0, 0}, {8, 8}, {13, 16}}) {
    const at::Tensor lp = log_probs(m, {all.begin() + begin, all.begin() + begin + 8});
    for (int64_t i = first; i < begin + 8; ++i)
      sum += lp[i - begin][all[static_cast<size_t>(i) + 1]].item<double>();
  }
  CHECK(std::abs(whole.sum - sum) < 1e-3);
  CHECK_THROWS_AS(rolling_score(m, {}, 3, 8), error);
}

TEST_CASE("block errors are zero for the same model and positive if weights differ") {
  const model::decoder m = tiny();
  const at::Tensor ids = at::tensor(some_ids(12), at::kLong).unsqueeze(0);
  for (const double value : block_errors(m, m, ids)) CHECK(value == 0);
  const std::vector<double> errors = block_errors(m, disturbed(), ids);
  REQUIRE(errors.size() == static_cast<size_t>(m.n_blocks()));
  for (const double value : errors) CHECK(value > 0);
}

TEST_CASE("a checkpoint equals itself tensor by tensor") {
  const auto one =
      model::checkpoint::open(ASSAY_SOURCE_DIR "/tests/golden/models/llama-gqa-untied");
  const auto other =
      model::checkpoint::open(ASSAY_SOURCE_DIR "/tests/golden/models/qwen3-qk-norm-tied");
  const auto same = compare_checkpoints(*one, *one);
  REQUIRE(!same.empty());
  for (const auto &tensor : same) CHECK((tensor.present && tensor.equal));
  size_t missing = 0;
  for (const auto &tensor : compare_checkpoints(*one, *other)) missing += tensor.present ? 0 : 1;
  CHECK(missing > 0);
}
