// ByteLevel, ByteFallback, Fuse, Strip, Replace and Metaspace decoders as streams.
// Not WordPiece, CTC or BPEDecoder; those are refused by name.
#include "text/detokenizer.hpp"

#include "text/byte_alphabet.hpp"
#include "text/json_options.hpp"
#include "text/regex_pattern.hpp"
#include "unicode/unicode.hpp"

namespace assay::text {
namespace {

constexpr std::string_view k_replacement = "\xEF\xBF\xBD";  // U+FFFD

class collect : public decode_stage {
 public:
  void text(std::string_view part) override { out += part; }
  void end_token() override {}
  void finish() override {}
  std::string out;
};

class join_with_spaces : public decode_stage {
 public:
  void text(std::string_view part) override {
    if (!token_open_ && !first_) next_->text(" ");
    token_open_ = true;
    next_->text(part);
  }
  void end_token() override {
    if (!token_open_ && !first_) next_->text(" ");  // an empty token still has its place
    token_open_ = first_ = false;
  }

 private:
  bool first_ = true, token_open_ = false;
};

// Bytes of all tokens as one text; what is not UTF-8 becomes U+FFFD, an incomplete end waits.
class byte_level : public decode_stage {
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

// A run of <0xHH> tokens becomes its text, or one U+FFFD for each byte if the run is not UTF-8.
class byte_fallback : public decode_stage {
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
    if (t[3] == '+') return low;  // the reference's number parser takes a sign
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

class fuse : public decode_stage {
 public:
  void text(std::string_view part) override { next_->text(part); }
  void end_token() override {}
  void finish() override {
    next_->end_token();
    next_->finish();
  }
};

// Up to `start` of the character at a token's beginning, up to `stop` at its end.
class strip : public decode_stage {
 public:
  strip(std::string character, int64_t start, int64_t stop)
      : character_(std::move(character)), start_(start), stop_(stop) {}
  void text(std::string_view part) override {
    if (stop_ > 0)
      token_ += part;  // its end is needed
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
    cut_ = start_;  // another character: nothing more is cut from this token
    next_->text(part);
  }
  std::string character_, token_;
  int64_t start_, stop_, cut_ = 0;
};

class replace : public decode_stage {
 public:
  replace(std::shared_ptr<const regex_pattern> pattern, std::string content, bool one_character)
      : pattern_(std::move(pattern)), content_(std::move(content)), per_part_(one_character) {}
  void text(std::string_view part) override {
    if (per_part_)
      give(part);  // no match can span parts, which end between characters
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

// The mark becomes a space; in the first token it is dropped, unless none was ever prepended.
class metaspace : public decode_stage {
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

void add_replace(const json_options &options, decoder_plan &plan) {
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

void add(const json &description, decoder_plan &plan) {
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

decode_pipeline::decode_pipeline(std::vector<std::unique_ptr<decode_stage>> stages)
    : stages_(std::move(stages)) {
  auto last = std::make_unique<collect>();
  out_ = &last->out;
  stages_.push_back(std::move(last));
  for (size_t i = 0; i + 1 < stages_.size(); ++i) stages_[i]->set_next(stages_[i + 1].get());
}

void decode_pipeline::token(std::string_view text) {
  stages_.front()->text(text);
  stages_.front()->end_token();
}

void decode_pipeline::finish() {
  stages_.front()->finish();
}

std::string decode_pipeline::take() {
  return std::exchange(*out_, std::string());
}

decode_pipeline decoder_plan::start() const {
  std::vector<std::unique_ptr<decode_stage>> stages;
  for (const auto &make : makers) stages.push_back(make());
  return decode_pipeline(std::move(stages));
}

decoder_plan make_decoder(const json &description) {
  decoder_plan plan;
  if (description.is_null())
    plan.makers.push_back([] { return std::make_unique<join_with_spaces>(); });
  else
    add(description, plan);
  plan.only_byte_level = description.is_object() && description.value("type", "") == "ByteLevel";
  return plan;
}

}  // namespace assay::text
