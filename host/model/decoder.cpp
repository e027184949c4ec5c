// Runs the whole forward pass of a decoder, from token ids to logits, and reads the weights of
// single blocks on demand.
#include "model/decoder.hpp"

#include <ATen/core/grad_mode.h>
#include <malloc.h>

#include <algorithm>

#include "core/error.hpp"
#include "model/decoder_layout.hpp"
#include "model/token_ids.hpp"

namespace assay::model {
namespace {

// Returns the positions of the new tokens, [rows, tokens] int64; [1, tokens] if all rows continue
// equally long sequences.
at::Tensor positions_of(const forward_context &context) {
  const at::Tensor steps = at::arange(context.tokens, at::kLong).unsqueeze(0);
  if (context.even) return steps + context.past[0];
  return steps + at::tensor(context.past, at::kLong).unsqueeze(1);
}

// Reads rows of the embedding, 256 ids at a time, and frees their pages after each time. The system
// reads about sixteen pages around each row. If they were not freed, a whole embedding of 152,000
// tokens could end up in memory.
at::Tensor rows_of(const tensor_source &tensors, const std::string &name, const at::Tensor &ids) {
  std::vector<at::Tensor> rows;
  for (const at::Tensor &some : ids.flatten().split(256)) rows.push_back(tensors.rows(name, some));
  auto shape = ids.sizes().vec();
  shape.push_back(rows.front().size(1));
  return at::cat(rows).reshape(shape);
}

// Throws error(usage) for an id that is not in the vocabulary. Ids on a GPU are not checked, because
// they come from this program's own sampler.
void require_vocabulary(const at::Tensor &ids, int64_t vocab_size) {
  if (!ids.is_cpu()) return;
  const at::Tensor all = ids.contiguous();
  const int64_t *const first = all.const_data_ptr<int64_t>();
  const int64_t *const id = foreign_id(first, all.numel(), vocab_size);
  if (id == nullptr) return;
  const int64_t at = id - first, tokens = all.size(-1);
  const std::string row = ids.dim() > 1 ? "row " + std::to_string(at / tokens + 1) + ", " : "";
  throw foreign_id_problem(*id, vocab_size).at(row + "token " + std::to_string(at % tokens + 1));
}

}  // namespace

at::Tensor decoder::embed(const at::Tensor &ids) const {
  require_vocabulary(ids, config_.vocab_size);
  at::Tensor rows = stored_rows(ids);
  if (config_.embedding_factor == 1) return rows;
  // transformers rounds the factor to the model's dtype (Gemma 3, Gemma3TextScaledWordEmbedding).
  return rows * at::full({}, config_.embedding_factor, rows.options());
}

// Returns the rows of the embedding as they are stored, [rows, tokens, hidden].
at::Tensor decoder::stored_rows(const at::Tensor &ids) const {
  if (packed_embedding_) {
    auto shape = ids.sizes().vec();
    shape.push_back(config_.hidden_size);
    return packed_embedding_->rows(ids.flatten()).view(shape);
  }
  if (!on_demand()) return at::embedding(embedding_, ids.to(embedding_.device()));
  const std::string name = k_embedding_name;
  return rows_of(*outer_weights_.at(name), name + ".weight", ids.cpu()).to(device(), dtype());
}

// Returns the name under which the file stores an outer weight (embedding or head). The head of a
// tied model is stored as the embedding.
std::string decoder::stored_outer_weight(const std::string &name) const {
  return name == k_head_name && config_.tied ? k_embedding_name : name;
}

at::Tensor decoder::outer_weight(const std::string &name) const {
  if (!on_demand()) return name == k_head_name ? head_.weight : embedding_;
  const std::string stored = stored_outer_weight(name);
  return outer_weights_.at(stored)->tensor_as(stored + ".weight", dtype()).to(device());
}

void decoder::give_back_outer_weight(const std::string &name) const {
  if (!on_demand()) return;
  const std::string stored = stored_outer_weight(name);
  outer_weights_.at(stored)->give_back(stored + ".weight");
}

void decoder::read_outer_weight_from(const std::string &name,
                                     std::shared_ptr<const tensor_source> source) {
  outer_weights_[name] = std::move(source);
}

void decoder::bring_in(int64_t index) {
  if (!on_demand() || !block(index).q.weight.is_meta()) return;
  const decoder_block read = read_block_(index);
  auto &mine = block(index);
  for (size_t i = 0; i < mine.linears().size(); ++i)
    mine.linears()[i]->weight = read.linears()[i]->weight;
  if (on_read) on_read(mine);
}

void decoder::let_go(int64_t index) {
  if (!on_demand()) return;
  for (auto *linear : block(index).linears()) {
    linear->weight = without_values(linear->weight);
    give_back_(linear->name + ".weight");
  }
#ifdef __GLIBC__
  ::malloc_trim(0);  // returns the memory of freed weights
#endif
}

void decoder::require_complete() const {
  if (on_demand())
    throw error(error_kind::usage,
                "this model was opened to be quantized block by block and does not run")
        .hint("Load it without on_demand");
}

void decoder::require_floats(const std::string &what) const {
  if (is_packed())
    throw error(error_kind::usage, what + " needs weights in floats, but these are packed")
        .hint("Load the model without runtime = \"packed\"");
}

forward_context decoder::context(int64_t rows, int64_t tokens, kv_cache *cache,
                                 const std::vector<int64_t> &slots) const {
  forward_context out;
  out.rows = rows;
  out.tokens = tokens;
  out.cache = cache;
  out.on_kv = on_kv;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t slot = slots.empty() ? r : slots.at(static_cast<size_t>(r));
    out.slots.push_back(slot);
    out.past.push_back(cache == nullptr ? 0 : cache->length(slot));
  }
  out.even =
      std::all_of(out.past.begin(), out.past.end(), [&](int64_t p) { return p == out.past[0]; });
  out.span = *std::max_element(out.past.begin(), out.past.end()) + tokens;
  if (cache != nullptr && out.span > cache->capacity())
    throw error(error_kind::failed, "the KV cache holds " + std::to_string(cache->capacity()) +
                                        " tokens per sequence, not " + std::to_string(out.span));
  for (int64_t r = 0; r < rows; ++r) {
    const auto i = static_cast<size_t>(r);
    const int64_t slot = cache == nullptr ? r : out.slots[i];
    out.segments.push_back({r, 0, tokens, out.past[i], {{slot, 0, 0, out.past[i] + tokens}}});
  }
  out.positions = positions_of(out);
  find_angles(out);
  return out;
}

kv_cache decoder::make_cache(int64_t n_slots, int64_t capacity) const {
  const bool coded = dtype() == at::kFloat && device().is_cpu();
  return {config_, n_slots, capacity, dtype(), device(), coded ? kv_code : kv_coding{}};
}

forward_context decoder::packed_context(std::vector<attention_segment> segments,
                                        kv_cache &cache) const {
  forward_context out;
  out.rows = 1;
  out.cache = &cache;
  out.on_kv = on_kv;
  out.packed = true;
  std::vector<at::Tensor> positions;
  for (attention_segment &segment : segments) {
    segment.row = 0;
    segment.first = out.tokens;
    out.tokens += segment.tokens;
    positions.push_back(at::arange(segment.position, segment.position + segment.tokens, at::kLong));
  }
  out.segments = std::move(segments);
  out.positions = at::cat(positions).unsqueeze(0);
  find_angles(out);
  return out;
}

// Sets cos and sin of the RoPE angles (position * inverse frequency). As in transformers, they are
// computed in fp32.
void decoder::find_angles(forward_context &context) const {
  const at::Tensor positions = context.positions.to(at::kFloat).unsqueeze(2);
  const auto angles_of = [&](const at::Tensor &frequencies) -> rope_angles {
    const at::Tensor angles = positions * frequencies;
    return {angles.cos().to(dtype()).to(device()), angles.sin().to(dtype()).to(device())};
  };
  context.angles = angles_of(inverse_frequencies_);
  if (local_frequencies_.defined()) context.local_angles = angles_of(local_frequencies_);
}

at::Tensor decoder::final_norm(const at::Tensor &h) const {
  decoder_block norm_only;
  norm_only.attention_norm = norm_;
  norm_only.eps = config_.rms_norm_eps;
  norm_only.norm_offset = config_.norm_offset;
  return norm_only.attention_input(h);
}

at::Tensor decoder::hidden(const at::Tensor &ids, kv_cache *cache,
                           const std::vector<int64_t> &slots) const {
  const at::NoGradGuard no_grad;
  require_complete();
  if (ids.dim() != 2 || ids.numel() == 0)
    throw error(error_kind::usage, "token ids must be a non-empty [rows, tokens] tensor");
  const forward_context shared = context(ids.size(0), ids.size(1), cache, slots);
  at::Tensor h = embed(ids);
  for (const decoder_block &layer : blocks_) h = layer.forward(h, shared);
  if (cache != nullptr)
    for (size_t r = 0; r < shared.slots.size(); ++r)
      cache->set_length(shared.slots[r], shared.past[r] + shared.tokens);
  return final_norm(h);
}

at::Tensor decoder::hidden_packed(const at::Tensor &ids, std::vector<attention_segment> segments,
                                  kv_cache &cache) const {
  const at::NoGradGuard no_grad;
  require_complete();
  const forward_context shared = packed_context(std::move(segments), cache);
  at::Tensor h = embed(ids).unsqueeze(0);
  for (const decoder_block &layer : blocks_) h = layer.forward(h, shared);
  return final_norm(h).squeeze(0);
}

at::Tensor decoder::logits(const at::Tensor &hidden_states) const {
  const at::NoGradGuard no_grad;
  if (head_.weight.is_meta()) require_complete();
  at::Tensor out = head_(hidden_states).to(at::kFloat);
  if (config_.logit_factor != 1) out = out * config_.logit_factor;
  if (config_.logit_cap > 0) out.div_(config_.logit_cap).tanh_().mul_(config_.logit_cap);
  return out;
}

at::Tensor decoder::before_logits(const at::Tensor &logits, const at::Tensor &gradient) const {
  if (!config_.changes_logits()) return gradient;
  at::Tensor out = gradient * config_.logit_factor;
  if (config_.logit_cap > 0)  // the derivative of cap * tanh(x / cap) is 1 - (its value / cap)^2
    out = out * (1 - (logits / config_.logit_cap).square());
  return out;
}

void decoder::set_head(at::Tensor weight) {
  head_.weight = std::move(weight);
  config_.tied = false;
}

std::vector<linear_op *> decoder::linears() {
  std::vector<linear_op *> out;
  for (decoder_block &layer : blocks_)
    for (linear_op *op : layer.linears()) out.push_back(op);
  return out;
}

std::vector<const linear_op *> decoder::linears() const {
  std::vector<const linear_op *> out;
  for (const decoder_block &layer : blocks_)
    for (const linear_op *op : layer.linears()) out.push_back(op);
  return out;
}

void decoder::pack(const pack_fn &weight) {
  const auto packed = [&](const std::string &name, at::Tensor &floats) {
    std::string told;
    auto out = weight(name, floats, told);
    if (!told.empty()) told_.push_back(told);
    floats = without_values(floats);
    return out;
  };
  packed_embedding_ = packed(k_embedding_name, embedding_);
  if (config_.tied) {
    head_.packed = packed_embedding_;
    head_.weight = without_values(head_.weight);
  } else {
    head_.packed = packed(k_head_name, head_.weight);
  }
  for (linear_op *op : linears()) op->packed = packed(op->name, op->weight);
}

std::vector<std::pair<std::string, std::shared_ptr<const packed_weight>>> decoder::packed_weights()
    const {
  std::vector<std::pair<std::string, std::shared_ptr<const packed_weight>>> out;
  if (!is_packed()) return out;
  out.emplace_back(k_embedding_name, packed_embedding_);
  for (const linear_op *op : linears()) out.emplace_back(op->name, op->packed);
  if (head_.packed != packed_embedding_) out.emplace_back(k_head_name, head_.packed);
  return out;
}

std::vector<const void *> decoder::weight_addresses() const {
  if (on_demand() || is_packed()) return {};
  std::vector<const void *> addresses;
  const auto add = [&](const at::Tensor &tensor) {
    addresses.push_back(tensor.defined() ? tensor.const_data_ptr() : nullptr);
  };
  for (const at::Tensor &outer : {embedding_, norm_, head_.weight}) add(outer);
  for (const decoder_block &layer : blocks_) {
    for (const at::Tensor *norm : layer.norms()) add(*norm);
    for (const linear_op *op : layer.linears()) {
      add(op->weight);
      add(op->bias);
    }
  }
  return addresses;
}

uint64_t decoder::n_parameters() const {
  const auto count = [](const at::Tensor &t) {
    return t.defined() ? static_cast<uint64_t>(t.numel()) : 0;
  };
  uint64_t n = count(embedding_) + count(norm_) + (config_.tied ? 0 : count(head_.weight));
  for (const decoder_block &layer : blocks_) {
    for (const at::Tensor *norm : layer.norms()) n += count(*norm);
    for (const linear_op *op : layer.linears()) n += count(op->weight) + count(op->bias);
  }
  return n;
}

}  // namespace assay::model
