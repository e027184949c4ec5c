/* Prints the layout of the structs for the five kinds of component: tables of functions, and their arguments. */
#include "layout.h"

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

void print_kinds(void) {
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
}
