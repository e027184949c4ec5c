// A model's tokenizer turns text into token ids and ids into text, exactly as the reference
// library (Hugging Face's tokenizers) does. It does not pad or truncate; those sections of a
// tokenizer.json are ignored.
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
#include "text/added_tokens.hpp"

namespace assay::text {

struct tokenizer_parts;  // the parts that do the work; tokenizer_parts.hpp

// Immutable after loading; every const function may be called from any number of threads.
class tokenizer {
 public:
  // Makes a tokenizer from a model's files, which come from read_tokenizer_files or from
  // model::checkpoint. Throws error(failed) for an invalid file, and for an unsupported part, which
  // the message names. The other two functions call this one.
  static std::shared_ptr<const tokenizer> from_files(const tokenizer_files &files);
  // Reads the files of a model folder, or a tokenizer.json and the files beside it.
  static std::shared_ptr<const tokenizer> from_folder(const std::string &path);
  // Takes the text of a tokenizer.json and, optionally, of a tokenizer_config.json. `where` names
  // the source in error messages.
  static std::shared_ptr<const tokenizer> from_json(std::string_view tokenizer_json,
                                                    std::string_view tokenizer_config_json = "",
                                                    const std::string &where = "tokenizer.json");
  ~tokenizer();

  // Returns the token ids of a UTF-8 text. Added tokens in the text (such as <|im_start|>) become
  // their ids, as in the reference. With add_special, the post-processor adds the tokens that
  // belong around a text (for example a leading <s>). Throws error(failed) with the byte offset if
  // the text is not UTF-8.
  // plain: spans of the text, in bytes, in which special tokens are not looked for: their spelling
  // stays text there.
  std::vector<int32_t> encode(std::string_view utf8, bool add_special = false,
                              const std::vector<text_span> &plain = {}) const;

  // Returns the token ids of a text that begins a sequence and is to be continued. The tokens that
  // the post-processor puts first (most often a beginning-of-text token) are added, unless the text
  // begins with them already. Nothing is added at the end.
  std::vector<int32_t> encode_start(std::string_view utf8,
                                    const std::vector<text_span> &plain = {}) const;

  // Returns the spans of a text that would become special tokens.
  std::vector<text_span> special_spans(std::string_view utf8) const;

  // Returns the text of token ids. It is always valid UTF-8: a broken byte sequence becomes U+FFFD,
  // as in the reference. Ids without a token, such as those of rows that only pad the embedding, give
  // no text. skip_special leaves out special tokens such as <s>.
  std::string decode(std::span<const int32_t> ids, bool skip_special = true) const;

  int32_t vocab_size() const;  // highest id + 1, added tokens included
  // token_to_id takes and id_to_token returns a token's spelling in the vocabulary, such as "Ġhello" or
  // "<|im_end|>"; both return nullopt if there is no such token. For an added token with the flag
  // `normalized`, id_to_token returns the normalized spelling.
  std::optional<int32_t> token_to_id(std::string_view token) const;
  std::optional<std::string> id_to_token(int32_t id) const;
  bool is_special(int32_t id) const;

  // Returns the special tokens by name, in the order of the files: {"bos_token": "<s>",
  // "eos_token": "</s>", ...}. Names that are null in the files are left out. Chat templates
  // use these names.
  const json &special_tokens() const;
  // Returns the id of the special token with this name, such as "bos_token"; nullopt if not set.
  std::optional<int32_t> special_id(std::string_view name) const;
  // Returns the Jinja text of the chat template; "" if there is none. with_tools prefers the template
  // named "tool_use", if the model has one.
  std::string chat_template_text(bool with_tools = false) const;
  const json &chat_templates() const;  // name -> Jinja text; the unnamed one is "default"

  const tokenizer_parts &parts() const { return *parts_; }  // only for files of host/text

 private:
  explicit tokenizer(std::unique_ptr<tokenizer_parts> parts);
  std::unique_ptr<tokenizer_parts> parts_;
};

// Decodes ids one by one while they are generated. The texts that push() and finish() return,
// joined, equal tokenizer::decode of all ids. Text that may still change (an incomplete UTF-8
// sequence) is held back.
class stream_decoder {
 public:
  explicit stream_decoder(std::shared_ptr<const tokenizer> owner, bool skip_special = true);
  ~stream_decoder();
  stream_decoder(stream_decoder &&) noexcept;
  stream_decoder &operator=(stream_decoder &&) noexcept;

  std::string push(int32_t id);  // returns the text that is now certain; often ""
  std::string finish();          // returns the rest; the decoder can then be used again

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::text
