/* The arithmetic of rtn: one group of columns -> a stored scale, a zero point and codes.
 * It knows nothing of the host; plugin.c does. */
#ifndef RTN_GRID_H
#define RTN_GRID_H

#include <stdint.h>

enum rtn_range { RTN_FULL, RTN_NARROW, RTN_ASYMMETRIC };
enum rtn_scale { RTN_F16, RTN_BF16, RTN_F32 };

typedef struct rtn_grid {
  int bits; /* 2..8 */
  enum rtn_range range;
  enum rtn_scale scale_dtype;
} rtn_grid;

typedef struct rtn_group {
  float scale;     /* exactly as stored, rounded to its dtype; may be negative on full ranges */
  int32_t zero;    /* 0 for symmetric grids */
  int32_t clamped; /* 1: the scale lay outside of what its dtype holds, and is now at its end */
} rtn_group;

/* Position of the first value that is NaN or Inf, or -1. */
int64_t rtn_find_not_finite(const float *w, int64_t n);

/* The grid of one group, n > 0 finite weights. */
void rtn_fit(const rtn_grid *grid, const float *w, int64_t n, rtn_group *out);

/* codes = clip(round_half_even(w / scale) + zero) : i8 for symmetric grids, u8 otherwise. */
void rtn_encode(const rtn_grid *grid, const rtn_group *group, const float *w, int64_t n,
                uint8_t *codes);

/* Stored scales: element i of an array of the dtype. */
void rtn_store_scale(enum rtn_scale dtype, void *scales, int64_t i, float value);
float rtn_load_scale(enum rtn_scale dtype, const void *scales, int64_t i);
int rtn_scale_bits(enum rtn_scale dtype);

#endif
