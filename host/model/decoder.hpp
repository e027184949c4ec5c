// Runs a decoder-only transformer: embedding, blocks, final norm, head. Token ids go in and logits
// (one score per token of the vocabulary) come out. Copies share tensors and cost little: a
// quantized variant is a copy in which the weights of some linears are replaced.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aten.hpp"
#include "checkpoint/checkpoint.hpp"
#include "model/decoder_block.hpp"

namespace assay::model {

struct load_options {
  // The dtype of weights and computation. On the CPU, a weight that the checkpoint stores in this
  // dtype is borrowed, not copied.
  at::ScalarType dtype = at::kFloat;
  std::string device = "cpu";  // "cpu", "cuda", "cuda:1"
  // Keeps weights in memory as they are stored (for example codes or bfloat16) and multiplies from there, in
  // fp32 on the CPU. Such a decoder runs; it cannot be calibrated or quantized.
  bool packed = false;
};

class decoder {
 public:
  // load and load_on_demand throw error(failed) at the checkpoint's path if a tensor is missing or
  // has another shape, or if the model is not supported.
  static decoder load(const checkpoint &source, const load_options &options = {});
  // A decoder that has the weights of a block only between bring_in and let_go, for work that goes
  // block by block on a model larger than memory. At other times the weights of linears, embedding
  // and head have shapes but no values (tensors on the meta device). embed() reads only the rows
  // that it needs. hidden(), which needs all blocks, throws error(usage).
  static decoder load_on_demand(const std::shared_ptr<const checkpoint> &source,
                                const load_options &options = {});
  bool on_demand() const { return static_cast<bool>(read_block_); }
  bool is_packed() const { return static_cast<bool>(packed_embedding_); }
  // Returns the packed weights by name, the embedding first. A head that is the embedding (tied) is
  // not listed again. Empty if the decoder is not packed.
  std::vector<std::pair<std::string, std::shared_ptr<const packed_weight>>> packed_weights() const;
  // Replaces the weights of all linears, the embedding and the head by packed ones: weight(name, floats, told) returns the packed
  // weight of floats [out, in]. `told` may be set to a sentence for told(). It is not called again for a tied head.
  using pack_fn = std::function<std::shared_ptr<const packed_weight>(
      const std::string &name, const at::Tensor &floats, std::string &told)>;
  void pack(const pack_fn &weight);
  // Throws error(usage) if the weights are packed. `what` names the work that needs them as floats.
  void require_floats(const std::string &what) const;
  // One sentence for each weight that was to be packed, but for whose codes there is no kernel.
  const std::vector<std::string> &told() const { return told_; }
  // Reads the weights of a block's linears, or frees them. Both do nothing if all weights are in memory.
  void bring_in(int64_t block);
  void let_go(int64_t block);
  // Returns the outer weight "model.embed_tokens" or "lm_head", [vocab, hidden]. A decoder on
  // demand reads it and does not keep it: call give_back_outer_weight when you no longer use it.
  at::Tensor outer_weight(const std::string &name) const;
  void give_back_outer_weight(const std::string &name) const;
  // From now on, a decoder on demand takes this outer weight from `source`, not from the checkpoint.
  void read_outer_weight_from(const std::string &name, std::shared_ptr<const tensor_source> source);

  const decoder_config &config() const { return config_; }
  at::ScalarType dtype() const { return norm_.scalar_type(); }
  at::Device device() const { return norm_.device(); }

  // --- whole forward; no autograd ---
  // ids: [rows, tokens] int64 on any device. With a cache, row r continues the sequence in slots[r]
  // (default: slot r), and the length of that slot grows. Returns the hidden states after the final
  // norm, [rows, tokens, hidden]. Throws error(usage) for an id on the CPU that is outside the
  // vocabulary (ids on a GPU are not checked), and error(failed) if the cache is too small.
  at::Tensor hidden(const at::Tensor &ids, kv_cache *cache = nullptr,
                    const std::vector<int64_t> &slots = {}) const;
  at::Tensor logits(const at::Tensor &hidden /*[.., hidden]*/) const;  // fp32 [.., vocab]
  // Returns the gradient with respect to the head's products, from these logits and the gradient
  // with respect to them, both [.., vocab]. It is the same tensor if logits are the products.
  at::Tensor before_logits(const at::Tensor &logits, const at::Tensor &gradient) const;
  // Runs tokens of many sequences in one row without padding. (This has nothing to do with packed weights.)
  // ids: [tokens] int64. Each segment is a run of these tokens and says where the cache holds the
  // keys that they see (kernels/attention.hpp). New keys are written into the cache at the places
  // that the caller chose in the segments; the cache's lengths do not change. Returns the hidden
  // states after the final norm, [tokens, hidden].
  at::Tensor hidden_packed(const at::Tensor &ids, std::vector<attention_segment> segments,
                           kv_cache &cache) const;

  // --- block by block, for calibration and learned rounding ---
  // A forward pass is: h = embed(ids); for each i, h = block(i).forward(h, context);
  // logits(final_norm(h)).
  at::Tensor embed(const at::Tensor &ids) const;  // [rows, tokens, hidden]
  forward_context context(int64_t rows, int64_t tokens, kv_cache *cache = nullptr,
                          const std::vector<int64_t> &slots = {}) const;
  forward_context packed_context(std::vector<attention_segment> segments, kv_cache &cache) const;
  int64_t n_blocks() const { return static_cast<int64_t>(blocks_.size()); }
  decoder_block &block(int64_t i) { return blocks_.at(static_cast<size_t>(i)); }
  const decoder_block &block(int64_t i) const { return blocks_.at(static_cast<size_t>(i)); }
  at::Tensor final_norm(const at::Tensor &h) const;

  // --- weights ---
  // The seven linears of each block, in forward order. Borrowed: valid until this decoder is moved or destroyed.
  std::vector<linear_op *> linears();
  std::vector<const linear_op *> linears() const;
  linear_op &head() { return head_; }  // its weight is the embedding if config().tied
  const linear_op &head() const { return head_; }
  // Gives the head its own weight, [vocab, hidden], and sets config().tied to false.
  void set_head(at::Tensor weight);
  at::Tensor &embedding() { return embedding_; }  // [vocab, hidden]
  const at::Tensor &embedding() const { return embedding_; }
  at::Tensor &norm() { return norm_; }  // [hidden]
  const at::Tensor &norm() const { return norm_; }
  uint64_t n_parameters() const;  // counts a tied head only once
  // Returns the addresses of all tensors. Two living decoders with the same addresses share their
  // weights. Empty for a decoder on demand and for a packed one.
  std::vector<const void *> weight_addresses() const;
  // Makes an empty cache for this decoder. It stores codes if `kv_code` says so and the decoder computes in fp32 on the CPU.
  kv_cache make_cache(int64_t n_slots, int64_t capacity) const;
  // How a cache stores keys and values, if on_kv rounds them in just this way: the codes then replace its rounding.
  kv_coding kv_code;
  kv_hook on_kv;  // changes new keys and values, see decoder_block.hpp; empty = none
  // Called with each block that bring_in has just read; it may replace the weights. Empty = none.
  std::function<void(decoder_block &)> on_read;

 private:
  friend class decoder_loader;
  at::Tensor stored_rows(const at::Tensor &ids) const;
  void find_angles(forward_context &context) const;
  void require_complete() const;
  std::string stored_outer_weight(const std::string &name) const;
  decoder_config config_;
  at::Tensor embedding_, norm_;
  at::Tensor inverse_frequencies_, local_frequencies_;  // undefined = no layer has local RoPE
  linear_op head_;
  std::vector<decoder_block> blocks_;
  std::shared_ptr<const packed_weight> packed_embedding_;  // null = embedding_ has the values
  std::vector<std::string> told_;
  // Set for a decoder on demand only.
  std::function<decoder_block(int64_t)> read_block_;
  std::map<std::string, std::shared_ptr<const tensor_source>> outer_weights_;  // by name
  std::function<void(const std::string &)> give_back_;  // frees the file pages of a tensor
};

}  // namespace assay::model
