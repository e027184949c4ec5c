/* The arithmetic of rtn: turns one group of weights into a stored scale, a zero point and codes.
 * It does not call the host; plugin.c does. */
#ifndef RTN_GRID_H
#define RTN_GRID_H

#include <stdint.h>

/* Where a grid of b bits has its ends. Full: the weight of largest magnitude gets the code -2^(b-1).
 * Narrow: it gets the code 2^(b-1) - 1 if it is positive, else -(2^(b-1) - 1). Asymmetric: codes run
 * from 0 to 2^b - 1, and the code `zero` stands for the weight 0. */
enum rtn_range { RTN_FULL, RTN_NARROW, RTN_ASYMMETRIC };
/* The dtype in which scales are stored. */
enum rtn_scale { RTN_F16, RTN_BF16, RTN_F32 };

typedef struct rtn_grid {
  int bits; /* 2..8 */
  enum rtn_range range;
  enum rtn_scale scale_dtype;
} rtn_grid;

typedef struct rtn_group {
  float scale;     /* already rounded to its stored dtype; may be negative under RTN_FULL */
  int32_t zero;    /* the zero point; 0 for symmetric grids */
  int32_t clamped; /* 1: the dtype cannot hold the ideal scale, and the nearest one replaces it */
} rtn_group;

/* Returns the position of the first value that is NaN or Inf, or -1. */
int64_t rtn_find_not_finite(const float *w, int64_t n);

/* Writes the grid of one group to out. w: its n > 0 weights, all finite. */
void rtn_fit(const rtn_grid *grid, const float *w, int64_t n, rtn_group *out);

/* Writes n codes, clip(round_half_even(w / scale) + zero). A byte is i8 for symmetric grids, else u8. */
void rtn_encode(const rtn_grid *grid, const rtn_group *group, const float *w, int64_t n,
                uint8_t *codes);

/* The array `scales` has elements of the dtype. rtn_store_scale writes element i, rtn_load_scale reads
 * it, and rtn_scale_bits returns the width of one element in bits. */
void rtn_store_scale(enum rtn_scale dtype, void *scales, int64_t i, float value);
float rtn_load_scale(enum rtn_scale dtype, const void *scales, int64_t i);
int rtn_scale_bits(enum rtn_scale dtype);

#endif
