// Calls a transform plugin, checks the plugin's edits, and passes them on to an edit_receiver.
#include "plug/transform.hpp"

#include "core/error.hpp"
#include "plug/service_context.hpp"
#include "plug/tensor.hpp"

namespace assay::plug {
namespace {

// What assay_edit::ctx points to during one call of apply.
struct edit_context {
  service_context &services;
  const assay_block &block;
  edit_receiver &receiver;

  const assay_linear &layer(const char *name) const {
    for (uint32_t i = 0; i < block.n_linears; ++i)
      if (name != nullptr && std::string(block.linears[i]->name) == name) return *block.linears[i];
    throw error(error_kind::plugin, std::string("edited the linear '") +
                                        (name != nullptr ? name : "") +
                                        "', which is not in block " + std::to_string(block.index));
  }

  static void require(const assay_tensor *tensor, int64_t rows, int32_t ndim,
                      const std::string &what) {
    const bool good = tensor != nullptr && tensor->ndim == ndim && tensor->shape[0] == rows &&
                      same_dtype(tensor->dtype, k_f32) && is_contiguous(*tensor);
    if (good) return;
    throw error(error_kind::plugin, what + " is " +
                                        (tensor != nullptr ? describe(*tensor) : "NULL") +
                                        ", expected contiguous f32 [" + std::to_string(rows) +
                                        (ndim == 1 ? "]" : ", n]"));
  }
};

edit_context &of(void *ctx) {
  return *static_cast<edit_context *>(ctx);
}

int32_t set_bias(void *ctx, const char *layer, const assay_tensor *bias) noexcept {
  return of(ctx).services.guarded([&] {
    const assay_linear &target = of(ctx).layer(layer);
    edit_context::require(bias, target.out_features, 1, "the bias");
    of(ctx).receiver.set_bias(layer, *bias);
  });
}

int32_t set_clip(void *ctx, const char *layer, const assay_tensor *min, const assay_tensor *max,
                 int64_t group_size) noexcept {
  return of(ctx).services.guarded([&] {
    const assay_linear &target = of(ctx).layer(layer);
    edit_context::require(min, target.out_features, 2, "the lower clip limit");
    edit_context::require(max, target.out_features, 2, "the upper clip limit");
    of(ctx).receiver.set_clip(layer, *min, *max, group_size);
  });
}

int32_t set_online(void *ctx, const char *layer, const char *operation) noexcept {
  return of(ctx).services.guarded([&] {
    of(ctx).layer(layer);
    of(ctx).receiver.set_online(
        layer, parse_json(operation != nullptr ? operation : "", "online operation"));
  });
}

int32_t note(void *ctx, const char *text) noexcept {
  return of(ctx).services.guarded(
      [&] { of(ctx).receiver.note(parse_json(text != nullptr ? text : "", "note")); });
}

}  // namespace

transform_instance::transform_instance(const component &what, const json &config,
                                       const instance_options &options, const std::string &where)
    : instance(what, config, options, where) {}

const assay_transform_vtable &transform_instance::table() const {
  return *static_cast<const assay_transform_vtable *>(vtable_);
}

void transform_instance::check(const json &arch) {
  if (table().check == nullptr) return;
  const std::string text = arch.dump();
  call("check", "", [&] { return table().check(self_, text.c_str()); });
}

assay_needs transform_instance::needs(const assay_block &block) {
  assay_needs out{};
  out.struct_size = sizeof out;
  const std::string place = "block " + std::to_string(block.index);
  call("needs", place, [&] { return table().needs(self_, &block, &out); });
  if ((out.statistics & ASSAY_NEED_RAW_INPUT) != 0 && table().observe == nullptr)
    blame(place, "needs raw inputs and has no observe");
  return out;
}

void transform_instance::observe(const assay_group &group, const assay_tensor &tokens) {
  call("observe", group.name, [&] { return table().observe(self_, &group, &tokens); });
}

void transform_instance::apply(const assay_block &block, edit_receiver &edits) {
  edit_context context{*services_, block, edits};
  assay_edit edit{};
  edit.struct_size = sizeof edit;
  edit.ctx = &context;
  edit.set_bias = set_bias;
  edit.set_clip = set_clip;
  edit.set_online = set_online;
  edit.note = note;
  call("apply", "block " + std::to_string(block.index),
       [&] { return table().apply(self_, &block, &edit); });
}

}  // namespace assay::plug
