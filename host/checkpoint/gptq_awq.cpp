// Unpacks weights in the formats GPTQ and AWQ. Both store the matrix as [in, out]. GPTQ packs codes
// along `in`, in order; AWQ packs them along `out`, in an order of its own.
#include "checkpoint/gptq_awq.hpp"

#include <algorithm>
#include <cctype>

#include "checkpoint/bit_packing.hpp"
#include "core/error.hpp"

namespace assay::model {
namespace {

bool ends_with(const std::string &text, const std::string &tail) {
  return text.size() >= tail.size() &&
         text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

// Returns, for each output column, its place among AWQ's unpacked nibbles (4-bit fields): column
// 8c + j is nibble order[j] of word c.
at::Tensor awq_columns(int64_t out) {
  constexpr int64_t order[] = {0, 4, 1, 5, 2, 6, 3, 7};
  at::Tensor index = at::empty({out}, at::kLong);
  int64_t *to = index.mutable_data_ptr<int64_t>();
  for (int64_t o = 0; o < out; ++o) to[o] = o / 8 * 8 + order[o % 8];
  return index;
}

}  // namespace

gptq_awq_source::gptq_awq_source(std::shared_ptr<const tensor_source> raw, const json &config,
                                 const std::string &where)
    : raw_(std::move(raw)), where_(where) {
  const json &q = config.at("quantization_config");
  const auto refuse = [&](const std::string &what, const std::string &hint) {
    throw error(error_kind::failed, what + " is not supported").at(where_).hint(hint);
  };
  awq_ = q.value("quant_method", "") == "awq";
  bits_ = q.value("bits", q.value("w_bit", 4));
  group_size_ = std::max<int64_t>(0, q.value("group_size", q.value("q_group_size", -1)));
  symmetric_ = awq_ ? !q.value("zero_point", true) : q.value("sym", true);
  if (awq_) {
    std::string version = q.value("version", "gemm");
    std::transform(version.begin(), version.end(), version.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    if (version != "gemm") refuse("the AWQ layout '" + version + "'", "Only gemm is supported");
    if (bits_ != 4)
      refuse("AWQ of " + std::to_string(bits_) + " bits", "Only 4 bits are supported");
  } else {
    const std::string format = q.value("checkpoint_format", "gptq");
    if (format != "gptq" && format != "gptq_v2")
      refuse("the GPTQ layout '" + format + "'", "Supported are gptq and gptq_v2");
    if (bits_ != 2 && bits_ != 3 && bits_ != 4 && bits_ != 8)
      refuse("GPTQ of " + std::to_string(bits_) + " bits", "Supported are 2, 3, 4 and 8 bits");
    zero_offset_ = format == "gptq" ? 1 : 0;
  }
  list_tensors();
}

// A quantized module X becomes one tensor "X.weight" [out, in]; its other parts are left out of the list.
void gptq_awq_source::list_tensors() {
  for (const tensor_info &info : raw_->tensors()) {
    const std::string module = info.name.substr(0, info.name.rfind('.'));
    const bool quantized = raw_->has(module + ".qweight");
    const bool part = ends_with(info.name, ".qzeros") || ends_with(info.name, ".scales") ||
                      ends_with(info.name, ".g_idx");
    if (quantized && part) continue;
    tensor_info logical = info;
    if (ends_with(info.name, ".qweight")) {
      if (info.shape.size() != 2)
        throw error(error_kind::failed, "'" + info.name + "' is not a matrix").at(where_);
      // Not words * (32 / bits_): with 3 bits, 32 codes fill 3 words (FORMATS.md, "GPTQ").
      const int64_t words = info.shape[awq_ ? 1 : 0], codes = words * 32 / bits_;
      if (codes * bits_ != words * 32)
        throw error(error_kind::failed, "'" + info.name + "' does not hold whole codes").at(where_);
      logical.name = module + ".weight";
      logical.dtype = at::kFloat;
      logical.stored = awq_ ? "awq" : "gptq";
      logical.shape = awq_ ? std::vector<int64_t>{codes, info.shape[0]}
                           : std::vector<int64_t>{info.shape[1], codes};
      for (const char *p : {".qzeros", ".scales", ".g_idx"})
        if (const tensor_info *extra = raw_->find(module + p))
          logical.stored_bytes += extra->stored_bytes;
      quantized_.push_back(module);
    }
    infos_.push_back(std::move(logical));
  }
}

at::Tensor gptq_awq_source::take(const std::string &name, at::ScalarType dtype,
                                 int64_t dims) const {
  at::Tensor t = raw_->tensor(name);
  const bool fits =
      dtype == at::kFloat ? at::isFloatingType(t.scalar_type()) : t.scalar_type() == dtype;
  if (!fits || t.dim() != dims)
    throw error(error_kind::failed, "'" + name + "' has the wrong type or rank").at(where_);
  return t;
}

stored_linear gptq_awq_source::outline_gptq(const std::string &module) const {
  stored_linear out;
  const at::Tensor words = take(module + ".qweight", at::kInt, 2),
                   scales = take(module + ".scales", at::kFloat, 2);
  const int64_t in = words.size(0) * 32 / bits_, n_out = words.size(1), groups = scales.size(0);
  const at::Tensor zeros = take(module + ".qzeros", at::kInt, 2);
  if (scales.size(1) != n_out || zeros.size(0) != groups ||
      zeros.size(1) != (n_out * bits_ + 31) / 32)
    throw error(error_kind::failed, "scales or qzeros do not fit qweight").at(where_).layer(module);
  out.codes = shape_only(n_out, in, at::kChar);
  out.scales = scales.t().contiguous();
  // Version 1 stores z - 1. For z = 0 that wraps to the largest code (15 with 4 bits). Other
  // readers then add 1 without a mask and get 16, not 0; this reader does the same.
  out.zero_points = unpack_codes(zeros, n_out, bits_).t().to(at::kShort) + zero_offset_;
  const int64_t size = group_size_ > 0 ? group_size_ : in;
  const at::Tensor natural = at::arange(in, at::kLong).div(size, "floor").to(at::kInt);
  if (raw_->has(module + ".g_idx")) {
    const at::Tensor g = take(module + ".g_idx", at::kInt, 1);
    if (g.numel() != in || (g < 0).logical_or(g >= groups).any().item<bool>())
      throw error(error_kind::failed, "g_idx does not fit qweight").at(where_).layer(module);
    if (!g.equal(natural)) out.g_idx = g;
  }
  return out;
}

stored_linear gptq_awq_source::outline_awq(const std::string &module) const {
  stored_linear out;
  const at::Tensor words = take(module + ".qweight", at::kInt, 2),
                   scales = take(module + ".scales", at::kFloat, 2);
  const at::Tensor zeros = take(module + ".qzeros", at::kInt, 2);
  const int64_t n_out = words.size(1) * 8, groups = scales.size(0);
  if (scales.size(1) != n_out || zeros.size(0) != groups || zeros.size(1) != words.size(1))
    throw error(error_kind::failed, "scales or qzeros do not fit qweight").at(where_).layer(module);
  out.codes = shape_only(n_out, words.size(0), at::kChar);
  out.zero_points =
      unpack_codes(zeros, n_out, 4).index_select(1, awq_columns(n_out)).t().contiguous();
  out.scales = scales.t().contiguous();
  return out;
}

stored_linear gptq_awq_source::outline(const std::string &module) const {
  if (!raw_->has(module + ".qweight"))
    throw error(error_kind::failed, "the module '" + module + "' is not quantized").at(where_);
  stored_linear out = awq_ ? outline_awq(module) : outline_gptq(module);
  out.name = module;
  out.bits = bits_;
  out.group_size = group_size_;
  out.symmetric = symmetric_;
  out.format = awq_ ? "awq" : "gptq";
  const int64_t in = out.codes.size(1), groups = out.scales.size(1);
  if (!out.g_idx.defined() && groups > 1 &&
      (group_size_ < 1 || in % groups != 0 || in / groups != group_size_))
    throw error(error_kind::failed, "scales do not fit group_size").at(where_).layer(module);
  return out;
}

// The words of GPTQ lie along the rows already, one column of words for each row.
code_words gptq_awq_source::words(const std::string &module) const {
  if (awq_) return {};
  code_words out;
  out.held = raw_->tensor(module + ".qweight");
  if (out.held.size(0) % bits_ != 0) return {};
  out.first = static_cast<const uint8_t *>(out.held.const_data_ptr());
  out.row_stride = 4;
  out.word_stride = 4 * out.held.size(1);
  return out;
}

stored_linear gptq_awq_source::read(const std::string &module) const {
  stored_linear out = outline(module);
  const at::Tensor words = raw_->tensor(module + ".qweight");
  const int64_t n_out = out.codes.size(0), in = out.codes.size(1);
  out.codes =
      awq_ ? unpack_codes(words, n_out, 4).index_select(1, awq_columns(n_out)).t().contiguous()
           : unpack_codes(words.t(), in, bits_);
  out.require_values(where_);
  return out;
}

at::Tensor gptq_awq_source::tensor(const std::string &name) const {
  if (ends_with(name, ".weight")) {
    const std::string module = name.substr(0, name.size() - 7);
    if (raw_->has(module + ".qweight")) return read(module).dequantize();
  }
  return raw_->tensor(name);
}

}  // namespace assay::model
