// Pre-tokenizers: cut normalized text into the pieces that the model encodes one by one.
// Not normalization, though some (Metaspace, ByteLevel) also rewrite their pieces.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/json.hpp"

namespace assay::text {

// Borrowed callable: called with a piece (borrow, for the length of the call) and whether the piece
// begins at the very start of the input text.
class piece_sink {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, piece_sink>)
      piece_sink(F &&f)  // NOLINT: implicit, so that lambdas can be passed
      : object_(const_cast<void *>(static_cast<const void *>(&f))),
        call_([](void *object, std::string_view piece, bool at_start) {
          (*static_cast<std::remove_reference_t<F> *>(object))(piece, at_start);
        }) {}
  void operator()(std::string_view piece, bool at_start) const { call_(object_, piece, at_start); }

 private:
  void *object_;
  void (*call_)(void *, std::string_view, bool);
};

class pre_tokenizer {
 public:
  virtual ~pre_tokenizer() = default;
  // `piece` is valid UTF-8 and not empty; empty pieces may be given to the sink, which drops them.
  virtual void split(std::string_view piece, bool at_start, const piece_sink &sink) const = 0;
};

// What to do with the matches of a splitting pattern (the reference's SplitDelimiterBehavior).
enum class split_behavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

struct pre_tokenizer_chain {
  std::vector<std::unique_ptr<const pre_tokenizer>> stages;
  bool byte_level = false;  // the model is to see the pieces' bytes through the byte alphabet
  void run(std::string_view text, bool at_start, const piece_sink &sink) const;
};

// From the "pre_tokenizer" value of a tokenizer.json. Throws error(failed) naming what is unknown.
pre_tokenizer_chain make_pre_tokenizers(const json &description);

// The matches [begin, end) of some pattern in a text, turned into pieces; shared by Split & co.
struct marked_span {
  size_t begin, end;
  bool is_match;
};
void give_pieces(std::string_view text, const std::vector<marked_span> &spans,
                 split_behavior behavior, bool at_start, const piece_sink &sink);

}  // namespace assay::text
