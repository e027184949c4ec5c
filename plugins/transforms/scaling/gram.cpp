// Computes the loss of candidate scales from the Hessian. The weights of all consumers of a group are
// stacked into one matrix.
#include "gram.hpp"

#include <algorithm>

namespace scaling {

gram_trial::gram_trial(assay_cpp::host host, const channel_group &channels, const plain_grid &grid)
    : host_(host),
      linalg_(host.require<assay_linalg>(ASSAY_EXT_LINALG)),
      channels_(channels),
      grid_(grid) {
  const auto &group = channels.abi();
  for (uint32_t i = 0; i < group.n_consumers; ++i) {
    if (!is_rounded(*group.consumers[i])) continue;
    const auto w = assay_cpp::matrix_of<float>(group.consumers[i]->weight, "a weight");
    weight_.insert(weight_.end(), w.data, w.data + w.size());
  }
  rows_ = static_cast<int64_t>(weight_.size()) / channels.columns();
  difference_.resize(weight_.size());
  product_.resize(weight_.size());
}

double gram_trial::loss(const std::vector<float> &scale) {
  const int64_t in = channels_.columns(), size = grid_.group(in);
  std::vector<float> by_column(static_cast<size_t>(in));
  for (int64_t c = 0; c < in; ++c)
    by_column[static_cast<size_t>(c)] = scale[static_cast<size_t>(channels_.producer_of(c))];
  const float *s = by_column.data();
  host_.parallel_for(rows_, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float *w = weight_.data() + row * in;
      float *d = difference_.data() + row * in;
      for (int64_t c = 0; c < in; ++c) d[c] = w[c] * s[c];
      for (int64_t first = 0; first < in; first += size)
        round_group(d + first, std::min(size, in - first), grid_);
      for (int64_t c = 0; c < in; ++c) d[c] = d[c] / s[c] - w[c];
    }
  });
  multiply(in);
  std::vector<double> sums(static_cast<size_t>(rows_));
  host_.parallel_for(rows_, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float *d = difference_.data() + row * in, *p = product_.data() + row * in;
      double sum = 0;
      for (int64_t c = 0; c < in; ++c) sum += static_cast<double>(d[c]) * static_cast<double>(p[c]);
      sums[static_cast<size_t>(row)] = sum;
    }
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

void gram_trial::multiply(int64_t in) {
  int64_t shape[2] = {rows_, in}, strides[2] = {in, 1};
  const assay_dtype f32 = {ASSAY_FLOAT, 32, 1};
  const assay_tensor d{difference_.data(), {ASSAY_CPU, 0}, 2, f32, shape, strides, 0};
  const assay_tensor p{product_.data(), {ASSAY_CPU, 0}, 2, f32, shape, strides, 0};
  // The Hessian equals its transpose. It is passed as a transposed matrix, because the host computes a
  // product with a transposed matrix faster.
  assay_cpp::pass_on(
      linalg_.gemm(host_.table(), 1.0, &d, 0, channels_.abi().stats->hessian, 1, 0.0, &p));
}

}  // namespace scaling
