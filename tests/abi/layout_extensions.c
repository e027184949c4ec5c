/* Prints the layout of the structs for the optional services of the host: linear algebra, and trials of
 * weights in a block (decoder layer). */
#include "layout.h"

static void linalg(void) {
  STRUCT(assay_linalg);
  FIELD(assay_linalg, struct_size);
  FIELD(assay_linalg, reserved);
  FIELD(assay_linalg, gemm);
  FIELD(assay_linalg, syrk);
  FIELD(assay_linalg, cholesky);
  FIELD(assay_linalg, cholesky_inverse);
  FIELD(assay_linalg, triangular_solve);
}

static void trial(void) {
  STRUCT(assay_trial);
  FIELD(assay_trial, struct_size);
  FIELD(assay_trial, scope);
  FIELD(assay_trial, group);
  FIELD(assay_trial, n_weights);
  FIELD(assay_trial, names);
  FIELD(assay_trial, weights);
  FIELD(assay_trial, first_sequence);
  FIELD(assay_trial, n_sequences);
  FIELD(assay_trial, sequences);
  FIELD(assay_trial, products);
  FIELD(assay_trial, reserved);
}

static void block_runner(void) {
  STRUCT(assay_block_runner);
  FIELD(assay_block_runner, struct_size);
  FIELD(assay_block_runner, reserved);
  FIELD(assay_block_runner, n_sequences);
  FIELD(assay_block_runner, loss);
  FIELD(assay_block_runner, gradient);
  FIELD(assay_block_runner, fake_quantize);
}

void print_extensions(void) {
  linalg();
  trial();
  block_runner();
}
