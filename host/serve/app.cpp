// Checks each request in the order of their cost: head, size, key, room in the queue; only then its body is read and made into tokens.
#include "serve/app.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "serve/body_json.hpp"
#include "serve/page.hpp"
#include "serve/prompts.hpp"

namespace assay::serve {
namespace {

enum class verb { get, post, none };

struct route {
  const char *path;
  verb method;
  bool monitoring;  // also on the second port
  bool open;        // needs no key
};

// The page has no key to give: it asks for one and sends it with its requests. Probes of /health have none either.
constexpr std::array<route, 11> k_routes = {{{"/health", verb::get, true, true},
                                             {"/metrics", verb::get, true, false},
                                             {"/", verb::get, false, true},
                                             {"/v1/models", verb::get, false, false},
                                             {"/tokenizer_info", verb::get, false, false},
                                             {"/v1/chat/completions", verb::post, false, false},
                                             {"/v1/completions", verb::post, false, false},
                                             {"/tokenize", verb::post, false, false},
                                             {"/detokenize", verb::post, false, false},
                                             {"/apply-template", verb::post, false, false},
                                             {"/favicon.ico", verb::get, false, true}}};

const route *find_route(const std::string &path) {
  const auto *at = std::find_if(k_routes.begin(), k_routes.end(),
                                [&](const route &r) { return path == r.path; });
  return at == k_routes.end() ? nullptr : at;
}

verb verb_of(const std::string &method) {
  return method == "GET" || method == "HEAD" ? verb::get
         : method == "POST"                  ? verb::post
                                             : verb::none;
}

// Compares in a time that does not depend on where the texts differ.
bool same_secret(const std::string &a, const std::string &b) {
  const std::string x = sha256_hex(a), y = sha256_hex(b);
  unsigned differ = 0;
  for (size_t i = 0; i < x.size(); ++i) differ |= static_cast<unsigned>(x[i] ^ y[i]);
  return differ == 0;
}

bool is_json(const std::string &content_type) {
  std::string kind = content_type.substr(0, content_type.find(';'));
  kind.erase(kind.find_last_not_of(" \t") + 1);
  std::transform(kind.begin(), kind.end(), kind.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return kind == "application/json";
}

// A text that may stand in a header field: other characters become '?'.
std::string field_text(const std::string &text, size_t most) {
  std::string out = text.substr(0, most);
  for (char &c : out)
    if (c < 0x20 || c > 0x7e) c = '?';
  return out;
}

std::string ignored_text(const std::vector<std::string> &names) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < 20; ++i)
    out += (i ? ", " : "") + field_text(names[i], 40);
  return out;
}

http_response json_answer(const json &value) {
  return {200, "application/json", json_text(value), {}, false};
}

}  // namespace

app::app(std::vector<served_model> models, engine::service &engine, metrics &counts,
         app_options options, bool monitoring)
    : models_(std::move(models)),
      engine_(engine),
      metrics_(counts),
      options_(std::move(options)),
      monitoring_(monitoring) {}

app::fields app::fields_of(const http_request &to) const {
  fields out;
  if (!to.request_id.empty()) out.emplace_back("X-Request-Id", field_text(to.request_id, 128));
  if (!options_.cors_origin.empty()) {
    out.emplace_back("Vary", "Origin");
    if (to.origin == options_.cors_origin) {
      out.emplace_back("Access-Control-Allow-Origin", options_.cors_origin);
      out.emplace_back("Access-Control-Expose-Headers",
                       "x-assay-ignored, x-request-id, retry-after");
    }
  }
  return out;
}

http_response app::refused(const http_request &to, const api_error &problem,
                           const std::string &reason) {
  metrics_.reject(reason);
  http_response out{problem.status, "application/json", json_text(problem.body()), fields_of(to),
                    false};
  if (problem.retry_after > 0)
    out.fields.emplace_back("Retry-After", std::to_string(problem.retry_after));
  if (problem.status == 401) out.fields.emplace_back("WWW-Authenticate", "Bearer");
  return out;
}

http_response app::unreadable(int status, const std::string &reason) {
  const std::string text =
      status == 413   ? "the body is larger than " + std::to_string(options_.body_bytes) + " bytes"
      : status == 431 ? "the head of the request is too large"
                      : "this is no valid HTTP request: " + reason;
  return refused({}, api_error(status, "invalid_request_error", text),
                 status == 400 ? "bad_http" : "too_large");
}

void app::require_key(const http_request &head) const {
  if (options_.api_key.empty()) return;
  constexpr const char *k_scheme = "Bearer ";
  const std::string given =
      head.authorization.rfind(k_scheme, 0) == 0 ? head.authorization.substr(7) : "";
  if (!same_secret(given, options_.api_key))
    throw api_error(
        401, "authentication_error",
        given.empty() ? "this server needs a key: Authorization: Bearer KEY" : "the key is wrong",
        "", "invalid_api_key");
}

std::optional<http_response> app::check_head(const http_request &head, uint64_t body_bytes) {
  const auto no = [&](const api_error &problem, const char *reason) {
    return refused(head, problem, reason);
  };
  const route *to = find_route(head.path);
  if (!to || (monitoring_ && !to->monitoring))
    return no({404, "not_found_error", "there is nothing at " + field_text(head.path, 200)},
              "not_found");
  if (head.method == "OPTIONS" && !options_.cors_origin.empty() &&
      head.origin == options_.cors_origin) {
    http_response out{204, "", "", fields_of(head), false};
    out.fields.emplace_back("Access-Control-Allow-Methods", "GET, POST");
    out.fields.emplace_back("Access-Control-Allow-Headers",
                            "authorization, content-type, x-request-id");
    out.fields.emplace_back("Access-Control-Max-Age", "600");
    return out;
  }
  if (verb_of(head.method) != to->method) {
    http_response out =
        no({405, "invalid_request_error",
            std::string(to->path) + (to->method == verb::get ? " takes GET" : " takes POST")},
           "method");
    out.fields.emplace_back("Allow", to->method == verb::get ? "GET, HEAD" : "POST");
    return out;
  }
  if (body_bytes > options_.body_bytes) return unreadable(413, "");
  try {
    if (!to->open) require_key(head);
  } catch (const api_error &problem) {
    return no(problem, "key");
  }
  if (to->method == verb::get) return std::nullopt;
  if (!is_json(head.content_type))
    return no({415, "invalid_request_error", "the content type must be application/json"},
              "content_type");
  if (!head.content_encoding.empty() && head.content_encoding != "identity")
    return no({415, "invalid_request_error", "the body must not be compressed"}, "content_type");
  if (draining_) {
    api_error problem(503, "unavailable_error", "the server is shutting down");
    problem.retry_after = 5;
    return no(problem, "draining");
  }
  if (!engine_.has_room()) {
    http_request copy = head;
    return enter(copy);
  }
  return std::nullopt;
}

std::optional<http_response> app::enter(http_request &whole) {
  if (verb_of(whole.method) == verb::get) return std::nullopt;
  whole.place = engine_.reserve();
  if (whole.place) return std::nullopt;
  api_error problem(429, "rate_limit_error", "the queue of this server is full", "", "queue_full");
  problem.retry_after = metrics_.retry_after(engine_.state().waiting);
  return refused(whole, problem, "queue_full");
}

void app::handle(std::shared_ptr<exchange> with) {
  http_request &to = with->request();
  try {
    if (to.path == "/v1/chat/completions") return complete(with, true);
    if (to.path == "/v1/completions") return complete(with, false);
    http_response out = verb_of(to.method) == verb::get ? answer_get(to) : answer_post(to);
    for (auto &field : fields_of(to)) out.fields.push_back(std::move(field));
    to.place.reset();
    with->respond(std::move(out));
  } catch (const api_error &problem) {
    to.place.reset();
    with->respond(refused(to, problem, problem.status == 404 ? "not_found" : "bad_request"));
  } catch (const std::exception &problem) {
    to.place.reset();
    with->respond(refused(to, internal_error(plain_reason(problem)), "internal"));
  }
}

http_response app::answer_get(const http_request &to) {
  if (to.path == "/health") {
    if (!draining_) return json_answer({{"status", "ok"}});
    const api_error problem(503, "unavailable_error", "the server is shutting down");
    return {503, "application/json", json_text(problem.body()), {{"Retry-After", "5"}}, false};
  }
  if (to.path == "/metrics")
    return {
        200, "text/plain; version=0.0.4; charset=utf-8", metrics_.text(engine_.state()), {}, false};
  if (to.path == "/v1/models") return json_answer(list_models());
  if (to.path == "/tokenizer_info") return json_answer(tokenizer_info());
  if (to.path == "/favicon.ico") return {204, "", "", {}, false};
  // The page may load nothing from elsewhere.
  return {200,
          "text/html; charset=utf-8",
          page_html(),
          {{"Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
            "connect-src 'self'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
           {"X-Content-Type-Options", "nosniff"},
           {"Cache-Control", "no-cache"}},
          false};
}

http_response app::answer_post(const http_request &to) {
  if (to.path == "/tokenize") return json_answer(tokenize(to.body));
  if (to.path == "/detokenize") return json_answer(detokenize(to.body));
  return json_answer(apply_template(to.body));
}

void app::complete(const std::shared_ptr<exchange> &with, bool chat) {
  const auto arrived = completion::clock::now();
  http_request &to = with->request();
  const json body = parse_body(to.body);
  field_reader reader(body);
  asked_length length;
  completion_request asked = read_completion(reader, chat, models_, length);
  read_prompts(reader, asked);
  fit_answers(asked, length, options_.default_max_tokens, engine_);
  for (const std::string &name : reader.unknown()) asked.ignored.push_back(name);
  fields more = fields_of(to);
  if (!asked.ignored.empty()) {
    more.emplace_back("X-Assay-Ignored", ignored_text(asked.ignored));
    metrics_.ignored_fields += std::ssize(asked.ignored);
  }
  if (asked.stream) {
    more.emplace_back("Cache-Control", "no-cache");
    more.emplace_back("X-Accel-Buffering", "no");  // nginx would collect the chunks
  }
  to.body.clear();
  to.body.shrink_to_fit();
  auto place = std::move(to.place);
  const auto work = std::make_shared<completion>(with, std::move(asked), engine_, metrics_,
                                                 std::move(more), arrived);
  note(work);
  work->start(std::move(place));
  if (stopping_) work->stop();
}

void app::note(const std::shared_ptr<completion> &one) {
  const std::lock_guard lock(mutex_);
  std::erase_if(running_, [](const std::weak_ptr<completion> &old) { return old.expired(); });
  running_.push_back(one);
}

void app::stop_answers() {
  stopping_ = true;
  std::vector<std::weak_ptr<completion>> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(running_);
  }
  for (const auto &one : all)
    if (const auto alive = one.lock()) alive->stop();
}

json app::list_models() const {
  json all = json::array();
  for (const served_model &one : models_)
    all.push_back({{"id", one.name},
                   {"object", "model"},
                   {"created", options_.created},
                   {"owned_by", "assay"},
                   {"root", one.name},
                   {"max_model_len", one.positions()}});
  return {{"object", "list"}, {"data", std::move(all)}};
}

json app::tokenizer_info() const {
  const served_model &model = models_.front();
  json out = json::object();
  for (const char *name : {"eos_token", "bos_token", "pad_token"})
    out[name] = model.tokenizer->special_tokens().value(name, json());
  out["chat_template"] = model.chat_template ? json(model.chat_template->source()) : json();
  return out;
}

// Takes vLLM's keys (prompt, add_special_tokens) and those of llama.cpp's server (content, add_special).
json app::tokenize(const std::string &body) const {
  const json parsed = parse_body(body);
  field_reader reader(parsed);
  const served_model &model = find_model(models_, reader.text("model"));
  const auto prompt = reader.text("prompt"), content = reader.text("content");
  if (!prompt && !content) throw bad_field("prompt", "is missing");
  const bool special = prompt ? reader.flag("add_special_tokens").value_or(true)
                              : reader.flag("add_special").value_or(false);
  const auto ids = model.tokenizer->encode(prompt ? *prompt : *content, special);
  return {{"tokens", ids}, {"count", ids.size()}, {"max_model_len", model.positions()}};
}

json app::detokenize(const std::string &body) const {
  const json parsed = parse_body(body);
  field_reader reader(parsed);
  const served_model &model = find_model(models_, reader.text("model"));
  const json *tokens = reader.find("tokens");
  if (!tokens) throw bad_field("tokens", "is missing");
  const auto ids = read_ids(*tokens, "tokens", model.vocabulary());
  const std::string text =
      model.tokenizer->decode(std::vector<int32_t>(ids.begin(), ids.end()), false);
  return {{"prompt", text}, {"content", text}};
}

json app::apply_template(const std::string &body) const {
  const json parsed = parse_body(body);
  field_reader reader(parsed);
  const served_model &model = find_model(models_, reader.text("model"));
  return {{"prompt", render_chat(model, reader.find("messages")).text}};
}

}  // namespace assay::serve
