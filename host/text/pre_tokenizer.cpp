// Implements those pre-tokenizers of the reference library (Hugging Face's tokenizers) that
// byte-level and SentencePiece-style tokenizers use. Others, such as Bert's, UnicodeScripts and
// FixedLength, are refused by name.
#include "text/pre_tokenizer.hpp"

#include "core/error.hpp"
#include "text/byte_alphabet.hpp"
#include "text/fast_split.hpp"
#include "text/json_options.hpp"
#include "text/regex_pattern.hpp"
#include "unicode/unicode.hpp"

namespace assay::text {
namespace {

// Splits by a known pattern with hand-written code. The matches cover the text without gaps, and each
// of them is a piece.
class known_split : public pre_tokenizer {
 public:
  explicit known_split(known_pattern pattern) : pattern_(pattern) {}
  void split(std::string_view piece, bool at_start, const piece_sink &sink) const override {
    const char *at = piece.data(), *end = at + piece.size();
    while (at < end) {
      const char *stop = match_end(pattern_, at, end);
      sink({at, static_cast<size_t>(stop - at)}, at_start && at == piece.data());
      at = stop;
    }
  }

 private:
  known_pattern pattern_;
};

// Splits by any regular expression. With `invert`, the text between matches counts as a match, and
// the matches as the text between.
class regex_split : public pre_tokenizer {
 public:
  regex_split(regex_pattern pattern, split_behavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}
  void split(std::string_view piece, bool at_start, const piece_sink &sink) const override {
    std::vector<marked_span> spans;
    size_t done = 0;
    pattern_.for_each(piece, [&](size_t begin, size_t end) {
      if (done != begin) spans.push_back({done, begin, invert_});
      spans.push_back({begin, end, !invert_});
      done = end;
    });
    if (done != piece.size()) spans.push_back({done, piece.size(), invert_});
    give_pieces(piece, spans, behavior_, at_start, sink);
  }

 private:
  regex_pattern pattern_;
  split_behavior behavior_;
  bool invert_;
};

// Splits at characters of a class; it serves Digits, Punctuation and WhitespaceSplit.
class class_split : public pre_tokenizer {
 public:
  class_split(uint8_t classes, split_behavior behavior) : classes_(classes), behavior_(behavior) {}
  void split(std::string_view piece, bool at_start, const piece_sink &sink) const override {
    std::vector<marked_span> spans;
    size_t done = 0;
    for (size_t i = 0; i < piece.size();) {
      const decoded_char c = decode_valid(piece.data() + i);
      if (char_classes(c.code_point) & classes_) {
        if (done != i) spans.push_back({done, i, false});
        spans.push_back({i, i + c.n_bytes, true});
        done = i + c.n_bytes;
      }
      i += c.n_bytes;
    }
    if (spans.empty()) return sink(piece, at_start);
    if (done != piece.size()) spans.push_back({done, piece.size(), false});
    give_pieces(piece, spans, behavior_, at_start, sink);
  }

 private:
  uint8_t classes_;
  split_behavior behavior_;
};

// Turns spaces into a mark (usually "▁") and, if the scheme asks for it, puts a mark in front of the
// piece. With `split`, every mark begins a new piece.
class metaspace : public pre_tokenizer {
 public:
  enum class prepend { first, always, never };
  metaspace(std::string mark, prepend scheme, bool split)
      : mark_(std::move(mark)), scheme_(scheme), split_(split) {}

  void split(std::string_view piece, bool at_start, const piece_sink &sink) const override {
    std::string text;
    text.reserve(piece.size() + piece.size() / 2 + mark_.size());
    const bool has_mark = piece.starts_with(mark_) || piece.starts_with(' ');
    if (!has_mark && (scheme_ == prepend::always || (scheme_ == prepend::first && at_start)))
      text = mark_;
    for (const char c : piece) {
      if (c == ' ')
        text += mark_;
      else
        text += c;
    }
    if (!split_) return sink(text, at_start);
    std::vector<marked_span> spans;
    size_t done = 0;
    for (size_t i = text.find(mark_); i != std::string::npos; i = text.find(mark_, done)) {
      if (done != i) spans.push_back({done, i, false});
      done = i + mark_.size();
      spans.push_back({i, done, true});
    }
    if (done != text.size()) spans.push_back({done, text.size(), false});
    give_pieces(text, spans, split_behavior::merged_with_next, at_start, sink);
  }

 private:
  std::string mark_;
  prepend scheme_;
  bool split_;
};

// Puts a space in front of a piece that begins with none: ByteLevel's option add_prefix_space.
class prefix_space : public pre_tokenizer {
 public:
  void split(std::string_view piece, bool at_start, const piece_sink &sink) const override {
    if (piece.starts_with(' ')) return sink(piece, at_start);
    sink(" " + std::string(piece), at_start);
  }
};

// Rewrites each byte as its character of the byte alphabet. It is needed only if another
// pre-tokenizer follows ByteLevel; otherwise the model reads the bytes itself.
class byte_chars : public pre_tokenizer {
 public:
  void split(std::string_view piece, bool at_start, const piece_sink &sink) const override {
    std::string text;
    append_byte_chars(text, piece);
    sink(text, at_start);
  }
};

split_behavior behavior_of(const json_options &options, const char *key, const char *fallback) {
  const std::string name = options.text(key, fallback);
  if (name == "Removed") return split_behavior::removed;
  if (name == "Isolated") return split_behavior::isolated;
  if (name == "MergedWithPrevious") return split_behavior::merged_with_previous;
  if (name == "MergedWithNext") return split_behavior::merged_with_next;
  if (name == "Contiguous") return split_behavior::contiguous;
  options.fail("unknown behavior '" + name + "'");
}

void add_split(const json_options &options, pre_tokenizer_chain &chain) {
  const json &pattern = options.value("pattern");
  const split_behavior behavior = behavior_of(options, "behavior", "");
  const bool invert = options.flag("invert", false);
  if (pattern.is_object() && pattern.contains("Regex") && pattern["Regex"].is_string()) {
    const std::string regex = pattern["Regex"].get<std::string>();
    const auto known = recognise_pattern(regex);
    // Each match of a known pattern is a piece if matches are isolated, or if the text between matches
    // is removed: these patterns match everything, so there is no such text.
    const bool all_pieces =
        (behavior == split_behavior::isolated) || (behavior == split_behavior::removed && invert);
    if (known && all_pieces)
      chain.stages.push_back(std::make_unique<known_split>(*known));
    else
      chain.stages.push_back(std::make_unique<regex_split>(regex_pattern(regex), behavior, invert));
  } else if (pattern.is_object() && pattern.contains("String") && pattern["String"].is_string()) {
    chain.stages.push_back(std::make_unique<regex_split>(
        regex_pattern::literal(pattern["String"].get<std::string>()), behavior, invert));
  } else {
    options.fail("'pattern' must be {\"Regex\": text} or {\"String\": text}");
  }
}

void add_metaspace(const json_options &options, pre_tokenizer_chain &chain) {
  const std::string scheme = options.text("prepend_scheme", "always");
  metaspace::prepend prepend = metaspace::prepend::always;
  if (scheme == "first")
    prepend = metaspace::prepend::first;
  else if (scheme == "never")
    prepend = metaspace::prepend::never;
  else if (scheme != "always")
    options.fail("unknown prepend_scheme '" + scheme + "'");
  if (!options.flag("add_prefix_space", true) && prepend != metaspace::prepend::never)
    options.fail("add_prefix_space does not match prepend_scheme");
  chain.stages.push_back(std::make_unique<metaspace>(options.text("replacement"), prepend,
                                                     options.flag("split", true)));
}

void add(const json &description, pre_tokenizer_chain &chain, bool is_last) {
  const json_options outer(description, "pre_tokenizer");
  const std::string type = outer.type();
  const json_options options(description, "pre_tokenizer " + type);
  auto &stages = chain.stages;
  if (type == "Sequence") {
    const json &parts = options.value("pretokenizers");
    if (!parts.is_array()) options.fail("'pretokenizers' must be a list");
    for (size_t i = 0; i < parts.size(); ++i)
      add(parts[i], chain, is_last && i + 1 == parts.size());
  } else if (type == "ByteLevel") {
    if (options.flag("add_prefix_space", true)) stages.push_back(std::make_unique<prefix_space>());
    if (options.flag("use_regex", true))
      stages.push_back(std::make_unique<known_split>(known_pattern::gpt2));
    if (is_last)
      chain.byte_level = true;
    else
      stages.push_back(std::make_unique<byte_chars>());
  } else if (type == "Split") {
    add_split(options, chain);
  } else if (type == "Digits") {
    stages.push_back(std::make_unique<class_split>(
        k_numeric, options.flag("individual_digits", false) ? split_behavior::isolated
                                                            : split_behavior::contiguous));
  } else if (type == "Metaspace") {
    add_metaspace(options, chain);
  } else if (type == "Punctuation") {
    stages.push_back(
        std::make_unique<class_split>(k_punctuation, behavior_of(options, "behavior", "Isolated")));
  } else if (type == "WhitespaceSplit") {
    stages.push_back(std::make_unique<class_split>(k_space, split_behavior::removed));
  } else {
    outer.fail("'" + type +
               "' is not supported (supported: Sequence, Split, ByteLevel, Digits, "
               "Metaspace, Punctuation, WhitespaceSplit)");
  }
}

}  // namespace

void give_pieces(std::string_view text, const std::vector<marked_span> &spans,
                 split_behavior behavior, bool at_start, const piece_sink &sink) {
  const auto give = [&](size_t begin, size_t end) {
    if (begin < end) sink(text.substr(begin, end - begin), at_start && begin == 0);
  };
  const size_t n = spans.size();
  for (size_t i = 0; i < n;) {
    size_t stop = i + 1;  // spans i .. stop - 1 make one piece
    switch (behavior) {
      case split_behavior::removed:
      case split_behavior::isolated:
        break;
      case split_behavior::merged_with_previous:
        if (stop < n && spans[stop].is_match && !spans[i].is_match) ++stop;
        break;
      case split_behavior::merged_with_next:
        if (spans[i].is_match && stop < n && !spans[stop].is_match) ++stop;
        break;
      case split_behavior::contiguous:
        while (stop < n && spans[stop].is_match == spans[i].is_match) ++stop;
        break;
    }
    if (behavior != split_behavior::removed || !spans[i].is_match)
      give(spans[i].begin, spans[stop - 1].end);
    i = stop;
  }
}

void pre_tokenizer_chain::run(std::string_view text, bool at_start, const piece_sink &sink) const {
  struct runner {
    const std::vector<std::unique_ptr<const pre_tokenizer>> &stages;
    const piece_sink &sink;
    void from(size_t stage, std::string_view piece, bool starts) const {
      if (piece.empty()) return;
      if (stage == stages.size()) return sink(piece, starts);
      if (stage + 1 == stages.size()) return stages[stage]->split(piece, starts, sink);
      stages[stage]->split(piece, starts, [&](std::string_view part, bool part_starts) {
        from(stage + 1, part, part_starts);
      });
    }
  };
  runner{stages, sink}.from(0, text, at_start);
}

pre_tokenizer_chain make_pre_tokenizers(const json &description) {
  pre_tokenizer_chain chain;
  if (!description.is_null()) add(description, chain, true);
  return chain;
}

}  // namespace assay::text
