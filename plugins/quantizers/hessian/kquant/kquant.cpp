// The method kquant on one linear: fits all blocks, or rounds columns in turn with error feedback.
#include "kquant.hpp"

#include "fit.hpp"

namespace hessian {
namespace {

// Fits every block of every row. importance: [in], read if the search is by importance.
std::vector<block> fit_all(assay_cpp::host host, const kquant_config &config,
                           const block_type &type, const float *w, const float *importance,
                           int64_t out, int64_t in) {
  const int64_t per_row = in / type.columns;
  std::vector<block> blocks(static_cast<size_t>(out * per_row));
  host.parallel_for(out, 4, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin * per_row; b < end * per_row; ++b) {
      const float *x = w + b * type.columns;
      block &to = blocks[static_cast<size_t>(b)];
      if (config.by_importance)
        fit_by_importance(type, config.range, x, importance + b % per_row * type.columns, to);
      else
        fit_as_reference(type, x, to);
    }
  });
  return blocks;
}

std::string with_feedback(assay_cpp::host host, const kquant_config &config, const block_type &type,
                          const assay_linear *linear, const assay_stats *stats,
                          std::vector<block> &blocks) {
  auto input = read_input(host, linear, stats);
  if (config.static_groups)
    blocks =
        fit_all(host, config, type, input.w.data(), input.diagonal.data(), input.out, input.in);
  else
    blocks.resize(static_cast<size_t>(input.out * input.in / type.columns));
  const bool by_size = config.act_order && config.static_groups;
  auto p = begin_feedback(host, input, std::move(input.w), column_order(input.diagonal, by_size));
  factor(p, input, config.damping);
  feed_back_blocks(p, type, config, blocks);
  return claims_of(p, input);
}

}  // namespace

void kquant(assay_cpp::host host, const kquant_config &given, const assay_linear *linear,
            const assay_stats *stats, assay_cpp::sink sink) {
  std::string asked, claims;
  const block_type &type = type_for(given, *linear, asked);
  kquant_config config = given;
  config.range.from = least_factor(given, type);
  const int64_t out = linear->out_features, in = linear->in_features;
  if (asked != type.name) {
    host.ledger("narrow_rows", 1,
                "rows of " + std::to_string(in) + " are no multiple of 256: " + type.name +
                    " in place of " + asked);
    claims = "\"asked\": \"" + asked + "\"";
  }
  std::vector<block> blocks;
  if (config.with_feedback) {
    claims +=
        (claims.empty() ? "" : ", ") + with_feedback(host, config, type, linear, stats, blocks);
  } else {
    const float *importance =
        config.by_importance ? cpu_floats(stats ? stats->sq_mean : nullptr, "mean x^2") : nullptr;
    blocks =
        fit_all(host, config, type, cpu_floats(linear->weight, "the weight"), importance, out, in);
  }
  emit_blocks(host, sink, type, out, in, blocks, claims);
}

}  // namespace hessian
