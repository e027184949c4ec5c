/* Prints the layout of the structs that describe a model to a plugin: linears (weight matrices), statistics of their inputs,
 * groups, blocks, and forms (quantized weights). */
#include "layout.h"

static void form(void) {
  STRUCT(assay_form);
  FIELD(assay_form, struct_size);
  FIELD(assay_form, n_tensors);
  FIELD(assay_form, out_features);
  FIELD(assay_form, in_features);
  FIELD(assay_form, roles);
  FIELD(assay_form, tensors);
  FIELD(assay_form, packed_bits);
  FIELD(assay_form, note_json);
}

static void linear(void) {
  STRUCT(assay_linear);
  FIELD(assay_linear, struct_size);
  FIELD(assay_linear, flags);
  FIELD(assay_linear, index);
  FIELD(assay_linear, block_index);
  FIELD(assay_linear, name);
  FIELD(assay_linear, role);
  FIELD(assay_linear, tie_group);
  FIELD(assay_linear, arch_json);
  FIELD(assay_linear, in_features);
  FIELD(assay_linear, out_features);
  FIELD(assay_linear, weight);
  FIELD(assay_linear, bias);
  FIELD(assay_linear, tie_abs_max);
  FIELD(assay_linear, clip_min);
  FIELD(assay_linear, clip_max);
  FIELD(assay_linear, clip_group_size);
  FIELD(assay_linear, start);
}

static void stats(void) {
  STRUCT(assay_stats);
  FIELD(assay_stats, struct_size);
  FIELD(assay_stats, propagation);
  FIELD(assay_stats, n_tokens);
  FIELD(assay_stats, n_sequences);
  FIELD(assay_stats, hessian);
  FIELD(assay_stats, hessian_first);
  FIELD(assay_stats, cross);
  FIELD(assay_stats, abs_max);
  FIELD(assay_stats, abs_mean);
  FIELD(assay_stats, sq_mean);
  FIELD(assay_stats, min);
  FIELD(assay_stats, max);
  FIELD(assay_stats, mean);
}

static void norm(void) {
  STRUCT(assay_norm);
  FIELD(assay_norm, struct_size);
  FIELD(assay_norm, flags);
  FIELD(assay_norm, name);
  FIELD(assay_norm, weight);
  FIELD(assay_norm, bias);
}

static void group(void) {
  STRUCT(assay_group);
  FIELD(assay_group, struct_size);
  FIELD(assay_group, n_producers);
  FIELD(assay_group, n_consumers);
  FIELD(assay_group, reserved);
  FIELD(assay_group, name);
  FIELD(assay_group, kind);
  FIELD(assay_group, norm);
  FIELD(assay_group, producers);
  FIELD(assay_group, consumers);
  FIELD(assay_group, stats);
  FIELD(assay_group, channels);
  FIELD(assay_group, heads);
  FIELD(assay_group, kv_heads);
  FIELD(assay_group, head_dim);
}

static void block(void) {
  STRUCT(assay_block);
  FIELD(assay_block, struct_size);
  FIELD(assay_block, index);
  FIELD(assay_block, n_blocks);
  FIELD(assay_block, n_linears);
  FIELD(assay_block, n_norms);
  FIELD(assay_block, n_groups);
  FIELD(assay_block, arch_json);
  FIELD(assay_block, linears);
  FIELD(assay_block, norms);
  FIELD(assay_block, groups);
  FIELD(assay_block, quantizer_json);
  FIELD(assay_block, handle);
}

void print_layer(void) {
  form();
  linear();
  stats();
  norm();
  group();
  block();
}
