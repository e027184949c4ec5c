// Encodes and decodes by running the parts of a tokenizer in their order. Each kind of part is
// implemented in its own file.
#include "text/tokenizer.hpp"

#include <algorithm>
#include <filesystem>

#include "core/error.hpp"
#include "core/file.hpp"
#include "text/byte_alphabet.hpp"
#include "text/tokenizer_parts.hpp"
#include "unicode/unicode.hpp"

namespace assay::text {
namespace {

namespace fs = std::filesystem;

// Holds a working memory for one encode() and gives it back at the end, even if an error is thrown.
class borrowed_scratch {
 public:
  explicit borrowed_scratch(const tokenizer_parts &owner)
      : owner_(owner), scratch_(owner.take_scratch()) {}
  ~borrowed_scratch() { owner_.give_scratch(std::move(scratch_)); }
  borrowed_scratch(const borrowed_scratch &) = delete;
  borrowed_scratch &operator=(const borrowed_scratch &) = delete;
  bpe_scratch &operator*() { return *scratch_; }

 private:
  const tokenizer_parts &owner_;
  std::unique_ptr<bpe_scratch> scratch_;
};

// Encodes a text without added tokens. at_start: whether it begins at the start of the input.
void encode_plain(const tokenizer_parts &parts, std::string_view text, bool at_start,
                  bpe_scratch &scratch, std::vector<int32_t> &out) {
  if (text.empty()) return;
  parts.pre_tokenizers.run(text, at_start, [&](std::string_view piece, bool) {
    parts.model->tokenize(piece, scratch, out);
  });
}

// Encodes a text between two added tokens that are searched for in the raw text. The text is
// normalized, then cut at the added tokens that are searched for in normalized text.
void encode_stretch(const tokenizer_parts &parts, std::string_view raw, size_t offset,
                    bpe_scratch &scratch, std::vector<int32_t> &out) {
  std::string normal;
  std::string_view text = raw;
  if (!parts.normalizers.empty()) {
    normal = raw;
    normalize(parts.normalizers, normal);
    text = normal;
  }
  if (parts.normal_matcher.empty()) return encode_plain(parts, text, offset == 0, scratch, out);
  parts.normal_matcher.split(
      text,
      [&](std::string_view piece, size_t at) {
        encode_plain(parts, piece, offset == 0 && at == 0, scratch, out);
      },
      [&](int32_t id) { out.push_back(id); });
}

// Returns whether decoding with skip_special leaves out this id. The reference compares the texts
// that tokens are shown with, so it keeps a special token whose text the normalizer changes ("<s>"
// is shown as "▁<s>").
bool is_skipped(const tokenizer_parts &parts, int32_t id) {
  return id >= 0 && static_cast<size_t>(id) < parts.special.size() &&
         parts.special[static_cast<size_t>(id)] && !parts.shown_added.contains(id);
}

// Returns whether a text (such as a rendered chat) already begins with the tokens that encode_start
// adds: its text begins with the first of these tokens (`first`), or its ids begin with all of them.
bool begins_with_its_own(const tokenizer_parts &parts, std::string_view text,
                         const std::vector<int32_t> &ids, const std::optional<std::string> &first) {
  const std::vector<int32_t> &before = parts.post.before;
  return (first && text.starts_with(*first)) ||
         (ids.size() >= before.size() && std::equal(before.begin(), before.end(), ids.begin()));
}

}  // namespace

std::unique_ptr<bpe_scratch> tokenizer_parts::take_scratch() const {
  const std::lock_guard lock(mutex_);
  if (scratches_.empty()) return std::make_unique<bpe_scratch>();
  auto scratch = std::move(scratches_.back());
  scratches_.pop_back();
  return scratch;
}

void tokenizer_parts::give_scratch(std::unique_ptr<bpe_scratch> scratch) const {
  const std::lock_guard lock(mutex_);
  if (scratches_.size() < 64) scratches_.push_back(std::move(scratch));
}

tokenizer::tokenizer(std::unique_ptr<tokenizer_parts> parts) : parts_(std::move(parts)) {}
tokenizer::~tokenizer() = default;

std::shared_ptr<const tokenizer> tokenizer::from_json(std::string_view tokenizer_json,
                                                      std::string_view tokenizer_config_json,
                                                      const std::string &where) {
  tokenizer_files files{where, {}};
  files.put(k_tokenizer_json, std::string(tokenizer_json));
  if (!tokenizer_config_json.empty())
    files.files[k_tokenizer_config] = {std::string(tokenizer_config_json), k_tokenizer_config};
  return from_files(files);
}

std::shared_ptr<const tokenizer> tokenizer::from_folder(const std::string &path) {
  const fs::path given(path);
  if (!fs::is_regular_file(given)) return from_files(read_tokenizer_files(path));
  tokenizer_files files = read_tokenizer_files(given.parent_path().string());
  files.files[k_tokenizer_json] = {read_file(path), path};
  return from_files(files);
}

std::shared_ptr<const tokenizer> tokenizer::from_files(const tokenizer_files &files) {
  const auto made = [](tokenizer_file file, const tokenizer_settings &settings,
                       const std::string &where) {
    return std::shared_ptr<const tokenizer>(
        new tokenizer(build_parts(std::move(file), settings, where)));
  };
  if (const auto found = files.files.find(k_tokenizer_json); found != files.files.end()) {
    const auto &[bytes, where] = found->second;
    return made(read_tokenizer_json(bytes, where), read_settings(files), where);
  }
  if (files.has("vocab.json") && files.has("merges.txt")) {
    const tokenizer_settings settings = read_settings(files);
    return made(read_legacy_files(files, settings.config), settings, files.path);
  }
  throw error(error_kind::failed,
              "no tokenizer here: neither tokenizer.json nor vocab.json and merges.txt")
      .at(files.path)
      .hint(fs::exists(fs::path(files.path) / "tokenizer.model")
                ? "a SentencePiece tokenizer.model alone is not supported; save the tokenizer with "
                  "a current transformers, which writes tokenizer.json"
                : "copy the tokenizer files of the model into this folder");
}

std::vector<int32_t> tokenizer::encode(std::string_view utf8, bool add_special,
                                       const std::vector<text_span> &plain) const {
  require_utf8(utf8, "the text");
  borrowed_scratch scratch(*parts_);
  std::vector<int32_t> ids;
  ids.reserve(utf8.size() / 3 + 8);
  if (add_special) ids = parts_->post.before;
  if (parts_->raw_matcher.empty()) {
    encode_stretch(*parts_, utf8, 0, *scratch, ids);
  } else {
    parts_->raw_matcher.split(
        utf8,
        [&](std::string_view raw, size_t at) { encode_stretch(*parts_, raw, at, *scratch, ids); },
        [&](int32_t id) { ids.push_back(id); }, plain);
  }
  if (add_special) ids.insert(ids.end(), parts_->post.after.begin(), parts_->post.after.end());
  return ids;
}

std::vector<int32_t> tokenizer::encode_start(std::string_view utf8,
                                             const std::vector<text_span> &plain) const {
  std::vector<int32_t> ids = encode(utf8, false, plain);
  const std::vector<int32_t> &before = parts_->post.before;
  if (before.empty() || begins_with_its_own(*parts_, utf8, ids, id_to_token(before.front())))
    return ids;
  ids.insert(ids.begin(), before.begin(), before.end());
  return ids;
}

std::vector<text_span> tokenizer::special_spans(std::string_view utf8) const {
  return parts_->raw_matcher.special_tokens(utf8);
}

std::string tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  detokenizer_run pipeline = parts_->detokenizer.start();
  for (const int32_t id : ids) {
    if (skip_special && is_skipped(*parts_, id)) continue;
    if (const auto text = id_to_token(id)) pipeline.token(*text);
  }
  pipeline.finish();
  return pipeline.take();
}

int32_t tokenizer::vocab_size() const {
  return std::max(parts_->model->vocab().id_end(), parts_->added_ids.id_end());
}

std::optional<int32_t> tokenizer::token_to_id(std::string_view token) const {
  int32_t id = parts_->added_ids.find(token);
  if (id < 0) id = parts_->model->vocab().find(token);
  return id < 0 ? std::nullopt : std::optional<int32_t>(id);
}

std::optional<std::string> tokenizer::id_to_token(int32_t id) const {
  const token_table &vocab = parts_->model->vocab();
  const auto shown = parts_->shown_added.find(id);
  if (shown != parts_->shown_added.end()) return shown->second;
  if (parts_->added_ids.has_id(id)) return std::string(parts_->added_ids.text(id));
  return vocab.has_id(id) ? std::optional<std::string>(vocab.text(id)) : std::nullopt;
}

bool tokenizer::is_special(int32_t id) const {
  return id >= 0 && static_cast<size_t>(id) < parts_->special.size() &&
         parts_->special[static_cast<size_t>(id)];
}

const json &tokenizer::special_tokens() const {
  return parts_->special_tokens;
}

std::optional<int32_t> tokenizer::special_id(std::string_view name) const {
  const auto it = parts_->special_tokens.find(std::string(name));
  if (it == parts_->special_tokens.end()) return std::nullopt;
  return token_to_id(it->get_ref<const std::string &>());
}

std::string tokenizer::chat_template_text(bool with_tools) const {
  const json &all = parts_->chat_templates;
  for (const char *name : {with_tools ? "tool_use" : "default", "default"})
    if (all.contains(name)) return all[name].get<std::string>();
  return "";
}

const json &tokenizer::chat_templates() const {
  return parts_->chat_templates;
}

struct stream_decoder::state {
  std::shared_ptr<const tokenizer> owner;
  bool skip_special;
  detokenizer_run pipeline;
};

stream_decoder::stream_decoder(std::shared_ptr<const tokenizer> owner, bool skip_special) {
  detokenizer_run pipeline = owner->parts().detokenizer.start();
  state_ = std::make_unique<state>(state{std::move(owner), skip_special, std::move(pipeline)});
}
stream_decoder::~stream_decoder() = default;
stream_decoder::stream_decoder(stream_decoder &&) noexcept = default;
stream_decoder &stream_decoder::operator=(stream_decoder &&) noexcept = default;

std::string stream_decoder::push(int32_t id) {
  if (state_->skip_special && is_skipped(state_->owner->parts(), id)) return "";
  if (const auto text = state_->owner->id_to_token(id)) state_->pipeline.token(*text);
  return state_->pipeline.take();
}

std::string stream_decoder::finish() {
  state_->pipeline.finish();
  std::string rest = state_->pipeline.take();
  state_->pipeline = state_->owner->parts().detokenizer.start();
  return rest;
}

}  // namespace assay::text
