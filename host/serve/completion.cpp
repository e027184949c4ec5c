// The way of a token: engine thread (text, stop strings) -> list of events -> connection's thread (JSON, writing).
#include "serve/completion.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace assay::serve {
namespace {

std::string event_text(const json &value) {
  return "data: " + json_text(value) + "\n\n";
}

double since(completion::clock::time_point start) {
  return std::chrono::duration<double>(completion::clock::now() - start).count();
}

}  // namespace

completion::completion(std::shared_ptr<exchange> with, completion_request asked,
                       engine::service &engine, metrics &counts, fields more,
                       clock::time_point arrived)
    : exchange_(std::move(with)),
      asked_(std::move(asked)),
      engine_(engine),
      metrics_(counts),
      fields_(std::move(more)),
      head_(new_answer_head(*asked_.model, asked_.chat)),
      arrived_(arrived),
      prompt_tokens_(asked_.prompts.size()),
      readers_(asked_.prompts.size() * static_cast<size_t>(asked_.n)) {
  writers_.reserve(readers_.size());
  for (size_t i = 0; i < readers_.size(); ++i)
    writers_.push_back(
        {choice_text(asked_.model->tokenizer, asked_.stop, asked_.options.min_tokens), {}, false});
  for (const completion_prompt &prompt : asked_.prompts) usage_.prompt += std::ssize(prompt.ids);
}

void completion::start(engine::service::place place) {
  exchange_->when_gone([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    std::vector<engine::service::ticket> all;
    {
      const std::lock_guard lock(self->mutex_);
      self->gone_ = true;
      all = self->tickets_;
    }
    for (const auto &one : all) self->engine_.cancel(one);
  });
  std::vector<engine::service_request> requests;
  const bool nothing_to_run = asked_.options.max_tokens == 0 && asked_.top < 0;
  for (size_t i = 0; i < asked_.prompts.size() && !nothing_to_run; ++i)
    requests.push_back(request_of(i));
  if (nothing_to_run) {
    n_ended_ = asked_.prompts.size();
    exchange_->post([self = shared_from_this()] { self->work(); });
    return;
  }
  auto tickets = engine_.submit(std::move(place), std::move(requests));
  bool gone = false;
  {
    const std::lock_guard lock(mutex_);
    if (n_ended_ < asked_.prompts.size()) tickets_ = tickets;
    gone = gone_ || stopped_;
  }
  if (gone)
    for (const auto &one : tickets) engine_.cancel(one);
}

void completion::stop() {
  std::vector<engine::service::ticket> all;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    all = tickets_;
  }
  for (const auto &one : all) engine_.cancel(one);
}

// --- on the engine thread ---

engine::service_request completion::request_of(size_t prompt) {
  engine::service_request out;
  out.model = asked_.model->lane;
  out.prompt = asked_.prompts[prompt].ids;
  out.options = asked_.options;
  out.answers = asked_.options.max_tokens > 0 ? asked_.n : 0;
  if (asked_.echo && asked_.top >= 0) out.prompt_top = asked_.top;
  const auto self = shared_from_this();
  const size_t first = prompt * static_cast<size_t>(asked_.n);
  out.options.on_decision = [self, first](size_t index, const engine::decision &made) {
    return self->take_decision(first + index, made);
  };
  out.on_prompt = [self, prompt](std::vector<engine::token_reading> read) {
    const std::lock_guard lock(self->mutex_);
    self->prompt_tokens_[prompt] = std::move(read);
  };
  out.on_end = [self](const engine::service_end &end) { self->take_end(end); };
  return out;
}

// Returns whether the answer ends here because of a stop string.
bool completion::take_decision(size_t choice, const engine::decision &made) {
  writer &w = writers_[choice];
  const clock::time_point now = clock::now();
  if (w.begun)
    metrics_.itl.add(std::chrono::duration<double>(now - w.last).count());
  else
    metrics_.ttft.add(std::chrono::duration<double>(now - arrived_).count());
  w.begun = true;
  w.last = now;
  event e{choice, "", made.finish, made.token};
  if (asked_.top < 0) e.token.top.clear();
  if (made.finish != "stop")
    e.text = w.text.push(
        static_cast<int32_t>(made.token.id));  // the token that ends an answer is no text
  if (!made.finish.empty()) e.text += w.text.finish();
  if (w.text.stopped()) e.finish = "stop";
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(e));
  }
  if (asked_.stream) wake();
  return w.text.stopped();
}

void completion::take_end(const engine::service_end &end) {
  metrics_.queue.add(end.queue_seconds);
  if (end.how == engine::service_end::kind::done) metrics_.ended();
  {
    const std::lock_guard lock(mutex_);
    ++n_ended_;
    worst_.queue_seconds = std::max(worst_.queue_seconds, end.queue_seconds);
    worst_.prefill_seconds = std::max(worst_.prefill_seconds, end.prefill_seconds);
    worst_.decode_seconds = std::max(worst_.decode_seconds, end.decode_seconds);
    worst_.steps = std::max(worst_.steps, end.steps);
    if (end.how != engine::service_end::kind::done &&
        worst_.how != engine::service_end::kind::failed) {
      worst_.how = end.how;
      worst_.problem = end.problem;
    }
    if (n_ended_ == asked_.prompts.size()) tickets_.clear();
  }
  wake();
}

void completion::wake() {
  {
    const std::lock_guard lock(mutex_);
    if (awake_) return;
    awake_ = true;
  }
  exchange_->post([self = shared_from_this()] { self->work(); });
}

// --- on the connection's thread ---

void completion::work() {
  std::vector<event> events;
  bool ended = false;
  {
    const std::lock_guard lock(mutex_);
    awake_ = false;
    ended = n_ended_ == asked_.prompts.size();
    if (!ended && !asked_.stream) return;
    events.swap(events_);
  }
  if (over_) return;
  for (event &e : events) {
    reader &r = readers_[e.choice];
    ++usage_.completion;
    r.finish = e.finish;
    if (asked_.stream) {
      send_chunk(e);
    } else {
      r.text += e.text;
      if (asked_.top >= 0) r.tokens.push_back(std::move(e.token));
    }
  }
  if (!ended) return;
  over_ = true;
  using kind = engine::service_end::kind;
  if (worst_.how == kind::failed) return fail(internal_error(worst_.problem));
  if (worst_.how == kind::cancelled)
    return fail(api_error(503, "unavailable_error", "the server is shutting down"));
  metrics_.e2e.add(since(arrived_));
  asked_.stream ? finish_stream() : finish_whole();
}

const completion_prompt &completion::prompt_of(size_t choice) const {
  return asked_.prompts[choice / static_cast<size_t>(asked_.n)];
}

json completion::logprobs_of(size_t choice, const std::vector<engine::token_reading> &tokens,
                             bool with_prompt) {
  if (asked_.top < 0) return nullptr;
  logprob_list list(*asked_.model, asked_.chat, readers_[choice].offset);
  if (with_prompt) {
    list.add_first(prompt_of(choice).ids[0]);
    const std::lock_guard lock(mutex_);
    for (const auto &one : prompt_tokens_[choice / static_cast<size_t>(asked_.n)]) list.add(one);
  }
  for (const auto &one : tokens) list.add(one);
  return list.take();
}

void completion::send_chunk(const event &e) {
  reader &r = readers_[e.choice];
  if (!streaming_) exchange_->begin_stream(fields_);
  streaming_ = true;
  const bool echoes = asked_.echo && !r.begun;
  json choice = chunk_choice(head_, static_cast<int64_t>(e.choice),
                             echoes ? prompt_of(e.choice).text + e.text : e.text, !r.begun,
                             e.finish, logprobs_of(e.choice, {e.token}, echoes));
  r.begun = true;
  json chunk = answer_json(head_, true, json::array({std::move(choice)}));
  if (asked_.continuous_usage)
    chunk["usage"] = usage_json(usage_);
  else if (asked_.include_usage)
    chunk["usage"] = nullptr;
  exchange_->send_event(event_text(chunk));
}

void completion::add_timings(json &to) const {
  to["assay_timings"] = {{"queue_seconds", worst_.queue_seconds},
                         {"prefill_seconds", worst_.prefill_seconds},
                         {"decode_seconds", worst_.decode_seconds},
                         {"steps", worst_.steps}};
}

// Sends a chunk for each choice that was asked for no token.
void completion::send_empty_choices() {
  if (!streaming_) exchange_->begin_stream(fields_);
  streaming_ = true;
  for (size_t i = 0; i < readers_.size(); ++i) {
    if (readers_[i].begun) continue;
    json choice = chunk_choice(head_, static_cast<int64_t>(i), asked_.echo ? prompt_of(i).text : "",
                               true, "length", logprobs_of(i, {}, asked_.echo));
    exchange_->send_event(event_text(answer_json(head_, true, json::array({std::move(choice)}))));
  }
}

void completion::finish_stream() {
  send_empty_choices();
  if (asked_.include_usage || asked_.timings) {
    json last = answer_json(head_, true, json::array());
    if (asked_.include_usage) last["usage"] = usage_json(usage_);
    if (asked_.timings) add_timings(last);
    exchange_->send_event(event_text(last));
  }
  exchange_->send_event("data: [DONE]\n\n");
  exchange_->end_stream();
}

void completion::finish_whole() {
  json choices = json::array();
  for (size_t i = 0; i < readers_.size(); ++i) {
    reader &r = readers_[i];
    const std::string text = asked_.echo ? prompt_of(i).text + r.text : r.text;
    choices.push_back(whole_choice(head_, static_cast<int64_t>(i), text,
                                   r.finish.empty() ? "length" : r.finish,
                                   logprobs_of(i, r.tokens, asked_.echo)));
  }
  json answer = answer_json(head_, false, std::move(choices));
  answer["usage"] = usage_json(usage_);
  if (asked_.timings) add_timings(answer);
  exchange_->respond({200, "application/json", json_text(answer), fields_, false});
}

void completion::fail(const api_error &problem) {
  if (!streaming_) {
    exchange_->respond(
        {problem.status, "application/json", json_text(problem.body()), fields_, false});
    return;
  }
  exchange_->send_event(event_text(problem.body()));
  exchange_->send_event("data: [DONE]\n\n");
  exchange_->end_stream();
}

}  // namespace assay::serve
