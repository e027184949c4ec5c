// Rounds weights to the nearest of 16 fixed values. The values of nf4 are quantiles of the normal
// distribution (Dettmers et al., "QLoRA", 2023, appendix E). Those of fp4 are the numbers of E2M1, a
// 4-bit float (OCP Microscaling Formats 1.0, table 5), divided by the largest of them, 6.
#include "codebook.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

namespace data_free {
namespace {

constexpr std::array<float, 16> k_nf4 = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};
// 0 occurs twice, because E2M1 has a code for -0 too. Both codes stand for the same weight.
constexpr std::array<float, 16> k_fp4 = {-1.0f,        -4.0f / 6.0f, -3.0f / 6.0f, -2.0f / 6.0f,
                                         -1.5f / 6.0f, -1.0f / 6.0f, -0.5f / 6.0f, 0.0f,
                                         0.0f,         0.5f / 6.0f,  1.0f / 6.0f,  1.5f / 6.0f,
                                         2.0f / 6.0f,  3.0f / 6.0f,  4.0f / 6.0f,  1.0f};

// Returns the index of the value nearest to x. If two values are equally near, the lower value wins.
uint8_t nearest(const std::array<float, 16> &values, float x) {
  int low = 0, high = 15;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (values[static_cast<size_t>(middle)] <= x ? low : high) = middle;
  }
  const float below = x - values[static_cast<size_t>(low)],
              above = values[static_cast<size_t>(high)] - x;
  return static_cast<uint8_t>(above < below ? high : low);
}

float largest_magnitude(const float *w, int64_t n) {
  float largest = 0;
  for (int64_t i = 0; i < n; ++i) largest = std::max(largest, std::fabs(w[i]));
  return largest;
}

}  // namespace

codebook::codebook(assay_cpp::host host) : host_(host) {
  const assay_cpp::config config(host);
  group_size_ = config.integer("group_size");
  values_ = config.text("codebook") == "fp4" ? k_fp4 : k_nf4;
}

void codebook::quantize(const assay_linear &linear, const assay_stats *, assay_cpp::sink sink) {
  const auto w = assay_cpp::matrix_of<const float>(linear.weight, "the weight");
  assay_cpp::require_finite(w);
  const assay_grid::group_cut cut(group_size_, w.columns);
  auto codes = host_.alloc(assay_cpp::dtype_of<uint8_t>(), {w.rows, w.columns});
  auto scales = host_.alloc(assay_cpp::k_f16, {w.rows, cut.count});
  auto book = host_.alloc(assay_cpp::dtype_of<float>(), {16});
  std::atomic<uint64_t> clamped{0};
  host_.parallel_for(w.rows, 4, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t g = 0; g < cut.count; ++g) {
        const float *x = w.row(row) + cut.first(g);
        const float largest = largest_magnitude(x, cut.length(g));
        assay_grid::stored_scale scale;  // stays 1 for a group of zeros
        if (largest != 0) scale = assay_grid::store(assay_grid::scale_dtype::float16, largest);
        uint8_t *to = codes.data<uint8_t>() + row * w.columns + cut.first(g);
        for (int64_t i = 0; i < cut.length(g); ++i) to[i] = nearest(values_, x[i] / scale.value);
        scales.data<uint16_t>()[row * cut.count + g] = assay_grid::to_float16(scale.value);
        clamped += scale.clamped;
      }
    }
  });
  assay_grid::tell_clamped(host_, clamped);
  std::copy(values_.begin(), values_.end(), book.data<float>());
  sink.emit("codes", std::move(codes), 4);
  sink.emit("scales", std::move(scales));
  sink.emit("codebook", std::move(book));
  sink.note("{\"format\": \"codebook/1\", \"bits\": 4, \"group_size\": " +
            std::to_string(cut.noted()) + ", \"symmetric\": true}");
}

void codebook::dequantize(const assay_form &form, const assay_tensor &out) {
  const auto codes = assay_cpp::matrix_of<const uint8_t>(assay_cpp::find(form, "codes"), "codes");
  const auto book =
      assay_cpp::matrix_of<const float>(assay_cpp::find(form, "codebook"), "codebook");
  const assay_tensor *scales = assay_cpp::find(form, "scales");
  if (scales == nullptr || book.columns != 16)
    throw assay_cpp::failure(ASSAY_INVALID_ARGUMENT, "not a form that codebook made");
  const auto w = assay_cpp::matrix_of<float>(&out, "the output");
  const assay_grid::group_cut cut(group_size_, w.columns);
  const auto *s = static_cast<const uint16_t *>(scales->data);
  host_.parallel_for(w.rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t j = 0; j < w.columns; ++j)
        w.row(row)[j] = assay_grid::from_float16(s[row * cut.count + j / cut.size]) *
                        book.data[codes.row(row)[j] & 15];
  });
}

void codebook::estimate(const assay_linear &linear, assay_estimate &out) {
  const assay_grid::group_cut cut(group_size_, linear.in_features);
  out.packed_bits =
      static_cast<double>(linear.out_features) *
          (static_cast<double>(linear.in_features) * 4 + static_cast<double>(cut.count) * 16) +
      16 * 32;
}

}  // namespace data_free
