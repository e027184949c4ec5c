// Stores the entries of the ledger and writes them in an order that does not depend on threads.
// The code that adds an entry decides what is worth an entry.
#include "core/ledger.hpp"

#include <algorithm>
#include <tuple>

namespace assay::quant {

ledger::ledger(const ledger &other) : entries_(other.entries()) {}

ledger &ledger::operator=(const ledger &other) {
  if (this == &other) return *this;
  auto copy = other.entries();
  std::lock_guard lock(guard_);
  entries_ = std::move(copy);
  return *this;
}

void ledger::add(ledger_entry entry) {
  std::lock_guard lock(guard_);
  entries_.push_back(std::move(entry));
}

bool ledger::empty() const {
  std::lock_guard lock(guard_);
  return entries_.empty();
}

std::map<std::string, int> ledger::counts() const {
  std::lock_guard lock(guard_);
  std::map<std::string, int> by_kind;
  for (const auto &entry : entries_) ++by_kind[entry.kind];
  return by_kind;
}

std::vector<ledger_entry> ledger::entries() const {
  std::lock_guard lock(guard_);
  return entries_;
}

json ledger::to_json(const std::vector<std::string> &order) const {
  std::map<std::string, size_t> rank;
  for (size_t i = 0; i < order.size(); ++i) rank.emplace(order[i], i);
  auto sorted = entries();
  const auto key = [&](const ledger_entry &entry) {
    const auto found = rank.find(entry.where);
    const size_t place = found == rank.end() ? order.size() : found->second;
    return std::make_tuple(place, entry.where, entry.kind, entry.text);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const auto &a, const auto &b) { return key(a) < key(b); });
  json list = json::array();
  for (const auto &entry : sorted) {
    json item = {{"kind", entry.kind}, {"where", entry.where}, {"text", entry.text}};
    if (!entry.data.empty()) item["data"] = entry.data;
    list.push_back(std::move(item));
  }
  return list;
}

}  // namespace assay::quant
