// Gives the tensors of a GGUF file under Hugging Face names. Quantized tensors are dequantized row
// by row. For llama, granite and smollm3 the rows of q and k are put into Hugging Face's order. Norms of
// Gemma are stored as 1 + w and given as w.
#include "checkpoint/gguf/gguf_checkpoint.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "checkpoint/gguf/gguf_blocks.hpp"
#include "core/error.hpp"
#include "kernels/threads.hpp"

namespace assay::model {
namespace {

struct name_pair {
  const char *gguf, *hf;
};
constexpr name_pair k_outer[] = {
    {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}};
constexpr name_pair k_inner[] = {{"attn_norm", "input_layernorm"},
                                 {"attn_q", "self_attn.q_proj"},
                                 {"attn_k", "self_attn.k_proj"},
                                 {"attn_v", "self_attn.v_proj"},
                                 {"attn_output", "self_attn.o_proj"},
                                 {"attn_q_norm", "self_attn.q_norm"},
                                 {"attn_k_norm", "self_attn.k_norm"},
                                 {"ffn_norm", "post_attention_layernorm"},
                                 {"ffn_gate", "mlp.gate_proj"},
                                 {"ffn_up", "mlp.up_proj"},
                                 {"ffn_down", "mlp.down_proj"},
                                 {"post_attention_norm", "post_attention_layernorm"},
                                 {"post_ffw_norm", "post_feedforward_layernorm"}};
// Where norms lie on both sides of attention and MLP, the norm before the MLP has another name.
constexpr name_pair k_norm_around = {"ffn_norm", "pre_feedforward_layernorm"};

bool is_gemma(const std::string &architecture) {
  return architecture.starts_with("gemma");
}

}  // namespace

// In the file the rows of a head are in the order (i, part), in a Hugging Face folder in the order
// (part, i). i counts the channel pairs of RoPE, part (0 or 1) the two channels of a pair.
int64_t stored_blocks::row_in_file(int64_t row) const {
  if (heads == 0) return row;
  const int64_t half = rows / heads / 2;
  const int64_t head = row / (2 * half), part = row / half % 2, i = row % half;
  return head * 2 * half + i * 2 + part;
}

namespace {

class gguf_source : public tensor_source {
 public:
  gguf_source(std::shared_ptr<const gguf_file> file, const json &config) : file_(std::move(file)) {
    const std::string architecture = file_->text("general.architecture");
    // FORMATS.md, "GGUF metadata"
    const bool permuted =
        architecture == "llama" || architecture == "granite" || architecture == "smollm3";
    const auto heads = config.at("num_attention_heads").get<int64_t>();
    const auto kv_heads = config.at("num_key_value_heads").get<int64_t>();
    for (const gguf_tensor &tensor : file_->tensors()) {
      const std::string name = gguf_hf_name(tensor.name, architecture);
      if (tensor.name == "rope_freqs.weight") continue;  // gguf_config puts it into config.json
      if (name.empty())
        throw error(error_kind::failed,
                    "the tensor '" + tensor.name + "' has no place in this architecture")
            .at(file_->path());
      tensor_info info;
      info.name = name;
      info.shape = tensor.shape;
      info.stored = find_ggml_format(tensor.type)->name;
      info.stored_bytes = tensor.n_bytes;
      infos_.push_back(std::move(info));
      sources_.push_back(&tensor);
      has_one_.push_back(is_gemma(architecture) && name.ends_with("norm.weight"));
      const bool q = name.find("self_attn.q_proj.") != std::string::npos;
      const bool k = name.find("self_attn.k_proj.") != std::string::npos;
      permuted_heads_.push_back(permuted && (q || k) ? (q ? heads : kv_heads) : 0);
    }
  }

  const std::vector<tensor_info> &tensors() const override { return infos_; }

  at::Tensor tensor(const std::string &name) const override {
    const auto index = place_of(name);
    const tensor_info *info = &infos_[index];
    const gguf_tensor &source = *sources_[index];
    const int64_t heads = permuted_heads_[index];
    const uint8_t *bytes = file_->bytes_of(source);
    if (has_one_[index]) return dequantized(source, heads).sub_(1);
    if (source.type == 0 && heads == 0 && reinterpret_cast<uintptr_t>(bytes) % 4 == 0)
      return at::from_blob(
          const_cast<uint8_t *>(bytes), info->shape, [keep = file_](void *) {}, at::kFloat);
    return dequantized(source, heads);
  }

  stored_blocks blocks(const std::string &name) const override {
    const auto index = place_of(name);
    const gguf_tensor &source = *sources_[index];
    const ggml_format &format = *find_ggml_format(source.type);
    const int64_t heads = permuted_heads_[index];
    if (source.shape.size() != 2 || source.shape[1] % format.block_elements != 0 ||
        (heads > 0 && source.shape[0] % (2 * heads) != 0))
      return {};
    return {&format, file_->bytes_of(source), source.shape[0], source.shape[1], heads};
  }

  void give_back(const std::string &name) const override { file_->drop(*sources_[place_of(name)]); }

  // Dequantizes only the wanted rows. If the tensor's rows are stored in another order, the function of the
  // base class is used, which dequantizes the whole tensor.
  at::Tensor rows(const std::string &name, const at::Tensor &ids) const override {
    const auto index = place_of(name);
    const gguf_tensor &source = *sources_[index];
    const ggml_format &format = *find_ggml_format(source.type);
    if (source.shape.size() != 2 || permuted_heads_[index] != 0 ||
        source.shape[1] % format.block_elements != 0)
      return tensor_source::rows(name, ids);
    const int64_t width = source.shape[1], blocks = width / format.block_elements;
    const at::Tensor wanted = ids.to(at::kLong).contiguous();
    at::Tensor out = at::empty({wanted.numel(), width}, at::kFloat);
    const int64_t *row = wanted.const_data_ptr<int64_t>();
    for (int64_t i = 0; i < wanted.numel(); ++i) {
      if (row[i] < 0 || row[i] >= source.shape[0])
        throw error(error_kind::failed, "'" + name + "' has no row " + std::to_string(row[i]))
            .at(file_->path());
      format.dequantize(file_->bytes_of(source) + row[i] * blocks * format.block_bytes,
                        out.mutable_data_ptr<float>() + i * width, blocks);
    }
    if (source.type != 0) file_->drop(source);
    return out;
  }

 private:
  size_t place_of(const std::string &name) const {
    const tensor_info *info = find(name);
    if (info == nullptr)
      throw error(error_kind::failed, "there is no tensor '" + name + "'").at(file_->path());
    return static_cast<size_t>(info - infos_.data());
  }

  at::Tensor dequantized(const gguf_tensor &source, int64_t heads) const {
    const ggml_format &format = *find_ggml_format(source.type);
    at::Tensor out = at::empty(source.shape, at::kFloat);
    // A vector is one row, except that a permuted bias has one row for each element.
    const bool vector = source.shape.size() == 1;
    const int64_t rows = vector && heads == 0 ? 1 : source.shape[0];
    const int64_t row_elements = out.numel() / rows;
    if (row_elements % format.block_elements != 0 || (heads > 0 && rows % (2 * heads) != 0))
      throw error(error_kind::failed,
                  "tensor '" + source.name + "' has rows that do not fit its blocks or heads")
          .at(file_->path());
    const int64_t blocks = row_elements / format.block_elements;
    const stored_blocks order{&format, nullptr, rows, row_elements, heads};
    const uint8_t *in = file_->bytes_of(source);
    float *data = out.mutable_data_ptr<float>();
    std::atomic<bool> broken{false};
    parallel_for(0, rows, std::max<int64_t>(1, 65536 / row_elements),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t row = begin; row < end; ++row) {
                     const int64_t from = order.row_in_file(row);
                     float *to = data + row * row_elements;
                     format.dequantize(in + from * blocks * format.block_bytes, to, blocks);
                     if (format.block_elements > 1 && !all_finite(to, row_elements)) broken = true;
                   }
                 });
    if (source.type != 0) file_->drop(source);
    if (broken)
      throw error(error_kind::failed, "a scale is infinite or not a number")
          .at(file_->path())
          .layer(source.name)
          .hint("The file is damaged or was quantized from broken weights; quantize it again");
    return out;
  }

  std::shared_ptr<const gguf_file> file_;
  std::vector<tensor_info> infos_;
  std::vector<const gguf_tensor *> sources_;  // one for each of infos_
  std::vector<int64_t> permuted_heads_;       // one for each of infos_; 0 = rows are in order
  std::vector<bool> has_one_;                 // one for each of infos_; true = stored as 1 + w
};

class gguf_checkpoint : public checkpoint {
 public:
  explicit gguf_checkpoint(const std::string &path) : file_(gguf_file::open(path)) {
    path_ = path;
    name_ = path.substr(path.rfind('/') + 1);
    quant_method_ = "gguf";
    config_ = gguf_config(*file_);
    tensors_ = raw_ = std::make_shared<gguf_source>(file_, config_);
  }
  bool is_gguf() const override { return true; }
  tokenizer_files read_tokenizer() const override { return gguf_tokenizer_files(*file_); }
  json chat_templates() const override { return gguf_chat_templates(*file_); }
  json generation_config() const override { return gguf_generation_config(*file_); }

 private:
  std::shared_ptr<const gguf_file> file_;
};

}  // namespace

std::string gguf_hf_name(const std::string &gguf_name, const std::string &architecture) {
  const size_t dot = gguf_name.rfind('.');
  if (dot == std::string::npos) return "";
  const std::string suffix = gguf_name.substr(dot);
  if (suffix != ".weight" && suffix != ".bias") return "";
  const std::string stem = gguf_name.substr(0, dot);
  for (const name_pair &pair : k_outer)
    if (stem == pair.gguf) return pair.hf + suffix;
  if (stem.rfind("blk.", 0) != 0) return "";
  const size_t next = stem.find('.', 4);
  if (next == std::string::npos) return "";
  const std::string layer = "model.layers." + stem.substr(4, next - 4) + ".";
  if (is_gemma(architecture) && stem.substr(next + 1) == k_norm_around.gguf)
    return layer + k_norm_around.hf + suffix;
  for (const name_pair &pair : k_inner)
    if (stem.compare(next + 1, std::string::npos, pair.gguf) == 0) return layer + pair.hf + suffix;
  return "";
}

std::shared_ptr<checkpoint> open_gguf_checkpoint(const std::string &path) {
  return std::make_shared<gguf_checkpoint>(path);
}

}  // namespace assay::model
