// Builds the parts of a tokenizer from a tokenizer.json and the files beside it. A part of an unknown
// type is refused. tokenizer.cpp runs the parts.
#include <algorithm>

#include "core/error.hpp"
#include "text/json_options.hpp"
#include "text/tokenizer_parts.hpp"

namespace assay::text {
namespace {

constexpr size_t k_max_added_bytes = 4096;  // of the text of one added token

const json &part_of(const json &head, const char *name) {
  static const json k_null;
  const auto it = head.find(name);
  return it == head.end() ? k_null : *it;
}

bpe_options read_model_options(const json &description, const tokenizer_file &file) {
  const json_options options(description, "model");
  // Old files have no type. If there are merges, the model is BPE.
  const std::string type = options.text("type", file.merges.size() > 0 ? "BPE" : "");
  if (file.vocab_is_list && type.empty())
    options.fail("'Unigram' is not supported (supported: BPE)");
  if (type != "BPE") options.fail("'" + type + "' is not supported (supported: BPE)");
  if (options.has("dropout")) {
    const json &dropout = options.value("dropout");
    if (!dropout.is_number() || dropout.get<double>() != 0)
      options.fail("'dropout' makes encoding random and is not supported");
  }
  for (const char *key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!options.text(key, "").empty()) options.fail(std::string("'") + key + "' is not supported");
  bpe_options result;
  result.unk_token = options.text("unk_token", "");
  result.fuse_unk = options.flag("fuse_unk", false);
  result.byte_fallback = options.flag("byte_fallback", false);
  result.ignore_merges = options.flag("ignore_merges", false);
  return result;
}

// Adds an added token with its declared id. If the vocabulary has the token's text, it must have the
// same id there; if not, no other token may have this id. The reference renumbers a token whose id
// leaves a gap; here the id is kept, because the model's embedding row is at the declared place.
void place(added_token token, int64_t declared, tokenizer_parts &parts) {
  if (token.content.empty()) return;
  const token_table &vocab = parts.model->vocab();
  const std::string what = "added token '" + token.content + "'";
  if (declared < 0 || declared > token_table::k_max_id)
    throw error(error_kind::failed, what + " has an id outside 0 ... 16777215");
  const int32_t in_vocab = vocab.find(token.content);
  const int32_t id = static_cast<int32_t>(declared);
  if (in_vocab >= 0 && in_vocab != id)
    throw error(error_kind::failed, what + " has the id " + std::to_string(id) +
                                        ", but the vocabulary gives it " +
                                        std::to_string(in_vocab));
  if (in_vocab < 0 && vocab.has_id(id))
    throw error(error_kind::failed, what + " has the id " + std::to_string(id) + " of the token '" +
                                        std::string(vocab.text(id)) + "'");
  token.id = id;
  const int32_t id_of_text = parts.added_ids.find(token.content);
  if (id_of_text < 0 && !parts.added_ids.has_id(id)) {
    parts.added_ids.add(token.content, id);
    parts.added_places[id] = parts.added.size();
    parts.added.push_back(std::move(token));
  } else if (id_of_text == id) {
    parts.added[parts.added_places.at(id)] = std::move(token);  // listed twice: the later flags
  } else {
    const std::string_view other =
        parts.added_ids.has_id(id) ? parts.added_ids.text(id) : token.content;
    throw error(error_kind::failed, what + " and '" + std::string(other) + "' clash in id or text");
  }
}

void read_added_tokens(const json &list, tokenizer_parts &parts) {
  if (list.is_null()) return;
  if (!list.is_array()) throw error(error_kind::failed, "'added_tokens' must be a list");
  for (const json &entry : list) {
    added_token token = read_added_token(entry, "added_tokens");
    place(std::move(token), json_options(entry, "added_tokens").integer("id", -1), parts);
  }
}

// Returns the id that a text has as an added token or in the vocabulary; -1 if it has none.
int32_t known_id(const tokenizer_parts &parts, const std::string &content) {
  const int32_t added = parts.added_ids.find(content);
  return added >= 0 ? added : parts.model->vocab().find(content);
}

// Adds the tokens of added_tokens.json. If tokenizer.json has an added token with the same text and
// id, that one is kept. If tokenizer.json has the text with another id, its id is used.
void place_beside(const std::vector<added_token> &tokens, tokenizer_parts &parts) {
  std::vector<added_token> missing;
  for (const added_token &token : tokens) {
    const int32_t known = known_id(parts, token.content);
    if (known != token.id || parts.added_ids.find(token.content) < 0) missing.push_back(token);
  }
  for (added_token &token : missing) {
    const int32_t known = known_id(parts, token.content);
    const int32_t id = known >= 0 ? known : token.id;
    place(std::move(token), id, parts);
  }
}

// Adds the special tokens that no list of added tokens has. A special token that is not in the
// vocabulary gets the first id after those of all other tokens.
void place_special(const std::vector<added_token> &tokens, tokenizer_parts &parts) {
  for (const added_token &token : tokens) {
    if (token.content.empty() || parts.added_ids.find(token.content) >= 0) continue;
    const int32_t known = parts.model->vocab().find(token.content);
    const int32_t next = std::max(parts.model->vocab().id_end(), parts.added_ids.id_end());
    place(token, known >= 0 ? known : next, parts);
  }
}

void place_declared(const tokenizer_settings &settings, tokenizer_parts &parts) {
  for (const added_token &token : settings.decoder) place(token, token.id, parts);
  place_beside(settings.beside, parts);
  place_special(settings.special, parts);
}

// Fills what encoding and decoding look up: which ids are special, the normalized spellings, and the two matchers.
void finish_added_tokens(tokenizer_parts &parts) {
  for (const added_token &token : parts.added) {
    if (token.special) {
      if (static_cast<size_t>(token.id) >= parts.special.size())
        parts.special.resize(static_cast<size_t>(token.id) + 1);
      parts.special[static_cast<size_t>(token.id)] = true;
    }
    std::string pattern = token.content;
    if (token.normalized) normalize(parts.normalizers, pattern);
    if (pattern != token.content) parts.shown_added[token.id] = pattern;
    (token.normalized ? parts.normal_matcher : parts.raw_matcher).add(std::move(pattern), token);
  }
  parts.raw_matcher.finish(parts.split_special);
  parts.normal_matcher.finish(parts.split_special);
}

std::vector<int32_t> ids_of_special(const json &table, const std::string &name,
                                    const json_options &options) {
  if (!table.is_object() || !table.contains(name) || !table[name].is_object() ||
      !table[name].contains("ids") || !table[name]["ids"].is_array())
    options.fail("the special token '" + name + "' has no ids");
  std::vector<int32_t> ids;
  for (const json &id : table[name]["ids"]) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 ||
        id.get<int64_t>() > token_table::k_max_id)
      options.fail("the special token '" + name + "' has a wrong id");
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

// Reads a TemplateProcessing: a list with the text ("Sequence") and the tokens before and after it.
void add_template(const json_options &options, post_processor &post) {
  const json &single = options.value("single");
  if (!single.is_array()) options.fail("'single' must be a list");
  post_processor wrap;
  bool after_text = false;
  for (const json &piece : single) {
    if (piece.is_object() && piece.contains("Sequence")) {
      if (after_text) options.fail("a template that uses the text twice");
      after_text = true;
    } else if (piece.is_object() && piece.contains("SpecialToken")) {
      const json_options token(piece["SpecialToken"], "post_processor TemplateProcessing");
      const auto ids = ids_of_special(options.value("special_tokens"), token.text("id"), options);
      auto &side = after_text ? wrap.after : wrap.before;
      side.insert(side.end(), ids.begin(), ids.end());
    } else {
      options.fail("a piece that is neither Sequence nor SpecialToken");
    }
  }
  if (!after_text) options.fail("a template without the text");
  post.before.insert(post.before.begin(), wrap.before.begin(), wrap.before.end());
  post.after.insert(post.after.end(), wrap.after.begin(), wrap.after.end());
}

int32_t pair_id(const json_options &options, const char *key) {  // ["<s>", 0]
  const json &pair = options.value(key);
  if (!pair.is_array() || pair.size() != 2 || !pair[1].is_number_unsigned() ||
      pair[1].get<uint64_t>() > uint64_t{token_table::k_max_id})
    options.fail(std::string("'") + key + "' must be a token and its id");
  return pair[1].get<int32_t>();
}

void add_post(const json &description, post_processor &post) {
  const json_options outer(description, "post_processor");
  const std::string type = outer.type();
  const json_options options(description, "post_processor " + type);
  if (type == "Sequence") {
    const json &parts = options.value("processors");
    if (!parts.is_array()) options.fail("'processors' must be a list");
    for (const json &part : parts) add_post(part, post);
  } else if (type == "TemplateProcessing") {
    add_template(options, post);
  } else if (type == "RobertaProcessing" || type == "BertProcessing") {
    post.before.insert(post.before.begin(), pair_id(options, "cls"));
    post.after.push_back(pair_id(options, "sep"));
  } else if (type != "ByteLevel") {  // ByteLevel changes only offsets, which are not kept here
    outer.fail("'" + type +
               "' is not supported (supported: Sequence, TemplateProcessing, "
               "ByteLevel, BertProcessing, RobertaProcessing)");
  }
}

// Adds the tokens that add_bos_token and add_eos_token of tokenizer_config.json put around a text. The two
// keys are read only if there is no tokenizer.json, because then there is no post-processor to decide this.
void add_named(const tokenizer_settings &settings, tokenizer_parts &parts) {
  const auto id_of = [&](const char *name) {
    return settings.names.contains(name) ? known_id(parts, settings.names[name].get<std::string>())
                                         : -1;
  };
  if (settings.add_bos && id_of("bos_token") >= 0) parts.post.before.push_back(id_of("bos_token"));
  if (settings.add_eos && id_of("eos_token") >= 0) parts.post.after.push_back(id_of("eos_token"));
}

}  // namespace

added_token read_added_token(const json &description, const std::string &part) {
  const json_options options(description, part);
  added_token token;
  token.content = options.text("content");
  token.single_word = options.flag("single_word", false);
  token.lstrip = options.flag("lstrip", false);
  token.rstrip = options.flag("rstrip", false);
  token.special = options.flag("special", false);
  token.normalized = options.flag("normalized", !token.special);
  if (token.content.size() > k_max_added_bytes) options.fail("a token longer than 4096 bytes");
  return token;
}

std::unique_ptr<tokenizer_parts> build_parts(tokenizer_file file,
                                             const tokenizer_settings &settings,
                                             const std::string &where) try {
  auto parts = std::make_unique<tokenizer_parts>();
  const json &head = file.head;
  parts->normalizers = make_normalizers(part_of(head, "normalizer"));
  parts->pre_tokenizers = make_pre_tokenizers(part_of(head, "pre_tokenizer"));
  parts->detokenizer = make_detokenizer(part_of(head, "decoder"));
  if (!head.contains("model")) throw error(error_kind::failed, "there is no 'model'");
  bpe_options options = read_model_options(head["model"], file);
  options.byte_level = parts->pre_tokenizers.byte_level;
  parts->model =
      std::make_unique<const bpe_model>(std::move(file.vocab), file.merges, std::move(options), "");
  if (!part_of(head, "post_processor").is_null()) add_post(head["post_processor"], parts->post);
  read_added_tokens(part_of(head, "added_tokens"), *parts);
  place_declared(settings, *parts);
  parts->split_special = settings.split_special;
  finish_added_tokens(*parts);
  add_named(settings, *parts);
  parts->special_tokens = settings.names;
  parts->chat_templates = settings.chat_templates;
  return parts;
} catch (const error &e) {
  if (!e.where().empty()) throw;
  throw error(e.kind(), e.message()).at(where).cause(e.cause()).hint(e.hint());
}

}  // namespace assay::text
