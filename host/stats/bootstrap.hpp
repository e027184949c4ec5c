// Resampling intervals: means, ratios of sums, clusters, windows of a text. Same seed, same bytes.
// Not for right-or-wrong pairs, which have exact methods (paired.hpp).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stats/interval.hpp"

namespace assay::stats {

enum class bootstrap_kind {
  bca,  // bias-corrected and accelerated (Efron 1987), the default
  percentile,
};

struct bootstrap_options {
  uint32_t replicates = 10000;
  double level = 0.95;
  bootstrap_kind kind = bootstrap_kind::bca;
  uint64_t seed = 0;
  uint32_t block =
      1;  // units resampled together (circular blocks), for units that depend on their neighbours
};

struct bootstrap_result : interval {
  double standard_error = 0.0;
};

// Mean of independent units (items, or windows). Throws error(usage) below two units or for
// a non-finite value.
bootstrap_result bootstrap_mean(std::span<const double> values, const bootstrap_options &options);

// sum(numerator) / sum(denominator) over resampled units: clusters with their sizes, windows with
// their token counts, or a retention (score minus chance of both arms). Throws error(usage) if
// the denominators cancel.
bootstrap_result bootstrap_ratio(std::span<const double> numerator,
                                 std::span<const double> denominator,
                                 const bootstrap_options &options);

// Mean over items, resampling whole clusters (a SQuAD article, an MMLU subject). clusters[i]
// names item i's.
bootstrap_result bootstrap_clusters(std::span<const double> values,
                                    std::span<const std::string> clusters,
                                    const bootstrap_options &options);

// Perplexity of a variant against the reference on the same windows (cross-entropies in nats, one
// per window): estimate = exp(mean difference). Below k_few_windows the interval is Student's t,
// since a bootstrap over so few under-covers. Throws error(usage) for unequal lengths or fewer
// than two windows.
constexpr size_t k_few_windows = 10;
interval perplexity_ratio(std::span<const double> variant_windows,
                          std::span<const double> reference_windows,
                          const bootstrap_options &options);

// Perplexity exp(mean cross-entropy) of one variant with the interval over its windows.
interval perplexity_interval(std::span<const double> windows, const bootstrap_options &options);

// (second_quant - second_base) - (first_quant - first_base), item by item: does the second subject
// lose more than the first? All four spans come from the same items. clusters may be empty.
bootstrap_result difference_in_differences(std::span<const double> first_base,
                                           std::span<const double> first_quant,
                                           std::span<const double> second_base,
                                           std::span<const double> second_quant,
                                           std::span<const std::string> clusters,
                                           const bootstrap_options &options);

}  // namespace assay::stats
