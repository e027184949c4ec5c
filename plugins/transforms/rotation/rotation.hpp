// Declares the transform "rotation": channels are multiplied by orthogonal matrices.
#pragma once

#include <map>
#include <string>

#include "assay.hpp"
#include "turn.hpp"

namespace rotation {

// QuaRot (Ashkboos et al., arXiv 2404.00456): the matrix R1 turns the residual stream, R2 the values of
// attention head by head, R4 the input of down_proj. plugin.cpp makes a component of this class.
class rotate {
 public:
  explicit rotate(assay_cpp::host host);
  void check(const char *arch_json);  // throws failure if a size has no Hadamard matrix here
  void needs(const assay_block &block, assay_needs &out);
  void apply(const assay_block &block, const assay_edit &edit);

 private:
  // Returns the matrix of this size, made at first use. label: "r1.", "r2." or "r4.".
  const turn &turn_of(int64_t size, const char *label, uint64_t seed, bool random);
  void turn_stream(const assay_group &group);                        // R1
  void turn_values(const assay_group &group);                        // R2
  void turn_down(const assay_group &group, const assay_edit &edit);  // R4

  assay_cpp::host host_;
  bool r1_, r2_, r4_, random_;
  uint64_t seed_r1_, seed_r2_;
  std::map<std::string, turn> turns_;
};

}  // namespace rotation
