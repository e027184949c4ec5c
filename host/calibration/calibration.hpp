// Holds calibration data: the token sequences from which statistics of inputs are taken, and where
// they come from.
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

// Sequences may differ in length. Nothing is padded, so that padding can never be counted.
class calibration {
 public:
  calibration() = default;
  // source: facts about where the data comes from, in any form (dataset, split, template, seed). Throws
  // error(usage) if there is no sequence, a sequence is empty, a mask (`counted`) has another length
  // than its sequence, or no token counts.
  explicit calibration(std::vector<calibration_sequence> sequences, json source = json::object());

  // Throws error(usage) if an id is not in 0 .. vocab_size - 1; the error names the sequence and token
  // of the first such id.
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

// Adds an incident (an entry of the ledger) for records that were dropped while sequences were made;
// their number is `skipped` in the source.
void note_samples(const calibration &data, class ledger &incidents);

}  // namespace assay::quant
