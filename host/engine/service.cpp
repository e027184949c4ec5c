// The engine thread: takes arrived requests, drops cancelled ones, admits, and runs one forward pass of each model
// in turn. It sleeps while nothing is to do.
#include "engine/service.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>

#include "core/error.hpp"
#include "core/json.hpp"
#include "engine/perplexity.hpp"

namespace assay::engine {
namespace {

using clock = std::chrono::steady_clock;

double seconds_between(clock::time_point a, clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

int64_t batch_tokens_of(const model::decoder &decoder, int64_t asked) {
  if (asked > 0) return asked;
  return decoder.device().is_cpu() ? k_service_batch_tokens : default_batch_tokens(decoder);
}

// Returns the tokens of a model's pool: what fits into `bytes`, but no more than max_live answers of the longest
// length can fill.
int64_t pool_tokens_of(const model::decoder &decoder, int64_t bytes, int64_t max_live) {
  const int64_t all = decoder.config().max_positions * max_live;
  return std::max<int64_t>(1, std::min(all, bytes / cache_bytes_per_token(decoder)));
}

}  // namespace

// A request, from submit to its end. The engine thread owns all but `cancelled`.
class service::task {
 public:
  task(service_request given, place where, const model::decoder &decoder)
      : request(std::move(given)),
        held(std::move(where)),
        eos(request.options.eos_ids.empty() ? decoder.config().eos_ids : request.options.eos_ids) {
    job.prompt = &request.prompt;
    job.options = &request.options;
    job.eos = &eos;
    job.room = request.options.max_tokens;
    job.answers = request.answers;
    job.prompt_top = request.prompt_top;
    job.on_read = [this] {
      reading_done = clock::now();
      if (request.on_prompt) request.on_prompt(std::move(job.readings));
    };
  }
  task(const task &) = delete;
  task &operator=(const task &) = delete;

  service_request request;
  place held;  // its place in the queue; empty once it runs
  std::vector<int64_t> eos;
  loop_job job;
  clock::time_point arrived = clock::now(), started{};
  std::optional<clock::time_point> reading_done;  // the whole prompt was read
  int64_t steps = 0;
  bool running = false;
  std::atomic<bool> cancelled{false};
};

struct service::lane {
  lane(const model::decoder &d, const service_options &o, int64_t bytes)
      : decoder(d),
        loop(d, {o.max_live, batch_tokens_of(d, o.batch_tokens),
                 pool_tokens_of(d, bytes, o.max_live), false}) {}
  const model::decoder &decoder;
  step_loop loop;
  std::deque<ticket> queue;     // in the order of arrival
  std::vector<ticket> running;  // those that the loop has
  bool busy() const { return !queue.empty() || !running.empty(); }
};

service::service(std::vector<const model::decoder *> decoders, service_options options)
    : options_(std::move(options)), n_threads_(at::get_num_threads()) {
  if (decoders.empty()) throw error(error_kind::usage, "a service needs at least one model");
  options_.max_live = std::max<int64_t>(1, options_.max_live);
  const int64_t bytes = options_.kv_bytes / std::ssize(decoders);
  for (const model::decoder *decoder : decoders) {
    lanes_.push_back(std::make_unique<lane>(*decoder, options_, bytes));
    counts_.kv_capacity += lanes_.back()->loop.capacity();
  }
  state_ = counts_;
  engine_ = std::thread([this] { run(); });
}

service::~service() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  engine_.join();
}

service::place service::reserve() {
  if (n_waiting_->fetch_add(1) >= options_.max_waiting) {
    n_waiting_->fetch_sub(1);
    return nullptr;
  }
  return {n_waiting_.get(), [count = n_waiting_](const void *) { count->fetch_sub(1); }};
}

bool service::has_room() const {
  return n_waiting_->load() < options_.max_waiting;
}

std::string service::why_not(size_t model, int64_t tokens, int64_t room, int64_t answers) const {
  const lane &l = *lanes_.at(model);
  const int64_t positions = l.decoder.config().max_positions, capacity = l.loop.capacity();
  if (tokens < 1) return "the prompt is empty";
  if (tokens + room > positions)
    return "the prompt has " + std::to_string(tokens) + " tokens and the answer may have " +
           std::to_string(room) + ", but the model takes " + std::to_string(positions) +
           " tokens in all";
  if (answers > options_.max_live)
    return std::to_string(answers) + " answers at a time are more than the " +
           std::to_string(options_.max_live) + " that run at a time";
  if (tokens + room * answers > capacity)
    return "the prompt has " + std::to_string(tokens) + " tokens and its " +
           std::to_string(answers) + " answers may have " + std::to_string(room) +
           " each, but the memory for keys and values holds " + std::to_string(capacity) +
           " tokens";
  return "";
}

int64_t service::most_room(size_t model, int64_t tokens, int64_t answers) const {
  const lane &l = *lanes_.at(model);
  return std::min(l.decoder.config().max_positions - tokens,
                  (l.loop.capacity() - tokens) / std::max<int64_t>(answers, 1));
}

std::vector<service::ticket> service::submit(place where, std::vector<service_request> requests) {
  std::vector<ticket> out;
  for (service_request &one : requests) {
    const lane &l = *lanes_.at(one.model);
    const int64_t room = one.options.max_tokens;
    if (const std::string why = why_not(one.model, std::ssize(one.prompt), room, one.answers);
        !why.empty())
      throw error(error_kind::usage, why);
    if (one.answers > 0 && room < 1) throw error(error_kind::usage, "max_tokens is less than 1");
    check_ids(l.decoder, one.prompt);
    out.push_back(std::make_shared<task>(std::move(one), where, l.decoder));
  }
  {
    const std::lock_guard lock(mutex_);
    arrived_.insert(arrived_.end(), out.begin(), out.end());
  }
  wake_.notify_one();
  return out;
}

void service::cancel(const ticket &which) {
  which->cancelled = true;
  {
    const std::lock_guard lock(mutex_);
    something_cancelled_ = true;
  }
  wake_.notify_one();
}

service_state service::state() const {
  const std::lock_guard lock(mutex_);
  service_state out = state_;
  out.waiting = n_waiting_->load();
  return out;
}

void service::run() {
  const at::NoGradGuard no_grad;
  at::set_num_threads(n_threads_);  // OpenMP's number of threads belongs to the thread that sets it
  while (take_work()) {
    for (const auto &l : lanes_) {
      drop_cancelled(*l);
      admit(*l);
      step(*l);
    }
    publish();
  }
  for (const auto &l : lanes_) {
    while (!l->running.empty())
      finish(*l, ticket(l->running.front()), service_end::kind::cancelled, "");
    while (!l->queue.empty())
      finish(*l, ticket(l->queue.front()), service_end::kind::cancelled, "");
  }
  publish();
}

// Waits until there is something to do. Returns false if the service is to end.
bool service::take_work() {
  std::unique_lock lock(mutex_);
  const bool busy =
      std::any_of(lanes_.begin(), lanes_.end(), [](const auto &l) { return l->busy(); });
  if (!busy)
    wake_.wait(lock, [this] { return stop_ || something_cancelled_ || !arrived_.empty(); });
  something_cancelled_ = false;
  for (ticket &t : arrived_) {
    lane &l = *lanes_[t->request.model];
    l.queue.push_back(std::move(t));
  }
  arrived_.clear();
  return !stop_;
}

void service::drop_cancelled(lane &l) {
  std::vector<ticket> gone;
  const auto cancelled = [](const ticket &t) { return t->cancelled.load(); };
  std::copy_if(l.queue.begin(), l.queue.end(), std::back_inserter(gone), cancelled);
  std::copy_if(l.running.begin(), l.running.end(), std::back_inserter(gone), cancelled);
  for (const ticket &t : gone) finish(l, t, service_end::kind::cancelled, "");
}

// Starts requests in the order of their arrival. The first that finds no room holds up the others, so that
// none waits for ever.
void service::admit(lane &l) {
  while (!l.queue.empty()) {
    const ticket t = l.queue.front();
    try {
      if (!l.loop.admit(t->job)) return;
    } catch (const std::exception &e) {
      finish(l, t, service_end::kind::failed, plain_reason(e));
      continue;
    }
    l.queue.pop_front();
    l.running.push_back(t);
    t->running = true;
    t->held.reset();
    t->started = clock::now();
    counts_.prompt_tokens += std::ssize(t->request.prompt);
  }
}

void service::step(lane &l) {
  if (l.running.empty()) return;
  const clock::time_point begin = clock::now();
  loop_step told;
  try {
    told = l.loop.step();
  } catch (const std::exception &e) {
    l.loop.clear();
    while (!l.running.empty())
      finish(l, ticket(l.running.front()), service_end::kind::failed, plain_reason(e));
    return;
  }
  const double seconds = std::chrono::duration<double>(clock::now() - begin).count();
  ++counts_.steps;
  counts_.answer_tokens += told.chosen;
  for (const ticket &t : l.running) ++t->steps;
  for (const loop_job *job : l.loop.take_finished()) {
    const auto t = std::find_if(l.running.begin(), l.running.end(),
                                [&](const ticket &one) { return &one->job == job; });
    finish(l, ticket(*t), service_end::kind::done, "");
  }
  if (options_.on_step) options_.on_step(told, seconds);
}

// Takes a request out of the lists and tells its owner.
void service::finish(lane &l, const ticket &t, service_end::kind how, const std::string &problem) {
  service_end end{how, problem, 0, 0, 0, t->steps};
  const clock::time_point now = clock::now();
  const clock::time_point started = t->running ? t->started : now,
                          answering = t->reading_done.value_or(now);
  end.queue_seconds = seconds_between(t->arrived, started);
  end.prefill_seconds = seconds_between(started, std::max(started, answering));
  end.decode_seconds = seconds_between(answering, now);
  counts_.cancelled += how == service_end::kind::cancelled;
  counts_.failed += how == service_end::kind::failed;
  l.loop.drop(t->job);
  std::erase(l.running, t);
  std::erase(l.queue, t);
  t->held.reset();
  publish();  // who is told of the end finds it in the state
  if (t->request.on_end) t->request.on_end(end);
  // The callbacks may own what owns the ticket.
  t->request.on_end = nullptr;
  t->request.on_prompt = nullptr;
  t->request.options.on_decision = nullptr;
}

void service::publish() {
  service_state now = counts_;
  now.kv_used = now.kv_reserved = now.halvings = 0;
  for (const auto &l : lanes_) {
    now.running += l->running.empty() ? 0 : l->loop.n_answers();
    now.kv_used += l->loop.written();
    now.kv_reserved += l->loop.reserved();
    now.halvings += l->loop.runner().n_halvings();
  }
  const std::lock_guard lock(mutex_);
  state_ = now;
}

}  // namespace assay::engine
