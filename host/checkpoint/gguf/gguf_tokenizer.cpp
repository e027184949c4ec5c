// Turns the tokenizer metadata of a GGUF file into the texts of tokenizer.json and
// tokenizer_config.json, which text/ reads (FORMATS.md, "Tokenizers of GGUF files").
#include <algorithm>
#include <cmath>

#include "checkpoint/gguf/gguf_merges.hpp"
#include "checkpoint/gguf/gguf_metadata.hpp"
#include "core/error.hpp"
#include "core/json_builder.hpp"

namespace assay::model {
namespace {

enum token_type {  // of tokenizer.ggml.token_type
  k_normal = 1,
  k_unknown = 2,
  k_control = 3,
  k_user_defined = 4,
  k_unused = 5,
  k_byte = 6
};

// How a byte-level tokenizer cuts text into words. pre: the value of tokenizer.ggml.pre that stands for
// it. digits: each digit is a word of its own. nfc: the text is first brought into Unicode's normal form
// C. ignore_merges: a word that is a token stays whole. adds_bos: whether a beginning-of-text token
// is added if tokenizer.ggml.add_bos_token is absent (llama.cpp, llama_vocab::impl::load).
struct pre_tokenizer {
  const char *pre;
  const char *split;  // regular expression; "" = that of GPT-2
  bool digits, nfc, ignore_merges, adds_bos;
};
#define ASSAY_SPLIT(numbers)                                            \
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" numbers \
  "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
constexpr pre_tokenizer k_pre_tokenizers[] = {
    {"gpt-2", "", false, false, false, false},
    {"default", "", false, false, false, false},
    {"olmo", "", false, false, false, false},
    {"starcoder", "", true, false, false, false},
    {"refact", "", true, false, false, false},  // also Granite
    // A conversion that forgets the step for digits gives other token ids.
    {"smollm", "", true, false, false, false},
    {"qwen2", ASSAY_SPLIT("\\p{N}"), false, true, false, false},
    {"llama-bpe", ASSAY_SPLIT("\\p{N}{1,3}"), false, false, true, true},
    {"dbrx", ASSAY_SPLIT("\\p{N}{1,3}"), false, false, false, false},  // also OLMo 2
    {"smaug-bpe", ASSAY_SPLIT("\\p{N}{1,3}"), false, false, false, false},
};
#undef ASSAY_SPLIT

const pre_tokenizer &pre_tokenizer_of(const gguf_file &file) {
  const std::string model = file.text("tokenizer.ggml.model", "");
  if (model.empty())
    throw error(error_kind::failed, "the GGUF file has no tokenizer").at(file.path());
  if (model != "gpt2")
    throw error(error_kind::failed, "the GGUF tokenizer model '" + model + "' is not supported")
        .at(file.path())
        .hint("Supported are gpt2 (byte-level BPE) and llama (SentencePiece BPE)");
  const std::string pre = file.text("tokenizer.ggml.pre", "gpt-2");
  std::string known;
  for (const pre_tokenizer &row : k_pre_tokenizers) {
    if (pre == row.pre) return row;
    known += (known.empty() ? "" : ", ") + std::string(row.pre);
  }
  throw error(error_kind::failed, "the GGUF pre-tokenizer '" + pre + "' is not supported")
      .at(file.path())
      .hint("Supported are " + known);
}

struct vocabulary {
  const std::vector<std::string_view> *tokens;
  std::vector<int> types;  // token_type of each token
};

// Returns whether the tokenizer is a SentencePiece BPE (Llama 2, Mistral, TinyLlama). Such a
// tokenizer has no byte level, writes a space as U+2581, and stores scores in place of merges.
bool is_sentencepiece(const gguf_file &file) {
  return file.text("tokenizer.ggml.model", "") == "llama";
}

// types: token_type of each token.
std::vector<std::string> merges_of(const gguf_file &file,
                                   const std::vector<std::string_view> &tokens,
                                   const std::vector<int> &types) {
  const gguf_value *merges = file.find("tokenizer.ggml.merges");
  if (merges != nullptr && merges->what == gguf_value::kind::texts)
    return {merges->texts.begin(), merges->texts.end()};
  const gguf_value *scores = file.find("tokenizer.ggml.scores");
  if (!is_sentencepiece(file) || scores == nullptr)
    throw error(error_kind::failed, is_sentencepiece(file)
                                        ? "the metadata lacks 'tokenizer.ggml.scores'"
                                        : "the metadata lacks 'tokenizer.ggml.merges'")
        .at(file.path());
  if (scores->numbers.size() != tokens.size())
    throw error(error_kind::failed, "scores and tokens differ in length").at(file.path());
  for (const double score : scores->numbers)
    if (std::isnan(score))
      throw error(error_kind::failed, "a token's score is not a number").at(file.path());
  std::vector<bool> skipped;  // a piece of user-defined type is never merged (SentencePiece)
  for (const int type : types) skipped.push_back(type == k_user_defined);
  return merges_from_scores(tokens, scores->numbers, skipped);
}

vocabulary vocabulary_of(const gguf_file &file) {
  const auto texts = [&](const char *key) {
    const gguf_value *value = file.find(key);
    if (value == nullptr || value->what != gguf_value::kind::texts)
      throw error(error_kind::failed, std::string("the metadata lacks '") + key + "'")
          .at(file.path());
    return &value->texts;
  };
  const auto *tokens = texts("tokenizer.ggml.tokens");
  vocabulary v{tokens, {}};
  v.types.assign(v.tokens->size(), k_normal);
  if (const gguf_value *types = file.find("tokenizer.ggml.token_type")) {
    if (types->numbers.size() != v.types.size())
      throw error(error_kind::failed, "token_type and tokens differ in length").at(file.path());
    std::transform(types->numbers.begin(), types->numbers.end(), v.types.begin(),
                   [](double t) { return static_cast<int>(t); });
  }
  return v;
}

// Appends `text` as a JSON string. Bytes above 0x7f are copied, since JSON may hold UTF-8.
void quote(std::string &out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

// Returns whether a token goes into added_tokens, the list of tokens that are searched for as a
// whole. Only SentencePiece vocabularies have a token of the type k_unknown.
bool is_added(int type) {
  return type == k_control || type == k_user_defined || type == k_unknown;
}

json added_token(std::string_view content, int type, std::optional<size_t> id) {
  json token = json::object();
  if (id) token["id"] = *id;
  token["content"] = std::string(content);
  for (const char *flag : {"single_word", "lstrip", "rstrip", "normalized"}) token[flag] = false;
  token["special"] = type != k_user_defined;
  return token;
}

json pre_tokenizer_json(const pre_tokenizer &pre) {
  const bool split = pre.split[0] != '\0';
  json byte_level = {{"type", "ByteLevel"},
                     {"add_prefix_space", false},
                     {"trim_offsets", true},
                     {"use_regex", !split}};
  json steps = json::array();
  if (pre.digits) steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
  if (split)
    steps.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", pre.split}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  if (steps.empty()) return byte_level;
  steps.push_back(byte_level);
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

std::optional<size_t> token_id(const gguf_file &file, const char *key, const vocabulary &v) {
  if (file.find(key) == nullptr) return std::nullopt;
  const uint64_t id = file.number(key);
  if (id >= v.tokens->size())
    throw error(error_kind::failed, std::string("'") + key + "' lies outside the vocabulary")
        .at(file.path());
  return id;
}

bool adds_bos(const gguf_file &file) {
  const bool by_itself = is_sentencepiece(file) || pre_tokenizer_of(file).adds_bos;
  return file.boolean("tokenizer.ggml.add_bos_token", by_itself);
}

// Returns the id of the beginning-of-text token. In a SentencePiece vocabulary that does not name
// this token it is 1.
std::optional<size_t> bos_id(const gguf_file &file, const vocabulary &v) {
  const auto named = token_id(file, "tokenizer.ggml.bos_token_id", v);
  return !named && is_sentencepiece(file) && v.tokens->size() > 1 ? 1 : named;
}

// Describes which tokens are added around one text ("single") and around two texts ("pair"); null if none are added.
json post_processor(const gguf_file &file, const vocabulary &v) {
  json single = json::array(), pair = json::array(), tokens = json::object();
  const auto special = [&](std::optional<size_t> id, int type) {
    const std::string text((*v.tokens)[*id]);
    tokens[text] = {{"id", text}, {"ids", json::array({*id})}, {"tokens", json::array({text})}};
    return json{{"SpecialToken", {{"id", text}, {"type_id", type}}}};
  };
  const auto bos = bos_id(file, v), eos = token_id(file, "tokenizer.ggml.eos_token_id", v);
  const bool starts = adds_bos(file) && bos;
  const bool ends = file.boolean("tokenizer.ggml.add_eos_token", false) && eos;
  if (!starts && !ends) return nullptr;
  for (const int type : {0, 1}) {
    if (starts) pair.push_back(special(bos, type));
    pair.push_back({{"Sequence", {{"id", type == 0 ? "A" : "B"}, {"type_id", type}}}});
    if (ends) pair.push_back(special(eos, type));
    if (type == 0) single = pair;
  }
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", pair},
          {"special_tokens", tokens}};
}

// The parts of tokenizer.json around the BPE model, and the flags of the model itself.
struct pipeline {
  json normalizer, pre_tokenizer, decoder, flags;
};

pipeline byte_level_pipeline(const pre_tokenizer &pre) {
  return {pre.nfc ? json{{"type", "NFC"}} : json(nullptr),
          pre_tokenizer_json(pre),
          {{"type", "ByteLevel"},
           {"add_prefix_space", true},
           {"trim_offsets", true},
           {"use_regex", true}},
          {{"unk_token", nullptr},
           {"fuse_unk", false},
           {"byte_fallback", false},
           {"ignore_merges", pre.ignore_merges}}};
}

// Builds the parts for a SentencePiece tokenizer (FORMATS.md, "Tokenizers of GGUF files").
pipeline sentencepiece_pipeline(const gguf_file &file, const vocabulary &v) {
  const char *mark = "\xE2\x96\x81";
  const bool prefix = file.boolean("tokenizer.ggml.add_space_prefix", true);
  json steps = json::array(), back = json::array();
  if (prefix) steps.push_back({{"type", "Prepend"}, {"prepend", mark}});
  steps.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", mark}});
  back.push_back({{"type", "Replace"}, {"pattern", {{"String", mark}}}, {"content", " "}});
  back.push_back({{"type", "ByteFallback"}});
  back.push_back({{"type", "Fuse"}});
  if (prefix) back.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  json unknown = nullptr;
  if (const auto id = token_id(file, "tokenizer.ggml.unknown_token_id", v))
    unknown = std::string((*v.tokens)[*id]);
  for (size_t id = 0; id < v.types.size() && unknown.is_null(); ++id)
    if (v.types[id] == k_unknown) unknown = std::string((*v.tokens)[id]);
  return {{{"type", "Sequence"}, {"normalizers", steps}},
          nullptr,
          {{"type", "Sequence"}, {"decoders", back}},
          {{"unk_token", unknown},
           {"fuse_unk", true},
           {"byte_fallback", true},
           {"ignore_merges", false}}};
}

}  // namespace

// Appends the small parts as JSON values, and the vocabulary and the merges entry by entry as text.
std::string gguf_tokenizer_json(const gguf_file &file) {
  const bool pieces = is_sentencepiece(file);
  const pre_tokenizer *pre = pieces ? nullptr : &pre_tokenizer_of(file);
  const vocabulary v = vocabulary_of(file);
  json added = json::array();
  // The highest id in the BPE model's vocabulary. An added token with a higher id is listed only in
  // added_tokens of the file.
  size_t last_normal = 0;
  for (size_t id = 0; id < v.types.size(); ++id) {
    if (is_added(v.types[id]))
      added.push_back(added_token((*v.tokens)[id], v.types[id], id));
    else if (v.types[id] != k_unused)
      last_normal = id;
  }
  const pipeline p = pieces ? sentencepiece_pipeline(file, v) : byte_level_pipeline(*pre);
  std::string out =
      "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":" + added.dump();
  out += ",\"normalizer\":" + p.normalizer.dump();
  out += ",\"pre_tokenizer\":" + p.pre_tokenizer.dump();
  out += ",\"post_processor\":" + post_processor(file, v).dump();
  out += ",\"decoder\":" + p.decoder.dump();
  out += ",\"model\":{\"type\":\"BPE\",\"dropout\":null,";
  for (const auto &flag : p.flags.items())
    out += json(flag.key()).dump() + ":" + flag.value().dump() + ",";
  out += "\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,\"vocab\":{";
  bool first = true;
  for (size_t id = 0; id <= last_normal && id < v.tokens->size(); ++id) {
    if (v.types[id] == k_unused) continue;
    if (!first) out += ',';
    first = false;
    quote(out, (*v.tokens)[id]);
    out += ':' + std::to_string(id);
  }
  out += "},\"merges\":[";
  for (bool later = false; const std::string &merge : merges_of(file, *v.tokens, v.types)) {
    if (later) out += ',';
    later = true;
    quote(out, merge);
  }
  return out + "]}}";
}

json gguf_tokenizer_config(const gguf_file &file) {
  const vocabulary v = vocabulary_of(file);
  json decoder = json::object();
  for (size_t id = 0; id < v.types.size(); ++id)
    if (is_added(v.types[id]))
      append_member(decoder, std::to_string(id),
                    added_token((*v.tokens)[id], v.types[id], std::nullopt));
  json config = {{"add_bos_token", adds_bos(file)},
                 {"add_prefix_space", false},
                 {"added_tokens_decoder", decoder},
                 {"clean_up_tokenization_spaces", false}};
  if (const auto id = bos_id(file, v)) config["bos_token"] = std::string((*v.tokens)[*id]);
  const std::pair<const char *, const char *> specials[] = {
      {"tokenizer.ggml.eos_token_id", "eos_token"},
      {"tokenizer.ggml.padding_token_id", "pad_token"},
      {"tokenizer.ggml.unknown_token_id", "unk_token"}};
  for (const auto &[key, name] : specials)
    if (const auto id = token_id(file, key, v)) config[name] = std::string((*v.tokens)[*id]);
  const std::string arch = file.text("general.architecture");
  config["model_max_length"] = file.number(arch + ".context_length", 2048);
  // Names transformers' generic class. A family's own class would rebuild the tokenizer from the
  // vocabulary and the merges alone, and so lose the split into single digits.
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  const std::string chat = file.text("tokenizer.chat_template", "");
  if (!chat.empty()) config["chat_template"] = chat;
  return config;
}

json gguf_chat_templates(const gguf_file &file) {
  json out = json::object();
  const std::string chat = file.text("tokenizer.chat_template", "");
  if (!chat.empty()) out["default"] = chat;
  const std::string named = "tokenizer.chat_template.";
  for (const std::string &name : file.names_below(named)) out[name] = file.text(named + name);
  return out;
}

tokenizer_files gguf_tokenizer_files(const gguf_file &file) {
  tokenizer_files out{file.path(), {}};
  out.put(k_tokenizer_json, gguf_tokenizer_json(file));
  out.put(k_tokenizer_config, gguf_tokenizer_config(file).dump(2) + "\n");
  put_chat_templates(gguf_chat_templates(file), out);
  return out;
}

}  // namespace assay::model
