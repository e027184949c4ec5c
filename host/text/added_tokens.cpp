// Finds the longest added token at a place: its first byte gives the few possible lengths, and
// these are tried from the longest to the shortest. Then the token's flags are applied in the order
// of the reference library, Hugging Face's tokenizers.
#include "text/added_tokens.hpp"

#include <algorithm>

#include "unicode/unicode.hpp"

namespace assay::text {
namespace {

// word_before returns whether a character of a word (letter, digit, _) ends at `at`, and word_after
// whether one begins there.
bool word_before(std::string_view text, size_t at) {
  return at > 0 && (char_classes(decode_before(text.data() + at).code_point) & k_word);
}

bool word_after(std::string_view text, size_t at) {
  return at < text.size() && (char_classes(decode_valid(text.data() + at).code_point) & k_word);
}

// Returns where the white space that ends at `at` begins.
size_t spaces_before(std::string_view text, size_t at) {
  while (at > 0) {
    const decoded_char c = decode_before(text.data() + at);
    if (!(char_classes(c.code_point) & k_space)) break;
    at -= c.n_bytes;
  }
  return at;
}

// Returns where the white space that begins at `at` ends.
size_t spaces_after(std::string_view text, size_t at) {
  while (at < text.size()) {
    const decoded_char c = decode_valid(text.data() + at);
    if (!(char_classes(c.code_point) & k_space)) break;
    at += c.n_bytes;
  }
  return at;
}

// Returns whether one of the spans has a byte in common with [start, stop).
bool touches(const std::vector<text_span> &spans, size_t start, size_t stop) {
  return std::any_of(spans.begin(), spans.end(),
                     [&](const text_span &span) { return span.begin < stop && start < span.end; });
}

}  // namespace

void added_token_matcher::add(std::string text, const added_token &token) {
  if (text.empty()) return;
  tokens_.push_back({std::move(text), token});
}

void added_token_matcher::finish(bool split_special) {
  split_special_ = split_special;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    const std::string &text = tokens_[i].text;
    const auto first = static_cast<uint8_t>(text[0]);
    if (by_text_.find(text) >= 0) continue;  // of two tokens with one spelling the first is used
    by_text_.add(text, static_cast<int32_t>(i));
    is_first_byte_[first] = true;
    lengths_[first].push_back(static_cast<uint32_t>(text.size()));
  }
  for (auto &lengths : lengths_) {
    std::sort(lengths.begin(), lengths.end(), std::greater<>());
    lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  }
}

const added_token_matcher::pattern *added_token_matcher::longest_at(std::string_view input,
                                                                    size_t at) const {
  for (const uint32_t length : lengths_[static_cast<uint8_t>(input[at])]) {
    if (length > input.size() - at) continue;
    const int32_t found = by_text_.find(input.substr(at, length));
    if (found >= 0) return &tokens_[static_cast<size_t>(found)];
  }
  return nullptr;
}

void added_token_matcher::split(std::string_view input,
                                const std::function<void(std::string_view, size_t)> &text,
                                const std::function<void(int32_t)> &token,
                                const std::vector<text_span> &plain) const {
  size_t done = 0;  // everything before this byte was passed to a callback
  size_t at = 0;
  while (at < input.size()) {
    if (!is_first_byte_[static_cast<uint8_t>(input[at])]) {
      ++at;
      continue;
    }
    const pattern *match = longest_at(input, at);
    if (!match) {
      ++at;
      continue;
    }
    size_t start = at, stop = at + match->text.size();
    at = stop;  // even if the flags refuse the match: no shorter token is tried at this place
    if (split_special_ && match->token.special) continue;
    if (match->token.special && touches(plain, start, stop)) continue;
    if (match->token.single_word && (word_before(input, start) || word_after(input, stop)))
      continue;
    if (match->token.lstrip) start = std::max(spaces_before(input, start), done);
    if (match->token.rstrip) stop = spaces_after(input, stop);
    if (done < start) text(input.substr(done, start - done), done);
    token(match->token.id);
    done = stop;
  }
  if (done < input.size()) text(input.substr(done), done);
}

std::vector<text_span> added_token_matcher::special_tokens(std::string_view input) const {
  std::vector<text_span> out;
  for (size_t at = 0; at < input.size();) {
    const pattern *match =
        is_first_byte_[static_cast<uint8_t>(input[at])] ? longest_at(input, at) : nullptr;
    if (match && match->token.special) out.push_back({at, at + match->text.size()});
    at += match ? match->text.size() : 1;
  }
  return out;
}

}  // namespace assay::text
