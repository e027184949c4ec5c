// Names of families and tensors in GGUF files, and the order of the rows of q and k there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "plan.hpp"

namespace gguf {

// The architecture's name in the file: "llama" for the families llama and mistral, "gemma3" for gemma3_text, else the
// family's own name; "" for a family whose files are not written.
std::string architecture_of(std::string_view family);

// Whether the family multiplies by 1 + the weights of a norm. The file holds 1 + the weights.
bool is_gemma(std::string_view family);

// "model.layers.0.self_attn.q_proj.weight" -> "blk.0.attn_q.weight"; "" if there is no such name.
std::string gguf_name(std::string_view name, std::string_view family);

// Whether llama.cpp's loader of this architecture knows a bias of this linear. tensor: the name of its
// weight or bias in the file, as gguf_name returns it.
bool may_have_bias(std::string_view architecture, std::string_view tensor);

// The number of heads whose rows are stored in another order than in a Hugging Face folder; 0 if
// the rows are in order. Only llama, granite and smollm3 reorder, and only q and k.
int64_t reordered_heads(const plan &p, std::string_view tensor);

// Row `row` of a matrix with `rows` rows is stored at this place. In a Hugging Face folder
// the rows of a head are in the order (part, i), in the file in the order (i, part): i
// counts the channel pairs of RoPE, part (0 or 1) the channels of a pair
// (ggml-org/llama.cpp, conversion/llama.py, permute).
inline int64_t row_in_file(int64_t row, int64_t rows, int64_t heads) {
  if (heads == 0) return row;
  const int64_t half = rows / heads / 2;
  const int64_t head = row / (2 * half), part = row / half % 2, i = row % half;
  return head * 2 * half + i * 2 + part;
}

}  // namespace gguf
