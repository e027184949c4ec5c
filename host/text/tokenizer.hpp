// The tokenizer of a model: text to token ids and back, exactly as the reference library does it.
// Not a trainer, and no padding or truncation: those sections of a tokenizer.json are ignored.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "core/tokenizer_files.hpp"

namespace assay::text {

struct tokenizer_parts;  // the compiled pipeline; tokenizer_parts.hpp

// Immutable after loading; every const function may be called from any number of threads.
class tokenizer {
 public:
  // The one way from a model's files to its tokenizer; they come from read_tokenizer_files or from
  // model::checkpoint. Throws error(failed) for an invalid file and for any part that is not
  // supported, which it names.
  static std::shared_ptr<const tokenizer> from_files(const tokenizer_files &files);
  // Of a model folder, or of a tokenizer.json and the files beside it.
  static std::shared_ptr<const tokenizer> from_folder(const std::string &path);
  // Of the text of a tokenizer.json and, if there is one, of a tokenizer_config.json. `where` names
  // the source in error messages.
  static std::shared_ptr<const tokenizer> from_json(std::string_view tokenizer_json,
                                                    std::string_view tokenizer_config_json = "",
                                                    const std::string &where = "tokenizer.json");
  ~tokenizer();

  // Token ids of a UTF-8 text. Added tokens in the text (<|im_start|>, ...) become their ids, as in
  // the reference. add_special also applies the post-processor (for example a leading <s>).
  // Throws error(failed) with the byte offset if the text is not UTF-8.
  std::vector<int32_t> encode(std::string_view utf8, bool add_special = false) const;

  // Token ids of a text that begins a sequence which goes on: with the tokens that the tokenizer
  // itself puts first (most often the beginning of text), once, so none for a text that begins with
  // them; and nothing behind it.
  std::vector<int32_t> encode_start(std::string_view utf8) const;

  // The text of token ids; always valid UTF-8: a broken byte sequence becomes U+FFFD as in the
  // reference. Unknown ids (padding rows of the model's vocabulary) give nothing.
  std::string decode(std::span<const int32_t> ids, bool skip_special = true) const;

  int32_t vocab_size() const;  // highest id + 1, added tokens included
  std::optional<int32_t> token_to_id(std::string_view token) const;  // token in its stored spelling
  std::optional<std::string> id_to_token(int32_t id) const;          // "Ġhello", "<|im_end|>"
  bool is_special(int32_t id) const;                                 // skipped by skip_special

  // Special token strings by name, in the files' order: {"bos_token": "<s>", "eos_token": "</s>",
  // ...}; names that are null there are left out. Chat templates know them by these names.
  const json &special_tokens() const;
  // The id of a named one ("bos_token", "eos_token", "pad_token", "unk_token"); none if not set.
  std::optional<int32_t> special_id(std::string_view name) const;
  // The chat template's Jinja text; `with_tools` prefers the one named "tool_use" where a model has
  // several. "" if there is none.
  std::string chat_template_text(bool with_tools = false) const;
  const json &chat_templates() const;  // name -> Jinja text; the unnamed one is "default"

  const tokenizer_parts &parts() const { return *parts_; }

 private:
  explicit tokenizer(std::unique_ptr<tokenizer_parts> parts);
  std::unique_ptr<tokenizer_parts> parts_;
};

// Decodes ids as they come. The pieces that push and finish return, concatenated, equal
// tokenizer::decode of all ids; what may still change (an incomplete UTF-8 sequence) is held back.
class stream_decoder {
 public:
  explicit stream_decoder(std::shared_ptr<const tokenizer> owner, bool skip_special = true);
  ~stream_decoder();
  stream_decoder(stream_decoder &&) noexcept;
  stream_decoder &operator=(stream_decoder &&) noexcept;

  std::string push(int32_t id);  // text that is now certain; often ""
  std::string finish();          // the rest; the decoder then starts anew

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::text
