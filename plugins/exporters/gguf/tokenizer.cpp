// Writes the tokenizer's keys from tokenizer.json and tokenizer_config.json (ggml-org/llama.cpp,
// gguf-py/gguf/vocab.py, conversion/base.py). What llama.cpp's two tokenizers would read in another
// way is refused.
#include <algorithm>
#include <unordered_map>

#include "metadata.hpp"
#include "special_tokens.hpp"

namespace gguf {
namespace {

using assay_json::value;

[[noreturn]] void refuse(const std::string &what) {
  throw failure(ASSAY_UNSUPPORTED, "tokenizer.json: " + what);
}

const value &part(const value &from, std::string_view key) {
  static const value k_null;
  const value *found = from.find(key);
  return found != nullptr ? *found : k_null;
}

bool is_null(const value &v) {
  return v.kind == assay_json::type::null;
}

bool is_type(const value &v, std::string_view name) {
  return v.string_or("type", "") == name;
}

// How a byte-level tokenizer cuts text into words, with llama.cpp's name for it.
struct pre_tokenizer {
  std::string split;  // regular expression; "" = that of GPT-2
  bool digits = false, nfc = false, ignore_merges = false;
  bool operator==(const pre_tokenizer &other) const {
    return split == other.split && digits == other.digits && nfc == other.nfc &&
           ignore_merges == other.ignore_merges;
  }
};
struct named_pre_tokenizer {
  const char *name;
  pre_tokenizer how;
};

std::string split_with(const std::string &numbers) {
  return R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)" + numbers +
         R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
}

std::vector<named_pre_tokenizer> known_pre_tokenizers() {
  return {{"gpt-2", {"", false, false, false}},
          {"smollm", {"", true, false, false}},
          {"qwen2", {split_with(R"(\p{N})"), false, true, false}},
          {"llama-bpe", {split_with(R"(\p{N}{1,3})"), false, false, true}}};
}

void read_step(const value &step, pre_tokenizer &out, bool &own_split) {
  if (is_type(step, "Digits") && step.bool_or("individual_digits", false)) {
    out.digits = true;
  } else if (is_type(step, "Split") && step.string_or("behavior", "") == "Isolated" &&
             !step.bool_or("invert", false) && out.split.empty()) {
    out.split = part(step, "pattern").string_or("Regex", "");
    if (out.split.empty()) refuse("llama.cpp has no name for a split at a fixed text");
  } else if (is_type(step, "ByteLevel") && !step.bool_or("add_prefix_space", true)) {
    own_split = step.bool_or("use_regex", true);
  } else {
    refuse("llama.cpp has no name for this pre-tokenizer with a step " +
           step.string_or("type", "of no type"));
  }
}

std::string pre_name(const value &root, const value &model) {
  pre_tokenizer found;
  found.ignore_merges = model.bool_or("ignore_merges", false);
  const value &normalizer = part(root, "normalizer"), &steps = part(root, "pre_tokenizer");
  found.nfc = is_type(normalizer, "NFC");
  if (!found.nfc && !is_null(normalizer))
    refuse("llama.cpp has no name for the normalizer " +
           normalizer.string_or("type", "of no type"));
  bool own_split = false;
  if (is_type(steps, "Sequence"))
    for (const value &step : part(steps, "pretokenizers").items) read_step(step, found, own_split);
  else
    read_step(steps, found, own_split);
  if (own_split == found.split.empty())
    for (const auto &known : known_pre_tokenizers())
      if (known.how == found) return known.name;
  refuse(
      "llama.cpp has no name for this pre-tokenizer; gpt-2, smollm, qwen2 and llama-bpe are known");
}

// Whether a space is put before a text: of the normalizer that transformers makes
// for SentencePiece models.
bool adds_space(const value &root) {
  if (!is_null(part(root, "pre_tokenizer")))
    refuse("a SentencePiece model with a pre-tokenizer " +
           part(root, "pre_tokenizer").string_or("type", "") +
           " puts its first space elsewhere than llama.cpp");
  bool prefix = false, replaced = false;
  for (const value &step : part(part(root, "normalizer"), "normalizers").items) {
    if (is_type(step, "Prepend") && !replaced && step.string_or("prepend", "") == "\u2581")
      prefix = true;
    else if (is_type(step, "Replace") && part(step, "pattern").string_or("String", "") == " " &&
             step.string_or("content", "") == "\u2581")
      replaced = true;
    else
      refuse("the normalizer " + step.string_or("type", "") + " is none of SentencePiece's");
  }
  if (!replaced) refuse("the normalizer is none of SentencePiece's");
  return prefix;
}

void add(vocabulary &v, const std::string &text, int64_t id, token_type type) {
  if (id < 0 || id >= static_cast<int64_t>(v.tokens.size()))
    refuse("the token '" + text + "' has the id " + std::to_string(id) +
           ", but the embedding has " + std::to_string(v.tokens.size()) + " rows");
  v.tokens[static_cast<size_t>(id)] = text;
  v.types[static_cast<size_t>(id)] = type;
}

void add_declared(vocabulary &v, const value &token, int64_t id) {
  const std::string text = token.string_or("content", "");
  for (const char *flag : {"lstrip", "rstrip", "single_word"})
    if (token.bool_or(flag, false))
      refuse("llama.cpp knows no " + std::string(flag) + ", which the token '" + text +
             "' asks for");
  const bool unknown = id >= 0 && id < static_cast<int64_t>(v.types.size()) &&
                       v.types[static_cast<size_t>(id)] == k_unknown;
  add(v, text, id,
      unknown                           ? k_unknown
      : token.bool_or("special", false) ? k_control
                                        : k_user_defined);
}

bool is_byte(const std::string &text) {  // "<0x0A>"
  return text.size() == 6 && text.compare(0, 3, "<0x") == 0 && text.back() == '>';
}

vocabulary read_vocabulary(const plan &p, const value &root, const value &settings, bool pieces) {
  vocabulary v;
  for (int64_t id = 0; id < p.vocab_size; ++id)
    v.tokens.push_back("[PAD" + std::to_string(id) + "]");
  v.types.assign(v.tokens.size(), k_unused);
  const value &model = part(root, "model");
  const std::string unknown = model.string_or("unk_token", "");
  for (const auto &[text, id] : part(model, "vocab").members)
    add(v, text, static_cast<int64_t>(id.number),
        !pieces           ? k_normal
        : text == unknown ? k_unknown
        : is_byte(text)   ? k_byte
                          : k_normal);
  for (const value &token : part(root, "added_tokens").items)
    add_declared(v, token, integer_or(token, "id", -1));
  for (const auto &[text, token] : part(settings, "added_tokens_decoder").members) {
    const int64_t id = std::atoll(text.c_str());
    if (id >= p.vocab_size || v.types[static_cast<size_t>(id)] == k_unused)
      add_declared(v, token, id);
  }
  for (size_t id = 0; id < v.tokens.size(); ++id)
    if (v.types[id] != k_unused) v.ids.emplace(v.tokens[id], static_cast<int64_t>(id));
  return v;
}

std::vector<std::string> read_merges(const value &model) {
  std::vector<std::string> out;
  for (const value &merge : part(model, "merges").items) {
    if (merge.kind == assay_json::type::string) {
      out.push_back(merge.text);
      continue;
    }
    if (merge.items.size() != 2 || merge.items[0].text.find(' ') != std::string::npos ||
        merge.items[1].text.find(' ') != std::string::npos)
      refuse("a merge is no pair of texts without spaces");
    out.push_back(merge.items[0].text + " " + merge.items[1].text);
  }
  return out;
}

// Replaces each mark U+2581 by a space.
std::string with_spaces(const std::string &text) {
  const std::string mark = "\u2581";
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const bool marked = text.compare(at, mark.size(), mark) == 0;
    out += marked ? ' ' : text[at];
    at += marked ? mark.size() : 1;
  }
  return out;
}

void require_plain_bpe(const value &model) {
  if (!is_type(model, "BPE") && (model.find("type") != nullptr || model.find("merges") == nullptr))
    refuse("llama.cpp gets no tokenizer of the type '" + model.string_or("type", "none") +
           "' from here, only BPE");
  for (const char *key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!model.string_or(key, "").empty()) refuse(std::string("llama.cpp knows no ") + key);
}

}  // namespace

void put_tokenizer(const plan &p, const model_files &files, metadata &to) {
  if (files.count("tokenizer.json") == 0)
    throw failure(ASSAY_UNSUPPORTED,
                  "the model has no tokenizer.json, from which the file's tokenizer is made");
  const value root = json_file(files, "tokenizer.json");
  const value settings = json_file(files, "tokenizer_config.json");
  const value &model = part(root, "model");
  require_plain_bpe(model);
  const bool pieces = model.bool_or("byte_fallback", false);
  vocabulary v = read_vocabulary(p, root, settings, pieces);
  const std::vector<std::string> merges = read_merges(model);
  to.put_text("tokenizer.ggml.model", pieces ? "llama" : "gpt2");
  to.put_text("tokenizer.ggml.pre", pieces ? "default" : pre_name(root, model));
  std::vector<float> scores;
  const bool prefix = pieces && adds_space(root);
  if (pieces) {
    std::vector<bool> whole;
    for (const int32_t type : v.types) whole.push_back(type == k_user_defined);
    scores = scores_of(v.tokens, whole, merges);
    // llama.cpp looks for a user-defined token in the text, where a space is no mark yet
    // (conversion/base.py, _create_vocab_sentencepiece).
    for (size_t id = 0; id < v.tokens.size(); ++id)
      if (whole[id]) v.tokens[id] = with_spaces(v.tokens[id]);
  }
  to.put_texts("tokenizer.ggml.tokens", v.tokens);
  to.put_i32s("tokenizer.ggml.token_type", v.types);
  if (pieces) {
    to.put_bool("tokenizer.ggml.add_space_prefix", prefix);
    to.put_f32s("tokenizer.ggml.scores", scores);
  } else {
    to.put_texts("tokenizer.ggml.merges", merges);
  }
  put_special_tokens(v, root, settings, files, to);
  put_templates(settings, files, to);
}

}  // namespace gguf
