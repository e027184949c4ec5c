// Tests the paired t test: its p, and how often it finds a difference between equal models, for few normal or
// skewed values. Also tests the smallest p that the sign-flip test can give; the t test is used if this p is
// too large to decide anything.
#include "catch.hpp"

#include <cmath>
#include <random>

#include "core/error.hpp"
#include "stats/distributions.hpp"
#include "stats/permutation.hpp"
#include "stats/student.hpp"
#include "stats_goldens.hpp"

using namespace assay::stats;

namespace {

// Random numbers that are the same with every standard library: only the bits of the engine are used.
class draws_of {
 public:
  explicit draws_of(uint64_t seed) : engine_(seed) {}
  double uniform() { return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53; }
  double normal() { return normal_quantile(uniform()); }
  // Returns the sum of `shape` exponential numbers minus its mean. The skewness is 2 /
  // sqrt(shape), with a long tail upwards.
  double gamma(int shape) {
    double sum = 0.0;
    for (int i = 0; i < shape; ++i) sum -= std::log(uniform());
    return sum - shape;
  }

 private:
  std::mt19937_64 engine_;
};

struct false_findings {
  // Shares of samples with p < 0.05. The mean difference is below zero for gains and above zero for losses.
  double gains = 0.0, losses = 0.0;
  double all() const { return gains + losses; }
};

constexpr int k_samples = 40000;

// Draws k_samples samples of n differences whose true mean is 0, and counts those with p < 0.05.
template <typename draw>
false_findings simulate(size_t n, draw next) {
  false_findings found;
  std::vector<double> differences(n);
  for (int sample = 0; sample < k_samples; ++sample) {
    double sum = 0.0;
    for (double &value : differences) sum += value = next();
    if (paired_t_p(differences) < 0.05) (sum > 0.0 ? found.losses : found.gains) += 1.0 / k_samples;
  }
  return found;
}

}  // namespace

TEST_CASE("the paired t test gives the p of the formula", "[student]") {
  // The mean is 0.1125 and its standard error 0.0125, so t = 9 with 3 degrees of freedom.
  const std::vector<double> differences = {0.1, 0.1, 0.15, 0.1};
  CHECK(paired_t_p(differences) == Approx(0.0028959).epsilon(1e-4));
  const std::vector<double> negated = {-0.1, -0.1, -0.15, -0.1};
  CHECK(paired_t_p(negated) == Approx(paired_t_p(differences)).epsilon(1e-14));
  const std::vector<double> balanced = {1.0, -1.0, 2.0, -2.0};
  CHECK(paired_t_p(balanced) == Approx(1.0));
}

TEST_CASE("the paired t test agrees with the t interval", "[student]") {
  const std::vector<double> differences = {0.14, 0.21, 0.17, 0.28, 0.11, 0.24};
  const double p = paired_t_p(differences);
  const interval at_p = student_t_mean(differences, 1.0 - p);
  CHECK(at_p.low == Approx(0.0).margin(1e-12));
}

TEST_CASE("differences without spread have no p of the t test", "[student]") {
  CHECK(std::isnan(paired_t_p(std::vector<double>(6, 0.1))));
  CHECK(std::isnan(paired_t_p(std::vector<double>(6, 0.0))));
  CHECK_THROWS_WITH(paired_t_p(std::vector<double>{1.0}),
                    "a paired t test needs at least two differences, not 1");
  CHECK_THROWS_WITH(paired_t_p(std::vector<double>{1.0, std::nan("")}),
                    "a difference is not a finite number");
}

TEST_CASE("equal models with normal differences give p < 0.05 in five of a hundred samples",
          "[student]") {
  for (const size_t n : {size_t{6}, size_t{8}, size_t{12}}) {
    draws_of draws(n);
    const false_findings found = simulate(n, [&] { return draws.normal(); });
    CAPTURE(n);
    CHECK(found.all() < 0.054);
    CHECK(found.all() > 0.046);
  }
}

// The difference of a window is a mean over hundreds of tokens, so its skewness is moderate.
TEST_CASE("with skewness 1, equal models give p < 0.05 in at most seven of a hundred samples",
          "[student]") {
  for (const size_t n : {size_t{6}, size_t{8}, size_t{12}}) {
    draws_of draws(100 + n);
    const false_findings found = simulate(n, [&] { return draws.gamma(4); });
    CAPTURE(n);
    CHECK(found.all() < 0.071);
    CHECK(found.losses < 0.025);  // the side of the long tail, as with quantized models
  }
}

TEST_CASE(
    "with skewness 2, equal models give p < 0.05 too often, nearly always on the side without the "
    "tail",
    "[student]") {
  for (const size_t n : {size_t{6}, size_t{8}, size_t{12}}) {
    draws_of draws(200 + n);
    const false_findings found = simulate(n, [&] { return draws.gamma(1); });  // skewness 2
    CAPTURE(n);
    CHECK(found.all() < 0.12);
    CHECK(found.losses < 0.01);
  }
}

TEST_CASE("the smallest p of the sign-flip test is that of differences of one sign", "[student]") {
  for (const size_t n : {size_t{2}, size_t{6}, size_t{16}}) {
    const std::vector<double> alike(n, 1.0);
    CHECK(sign_flip_test(alike).p == Approx(smallest_sign_flip_p(n)).epsilon(1e-14));
  }
  CHECK(smallest_sign_flip_p(6) == Approx(2.0 / 64));
  const std::vector<double> many(40, 1.0);
  CHECK(sign_flip_test(many).p == Approx(smallest_sign_flip_p(40)).epsilon(1e-14));
}
