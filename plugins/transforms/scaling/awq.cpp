// awq: s = mean|x|^r (plain) or mean|x|^r / w^(1-r) (duo), r on a grid that includes 0 and 1; the identity is always a
// candidate. The loss is the exact output error of the consumers, tr(D H D^T) with D = Q(W s) / s - W: for o and down
// that is the paper's loss, for q, k, v and gate, up it is the linears' error in place of the parent module's.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "assay_json.hpp"
#include "channels.hpp"
#include "methods.hpp"

namespace scaling {
namespace {

// What the recipe's quantizer will do, as far as a search needs it: plain grids.
struct plain_grid {
  int bits = 4;
  int64_t group_size = 64;
  bool symmetric = true;
};

plain_grid grid_of(const assay_block &block) {
  plain_grid grid;
  if (!block.quantizer_json) return grid;
  const auto quantizer = assay_json::parse(block.quantizer_json);
  if (const auto *config = quantizer.find("config")) {
    grid.bits = static_cast<int>(config->number_or("bits", 4));
    grid.group_size = static_cast<int64_t>(config->number_or("group_size", 64));
    grid.symmetric = config->bool_or("symmetric", true);
  }
  return grid;
}

float round_even(float x) {
  return (x + 12582912.0f) - 12582912.0f;
}

// Rounds n weights on the plain grid of their range, in place.
void round_group(float *w, int64_t n, const plain_grid &grid) {
  float low = 0, high = 0;
  for (int64_t j = 0; j < n; ++j) low = std::min(low, w[j]), high = std::max(high, w[j]);
  if (low == 0.0f && high == 0.0f) return;
  const float half = static_cast<float>(1 << (grid.bits - 1));
  float scale, zero = 0, least = -half, most = half - 1;
  if (grid.symmetric) {
    scale = -(-low >= high ? low : high) / half;  // full range: the signed extreme maps to -half
  } else {
    least = 0, most = 2 * half - 1;
    scale = (high - low) / most;
    zero = round_even(-low / scale);
  }
  least -= zero, most -= zero;
  for (int64_t j = 0; j < n; ++j) w[j] = round_even(std::clamp(w[j] / scale, least, most)) * scale;
}

// All consumers of a group as one matrix, and their loss under a scale.
class trial {
 public:
  trial(assay_cpp::host host, const channel_group &channels, const plain_grid &grid)
      : host_(host),
        linalg_(host.require<assay_linalg>(ASSAY_EXT_LINALG)),
        channels_(channels),
        grid_(grid) {
    const auto &group = channels.abi();
    for (uint32_t i = 0; i < group.n_consumers; ++i) {
      const auto w = assay_cpp::matrix_of<float>(group.consumers[i]->weight, "a weight");
      weight_.insert(weight_.end(), w.data, w.data + w.size());
    }
    rows_ = static_cast<int64_t>(weight_.size()) / channels.columns();
    difference_.resize(weight_.size());
    product_.resize(weight_.size());
  }

  double loss(const std::vector<float> &scale) {
    const int64_t in = channels_.columns(),
                  size = grid_.group_size > 0 ? std::min(grid_.group_size, in) : in;
    host_.parallel_for(rows_, 16, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const float *w = weight_.data() + row * in;
        float *d = difference_.data() + row * in;
        for (int64_t c = 0; c < in; ++c)
          d[c] = w[c] * scale[static_cast<size_t>(channels_.producer_of(c))];
        for (int64_t first = 0; first < in; first += size)
          round_group(d + first, std::min(size, in - first), grid_);
        for (int64_t c = 0; c < in; ++c)
          d[c] = d[c] / scale[static_cast<size_t>(channels_.producer_of(c))] - w[c];
      }
    });
    multiply(in);
    std::vector<double> sums(static_cast<size_t>(rows_));
    host_.parallel_for(rows_, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * in; i < end * in; ++i)
        sums[static_cast<size_t>(i / in)] +=
            static_cast<double>(difference_[static_cast<size_t>(i)]) *
            static_cast<double>(product_[static_cast<size_t>(i)]);
    });
    double total = 0;
    for (const double sum : sums) total += sum;
    return total;
  }

 private:
  void multiply(int64_t in) {
    int64_t shape[2] = {rows_, in}, strides[2] = {in, 1};
    const assay_dtype f32 = {ASSAY_FLOAT, 32, 1};
    const assay_tensor d{difference_.data(), {ASSAY_CPU, 0}, 2, f32, shape, strides, 0};
    const assay_tensor p{product_.data(), {ASSAY_CPU, 0}, 2, f32, shape, strides, 0};
    assay_cpp::pass_on(
        linalg_.gemm(host_.table(), 1.0, &d, 0, channels_.abi().stats->hessian, 0, 0.0, &p));
  }

  assay_cpp::host host_;
  const assay_linalg &linalg_;
  const channel_group &channels_;
  plain_grid grid_;
  int64_t rows_ = 0;
  std::vector<float> weight_, difference_, product_;  // [rows, columns]
};

// AutoAWQ's weight statistic: mean over rows of |w| relative to its group's largest.
std::vector<double> relative_weights(const channel_group &channels, const plain_grid &grid) {
  const auto &group = channels.abi();
  std::vector<float> sums(static_cast<size_t>(group.channels));
  int64_t rows = 0;
  for (uint32_t i = 0; i < group.n_consumers; ++i) {
    const auto w = assay_cpp::matrix_of<float>(group.consumers[i]->weight, "a weight");
    const int64_t size = grid.group_size > 0 ? std::min(grid.group_size, w.columns) : w.columns;
    for (int64_t row = 0; row < w.rows; ++row)
      for (int64_t first = 0; first < w.columns; first += size) {
        const int64_t last = std::min(w.columns, first + size);
        float most = 0;
        for (int64_t c = first; c < last; ++c) most = std::max(most, std::fabs(w.row(row)[c]));
        for (int64_t c = first; c < last; ++c)
          sums[static_cast<size_t>(c)] += std::fabs(w.row(row)[c]) / (most + 1e-6f);
      }
    rows += w.rows;
  }
  for (float &sum : sums) sum /= static_cast<float>(rows);
  return channels.tied_mean(sums.data());
}

std::vector<float> scale_of(const std::vector<double> &x, const std::vector<double> *w,
                            double exponent) {
  std::vector<float> scale(x.size());
  for (size_t j = 0; j < x.size(); ++j) {
    const double top = std::pow(x[j], exponent);
    scale[j] = static_cast<float>(
        std::max(w ? top / (std::pow((*w)[j], 1 - exponent) + 1e-4) : top, 1e-4));
  }
  normalise(scale);
  return scale;
}

}  // namespace

awq::awq(assay_cpp::host host, const char *config_json) : host_(host) {
  const auto config = assay_json::parse(config_json);
  const auto duo = config.string_or("duo_scaling", "both");
  steps_ = static_cast<int64_t>(config.number_or("steps", 20));
  plain_ = duo != "only";
  duo_ = duo != "off";
}

void awq::needs(const assay_block &, assay_needs &out) {
  out.statistics = ASSAY_NEED_HESSIAN | ASSAY_NEED_ABS_MEAN;
}

void awq::apply(const assay_block &block, const assay_edit &edit) {
  const auto grid = grid_of(block);
  std::string list;
  for (uint32_t i = 0; i < block.n_groups; ++i) {
    const auto &group = *block.groups[i];
    host_.progress(i, block.n_groups, group.name);
    std::string reason;
    if (!channel_group::usable(group, reason)) {
      host_.ledger("skipped_group", 1, std::string(group.name) + ": " + reason);
      continue;
    }
    const channel_group channels(group);
    const auto x = channels.tied_mean(
        assay_cpp::matrix_of<float>(group.stats ? group.stats->abs_mean : nullptr, "mean |x|")
            .data);
    const auto w = relative_weights(channels, grid);
    trial attempt(host_, channels, grid);
    std::vector<float> best(x.size(), 1.0f);
    const double identity = attempt.loss(best);
    double least = identity, exponent = 0;
    const char *form = "identity";
    for (const bool duo : {false, true}) {
      if (duo ? !duo_ : !plain_) continue;
      for (int64_t step = duo ? 0 : 1; step <= steps_; ++step) {
        const double r = static_cast<double>(step) / static_cast<double>(steps_);
        const auto scale = scale_of(x, duo ? &w : nullptr, r);
        const double loss = attempt.loss(scale);
        if (!(loss < least)) continue;  // also refuses a loss that is no number
        least = loss, exponent = r, best = scale;
        form = duo ? "duo" : "plain";
      }
    }
    if (least < identity) channels.fold(best);
    char line[256];
    std::snprintf(line, sizeof line,
                  "%s{\"group\": %s, \"form\": \"%s\", \"exponent\": %.4g, \"loss\": %.6g, "
                  "\"identity_loss\": %.6g}",
                  list.empty() ? "" : ", ", assay_json::quoted(group.name).c_str(), form, exponent,
                  least, identity);
    list += line;
  }
  assay_cpp::pass_on(edit.note(edit.ctx, ("{\"groups\": [" + list + "]}").c_str()));
}

}  // namespace scaling
