// The transform "rotation" as a class for assay_cpp::transform_table.
#pragma once

#include <map>
#include <string>

#include "assay.hpp"
#include "turn.hpp"

namespace rotation {

// QuaRot (Ashkboos et al., arXiv 2404.00456): R1 turns the residual stream, R2 values head by head,
// R4 the input of down.
class rotate {
 public:
  explicit rotate(assay_cpp::host host);
  void check(const char *arch_json);
  void needs(const assay_block &block, assay_needs &out);
  void apply(const assay_block &block, const assay_edit &edit);

 private:
  const turn &turn_of(int64_t size, const char *label, uint64_t seed, bool random);
  void turn_stream(const assay_group &group);
  void turn_values(const assay_group &group);
  void turn_down(const assay_group &group, const assay_edit &edit);

  assay_cpp::host host_;
  bool r1_, r2_, r4_, random_;
  uint64_t seed_r1_, seed_r2_;
  std::map<std::string, turn> turns_;
};

}  // namespace rotation
