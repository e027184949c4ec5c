// Decoders: token texts back to text, one token at a time, so that whole decoding and streaming
// are the same code.
// Not the choice of tokens (skip_special); see tokenizer.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.hpp"

namespace assay::text {

// One stage at work. A token comes as any number of text calls and one end_token; after the last
// token comes finish. What a stage gives on may come later, but in order.
class decode_stage {
 public:
  virtual ~decode_stage() = default;
  virtual void text(std::string_view part) = 0;
  virtual void end_token() { next_->end_token(); }
  virtual void finish() { next_->finish(); }
  void set_next(decode_stage *next) { next_ = next; }

 protected:
  decode_stage *next_ = nullptr;  // borrow; the stage behind, never null while at work
};

// The stages of one decoding, in order, ending in one that appends to a string. Not for sharing.
class decode_pipeline {
 public:
  explicit decode_pipeline(std::vector<std::unique_ptr<decode_stage>> stages);
  void token(std::string_view text);
  void finish();
  // What has come out since the last take.
  std::string take();

 private:
  std::vector<std::unique_ptr<decode_stage>> stages_;
  std::string *out_;  // borrow: the last stage's
};

// What a tokenizer.json's "decoder" describes: makes a fresh pipeline for each decoding.
struct decoder_plan {
  std::vector<std::function<std::unique_ptr<decode_stage>()>> makers;
  bool only_byte_level = false;  // the one decoder is ByteLevel
  decode_pipeline start() const;
};

// Throws error(failed) naming what is unknown. null gives tokens joined by single spaces.
decoder_plan make_decoder(const json &description);

}  // namespace assay::text
