// Prompts of the two completion routes.
#include "serve/prompts.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "serve/api_error.hpp"
#include "serve/body_json.hpp"
#include "serve/limits.hpp"

namespace assay::serve {
namespace {

constexpr int64_t k_default_completion = 16;  // tokens, as in OpenAI's API

// Two characters that stand around the number of a special token while the template runs. They are of Unicode's private use area; if
// a message has them, others are taken.
class stand_ins {
 public:
  explicit stand_ins(const json &messages) {
    const std::string all = json_text(messages);
    while (all.find(character(0)) != std::string::npos ||
           all.find(character(1)) != std::string::npos)
      first_ += 2;
  }

  // Returns `content` with a stand-in for each special token in it.
  std::string hide(const text::tokenizer &tokenizer, const std::string &content) {
    std::string out;
    size_t done = 0;
    for (const text::text_span &span : tokenizer.special_spans(content)) {
      out += content.substr(done, span.begin - done) + character(0) +
             std::to_string(hidden_.size()) + character(1);
      hidden_.push_back(content.substr(span.begin, span.end - span.begin));
      done = span.end;
    }
    return out + content.substr(done);
  }

  // Puts the texts back and notes where they are.
  rendered_chat show(const std::string &rendered) const {
    rendered_chat out;
    const std::string open = character(0), close = character(1);
    size_t done = 0;
    for (size_t at; (at = rendered.find(open, done)) != std::string::npos;) {
      const size_t number = at + open.size(), end = rendered.find(close, number);
      out.text += rendered.substr(done, at - done);
      if (end == std::string::npos) {  // the template cut a text in two
        done = number;
        continue;
      }
      const std::string &hidden = hidden_.at(std::stoul(rendered.substr(number, end - number)));
      out.plain.push_back({out.text.size(), out.text.size() + hidden.size()});
      out.text += hidden;
      done = end + close.size();
    }
    out.text += rendered.substr(done);
    return out;
  }

 private:
  // U+E000 + first_ + which, as UTF-8
  std::string character(unsigned which) const {
    const unsigned code = 0xE000 + first_ + which;
    return {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
            static_cast<char>(0x80 | (code & 0x3F))};
  }
  unsigned first_ = 0;
  std::vector<std::string> hidden_;
};

// Returns a message's content as one text.
std::string content_of(const json &message, const std::string &where) {
  const auto content = message.find("content");
  if (content == message.end() || content->is_null()) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) throw bad_field(where, "must be a string or a list of parts");
  std::string out;
  for (const json &part : *content) {
    const bool is_text = part.is_object() && part.value("type", json()) == "text" &&
                         part.value("text", json()).is_string();
    if (!is_text)
      throw bad_field(where,
                      "may only have parts like {\"type\": \"text\", \"text\": \"...\"}: this "
                      "server reads text alone");
    out += part["text"].get<std::string>();
  }
  return out;
}

json checked_messages(const served_model &model, const json &messages, stand_ins &hidden) {
  json out = json::array();
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string where = "messages[" + std::to_string(i) + "]";
    const json &one = messages[i];
    if (!one.is_object()) throw bad_field(where, "must be an object with role and content");
    const json role = one.value("role", json());
    if (role != "system" && role != "user" && role != "assistant" && role != "developer" &&
        role != "tool")
      throw bad_field(where + ".role", "must be system, user, assistant, developer or tool");
    const bool has_calls =
        one.contains("tool_calls") && !one["tool_calls"].is_null() && !one["tool_calls"].empty();
    if (has_calls) throw unsupported(where + ".tool_calls", "this server calls no tools");
    json message = {{"role", role == "developer" ? json("system") : role}};
    message["content"] = hidden.hide(*model.tokenizer, content_of(one, where + ".content"));
    if (one.contains("name") && one["name"].is_string())
      message["name"] = hidden.hide(*model.tokenizer, one["name"].get<std::string>());
    out.push_back(std::move(message));
  }
  return out;
}

std::vector<int64_t> wide(const std::vector<int32_t> &ids) {
  return {ids.begin(), ids.end()};
}

// A normalizer may shorten a text, but not to less than a fourth: composed characters are the extreme.
constexpr size_t k_normalized_share = 4;

// Throws for a text that is so long that it can never fit, before it is made into tokens: that takes a second for each few MB.
void require_short(const served_model &model, const std::string &text, const std::string &name) {
  const auto positions = static_cast<size_t>(model.positions());
  if (text.size() <= k_normalized_share * positions * model.longest_token) return;
  throw api_error(400, "invalid_request_error",
                  "the prompt has " + std::to_string(text.size()) + " bytes, more than " +
                      std::to_string(positions) + " tokens can stand for",
                  name, "context_length_exceeded");
}

completion_prompt prompt_of(const served_model &model, const json &value, const std::string &name,
                            bool echo) {
  completion_prompt out;
  if (value.is_string()) {
    out.text = value.get<std::string>();
    require_short(model, out.text, name);
    out.ids = wide(model.tokenizer->encode_start(out.text));
  } else {
    out.ids = read_ids(value, name, model.vocabulary());
    if (echo)
      out.text =
          model.tokenizer->decode(std::vector<int32_t>(out.ids.begin(), out.ids.end()), false);
  }
  if (out.ids.empty()) throw bad_field(name, "is empty");
  return out;
}

void read_plain_prompts(const json &value, completion_request &to) {
  const bool is_list =
      value.is_array() && !value.empty() && (value[0].is_string() || value[0].is_array());
  if (!is_list) {
    if (!value.is_string() && !value.is_array())
      throw bad_field("prompt", "must be a string, a list of token ids, or a list of these");
    to.prompts.push_back(prompt_of(*to.model, value, "prompt", to.echo));
    return;
  }
  if (value.size() > k_prompts)
    throw bad_field("prompt", "has " + std::to_string(value.size()) + " prompts, more than " +
                                  std::to_string(k_prompts));
  for (size_t i = 0; i < value.size(); ++i) {
    const std::string name = "prompt[" + std::to_string(i) + "]";
    if (!value[i].is_string() && !value[i].is_array())
      throw bad_field(name, "must be a string or a list of token ids");
    to.prompts.push_back(prompt_of(*to.model, value[i], name, to.echo));
  }
}

}  // namespace

rendered_chat render_chat(const served_model &model, const json *messages) {
  if (!messages || !messages->is_array() || messages->empty())
    throw bad_field("messages", "must be a list of messages that is not empty");
  if (messages->size() > k_messages)
    throw bad_field("messages", "has " + std::to_string(messages->size()) +
                                    " messages, more than " + std::to_string(k_messages));
  if (!model.chat_template)
    throw api_error(400, "invalid_request_error",
                    "the model '" + model.name + "' has no chat template; use /v1/completions",
                    "messages");
  stand_ins hidden(*messages);
  const json context = {{"messages", checked_messages(model, *messages, hidden)},
                        {"add_generation_prompt", true}};
  try {
    return hidden.show(model.chat_template->render(context));
  } catch (const error &problem) {
    throw api_error(400, "invalid_request_error",
                    "the model's chat template refuses these messages: " + problem.message(),
                    "messages");
  }
}

void read_prompts(field_reader &fields, completion_request &to) {
  if (to.chat) {
    const rendered_chat chat = render_chat(*to.model, fields.find("messages"));
    require_short(*to.model, chat.text, "messages");
    to.prompts.push_back({wide(to.model->tokenizer->encode_start(chat.text, chat.plain)), ""});
    if (to.prompts[0].ids.empty()) throw bad_field("messages", "give an empty prompt");
    return;
  }
  const json *prompt = fields.find("prompt");
  if (!prompt) throw bad_field("prompt", "is missing");
  read_plain_prompts(*prompt, to);
  if (static_cast<int64_t>(to.prompts.size()) * to.n > k_answers)
    throw bad_field(
        "n", "times the number of prompts is more than " + std::to_string(k_answers) + " answers");
}

void fit_answers(completion_request &to, const asked_length &asked, int64_t default_max_tokens,
                 const engine::service &engine) {
  int64_t room = asked.max_tokens.value_or(to.chat ? default_max_tokens : k_default_completion);
  const auto exceeded = [](const std::string &why) {
    return api_error(400, "invalid_request_error", why, "max_tokens", "context_length_exceeded");
  };
  for (const completion_prompt &prompt : to.prompts) {
    const int64_t tokens = std::ssize(prompt.ids),
                  most = engine.most_room(to.model->lane, tokens, to.n);
    if (!asked.max_tokens) room = std::min(room, std::max<int64_t>(most, 1));
    if (const std::string why = engine.why_not(to.model->lane, tokens, room, to.n); !why.empty())
      throw exceeded(why);
  }
  to.options.max_tokens = room;
}

}  // namespace assay::serve
