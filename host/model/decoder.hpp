// A decoder-only transformer that runs: embedding, blocks, final norm, head. Any family of
// decoder_config. Not text (token ids in, logits out) and not a training loop. Cheap to copy:
// copies share tensors, so a variant is a copy with some linears' weights replaced.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aten.hpp"
#include "checkpoint/checkpoint.hpp"
#include "model/decoder_block.hpp"

namespace assay::model {

struct load_options {
  at::ScalarType dtype =
      at::kFloat;  // compute dtype; the checkpoint's own if they are equal is used in place
  std::string device = "cpu";  // "cpu", "cuda", "cuda:1"
};

class decoder {
 public:
  static decoder load(const checkpoint &source, const load_options &options = {});
  // Holds a block's weights only between bring_in and let_go; else, as of embedding and head, their
  // shapes (tensors on the meta device). embed() reads the rows that it needs. For work that goes
  // block by block: such a decoder does not run as a whole.
  static decoder load_on_demand(const std::shared_ptr<const checkpoint> &source,
                                const load_options &options = {});
  bool on_demand() const { return static_cast<bool>(read_block_); }
  void bring_in(int64_t block);  // does nothing where all is there
  void let_go(int64_t block);
  // The embedding or the head, whole. One that is read on demand is not kept: hold it as long as it
  // is needed, then give its pages back.
  at::Tensor table(const std::string &name) const;  // "model.embed_tokens" or "lm_head"
  void give_back_table(const std::string &name) const;
  // Of a decoder on demand: where a table lies from now on, in place of the checkpoint.
  void read_table_from(const std::string &name, std::shared_ptr<const tensor_source> source);

  const decoder_config &config() const { return config_; }
  at::ScalarType dtype() const { return norm_.scalar_type(); }
  at::Device device() const { return norm_.device(); }

  // --- whole forward; no autograd ---
  // ids [rows, tokens] int64 on any device. With a cache, row r continues slots[r] (default: slot
  // r) and its length grows. Returns the final-normed hidden states [rows, tokens, hidden].
  at::Tensor hidden(const at::Tensor &ids, kv_cache *cache = nullptr,
                    const std::vector<int64_t> &slots = {}) const;
  at::Tensor logits(const at::Tensor &hidden /*[.., hidden]*/) const;  // fp32 [.., vocab]
  // Tokens of many sequences in one row: ids [tokens] int64, cut into segments (their `row` is 0)
  // whose keys lie in the cache; new keys are written there, and the caller knows what lies where
  // (the cache's lengths stay as they are). Returns [tokens, hidden], final-normed.
  at::Tensor hidden_packed(const at::Tensor &ids, std::vector<attention_segment> segments,
                           kv_cache &cache) const;

  // --- block by block, for calibration and learned rounding ---
  // for (i..) h = block(i).forward(h, context);  with h = embed(ids), logits(final_norm(h)) at the
  // end.
  at::Tensor embed(const at::Tensor &ids) const;  // [rows, tokens, hidden]
  forward_context context(int64_t rows, int64_t tokens, kv_cache *cache = nullptr,
                          const std::vector<int64_t> &slots = {}) const;
  forward_context packed_context(std::vector<attention_segment> segments, kv_cache &cache) const;
  int64_t n_blocks() const { return static_cast<int64_t>(blocks_.size()); }
  decoder_block &block(int64_t i) { return blocks_.at(static_cast<size_t>(i)); }
  const decoder_block &block(int64_t i) const { return blocks_.at(static_cast<size_t>(i)); }
  at::Tensor final_norm(const at::Tensor &h) const;

  // --- weights ---
  std::vector<linear_op *>
  linears();  // 7 per block in forward order; borrow, valid while this decoder is not moved
  std::vector<const linear_op *> linears() const;
  linear_op &head() { return head_; }  // weight is the embedding where tied
  const linear_op &head() const { return head_; }
  // Gives the head a weight of its own, [vocab, hidden]; the config then says that it is not tied.
  void set_head(at::Tensor weight);
  at::Tensor &embedding() { return embedding_; }  // [vocab, hidden]
  const at::Tensor &embedding() const { return embedding_; }
  at::Tensor &norm() { return norm_; }  // [hidden]
  const at::Tensor &norm() const { return norm_; }
  uint64_t n_parameters() const;  // tied head counted once
  kv_hook on_kv;                  // empty = none
  // Of a decoder on demand: sees each block whose weights were just read, and may replace them.
  std::function<void(decoder_block &)> on_read;

 private:
  friend class decoder_loader;
  void find_angles(forward_context &context) const;
  void require_complete() const;
  std::string stored_table(const std::string &name) const;
  decoder_config config_;
  at::Tensor embedding_, norm_, inverse_frequencies_;
  linear_op head_;
  std::vector<decoder_block> blocks_;
  // Of a decoder on demand; empty otherwise.
  std::function<decoder_block(int64_t)> read_block_;
  std::map<std::string, std::shared_ptr<const tensor_source>> tables_;  // by name of the linear
  std::function<void(const std::string &)> give_back_;  // pages of a file that hold a tensor
};

}  // namespace assay::model
