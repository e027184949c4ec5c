// Pre-tokenizers cut normalized text into pieces (about words) that the model encodes one by one.
// Some, such as Metaspace and ByteLevel, also rewrite their pieces.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/json.hpp"

namespace assay::text {

// A reference to a function that receives pieces. The function must outlive it. A piece is valid only
// during the call. at_start says whether the piece begins at the start of the input text.
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
  // Cuts `piece`, which is valid UTF-8 and not empty, and passes the parts to the sink in order. The
  // caller's sink drops empty parts.
  virtual void split(std::string_view piece, bool at_start, const piece_sink &sink) const = 0;
};

// What happens to the matches of a splitting pattern: they are dropped, are pieces of their own,
// join the piece before or after them, or neighbouring matches make one piece
// (SplitDelimiterBehavior of the reference).
enum class split_behavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

struct pre_tokenizer_chain {
  std::vector<std::unique_ptr<const pre_tokenizer>> stages;
  bool byte_level = false;  // the model must read the pieces as bytes (bpe_options::byte_level)
  void run(std::string_view text, bool at_start, const piece_sink &sink) const;
};

// Makes the chain from the value "pre_tokenizer" of a tokenizer.json; null gives an empty chain.
// Throws error(failed) that names an unknown pre-tokenizer.
pre_tokenizer_chain make_pre_tokenizers(const json &description);

// A stretch [begin, end) of a text, in bytes, that a splitting pattern matches or does not match.
// give_pieces joins or drops stretches as `behavior` says, and passes the pieces to the sink.
struct marked_span {
  size_t begin, end;
  bool is_match;
};
void give_pieces(std::string_view text, const std::vector<marked_span> &spans,
                 split_behavior behavior, bool at_start, const piece_sink &sink);

}  // namespace assay::text
