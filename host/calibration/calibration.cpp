// Checks calibration data (token sequences) and hashes it. scripts/assay/data/calibration.lua turns text
// into these tokens.
#include "calibration/calibration.hpp"

#include <algorithm>
#include <numeric>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/ledger.hpp"
#include "model/token_ids.hpp"

namespace assay::quant {

calibration::calibration(std::vector<calibration_sequence> sequences, json source)
    : sequences_(std::move(sequences)), source_(std::move(source)) {
  if (sequences_.empty())
    throw error(error_kind::usage, "calibration has no sequence").hint("give at least one");
  sha256 digest;
  for (size_t i = 0; i < sequences_.size(); ++i) {
    const auto &sequence = sequences_[i];
    const auto place = "calibration sequence " + std::to_string(i + 1);
    if (sequence.ids.empty()) throw error(error_kind::usage, "no token").at(place);
    if (!sequence.counted.empty() && sequence.counted.size() != sequence.ids.size())
      throw error(error_kind::usage, "the mask has " + std::to_string(sequence.counted.size()) +
                                         " entries for " + std::to_string(sequence.ids.size()) +
                                         " tokens")
          .at(place);
    const auto n = static_cast<int64_t>(sequence.ids.size());
    n_tokens_ += n;
    n_counted_ += sequence.counted.empty()
                      ? n
                      : std::count_if(sequence.counted.begin(), sequence.counted.end(),
                                      [](uint8_t counted) { return counted != 0; });
    shortest_ = i == 0 ? n : std::min(shortest_, n);
    longest_ = std::max(longest_, n);
    const int64_t head[2] = {n, static_cast<int64_t>(sequence.counted.size())};
    digest.update(head, sizeof head);
    digest.update(sequence.ids.data(), sequence.ids.size() * sizeof(int64_t));
    digest.update(sequence.counted.data(), sequence.counted.size());
  }
  if (n_counted_ == 0)
    throw error(error_kind::usage, "the masks of the calibration leave no token to count")
        .hint("a response mask counts only answers: check that the chat template writes them");
  hash_ = digest.hex();
}

void calibration::require_vocabulary(int64_t vocab_size) const {
  for (size_t i = 0; i < sequences_.size(); ++i) {
    const auto &ids = sequences_[i].ids;
    const int64_t *const id =
        model::foreign_id(ids.data(), static_cast<int64_t>(ids.size()), vocab_size);
    if (id != nullptr)
      throw model::foreign_id_problem(*id, vocab_size)
          .at("calibration sequence " + std::to_string(i + 1) + ", token " +
              std::to_string(id - ids.data() + 1))
          .hint("Encode the text with the tokenizer of this model");
  }
}

void note_samples(const calibration &data, ledger &incidents) {
  const auto skipped = data.source().find("skipped");
  if (skipped == data.source().end() || !skipped->is_number() || skipped->get<int64_t>() <= 0)
    return;
  incidents.add({"dropped_sample",
                 "",
                 "records without a usable token were passed over for the calibration",
                 {{"count", skipped->get<int64_t>()}}});
}

json calibration::to_json() const {
  return {{"source", source_},     {"sequences", sequences_.size()},
          {"tokens", n_tokens_},   {"counted_tokens", n_counted_},
          {"shortest", shortest_}, {"longest", longest_},
          {"hash", hash_}};
}

}  // namespace assay::quant
