// The text of one answer while its tokens come: decodes them, holds back what may become a stop string, and cuts there.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/tokenizer.hpp"

namespace assay::serve {

class choice_text {
 public:
  // stops: not empty strings; borrowed. min_tokens: before so many tokens no stop string counts.
  choice_text(std::shared_ptr<const text::tokenizer> tokenizer,
              const std::vector<std::string> &stops, int64_t min_tokens);

  std::string push(
      int32_t id);       // takes the next token; returns the text that is certain now, often ""
  std::string finish();  // no more tokens come; returns the rest
  bool stopped() const { return stopped_; }  // a stop string was found: the answer ends

 private:
  std::string release(bool last);

  text::stream_decoder decoder_;
  const std::vector<std::string> &stops_;
  int64_t min_tokens_, n_tokens_ = 0;
  std::string held_;  // text that was not returned yet
  bool stopped_ = false;
};

}  // namespace assay::serve
