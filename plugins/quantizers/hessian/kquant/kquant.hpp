// The method kquant: makes the blocks of GGUF files. It searches the scales of each block; with error feedback,
// later columns make up for the rounding errors of earlier ones. plugin.cpp wraps it in the C ABI.
#pragma once

#include <string>
#include <vector>

#include "../common.hpp"
#include "../feedback.hpp"
#include "block_type.hpp"
#include "fit.hpp"

namespace hessian {

// Where `raised_type` takes the place of `type`: in which decoder layers, or (tied) in an embedding that is
// the head too (layers.cpp).
enum class raised_where {
  nowhere,
  edges_and_thirds,
  first_eighth,
  first_sixteenth,
  first_two,
  first_four,
  grouped_heads,
  tied
};

struct kquant_config {
  std::string type, raised_type;
  raised_where raised = raised_where::nowhere;
  bool by_importance = true;  // false: the search of llama-quantize
  bool with_feedback = true;
  // static_groups: all blocks are fitted before the first column is rounded. act_order (needs
  // static_groups): columns are rounded in the order of falling diag H.
  bool static_groups = true, act_order = true;
  double damping = 0;
  scale_range range;  // of the search by importance; from = 0: least_factor of layers.cpp

  bool needs_hessian() const { return with_feedback; }
  bool needs_squares() const { return by_importance && !with_feedback; }
};

// Throws failure for settings that contradict each other.
kquant_config read_kquant(const assay_cpp::config &config);

// Returns the type of the linear's blocks. asked: the type that the configuration gives this linear. If its
// rows are no multiple of a block of that type, the narrower type (block_type::narrow) is returned instead.
// Throws failure if no block fits the rows.
const block_type &type_for(const kquant_config &config, const assay_linear &linear,
                           std::string &asked);

// Where the range of the search begins for this type.
float least_factor(const kquant_config &config, const block_type &type);

void kquant(assay_cpp::host host, const kquant_config &config, const assay_linear *linear,
            const assay_stats *stats, assay_cpp::sink sink);
void dequantize_blocks(assay_cpp::host host, const assay_form *form, const assay_tensor *out);

// Rounds the columns of the problem one after another; later ones make up for the errors. blocks:
// [out, blocks of a row]; the codes are written into them. With static_groups the caller has fitted the
// blocks. Without it, a block is fitted when its first column is reached. Then by_importance also fits
// the steps of each later group again when the first column of that group is reached (block_feedback.cpp).
void feed_back_blocks(feedback &problem, const block_type &type, const kquant_config &config,
                      std::vector<block> &blocks);

// Emits the blocks of all rows as tensors and a note (form.cpp). claims: more members for the note.
void emit_blocks(assay_cpp::host host, assay_cpp::sink sink, const block_type &type, int64_t out,
                 int64_t in, const std::vector<block> &blocks, const std::string &claims);

}  // namespace hessian
