// Turns tokens back into text, one token at a time, so that the same code decodes a whole answer
// and an answer that is still being generated.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.hpp"

namespace assay::text {

// One step of decoding; it passes its output to the next step. A token comes as any number of calls
// of text() and one call of end_token(); after the last token comes finish(). A step may delay its
// output, but never changes the order.
class detokenizer_step {
 public:
  virtual ~detokenizer_step() = default;
  virtual void text(std::string_view part) = 0;
  virtual void end_token() { next_->end_token(); }
  virtual void finish() { next_->finish(); }
  void set_next(detokenizer_step *next) { next_ = next; }

 protected:
  detokenizer_step *next_ = nullptr;  // not owned; the next step, set before the first token
};

// All steps of one decoding, in order; the last step collects the text in a string. Steps have
// state, so each decoding needs its own run.
class detokenizer_run {
 public:
  explicit detokenizer_run(std::vector<std::unique_ptr<detokenizer_step>> steps);
  void token(std::string_view text);
  void finish();
  // Returns the text that came out since the last call of take().
  std::string take();

 private:
  std::vector<std::unique_ptr<detokenizer_step>> steps_;
  std::string *out_;  // not owned: the string of the last step
};

// The steps that the value "decoder" of a tokenizer.json describes, as functions that make them.
// start() makes new steps for one decoding.
struct detokenizer {
  std::vector<std::function<std::unique_ptr<detokenizer_step>()>> makers;
  bool only_byte_level = false;  // ByteLevel is the only step
  detokenizer_run start() const;
};

// Throws error(failed) that names an unknown step. A null description joins tokens by single spaces,
// as the reference does.
detokenizer make_detokenizer(const json &description);

}  // namespace assay::text
