/* Prints the layout of every struct that crosses: the table that a release freezes. C11.
 * What is printed is compared with the committed tables, each of which must be a prefix struct by struct. */
#include <assay.h>
#include <stddef.h>
#include <stdio.h>

#define STRUCT(type) printf("%s size %zu\n", #type, sizeof(type))
#define FIELD(type, member) \
  printf("%s.%s %zu %zu\n", #type, #member, offsetof(type, member), sizeof(((type *)0)->member))

static void component(void) {
  STRUCT(assay_component);
  FIELD(assay_component, struct_size);
  FIELD(assay_component, kind);
  FIELD(assay_component, id);
  FIELD(assay_component, revision);
  FIELD(assay_component, flags);
  FIELD(assay_component, summary);
  FIELD(assay_component, config_schema);
  FIELD(assay_component, facts);
  FIELD(assay_component, vtable);
  FIELD(assay_component, get_extension);
}

static void plugin(void) {
  STRUCT(assay_plugin);
  FIELD(assay_plugin, struct_size);
  FIELD(assay_plugin, abi_minor);
  FIELD(assay_plugin, id);
  FIELD(assay_plugin, version);
  FIELD(assay_plugin, summary);
  FIELD(assay_plugin, license);
  FIELD(assay_plugin, url);
  FIELD(assay_plugin, requires_json);
  FIELD(assay_plugin, n_components);
  FIELD(assay_plugin, reserved);
  FIELD(assay_plugin, components);
}

static void device(void) {
  STRUCT(assay_device);
  FIELD(assay_device, type);
  FIELD(assay_device, index);
}

static void dtype(void) {
  STRUCT(assay_dtype);
  FIELD(assay_dtype, code);
  FIELD(assay_dtype, bits);
  FIELD(assay_dtype, lanes);
}

static void tensor(void) {
  STRUCT(assay_tensor);
  FIELD(assay_tensor, data);
  FIELD(assay_tensor, device);
  FIELD(assay_tensor, ndim);
  FIELD(assay_tensor, dtype);
  FIELD(assay_tensor, shape);
  FIELD(assay_tensor, strides);
  FIELD(assay_tensor, byte_offset);
}

static void managed(void) {
  STRUCT(assay_managed);
  FIELD(assay_managed, version_major);
  FIELD(assay_managed, version_minor);
  FIELD(assay_managed, manager_ctx);
  FIELD(assay_managed, deleter);
  FIELD(assay_managed, flags);
  FIELD(assay_managed, tensor);
}

static void host(void) {
  STRUCT(assay_host);
  FIELD(assay_host, struct_size);
  FIELD(assay_host, abi_minor);
  FIELD(assay_host, ctx);
  FIELD(assay_host, name);
  FIELD(assay_host, version);
  FIELD(assay_host, log);
  FIELD(assay_host, progress);
  FIELD(assay_host, cancelled);
  FIELD(assay_host, fail);
  FIELD(assay_host, ledger);
  FIELD(assay_host, alloc);
  FIELD(assay_host, scratch);
  FIELD(assay_host, stream);
  FIELD(assay_host, parallel_for);
  FIELD(assay_host, seed);
  FIELD(assay_host, get_extension);
  FIELD(assay_host, hash_begin);
  FIELD(assay_host, hash_update);
  FIELD(assay_host, hash_end);
}

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

static void layer(void) {
  STRUCT(assay_layer);
  FIELD(assay_layer, struct_size);
  FIELD(assay_layer, flags);
  FIELD(assay_layer, index);
  FIELD(assay_layer, block_index);
  FIELD(assay_layer, name);
  FIELD(assay_layer, role);
  FIELD(assay_layer, tie_group);
  FIELD(assay_layer, arch_json);
  FIELD(assay_layer, in_features);
  FIELD(assay_layer, out_features);
  FIELD(assay_layer, weight);
  FIELD(assay_layer, bias);
  FIELD(assay_layer, tie_abs_max);
  FIELD(assay_layer, clip_min);
  FIELD(assay_layer, clip_max);
  FIELD(assay_layer, clip_group_size);
  FIELD(assay_layer, start);
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
  FIELD(assay_block, n_layers);
  FIELD(assay_block, n_norms);
  FIELD(assay_block, n_groups);
  FIELD(assay_block, arch_json);
  FIELD(assay_block, layers);
  FIELD(assay_block, norms);
  FIELD(assay_block, groups);
  FIELD(assay_block, quantizer_json);
  FIELD(assay_block, handle);
}

static void needs(void) {
  STRUCT(assay_needs);
  FIELD(assay_needs, struct_size);
  FIELD(assay_needs, statistics);
  FIELD(assay_needs, schedule);
  FIELD(assay_needs, reserved);
  FIELD(assay_needs, max_tokens);
}

static void estimate(void) {
  STRUCT(assay_estimate);
  FIELD(assay_estimate, struct_size);
  FIELD(assay_estimate, reserved);
  FIELD(assay_estimate, packed_bits);
  FIELD(assay_estimate, flops);
  FIELD(assay_estimate, scratch_bytes);
}

static void sink(void) {
  STRUCT(assay_sink);
  FIELD(assay_sink, struct_size);
  FIELD(assay_sink, reserved);
  FIELD(assay_sink, ctx);
  FIELD(assay_sink, emit);
  FIELD(assay_sink, note);
}

static void quantizer_vtable(void) {
  STRUCT(assay_quantizer_vtable);
  FIELD(assay_quantizer_vtable, struct_size);
  FIELD(assay_quantizer_vtable, reserved);
  FIELD(assay_quantizer_vtable, create);
  FIELD(assay_quantizer_vtable, destroy);
  FIELD(assay_quantizer_vtable, needs);
  FIELD(assay_quantizer_vtable, observe);
  FIELD(assay_quantizer_vtable, quantize);
  FIELD(assay_quantizer_vtable, quantize_block);
  FIELD(assay_quantizer_vtable, dequantize);
  FIELD(assay_quantizer_vtable, estimate);
}

static void edit(void) {
  STRUCT(assay_edit);
  FIELD(assay_edit, struct_size);
  FIELD(assay_edit, reserved);
  FIELD(assay_edit, ctx);
  FIELD(assay_edit, set_bias);
  FIELD(assay_edit, set_clip);
  FIELD(assay_edit, set_online);
  FIELD(assay_edit, note);
}

static void transform_vtable(void) {
  STRUCT(assay_transform_vtable);
  FIELD(assay_transform_vtable, struct_size);
  FIELD(assay_transform_vtable, reserved);
  FIELD(assay_transform_vtable, create);
  FIELD(assay_transform_vtable, destroy);
  FIELD(assay_transform_vtable, check);
  FIELD(assay_transform_vtable, needs);
  FIELD(assay_transform_vtable, observe);
  FIELD(assay_transform_vtable, apply);
}

static void dataset_info(void) {
  STRUCT(assay_dataset_info);
  FIELD(assay_dataset_info, struct_size);
  FIELD(assay_dataset_info, reserved);
  FIELD(assay_dataset_info, count);
  FIELD(assay_dataset_info, fields_json);
  FIELD(assay_dataset_info, content_hash);
  FIELD(assay_dataset_info, license);
  FIELD(assay_dataset_info, source);
}

static void dataset_vtable(void) {
  STRUCT(assay_dataset_vtable);
  FIELD(assay_dataset_vtable, struct_size);
  FIELD(assay_dataset_vtable, reserved);
  FIELD(assay_dataset_vtable, create);
  FIELD(assay_dataset_vtable, destroy);
  FIELD(assay_dataset_vtable, info);
  FIELD(assay_dataset_vtable, next);
  FIELD(assay_dataset_vtable, rewind);
}

static void sample(void) {
  STRUCT(assay_sample);
  FIELD(assay_sample, struct_size);
  FIELD(assay_sample, n_arrays);
  FIELD(assay_sample, index);
  FIELD(assay_sample, record_json);
  FIELD(assay_sample, record_bytes);
  FIELD(assay_sample, array_names);
  FIELD(assay_sample, arrays);
}

static void metric_sink(void) {
  STRUCT(assay_metric_sink);
  FIELD(assay_metric_sink, struct_size);
  FIELD(assay_metric_sink, reserved);
  FIELD(assay_metric_sink, ctx);
  FIELD(assay_metric_sink, number);
  FIELD(assay_metric_sink, note);
}

static void metric_vtable(void) {
  STRUCT(assay_metric_vtable);
  FIELD(assay_metric_vtable, struct_size);
  FIELD(assay_metric_vtable, reserved);
  FIELD(assay_metric_vtable, create);
  FIELD(assay_metric_vtable, destroy);
  FIELD(assay_metric_vtable, declare);
  FIELD(assay_metric_vtable, begin);
  FIELD(assay_metric_vtable, update);
  FIELD(assay_metric_vtable, finish);
}

static void refusals(void) {
  STRUCT(assay_refusals);
  FIELD(assay_refusals, struct_size);
  FIELD(assay_refusals, reserved);
  FIELD(assay_refusals, ctx);
  FIELD(assay_refusals, refuse);
}

static void item(void) {
  STRUCT(assay_item);
  FIELD(assay_item, struct_size);
  FIELD(assay_item, reserved);
  FIELD(assay_item, name);
  FIELD(assay_item, form);
  FIELD(assay_item, tensor);
  FIELD(assay_item, role);
}

static void export(void) {
  STRUCT(assay_export);
  FIELD(assay_export, struct_size);
  FIELD(assay_export, n_files);
  FIELD(assay_export, ctx);
  FIELD(assay_export, folder);
  FIELD(assay_export, plan_json);
  FIELD(assay_export, file_names);
  FIELD(assay_export, next);
  FIELD(assay_export, restart);
  FIELD(assay_export, read_file);
  FIELD(assay_export, begin_file);
  FIELD(assay_export, append);
  FIELD(assay_export, end_file);
}

static void exporter_vtable(void) {
  STRUCT(assay_exporter_vtable);
  FIELD(assay_exporter_vtable, struct_size);
  FIELD(assay_exporter_vtable, reserved);
  FIELD(assay_exporter_vtable, create);
  FIELD(assay_exporter_vtable, destroy);
  FIELD(assay_exporter_vtable, check);
  FIELD(assay_exporter_vtable, write);
}

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

int main(void) {
  component();
  plugin();
  device();
  dtype();
  tensor();
  managed();
  host();
  form();
  layer();
  stats();
  norm();
  group();
  block();
  needs();
  estimate();
  sink();
  quantizer_vtable();
  edit();
  transform_vtable();
  dataset_info();
  dataset_vtable();
  sample();
  metric_sink();
  metric_vtable();
  refusals();
  item();
  export();
  exporter_vtable();
  linalg();
  trial();
  block_runner();
  return 0;
}
