// Answers requests from any thread with one or more decoders: an open queue in front of the loop that
// generate_batch runs. One thread, the engine thread, runs all models and calls all callbacks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/generate.hpp"
#include "engine/step_loop.hpp"
#include "engine/token_reading.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

// How a request ended.
struct service_end {
  enum class kind { done, cancelled, failed } how = kind::done;
  std::string problem;  // why it failed
  double queue_seconds = 0, prefill_seconds = 0, decode_seconds = 0;
  int64_t steps = 0;  // forward passes in which it took part
};

struct service_request {
  size_t model = 0;  // the place of its decoder in the list that the service was made with
  std::vector<int64_t> prompt;  // at least one token, all inside the vocabulary
  // max_tokens is the most tokens of an answer: with the prompt it must fit the model's positions. max_live, batch_tokens,
  // pool_bytes, seeds, progress and on_token have no effect. on_decision is called on the engine thread.
  generate_options options;
  int64_t answers = 1;      // 0: the prompt is only read, for on_prompt
  int64_t prompt_top = -1;  // as in loop_job
  // These are called on the engine thread. They must be quick and must not throw. Each may be empty.
  std::function<void(std::vector<token_reading>)> on_prompt;  // before the first on_decision
  std::function<void(const service_end &)> on_end;            // the last call, exactly once
};

struct service_options {
  int64_t max_live = 16;     // answers of one model that run at a time
  int64_t max_waiting = 64;  // places in the queue, for all models together
  int64_t batch_tokens =
      0;  // most tokens of one forward pass; 0 = k_service_batch_tokens, or more on a GPU
  int64_t kv_bytes = 2LL << 30;  // for the keys and values of all models; each gets an equal part
  // Called after each forward pass, on the engine thread
  std::function<void(const loop_step &, double seconds)> on_step;
};

// Sums since the start, and what is there now.
struct service_state {
  int64_t running = 0, waiting = 0;  // answers; places of the queue that are taken
  int64_t kv_used = 0, kv_reserved = 0, kv_capacity = 0;  // tokens
  int64_t steps = 0, prompt_tokens = 0, answer_tokens = 0;
  int64_t cancelled = 0, failed = 0, halvings = 0;
};

class service {
 public:
  // The decoders are borrowed. Memory for keys and values is taken here, so that a lack of it is told at the start.
  service(std::vector<const model::decoder *> decoders, service_options options);
  ~service();  // cancels what is left and waits for the engine thread
  service(const service &) = delete;
  service &operator=(const service &) = delete;

  // A place in the queue. It is free again when the last copy of the pointer is gone.
  using place = std::shared_ptr<const void>;
  // Takes a place; null if the queue is full.
  place reserve();
  bool has_room() const;  // whether reserve would find a place now

  class task;
  using ticket = std::shared_ptr<task>;
  // Puts requests into the queue, which together have one place: they keep it until all of them run. Throws
  // error(usage) for a request that can never run (see why_not), and then queues none.
  std::vector<ticket> submit(place where, std::vector<service_request> requests);
  // Ends a request before its next forward pass. Does nothing if it has ended. Any thread.
  void cancel(const ticket &which);

  // Returns why a request of this size can never run; "" if it can. tokens: of the prompt; room: of one answer.
  std::string why_not(size_t model, int64_t tokens, int64_t room, int64_t answers) const;
  // Returns how many tokens an answer to such a prompt can have at most; 0 or less if none.
  int64_t most_room(size_t model, int64_t tokens, int64_t answers) const;
  service_state state() const;

 private:
  struct lane;  // one decoder with its loop and its queue
  void run();
  bool take_work();
  void drop_cancelled(lane &l);
  void admit(lane &l);
  void step(lane &l);
  void finish(lane &l, const ticket &t, service_end::kind how, const std::string &problem);
  void publish();

  service_options options_;
  std::vector<std::unique_ptr<lane>> lanes_;
  std::shared_ptr<std::atomic<int64_t>> n_waiting_ = std::make_shared<std::atomic<int64_t>>(0);

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<ticket> arrived_;
  bool stop_ = false, something_cancelled_ = false;
  service_state state_;

  service_state counts_;  // of the engine thread
  int n_threads_;
  std::thread engine_;
};

// Tokens of one forward pass on a CPU. A pass holds up all running answers, so it is shorter than that of generate_batch.
constexpr int64_t k_service_batch_tokens = 256;

}  // namespace assay::engine
