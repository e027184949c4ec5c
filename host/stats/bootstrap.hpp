// Computes intervals by the bootstrap. A replicate draws as many units as the data have, with repetition, and computes
// the statistic again. The spread of many replicates gives the interval. The same seed gives the same bytes. For paired
// answers that are right or wrong, use the exact methods of stats/paired.hpp instead.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stats/interval.hpp"

namespace assay::stats {

enum class bootstrap_kind {
  bca,         // bias-corrected and accelerated (Efron 1987), the default
  percentile,  // the quantiles of the replicates
};

struct bootstrap_options {
  uint32_t replicates = 10000;
  double level = 0.95;
  bootstrap_kind kind = bootstrap_kind::bca;
  uint64_t seed = 0;
  // How many neighbouring units are drawn together, for units that depend on their neighbours. A block that reaches the
  // end goes on at the beginning.
  uint32_t block = 1;
};

struct bootstrap_result : interval {
  double standard_error = 0.0;  // standard deviation of the replicates
};

// The mean of units (items, or windows of a text). This function and those below throw error(usage) for fewer than two
// units, a value that is not finite, or wrong options.
bootstrap_result bootstrap_mean(std::span<const double> values, const bootstrap_options &options);

// sum(numerator) / sum(denominator) over units. Examples: the sums and sizes of clusters; the losses and token counts
// of windows; the scores above chance of a variant and of the reference. Throws error(usage) if the denominator may be
// zero: if its sum is 0, or if in more than 1 % of the replicates this sum is 0 or has the other sign.
bootstrap_result bootstrap_ratio(std::span<const double> numerator,
                                 std::span<const double> denominator,
                                 const bootstrap_options &options);

// The mean over items. Whole clusters are drawn (the questions of one SQuAD article or one MMLU subject), because items
// of one cluster are alike. clusters[i] is the name of the cluster of item i.
bootstrap_result bootstrap_clusters(std::span<const double> values,
                                    std::span<const std::string> clusters,
                                    const bootstrap_options &options);

// The perplexity of a variant divided by that of the reference on the same windows: exp(mean difference of
// cross-entropy). The spans have one cross-entropy in nats for each window. With fewer than k_few_windows windows the
// interval is Student's t, because a bootstrap over so few windows gives too narrow an interval. Throws error(usage)
// for unequal lengths, fewer than two windows or a value that is not finite.
constexpr size_t k_few_windows = 10;
interval perplexity_ratio(std::span<const double> variant_windows,
                          std::span<const double> reference_windows,
                          const bootstrap_options &options);

// The perplexity of one variant, exp(mean cross-entropy). The interval is computed as that of perplexity_ratio.
interval perplexity_interval(std::span<const double> windows, const bootstrap_options &options);

// The mean over items of (second_quant - second_base) - (first_quant - first_base): does the second subject (model
// under study) lose more by quantization than the first? All four spans have one score for each of the same items. base
// is the score before quantization, quant the score after it. If `clusters` is not empty, whole clusters are drawn.
bootstrap_result difference_in_differences(std::span<const double> first_base,
                                           std::span<const double> first_quant,
                                           std::span<const double> second_base,
                                           std::span<const double> second_quant,
                                           std::span<const std::string> clusters,
                                           const bootstrap_options &options);

}  // namespace assay::stats
