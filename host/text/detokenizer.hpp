// Turns tokens back into text, one token at a time, so that decoding a whole answer and streaming
// it are the same code.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.hpp"

namespace assay::text {

// One step at work. A token comes as any number of text calls and one end_token; finish follows the
// last token. A step may delay its output, but never changes the order.
class detokenizer_step {
 public:
  virtual ~detokenizer_step() = default;
  virtual void text(std::string_view part) = 0;
  virtual void end_token() { next_->end_token(); }
  virtual void finish() { next_->finish(); }
  void set_next(detokenizer_step *next) { next_ = next; }

 protected:
  detokenizer_step *next_ = nullptr;  // borrow; the next step, never null while at work
};

// The steps of one decoding, in order; the last one appends to a string. Each decoding
// needs its own.
class detokenizer_run {
 public:
  explicit detokenizer_run(std::vector<std::unique_ptr<detokenizer_step>> steps);
  void token(std::string_view text);
  void finish();
  // Returns what came out since the last take.
  std::string take();

 private:
  std::vector<std::unique_ptr<detokenizer_step>> steps_;
  std::string *out_;  // borrow: the last step's
};

// The steps that "decoder" of a tokenizer.json describes; start() makes them anew
// for each decoding.
struct detokenizer {
  std::vector<std::function<std::unique_ptr<detokenizer_step>()>> makers;
  bool only_byte_level = false;  // its one step is ByteLevel
  detokenizer_run start() const;
};

// Throws error(failed) naming what is unknown. A null description joins tokens by single spaces.
detokenizer make_detokenizer(const json &description);

}  // namespace assay::text
