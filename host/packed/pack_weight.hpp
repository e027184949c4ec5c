// Packs the weights of a checkpoint, whatever their layout: compressed-tensors, GPTQ, AWQ, GGUF
// blocks, or dense floats.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/quantized_source.hpp"
#include "packed/packed_weight.hpp"

namespace assay::model {

// Returns the packed tensor `module`.weight of the checkpoint. The pages of the file that are no longer needed are
// given back to the system. A weight that no kernel can run, such as one with groups of 20 columns, is kept as
// floats. If `told` is not null, it then gets a sentence that says so and why. Throws error(failed) if a scale
// is infinite or not a number, or if the checkpoint has no such tensor.
std::shared_ptr<const packed_weight> pack_weight(const checkpoint &source,
                                                 const std::string &module,
                                                 std::string *told = nullptr);

// How many weights of a checkpoint are stored as codes, and those of them that no kernel runs, as "MODULE: reason".
struct stored_codes {
  int64_t count = 0;
  std::vector<std::string> without_kernel;
};
// Reads headers and small tensors only, no codes.
stored_codes stored_codes_of(const checkpoint &source);

// The steps of pack_weight, declared for tests: they pack the codes of one linear, or the blocks of one
// GGUF tensor. Call them only if lacks_kernel() of the same codes is "".
// codebook: with 16 values (4 bits) or 256 (8 bits), codes are uint8 places in it; empty: as stored_linear says. The zeros of
// `stored` may also be floats.
packed_matrix pack_codes(const stored_linear &stored, std::vector<float> codebook = {});
packed_matrix pack_blocks(const stored_blocks &blocks);
// The same from the words of a file, which are copied; outline: from quantized_source::outline(), without g_idx. The values of its
// scales are not checked.
packed_matrix pack_words(const stored_linear &outline, const code_words &words);
// Returns why no kernel can run these codes, as a sentence, or "" if one can.
std::string lacks_kernel(const stored_linear &stored, bool has_codebook = false);
std::string lacks_kernel(const stored_blocks &blocks);

// Copies factors, [rows or 1, groups] elements of any width, to their places in the panels (packed_matrix.hpp).
void place_factors(const at::Tensor &factors, int64_t rows, aligned_bytes &to);
// The values of the codes of four-bit floats, E2M1 (OCP Microscaling Formats 1.0, section 5.3.3).
std::vector<float> e2m1_values();
// The codes, uint8, of such values as quantized_source::read() gives them, float8.
at::Tensor e2m1_codes(const at::Tensor &values);

}  // namespace assay::model
