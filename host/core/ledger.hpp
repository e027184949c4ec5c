// The ledger: the list of every fallback, skip and repair of a run, so that nothing happens silently.
// This is not a log: what went normally has no entry here.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace assay::quant {

struct ledger_entry {
  // What happened, in one word. Examples: "ragged_group" (the last group of each row is short), "dropped_sample" (a text that
  // calibration could not use), "clamped_scale" (a scale that its dtype cannot hold), "dead_columns" (inputs that are always 0).
  std::string kind;
  std::string where;           // the weight matrix or decoder layer; "" for the whole run
  std::string text;            // one sentence for a reader
  json data = json::object();  // counts and values
};

// Entries may come from any thread, in any order. They are written in the order of the model's weight matrices, so that two
// equal runs give equal text.
class ledger {
 public:
  ledger() = default;
  ledger(const ledger &other);
  ledger &operator=(const ledger &other);

  void add(ledger_entry entry);
  bool empty() const;
  std::map<std::string, int> counts() const;  // kind -> number of its entries
  std::vector<ledger_entry> entries() const;
  // A list of {kind, where, text, data}; an empty `data` is left out. `order` has the names of the weight matrices in the order of
  // the model. Entries are sorted by the place of their `where` in `order`, then by kind and text. Entries whose `where` is not in
  // `order` come last, sorted by `where`.
  json to_json(const std::vector<std::string> &order = {}) const;

 private:
  mutable std::mutex guard_;
  std::vector<ledger_entry> entries_;
};

}  // namespace assay::quant
