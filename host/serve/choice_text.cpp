// Searches held text for stop strings. Text that begins a stop string at its end is kept until more is known.
#include "serve/choice_text.hpp"

#include <algorithm>

namespace assay::serve {
namespace {

// Returns how many bytes at the end of `text` begin the string `stop`.
size_t begun(const std::string &text, const std::string &stop) {
  for (size_t n = std::min(text.size(), stop.size() - 1); n > 0; --n)
    if (text.compare(text.size() - n, n, stop, 0, n) == 0) return n;
  return 0;
}

}  // namespace

choice_text::choice_text(std::shared_ptr<const text::tokenizer> tokenizer,
                         const std::vector<std::string> &stops, int64_t min_tokens)
    : decoder_(std::move(tokenizer)), stops_(stops), min_tokens_(min_tokens) {}

std::string choice_text::push(int32_t id) {
  held_ += decoder_.push(id);
  ++n_tokens_;
  return release(false);
}

std::string choice_text::finish() {
  if (stopped_) return "";
  held_ += decoder_.finish();
  return release(true);
}

std::string choice_text::release(bool last) {
  size_t keep = 0;
  if (n_tokens_ > min_tokens_) {
    size_t first = std::string::npos;
    for (const std::string &stop : stops_) first = std::min(first, held_.find(stop));
    if (first != std::string::npos) {
      stopped_ = true;
      return held_.substr(0, first);
    }
  }
  if (!last)
    for (const std::string &stop : stops_) keep = std::max(keep, begun(held_, stop));
  std::string out = held_.substr(0, held_.size() - keep);
  held_.erase(0, out.size());
  return out;
}

}  // namespace assay::serve
