// Builds the ABI structs of a block and makes a block from the edited tensors. A plugin sees the norms
// that feed linears; a family that has none, or norms behind o and down, has fewer groups.
#include "quant/views/block_view.hpp"

#include "core/error.hpp"
#include "model/decoder_layout.hpp"
#include "quant/schemes/input_operation.hpp"

namespace assay::quant {
namespace {

using model::linear_group;

// Places in decoder_block::linears(). In a block with experts k_router stands in place of k_gate, and behind it gate, up and down
// of each expert.
enum place : size_t { k_q, k_k, k_v, k_o, k_gate, k_up, k_down, k_router = k_gate };

size_t place_in_expert(size_t expert, size_t linear) {
  return k_router + 1 + 3 * expert + linear;
}

}  // namespace

block_view::block_view(const model::decoder_block &block, int64_t n_blocks,
                       const block_statistics &statistics, propagation_policy propagation,
                       int64_t n_sequences, const std::string &arch_json,
                       const std::string &quantizer_json, bool residual_group)
    : original_(block) {
  for (const auto &[input, sums] : statistics)
    stats_[input] = std::make_unique<stats_view>(sums, nullptr, propagation, n_sequences);
  const auto linears = block.linears();
  weights_.resize(linears.size());
  biases_.resize(linears.size());
  for (size_t i = 0; i < linears.size(); ++i) {
    weights_[i] = linears[i]->weight.to(at::kFloat).contiguous().clone();
    if (linears[i]->bias.defined())
      biases_[i] = linears[i]->bias.to(at::kFloat).contiguous().clone();
    shown_.push_back(std::make_unique<model::linear_op>(*linears[i]));
    shown_.back()->weight = weights_[i];
    shown_.back()->bias = biases_[i];
    const auto index = static_cast<int32_t>(block.first_linear + static_cast<int64_t>(i));
    layers_.push_back(
        std::make_unique<linear_view>(*shown_.back(), index, weights_[i], arch_json, 0));
    layer_pointers_.push_back(&layers_.back()->get());
  }
  for (const model::norm_layout &norm : model::norms_of(block))
    if (model::feeds_linears(norm))
      add_norm(model::block_prefix(block.index) + norm.module, norm.part);
  add_groups(residual_group);
  for (const auto &norm : norms_) norm_pointers_.push_back(norm.get());
  for (const auto &group : groups_) group_pointers_.push_back(&group->group);
  block_.struct_size = sizeof block_;
  block_.index = static_cast<int32_t>(block.index);
  block_.n_blocks = static_cast<int32_t>(n_blocks);
  block_.n_linears = static_cast<uint32_t>(layer_pointers_.size());
  block_.n_norms = static_cast<uint32_t>(norm_pointers_.size());
  block_.n_groups = static_cast<uint32_t>(group_pointers_.size());
  block_.arch_json = arch_json.c_str();
  block_.linears = layer_pointers_.data();
  block_.norms = norm_pointers_.data();
  block_.groups = group_pointers_.data();
  block_.quantizer_json = quantizer_json.empty() ? nullptr : quantizer_json.c_str();
}

// Makes the groups of channels. Producers are the linears that write the channels, consumers those that
// read them. A group is left out if its consumer has an input operation, because the consumer then does
// not read the channels as the producer writes them. The inputs that no norm makes have no group of
// kind "norm". There is no residual group where a norm lies between o or down and the stream, because
// such a norm does not commute with a change of the stream's channels. There is no group of v and o where values are clipped (OLMoE),
// because a clip does not commute with a scale.
void block_view::add_groups(bool residual) {
  const std::string name = std::to_string(original_.index);
  if (const auto *norm = norm_of(&model::decoder_block::attention_norm))
    add_group(name + ".attn.in", "norm", norm, {}, {k_q, k_k, k_v}, {linear_group::qkv, -1});
  if (!original_.o.input_operation && original_.qkv_clip == 0)
    add_group(name + ".attn.v_o", "v_o", nullptr, {k_v}, {k_o}, {linear_group::o, -1});
  std::vector<size_t> readers{k_q, k_k, k_v}, writers{k_o};
  if (original_.has_experts())
    add_expert_groups(name);
  else
    add_mlp_groups(name);
  const auto linears = original_.linears();
  for (size_t i = k_o + 1; i < linears.size(); ++i)
    (linears[i]->group == linear_group::down ? writers : readers).push_back(i);
  if (residual && original_.norm_places == model::norm_order::before)
    add_group(name + ".residual", "residual", nullptr, writers, readers, {linear_group::head, -1});
}

void block_view::add_mlp_groups(const std::string &name) {
  if (const auto *norm = norm_of(&model::decoder_block::mlp_norm))
    add_group(name + ".mlp.in", "norm", norm, {}, {k_gate, k_up}, {linear_group::gate_up, -1});
  if (!original_.down.input_operation)
    add_group(name + ".mlp.up_down", "up_down", nullptr, {k_up}, {k_down},
              {linear_group::down, -1});
}

// The router and the gates and ups of all experts read the same norm.
void block_view::add_expert_groups(const std::string &name) {
  const auto &experts = original_.moe.experts;
  std::vector<size_t> readers{k_router};
  for (size_t i = 0; i < experts.size(); ++i)
    readers.insert(readers.end(), {place_in_expert(i, 0), place_in_expert(i, 1)});
  if (const auto *norm = norm_of(&model::decoder_block::mlp_norm))
    add_group(name + ".mlp.in", "norm", norm, {}, readers, {linear_group::gate_up, -1});
  for (size_t i = 0; i < experts.size(); ++i)
    if (!experts[i].down.input_operation)
      add_group(name + ".mlp.experts." + std::to_string(i) + ".up_down", "up_down", nullptr,
                {place_in_expert(i, 1)}, {place_in_expert(i, 2)},
                {linear_group::down, static_cast<int64_t>(i)});
}

size_t block_view::place_of(const std::string &linear) const {
  for (size_t i = 0; i < shown_.size(); ++i)
    if (shown_[i]->name == linear) return i;
  throw error(error_kind::failed, "no such layer in the block").layer(linear);
}

void block_view::set_bias(const std::string &linear, at::Tensor bias) {
  biases_[place_of(linear)] = std::move(bias);
}

void block_view::set_input_operation(const std::string &linear, const json &operation) {
  const size_t i = place_of(linear);
  if (input_operations_.count(i) || original_.linears()[i]->input_operation)
    throw error(error_kind::plugin, "the input has an online operation already").layer(linear);
  input_operations_[i] = make_input_operation(operation, original_.linears()[i]->in_features());
}

void block_view::set_start(const quantized_linear &form, const at::Tensor &dense) {
  starts_.push_back(std::make_unique<quantized_linear>(form));
  starts_.back()->tensors.push_back({"weight", dense.to(at::kFloat).contiguous(), 32});
  layers_[place_of(form.name)]->set_start(*starts_.back());
}

const assay_norm *block_view::norm_of(at::Tensor model::decoder_block::*part) const {
  for (size_t i = 0; i < norm_parts_.size(); ++i)
    if (norm_parts_[i] == part) return norms_[i].get();
  return nullptr;
}

void block_view::add_norm(const std::string &name, at::Tensor model::decoder_block::*part) {
  norm_parts_.push_back(part);
  norm_weights_.push_back((original_.*part).to(at::kFloat).contiguous().clone());
  norm_refs_.push_back(std::make_unique<plug::tensor_ref>(norm_weights_.back()));
  norm_names_.push_back(std::make_unique<std::string>(name));
  auto norm = std::make_unique<assay_norm>();
  *norm = {};
  norm->struct_size = sizeof(assay_norm);
  norm->flags = original_.norm_offset != 0 ? ASSAY_NORM_ONE_PLUS : 0;
  norm->name = norm_names_.back()->c_str();
  norm->weight = norm_refs_.back()->get();
  norms_.push_back(std::move(norm));
}

void block_view::add_group(const std::string &name, const char *kind, const assay_norm *norm,
                           const std::vector<size_t> &producers,
                           const std::vector<size_t> &consumers, model::linear_input input) {
  auto made = std::make_unique<group_storage>();
  made->name = name;
  for (const size_t i : producers) made->producers.push_back(layer_pointers_[i]);
  for (const size_t i : consumers) made->consumers.push_back(layer_pointers_[i]);
  auto &group = made->group;
  group.struct_size = sizeof group;
  group.n_producers = static_cast<uint32_t>(made->producers.size());
  group.n_consumers = static_cast<uint32_t>(made->consumers.size());
  group.name = made->name.c_str();
  group.kind = kind;
  group.norm = norm;
  group.producers = made->producers.data();
  group.consumers = made->consumers.data();
  const auto stats = stats_.find(input);
  group.stats = stats == stats_.end() ? nullptr : stats->second->get();
  group.channels = made->consumers.front()->in_features;
  group.heads = original_.n_heads;
  group.kv_heads = original_.n_kv_heads;
  group.head_dim = original_.head_dim;
  groups_.push_back(std::move(made));
}

model::decoder_block block_view::edited() const {
  model::decoder_block out = original_;
  const auto linears = out.linears();
  for (size_t i = 0; i < linears.size(); ++i) {
    linears[i]->weight = weights_[i].to(original_.q.weight.scalar_type());
    if (biases_[i].defined()) linears[i]->bias = biases_[i].to(original_.q.weight.scalar_type());
  }
  for (const auto &[i, operation] : input_operations_) linears[i]->input_operation = operation;
  for (size_t i = 0; i < norm_parts_.size(); ++i)
    out.*norm_parts_[i] = norm_weights_[i].to((original_.*norm_parts_[i]).scalar_type());
  return out;
}

}  // namespace assay::quant
