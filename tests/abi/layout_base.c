/* Prints the layout of the structs for the plugin, its components, tensors and the host's services. */
#include "layout.h"

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
  FIELD(assay_host, config_integer);
  FIELD(assay_host, config_number);
  FIELD(assay_host, config_flag);
  FIELD(assay_host, config_text);
}

void print_base(void) {
  component();
  plugin();
  device();
  dtype();
  tensor();
  managed();
  host();
}
