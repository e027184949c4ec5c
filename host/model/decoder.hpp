// Runs a decoder-only transformer of any family of decoder_config: embedding, blocks, final norm,
// head. Token ids go in and logits come out. Copies share tensors and cost little, so that a
// variant is a copy with the weights of some linears replaced.
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
  // The compute dtype; weights that the checkpoint stores in this dtype are used in place.
  at::ScalarType dtype = at::kFloat;
  std::string device = "cpu";  // "cpu", "cuda", "cuda:1"
  // Keeps weights in memory as they are stored (codes, bfloat16, ..) and multiplies from there, in
  // fp32 on the CPU. Such a decoder runs; it cannot be calibrated or quantized.
  bool packed = false;
};

class decoder {
 public:
  static decoder load(const checkpoint &source, const load_options &options = {});
  // Holds a block's weights only between bring_in and let_go; otherwise its linears, like the
  // embedding and the head, have shapes without values (tensors on the meta device). embed() reads
  // the rows that it needs. Such a decoder serves work that goes block by block, and does not run
  // as a whole.
  static decoder load_on_demand(const std::shared_ptr<const checkpoint> &source,
                                const load_options &options = {});
  bool on_demand() const { return static_cast<bool>(read_block_); }
  bool is_packed() const { return static_cast<bool>(packed_embedding_); }
  // What is packed, with the embedding first; a head that is tied to it is not listed again.
  std::vector<std::pair<std::string, std::shared_ptr<const packed_weight>>> packed_weights() const;
  // Throws error(usage) where the weights are packed, because `what` needs them as floats.
  void require_floats(const std::string &what) const;
  // One sentence for each weight that no kernel runs from its codes.
  const std::vector<std::string> &told() const { return told_; }
  void bring_in(int64_t block);  // does nothing where all weights are in memory
  void let_go(int64_t block);
  // The embedding or the head, whole, under the name "model.embed_tokens" or "lm_head". The decoder
  // does not keep one that is read on demand: give its pages back when it is no longer used.
  at::Tensor outer_weight(const std::string &name) const;
  void give_back_outer_weight(const std::string &name) const;
  // Makes a decoder on demand read an outer weight from `source` instead of the checkpoint.
  void read_outer_weight_from(const std::string &name, std::shared_ptr<const tensor_source> source);

  const decoder_config &config() const { return config_; }
  at::ScalarType dtype() const { return norm_.scalar_type(); }
  at::Device device() const { return norm_.device(); }

  // --- whole forward; no autograd ---
  // ids [rows, tokens] int64 on any device. With a cache, row r continues slots[r] (default: slot
  // r) and its length grows. Returns the final-normed hidden states [rows, tokens, hidden].
  at::Tensor hidden(const at::Tensor &ids, kv_cache *cache = nullptr,
                    const std::vector<int64_t> &slots = {}) const;
  at::Tensor logits(const at::Tensor &hidden /*[.., hidden]*/) const;  // fp32 [.., vocab]
  // Runs tokens of many sequences in one row: ids [tokens] int64, cut into segments (whose `row` is
  // 0) with their keys in the cache. New keys are written to the cache; the caller manages what
  // lies where, and the cache's lengths do not change. Returns [tokens, hidden], final-normed.
  at::Tensor hidden_packed(const at::Tensor &ids, std::vector<attention_segment> segments,
                           kv_cache &cache) const;

  // --- block by block, for calibration and learned rounding ---
  // A forward pass is: h = embed(ids); for each i, h =
  // block(i).forward(h, context); logits(final_norm(h)).
  at::Tensor embed(const at::Tensor &ids) const;  // [rows, tokens, hidden]
  forward_context context(int64_t rows, int64_t tokens, kv_cache *cache = nullptr,
                          const std::vector<int64_t> &slots = {}) const;
  forward_context packed_context(std::vector<attention_segment> segments, kv_cache &cache) const;
  int64_t n_blocks() const { return static_cast<int64_t>(blocks_.size()); }
  decoder_block &block(int64_t i) { return blocks_.at(static_cast<size_t>(i)); }
  const decoder_block &block(int64_t i) const { return blocks_.at(static_cast<size_t>(i)); }
  at::Tensor final_norm(const at::Tensor &h) const;

  // --- weights ---
  // 7 per block in forward order; borrow, valid while this decoder is not moved.
  std::vector<linear_op *> linears();
  std::vector<const linear_op *> linears() const;
  linear_op &head() { return head_; }  // its weight is the embedding where tied
  const linear_op &head() const { return head_; }
  // Gives the head a weight of its own, [vocab, hidden], and sets the config to untied.
  void set_head(at::Tensor weight);
  at::Tensor &embedding() { return embedding_; }  // [vocab, hidden]
  const at::Tensor &embedding() const { return embedding_; }
  at::Tensor &norm() { return norm_; }  // [hidden]
  const at::Tensor &norm() const { return norm_; }
  uint64_t n_parameters() const;  // tied head counted once
  // The addresses of all tensors, by which decoders that share their weights are recognized while
  // one of them lives. Empty where weights are read on demand.
  std::vector<const void *> weight_addresses() const;
  kv_hook on_kv;  // empty = none
  // Called with each block that a decoder on demand has just read; it may replace the weights.
  std::function<void(decoder_block &)> on_read;

 private:
  friend class decoder_loader;
  void find_angles(forward_context &context) const;
  void require_complete() const;
  std::string stored_outer_weight(const std::string &name) const;
  decoder_config config_;
  at::Tensor embedding_, norm_, inverse_frequencies_;
  linear_op head_;
  std::vector<decoder_block> blocks_;
  std::shared_ptr<const packed_weight> packed_embedding_;  // null = embedding_ has the values
  std::vector<std::string> told_;
  // Set for a decoder on demand only.
  std::function<decoder_block(int64_t)> read_block_;
  std::map<std::string, std::shared_ptr<const tensor_source>> outer_weights_;  // by name
  std::function<void(const std::string &)> give_back_;  // pages of a file that hold a tensor
};

}  // namespace assay::model
