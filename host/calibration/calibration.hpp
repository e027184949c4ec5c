// Calibration data: the token sequences that statistics are taken from, with their provenance.
// Not the statistics (statistics.hpp) and not the pass that takes them (calibrate.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace assay::quant {

struct calibration_sequence {
  std::vector<int64_t> ids;
  std::vector<uint8_t> counted;  // 1 = this token enters the statistics; empty = all do
};

// Sequences may differ in length; nothing is ever padded, so padding cannot be counted.
class calibration {
 public:
  calibration() = default;
  // `source` is free provenance: dataset, split, template, seed, number of records, dropped
  // samples. Throws error(usage) when there is no sequence, an empty one, or a mask of another
  // length.
  explicit calibration(std::vector<calibration_sequence> sequences, json source = json::object());

  // Throws error(usage) naming sequence and token of the first id that is not in 0 .. vocab_size - 1.
  void require_vocabulary(int64_t vocab_size) const;

  const std::vector<calibration_sequence> &sequences() const { return sequences_; }
  const json &source() const { return source_; }
  int64_t n_tokens() const { return n_tokens_; }     // all tokens
  int64_t n_counted() const { return n_counted_; }   // tokens that enter the statistics
  int64_t shortest() const { return shortest_; }     // tokens
  int64_t longest() const { return longest_; }       // tokens
  const std::string &hash() const { return hash_; }  // sha256 over ids and masks
  json to_json() const;  // { source, sequences, tokens, counted_tokens, shortest, longest, hash }

 private:
  std::vector<calibration_sequence> sequences_;
  json source_ = json::object();
  int64_t n_tokens_ = 0, n_counted_ = 0, shortest_ = 0, longest_ = 0;
  std::string hash_;
};

// Records that were dropped on the way to the sequences, as `source` counts them, become incidents.
void note_samples(const calibration &data, class ledger &incidents);

}  // namespace assay::quant
