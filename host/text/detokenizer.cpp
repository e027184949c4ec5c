// Implements the decoders ByteLevel, ByteFallback, Fuse, Strip, Replace and Metaspace of
// tokenizer.json as steps that work token by token. Others, such as WordPiece, CTC and BPEDecoder,
// are refused by name.
#include "text/detokenizer.hpp"

#include "text/byte_alphabet.hpp"
#include "text/json_options.hpp"
#include "text/regex_pattern.hpp"
#include "unicode/unicode.hpp"

namespace assay::text {
namespace {

constexpr std::string_view k_replacement = "\xEF\xBF\xBD";  // U+FFFD

// The last step: collects the text.
class collect : public detokenizer_step {
 public:
  void text(std::string_view part) override { out += part; }
  void end_token() override {}
  void finish() override {}
  std::string out;
};

// Puts a space between tokens; used if the file describes no decoder.
class join_with_spaces : public detokenizer_step {
 public:
  void text(std::string_view part) override {
    if (!token_open_ && !first_) next_->text(" ");
    token_open_ = true;
    next_->text(part);
  }
  void end_token() override {
    if (!token_open_ && !first_) next_->text(" ");  // an empty token gets its space too
    token_open_ = first_ = false;
  }

 private:
  bool first_ = true, token_open_ = false;
};

// Turns the characters of the byte alphabet back into bytes. Bytes that are not UTF-8 become U+FFFD;
// an incomplete character at the end waits for the next token.
class byte_level : public detokenizer_step {
 public:
  void text(std::string_view part) override { token_ += part; }
  void end_token() override {
    if (const auto bytes = token_bytes(token_))
      held_ += *bytes;
    else
      held_ += token_;
    token_.clear();
    give(false);
  }
  void finish() override {
    give(true);
    next_->end_token();
    next_->finish();
  }

 private:
  void give(bool all) {
    std::string_view rest = held_;
    std::string out;
    while (!rest.empty()) {
      const utf8_check check = check_utf8(rest);
      out.append(rest.substr(0, check.valid_bytes));
      rest.remove_prefix(check.valid_bytes);
      if (rest.empty() || (check.incomplete && !all)) break;
      out += k_replacement;
      rest.remove_prefix(check.bad_bytes);
    }
    held_.erase(0, held_.size() - rest.size());
    if (!out.empty()) next_->text(out);
  }
  std::string token_, held_;
};

// Turns a run of tokens <0xHH> into the text of these bytes, or, if they are not UTF-8, into one
// U+FFFD for each byte.
class byte_fallback : public detokenizer_step {
 public:
  void text(std::string_view part) override { token_ += part; }
  void end_token() override {
    const int byte = byte_of(token_);
    if (byte >= 0) {
      run_.push_back(static_cast<char>(byte));
    } else {
      give_run();
      next_->text(token_);
      next_->end_token();
    }
    token_.clear();
  }
  void finish() override {
    give_run();
    next_->finish();
  }

 private:
  static int byte_of(std::string_view t) {
    if (t.size() != 6 || !t.starts_with("<0x") || t[5] != '>') return -1;
    const auto digit = [](char c) {
      if (c >= '0' && c <= '9') return c - '0';
      if (c >= 'a' && c <= 'f') return c - 'a' + 10;
      return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    };
    const int low = digit(t[4]);
    if (t[3] == '+') return low;  // "<0x+A>": the number parser of the reference accepts a sign
    const int high = digit(t[3]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
  }
  void give_run() {
    if (run_.empty()) return;
    if (check_utf8(run_).bad_bytes == 0) {
      next_->text(run_);
      next_->end_token();
    } else {
      for (size_t i = 0; i < run_.size(); ++i) {
        next_->text(k_replacement);
        next_->end_token();
      }
    }
    run_.clear();
  }
  std::string token_, run_;
};

// Joins all tokens into one for the steps after it.
class fuse : public detokenizer_step {
 public:
  void text(std::string_view part) override { next_->text(part); }
  void end_token() override {}
  void finish() override {
    next_->end_token();
    next_->finish();
  }
};

// Removes up to `start` copies of a character at the beginning of each token, and up to `stop`
// copies at the token's end.
class strip : public detokenizer_step {
 public:
  strip(std::string character, int64_t start, int64_t stop)
      : character_(std::move(character)), start_(start), stop_(stop) {}
  void text(std::string_view part) override {
    if (stop_ > 0)
      token_ += part;  // waits for the whole token, because its end is stripped
    else
      cut_start(part);
  }
  void end_token() override {
    if (stop_ > 0) {
      std::string_view whole = token_;
      for (int64_t i = 0; i < stop_ && whole.ends_with(character_); ++i)
        whole.remove_suffix(character_.size());
      cut_start(whole);
      token_.clear();
    }
    cut_ = 0;
    next_->end_token();
  }

 private:
  void cut_start(std::string_view part) {
    while (cut_ < start_ && part.starts_with(character_)) {
      part.remove_prefix(character_.size());
      ++cut_;
    }
    if (part.empty()) return;
    cut_ = start_;  // a different character: nothing more is cut from this token's beginning
    next_->text(part);
  }
  std::string character_, token_;
  int64_t start_, stop_, cut_ = 0;
};

// Replaces each match of a pattern within a token by `content`.
class replace : public detokenizer_step {
 public:
  replace(std::shared_ptr<const regex_pattern> pattern, std::string content, bool one_character)
      : pattern_(std::move(pattern)), content_(std::move(content)), per_part_(one_character) {}
  void text(std::string_view part) override {
    if (per_part_)
      give(part);  // parts end between characters, so a match of one character lies in one part
    else
      token_ += part;
  }
  void end_token() override {
    if (!per_part_) give(token_);
    token_.clear();
    next_->end_token();
  }

 private:
  void give(std::string_view part) {
    size_t done = 0;
    pattern_->for_each(part, [&](size_t begin, size_t end) {
      if (begin > done) next_->text(part.substr(done, begin - done));
      next_->text(content_);
      done = end;
    });
    if (done < part.size()) next_->text(part.substr(done));
  }
  std::shared_ptr<const regex_pattern> pattern_;
  std::string content_, token_;
  bool per_part_;
};

// Turns the mark (usually "▁") back into a space. In the first token the mark is dropped instead, unless
// prepend_scheme or add_prefix_space says that encoding puts no mark in front.
class metaspace : public detokenizer_step {
 public:
  metaspace(std::string mark, bool drop_in_first) : mark_(std::move(mark)), drop_(drop_in_first) {}
  void text(std::string_view part) override {
    std::string out;
    for (size_t i = 0; i < part.size();) {
      if (part.substr(i).starts_with(mark_)) {
        if (!drop_) out += ' ';
        i += mark_.size();
      } else {
        out += part[i++];
      }
    }
    if (!out.empty()) next_->text(out);
  }
  void end_token() override {
    drop_ = false;
    next_->end_token();
  }

 private:
  std::string mark_;
  bool drop_;
};

bool is_one_character(const std::string &s) {
  return !s.empty() && decode_valid(s.data()).n_bytes == s.size();
}

void add_replace(const json_options &options, detokenizer &plan) {
  const json &pattern = options.value("pattern");
  const std::string content = options.text("content");
  std::shared_ptr<const regex_pattern> compiled;
  bool one_character = false;
  if (pattern.is_object() && pattern.contains("String") && pattern["String"].is_string()) {
    const std::string literal = pattern["String"].get<std::string>();
    compiled = std::make_shared<regex_pattern>(regex_pattern::literal(literal));
    one_character = is_one_character(literal);
  } else if (pattern.is_object() && pattern.contains("Regex") && pattern["Regex"].is_string()) {
    compiled = std::make_shared<regex_pattern>(pattern["Regex"].get<std::string>());
  } else {
    options.fail("'pattern' must be {\"Regex\": text} or {\"String\": text}");
  }
  plan.makers.push_back(
      [=] { return std::make_unique<replace>(compiled, content, one_character); });
}

void add(const json &description, detokenizer &plan) {
  const json_options outer(description, "decoder");
  const std::string type = outer.type();
  const json_options options(description, "decoder " + type);
  auto &makers = plan.makers;
  if (type == "Sequence") {
    const json &parts = options.value("decoders");
    if (!parts.is_array()) options.fail("'decoders' must be a list");
    for (const json &part : parts) add(part, plan);
  } else if (type == "ByteLevel") {
    makers.push_back([] { return std::make_unique<byte_level>(); });
  } else if (type == "ByteFallback") {
    makers.push_back([] { return std::make_unique<byte_fallback>(); });
  } else if (type == "Fuse") {
    makers.push_back([] { return std::make_unique<fuse>(); });
  } else if (type == "Strip") {
    const std::string character = options.text("content");
    if (!is_one_character(character)) options.fail("'content' must be one character");
    const int64_t start = options.integer("start", 0), stop = options.integer("stop", 0);
    makers.push_back([=] { return std::make_unique<strip>(character, start, stop); });
  } else if (type == "Replace") {
    add_replace(options, plan);
  } else if (type == "Metaspace") {
    const std::string mark = options.text("replacement");
    if (!is_one_character(mark)) options.fail("'replacement' must be one character");
    const bool drop = options.text("prepend_scheme", "always") != "never" &&
                      options.flag("add_prefix_space", true);
    makers.push_back([=] { return std::make_unique<metaspace>(mark, drop); });
  } else {
    outer.fail("'" + type +
               "' is not supported (supported: Sequence, ByteLevel, ByteFallback, Fuse, "
               "Strip, Replace, Metaspace)");
  }
}

}  // namespace

detokenizer_run::detokenizer_run(std::vector<std::unique_ptr<detokenizer_step>> steps)
    : steps_(std::move(steps)) {
  auto last = std::make_unique<collect>();
  out_ = &last->out;
  steps_.push_back(std::move(last));
  for (size_t i = 0; i + 1 < steps_.size(); ++i) steps_[i]->set_next(steps_[i + 1].get());
}

void detokenizer_run::token(std::string_view text) {
  steps_.front()->text(text);
  steps_.front()->end_token();
}

void detokenizer_run::finish() {
  steps_.front()->finish();
}

std::string detokenizer_run::take() {
  return std::exchange(*out_, std::string());
}

detokenizer_run detokenizer::start() const {
  std::vector<std::unique_ptr<detokenizer_step>> steps;
  for (const auto &make : makers) steps.push_back(make());
  return detokenizer_run(std::move(steps));
}

detokenizer make_detokenizer(const json &description) {
  detokenizer plan;
  if (description.is_null())
    plan.makers.push_back([] { return std::make_unique<join_with_spaces>(); });
  else
    add(description, plan);
  plan.only_byte_level = description.is_object() && description.value("type", "") == "ByteLevel";
  return plan;
}

}  // namespace assay::text
