// Computes the lower triangle of x^T x from packed panels, after Goto and van de Geijn, "Anatomy of
// high-performance matrix multiplication", ACM TOMS 34(3), 2008, section 4. x is copied once into
// panels of 48 columns, token by token. Each pair of panels gives 48 x 48 sums, in tiles of 8 x 48
// that stay in registers: 8 columns of one panel are broadcast, and the 48 columns of the other fill
// three AVX-512 vectors. Both factors are x, so one copy is enough.
#include "calibration/gram_kernel.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/threads.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace assay::quant {
namespace {

constexpr int64_t k_panel = 48;    // columns of a panel
constexpr int64_t k_rows = 8;      // rows of a tile
constexpr int64_t k_depth = 1024;  // tokens at a time: their panels fit the second-level cache

int64_t panels_of(int64_t n) {
  return (n + k_panel - 1) / k_panel;
}

// Copies the columns of one panel, token by token. Columns beyond the last one of x become 0.
void pack(const float *x, int64_t tokens, int64_t n, int64_t panel, float *to) {
  const int64_t first = panel * k_panel, width = std::min(k_panel, n - first);
  for (int64_t t = 0; t < tokens; ++t) {
    std::memcpy(to + t * k_panel, x + t * n + first, static_cast<size_t>(width) * sizeof(float));
    std::fill(to + t * k_panel + width, to + (t + 1) * k_panel, 0.0f);
  }
}

#if defined(__x86_64__)

__attribute__((target("avx512f"), always_inline)) inline void add_to(float *to, __m512 sum) {
  _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(to), sum));
}

// Adds the sum of a[i] b[j] over `depth` tokens to the tile to[i][j], for 8 columns a[i] of one panel
// and 48 columns b[j] of another. a points to the first of the 8 columns; stride: floats from one row
// of the tile to the next.
__attribute__((target("avx512f"))) void multiply(const float *a, const float *b, int64_t depth,
                                                 float *to, int64_t stride) {
  __m512 c[k_rows][3];
#pragma GCC unroll 8
  for (int64_t i = 0; i < k_rows; ++i) c[i][0] = c[i][1] = c[i][2] = _mm512_setzero_ps();
  for (int64_t t = 0; t < depth; ++t, a += k_panel, b += k_panel) {
    const __m512 b0 = _mm512_load_ps(b), b1 = _mm512_load_ps(b + 16), b2 = _mm512_load_ps(b + 32);
#pragma GCC unroll 8
    for (int64_t i = 0; i < k_rows; ++i) {
      const __m512 one = _mm512_set1_ps(a[i]);
      c[i][0] = _mm512_fmadd_ps(one, b0, c[i][0]);
      c[i][1] = _mm512_fmadd_ps(one, b1, c[i][1]);
      c[i][2] = _mm512_fmadd_ps(one, b2, c[i][2]);
    }
  }
#pragma GCC unroll 8
  for (int64_t i = 0; i < k_rows; ++i) {
    add_to(to + i * stride, c[i][0]);
    add_to(to + i * stride + 16, c[i][1]);
    add_to(to + i * stride + 32, c[i][2]);
  }
}

#else

void multiply(const float *, const float *, int64_t, float *, int64_t) {}

#endif

// Adds the products of two panels over `depth` tokens to h. `a` points to panel number rows_of, which
// gives the rows of the sums; `b` points to panel number columns_of, which gives their columns.
void add_panels(float *h, int64_t n, const float *a, const float *b, int64_t depth, int64_t rows_of,
                int64_t columns_of) {
  const int64_t column = columns_of * k_panel, width = std::min(k_panel, n - column);
  for (int64_t i = 0; i < k_panel; i += k_rows) {
    const int64_t row = rows_of * k_panel + i, count = std::min(k_rows, n - row);
    if (count <= 0) return;
    float *to = h + row * n + column;
    if (count == k_rows && width == k_panel) {
      multiply(a + i, b, depth, to, n);
      continue;
    }
    float sums[k_rows * k_panel] = {};
    multiply(a + i, b, depth, sums, k_panel);
    for (int64_t r = 0; r < count; ++r)
      for (int64_t j = 0; j < width; ++j) to[r * n + j] += sums[r * k_panel + j];
  }
}

}  // namespace

bool has_gram_kernel() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx512f");
  return has;
#else
  return false;
#endif
}

int64_t gram_scratch(int64_t tokens, int64_t n) {
  return std::min(tokens, k_depth) * panels_of(n) * k_panel;
}

void add_gram(float *h, const float *x, int64_t tokens, int64_t n, float *scratch) {
  const int64_t panels = panels_of(n), pairs = (panels + 1) / 2;
  for (int64_t begin = 0; begin < tokens; begin += k_depth) {
    const int64_t depth = std::min(k_depth, tokens - begin);
    const auto place = [&](int64_t panel) { return scratch + panel * depth * k_panel; };
    model::parallel_for(0, panels, 1, [&](int64_t first, int64_t last) {
      for (int64_t p = first; p < last; ++p) pack(x + begin * n, depth, n, p, place(p));
    });
    const auto column_panel = [&](int64_t columns) {
      for (int64_t rows = columns; rows < panels; ++rows)
        add_panels(h, n, place(rows), place(columns), depth, rows, columns);
    };
    // A column of tiles reaches from the diagonal down, so columns further right are shorter. Each
    // piece of work takes a long column and a short one, so that all pieces are about equal.
    model::parallel_for(0, pairs, 1, [&](int64_t first, int64_t last) {
      for (int64_t p = first; p < last; ++p) {
        column_panel(p);
        if (p != panels - 1 - p) column_panel(panels - 1 - p);
      }
    });
  }
}

}  // namespace assay::quant
