// Draws bootstrap replicates, turns them into intervals, and computes the statistics that use them.
// Tests of hypotheses are in permutation.cpp.
#include "stats/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/error.hpp"
#include "stats/describe.hpp"
#include "stats/distributions.hpp"
#include "stats/random.hpp"
#include "stats/student.hpp"

namespace assay::stats {
namespace {

constexpr uint32_t k_purpose_bootstrap = 1;

void check(std::span<const double> values, const bootstrap_options &options) {
  if (values.size() < 2)
    throw error(error_kind::usage,
                "a bootstrap needs at least two units, not " + std::to_string(values.size()));
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      throw error(error_kind::usage, "unit " + std::to_string(i) + " is not a finite number")
          .hint("a run with non-finite scores is invalid; look at its gates first");
  if (options.replicates < 100)
    throw error(error_kind::usage, "a bootstrap needs at least 100 replicates, not " +
                                       std::to_string(options.replicates));
  if (!(options.level > 0.0 && options.level < 1.0))
    throw error(error_kind::usage, "a confidence level lies between 0 and 1, such as 0.95");
  if (options.block < 1 || options.block > values.size())
    throw error(error_kind::usage, "the block length must lie between 1 and the number of units, " +
                                       std::to_string(values.size()));
}

// Draws the units of a replicate: n indices in [0, n), in blocks of options.block neighbours. A block
// that reaches n goes on at 0.
class unit_source {
 public:
  unit_source(size_t n, const bootstrap_options &options) : options_(options), units_(n) {
    const size_t starts = (n + options.block - 1) / options.block;
    batches_ = static_cast<uint32_t>((starts + 4 * k_lanes - 1) / (4 * k_lanes));
    words_.resize(size_t{batches_} * 4 * k_lanes);
  }

  const std::vector<uint32_t> &draw(uint32_t replicate) {
    fill_draws(words_.data(), batches_, options_.seed, k_purpose_bootstrap, replicate);
    const uint32_t n = static_cast<uint32_t>(units_.size());
    if (options_.block == 1) {
      for (uint32_t i = 0; i < n; ++i) units_[i] = index_below(words_[i], n);
      return units_;
    }
    for (uint32_t i = 0; i < n; ++i) {
      const uint32_t place = index_below(words_[i / options_.block], n) + i % options_.block;
      units_[i] = place < n ? place : place - n;
    }
    return units_;
  }

 private:
  bootstrap_options options_;
  std::vector<uint32_t> units_;
  std::vector<uint32_t> words_;
  uint32_t batches_;
};

// The acceleration of BCa (Efron 1987), which corrects for skewness: sum d^3 / (6 (sum d^2)^1.5), where each d is the
// mean of the leave-one-out values minus one of them.
double acceleration(const std::vector<double> &leave_one_out) {
  const double mean = std::accumulate(leave_one_out.begin(), leave_one_out.end(), 0.0) /
                      static_cast<double>(leave_one_out.size());
  double squares = 0.0;
  double cubes = 0.0;
  for (const double value : leave_one_out) {
    const double d = mean - value;
    squares += d * d;
    cubes += d * d * d;
  }
  return squares > 0.0 ? cubes / (6.0 * std::pow(squares, 1.5)) : 0.0;
}

// Turns the replicates into an interval. BCa moves its two quantiles by z0 (the bias) and a (the acceleration, computed
// from leave_one_out, the result of leave_blocks_out).
bootstrap_result summarise(double estimate, std::vector<double> replicates,
                           const std::vector<double> &leave_one_out,
                           const bootstrap_options &options) {
  bootstrap_result result;
  result.estimate = estimate;
  result.level = options.level;
  result.standard_error = standard_deviation(replicates);
  std::sort(replicates.begin(), replicates.end());
  double low_p = 0.5 * (1.0 - options.level);
  double high_p = 1.0 - low_p;
  if (options.kind == bootstrap_kind::bca && replicates.front() < replicates.back()) {
    const auto begin = replicates.begin();
    const double n = static_cast<double>(replicates.size());
    const auto below = std::lower_bound(begin, replicates.end(), estimate) - begin;
    const auto not_above = std::upper_bound(begin, replicates.end(), estimate) - begin;
    // The share of replicates below the estimate; those equal to it count half. It is kept above 0
    // and below 1, so that z0 stays finite.
    const double share =
        std::clamp(0.5 * static_cast<double>(below + not_above) / n, 0.5 / n, 1.0 - 0.5 / n);
    const double z0 = normal_quantile(share);
    const double a = acceleration(leave_one_out);
    const auto adjusted = [&](double p) {
      const double z = z0 + normal_quantile(p);
      return normal_cdf(z0 + z / (1.0 - a * z));
    };
    low_p = adjusted(low_p);
    high_p = adjusted(high_p);
  }
  result.low = quantile_of_sorted(replicates, low_p);
  result.high = quantile_of_sorted(replicates, high_p);
  result.method = std::string(options.block > 1 ? "block bootstrap, " : "bootstrap, ") +
                  (options.kind == bootstrap_kind::bca ? "BCa, " : "percentile, ") +
                  std::to_string(options.replicates) + " replicates, seed " +
                  std::to_string(options.seed);
  return result;
}

// Returns one ratio sum(numerator) / sum(denominator) for each block of units: the sums leave out that
// block. A ratio whose denominator is 0 is left out.
std::vector<double> leave_blocks_out(std::span<const double> numerator,
                                     std::span<const double> denominator, uint32_t block) {
  const double total = std::accumulate(numerator.begin(), numerator.end(), 0.0);
  const double weight = std::accumulate(denominator.begin(), denominator.end(), 0.0);
  std::vector<double> out;
  for (size_t start = 0; start < numerator.size(); start += block) {
    double rest = total;
    double rest_weight = weight;
    for (size_t i = start; i < std::min(numerator.size(), start + block); ++i) {
      rest -= numerator[i];
      rest_weight -= denominator[i];
    }
    if (rest_weight != 0.0) out.push_back(rest / rest_weight);
  }
  return out;
}

// Turns an interval of cross-entropies (nats) into one of perplexities, or an interval of their differences into one
// of ratios. Completes the text of the method.
interval on_perplexity_scale(interval log_interval, const std::string &prefix, uint64_t windows) {
  log_interval.estimate = std::exp(log_interval.estimate);
  log_interval.low = std::exp(log_interval.low);
  log_interval.high = std::exp(log_interval.high);
  log_interval.method = prefix + log_interval.method + ", " + std::to_string(windows) + " windows";
  return log_interval;
}

// The mean over windows: by bootstrap, or by Student's t if there are fewer than k_few_windows.
interval windows_mean(std::span<const double> values, const bootstrap_options &options) {
  if (values.size() >= k_few_windows) return bootstrap_mean(values, options);
  bootstrap_options checked = options;
  checked.block = 1;
  check(values, checked);
  return student_t_mean(values, options.level);
}

std::vector<double> minus(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size())
    throw error(error_kind::usage,
                "paired scores must come from the same items: " + std::to_string(a.size()) +
                    " against " + std::to_string(b.size()));
  std::vector<double> out(a.size());
  for (size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

}  // namespace

bootstrap_result bootstrap_mean(std::span<const double> values, const bootstrap_options &options) {
  check(values, options);
  const double n = static_cast<double>(values.size());
  unit_source source(values.size(), options);
  std::vector<double> replicates(options.replicates);
  for (uint32_t r = 0; r < options.replicates; ++r) {
    const std::vector<uint32_t> &units = source.draw(r);
    // Four partial sums are faster than one, because the processor can add them at the same time. Their order is fixed,
    // so that the result is the same on every machine.
    double sums[4] = {0.0, 0.0, 0.0, 0.0};
    for (size_t i = 0; i < units.size(); ++i) sums[i & 3] += values[units[i]];
    replicates[r] = ((sums[0] + sums[1]) + (sums[2] + sums[3])) / n;
  }
  const std::vector<double> ones(values.size(), 1.0);
  const double estimate = std::accumulate(values.begin(), values.end(), 0.0) / n;
  return summarise(estimate, std::move(replicates), leave_blocks_out(values, ones, options.block),
                   options);
}

bootstrap_result bootstrap_ratio(std::span<const double> numerator,
                                 std::span<const double> denominator,
                                 const bootstrap_options &options) {
  check(numerator, options);
  check(denominator, options);
  if (numerator.size() != denominator.size())
    throw error(error_kind::usage, "numerators and denominators must come from the same units");
  const double weight = std::accumulate(denominator.begin(), denominator.end(), 0.0);
  if (weight == 0.0) throw error(error_kind::usage, "the denominators of a ratio sum to zero");
  unit_source source(numerator.size(), options);
  std::vector<double> replicates;
  replicates.reserve(options.replicates);
  for (uint32_t r = 0; r < options.replicates; ++r) {
    const std::vector<uint32_t> &units = source.draw(r);
    double top = 0.0;
    double bottom = 0.0;
    for (const uint32_t unit : units) {
      top += numerator[unit];
      bottom += denominator[unit];
    }
    if (bottom * weight > 0.0) replicates.push_back(top / bottom);
  }
  // If the denominator is 0 or has the other sign in more than 1 % of the replicates, the ratio has no useful
  // interval. Fieller's theorem has a condition of this kind.
  if (replicates.size() < options.replicates - options.replicates / 100)
    throw error(error_kind::usage, "the denominator of the ratio may be zero")
        .hint("report the difference instead of a ratio");
  const double estimate = std::accumulate(numerator.begin(), numerator.end(), 0.0) / weight;
  return summarise(estimate, std::move(replicates),
                   leave_blocks_out(numerator, denominator, options.block), options);
}

bootstrap_result bootstrap_clusters(std::span<const double> values,
                                    std::span<const std::string> clusters,
                                    const bootstrap_options &options) {
  if (values.size() != clusters.size())
    throw error(error_kind::usage,
                "every item needs its cluster: " + std::to_string(values.size()) + " items, " +
                    std::to_string(clusters.size()) + " names");
  std::map<std::string, size_t> place;
  std::vector<double> sums;
  std::vector<double> sizes;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto [found, fresh] = place.emplace(clusters[i], sums.size());
    if (fresh) {
      sums.push_back(0.0);
      sizes.push_back(0.0);
    }
    sums[found->second] += values[i];
    sizes[found->second] += 1.0;
  }
  bootstrap_result result = bootstrap_ratio(sums, sizes, options);
  result.method = "cluster " + result.method + ", " + std::to_string(sums.size()) + " clusters";
  return result;
}

interval perplexity_ratio(std::span<const double> variant_windows,
                          std::span<const double> reference_windows,
                          const bootstrap_options &options) {
  const std::vector<double> steps = minus(variant_windows, reference_windows);
  return on_perplexity_scale(windows_mean(steps, options), "paired ", steps.size());
}

interval perplexity_interval(std::span<const double> windows, const bootstrap_options &options) {
  return on_perplexity_scale(windows_mean(windows, options), "", windows.size());
}

bootstrap_result difference_in_differences(std::span<const double> first_base,
                                           std::span<const double> first_quant,
                                           std::span<const double> second_base,
                                           std::span<const double> second_quant,
                                           std::span<const std::string> clusters,
                                           const bootstrap_options &options) {
  const std::vector<double> change =
      minus(minus(second_quant, second_base), minus(first_quant, first_base));
  return clusters.empty() ? bootstrap_mean(change, options)
                          : bootstrap_clusters(change, clusters, options);
}

}  // namespace assay::stats
