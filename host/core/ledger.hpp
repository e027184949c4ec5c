// The ledger: every fallback, skip and repair of a run, so that nothing happens silently.
// Not a log: what went as ordered is not written here.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace assay::quant {

struct ledger_entry {
  // "fallback" "skip" "damping" "dead_columns" "clamped_scale" "clamped_code" "non_finite"
  // "dropped_sample" "padded_sample" "ragged_group" "own_head" ...
  std::string kind;
  std::string where;           // linear, block, sample; "" for the whole run
  std::string text;            // one sentence for a reader
  json data = json::object();  // counts and values
};

// Entries may come from any thread; they are shown sorted by the order of linears, so
// runs compare equal.
class ledger {
 public:
  ledger() = default;
  ledger(const ledger &other);
  ledger &operator=(const ledger &other);

  void add(ledger_entry entry);
  bool empty() const;
  std::map<std::string, int> counts() const;  // kind -> entries
  std::vector<ledger_entry> entries() const;
  // [{kind, where, text, data}], sorted by `order` (linear names as they come in the model), then
  // kind and text.
  json to_json(const std::vector<std::string> &order = {}) const;

 private:
  mutable std::mutex guard_;
  std::vector<ledger_entry> entries_;
};

}  // namespace assay::quant
