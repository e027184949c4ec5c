// Runs loops that the compiler vectorises once for each instruction set; products and sums stay
// separate (-ffp-contract=off), so that all machines round alike.
#include "kernels/fused_loops.hpp"

#include <bit>
#include <cmath>

#include "kernels/clones.hpp"

namespace assay::model::kernels {
namespace {

// exp(x) for |x| <= 87, clamped beyond; within 2 ulp. The range is reduced to |r| <= ln2/2. Then
// a polynomial of degree 7 is taken: that of Cephes' expf, whose coefficients lie near Taylor's.
inline float fast_exp(float x) {
  x = x < -87.0f ? -87.0f : x > 87.0f ? 87.0f : x;
  const float shifted =
      x * 1.44269504f + 12582912.0f;  // 1.5 * 2^23: the low bits hold round(x / ln 2)
  const float n = shifted - 12582912.0f;
  const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * r) * r + r + 1.0f;
  const uint32_t exponent = (std::bit_cast<uint32_t>(shifted) + 127u) << 23;
  return p * std::bit_cast<float>(exponent);
}

}  // namespace

ASSAY_CLONES void rms_norm(const float *x, const float *weight, float *y, int64_t n, int64_t width,
                           float eps, float offset) {
  for (int64_t row = 0; row < n; ++row, x += width, y += width) {
    // A fixed number of partial sums, so that the order of additions is the same everywhere.
    float lanes[16] = {};
    const int64_t whole = width / 16 * 16;
    for (int64_t i = 0; i < whole; i += 16)
      for (int64_t j = 0; j < 16; ++j) lanes[j] += x[i + j] * x[i + j];
    for (int64_t i = whole; i < width; ++i) lanes[i - whole] += x[i] * x[i];
    float sum = 0;
    for (const float lane : lanes) sum += lane;
    const float scale = 1.0f / std::sqrt(sum / static_cast<float>(width) + eps);
    for (int64_t i = 0; i < width; ++i) y[i] = x[i] * scale * (offset + weight[i]);
  }
}

ASSAY_CLONES void rope(float *x, const float *cos, const float *sin, int64_t n_heads, int64_t half,
                       int64_t head_dim) {
  for (int64_t head = 0; head < n_heads; ++head, x += head_dim) {
    float *low = x, *high = x + half;
    for (int64_t i = 0; i < half; ++i) {
      const float a = low[i], b = high[i];
      low[i] = a * cos[i] - b * sin[i];
      high[i] = b * cos[i] + a * sin[i];
    }
  }
}

ASSAY_CLONES void silu_mul(float *gate, const float *up, int64_t n) {
  for (int64_t i = 0; i < n; ++i) gate[i] = gate[i] / (1.0f + fast_exp(-gate[i])) * up[i];
}

// (1 + tanh(u)) / 2 = 1 / (1 + exp(-2 u)), which needs one exponential.
ASSAY_CLONES void gelu_mul(float *gate, const float *up, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const float x = gate[i], u = 0.7978845608f * (x + 0.044715f * x * x * x);
    gate[i] = x / (1.0f + fast_exp(-2.0f * u)) * up[i];
  }
}

ASSAY_CLONES float log_sum_exp(const float *row, int64_t n, int64_t *top) {
  float lanes[16];
  const int64_t whole = n / 16 * 16;
  for (float &lane : lanes) lane = row[0];
  for (int64_t i = 0; i < whole; i += 16)
    for (int64_t j = 0; j < 16; ++j) lanes[j] = row[i + j] > lanes[j] ? row[i + j] : lanes[j];
  float best = row[0];
  for (int64_t i = whole; i < n; ++i) best = row[i] > best ? row[i] : best;
  for (const float lane : lanes) best = lane > best ? lane : best;
  for (float &lane : lanes) lane = 0;
  for (int64_t i = 0; i < whole; i += 16)
    for (int64_t j = 0; j < 16; ++j) lanes[j] += fast_exp(row[i + j] - best);
  double sum = 0;
  for (int64_t i = whole; i < n; ++i) sum += static_cast<double>(fast_exp(row[i] - best));
  for (const float lane : lanes) sum += static_cast<double>(lane);
  if (top != nullptr) {
    *top = 0;
    while (*top < n - 1 && row[*top] != best) ++*top;
  }
  return best + static_cast<float>(std::log(sum));
}

}  // namespace assay::model::kernels
