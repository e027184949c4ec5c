// Runs one completion: gives its prompts to the engine and turns the tokens that come back into an answer or a stream of chunks.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/service.hpp"
#include "serve/api_error.hpp"
#include "serve/choice_text.hpp"
#include "serve/completion_request.hpp"
#include "serve/http.hpp"
#include "serve/metrics.hpp"
#include "serve/shapes.hpp"

namespace assay::serve {

class completion : public std::enable_shared_from_this<completion> {
 public:
  using clock = std::chrono::steady_clock;
  using fields = std::vector<std::pair<std::string, std::string>>;
  // engine and counts are borrowed and must outlive this. more: header fields of the answer. arrived: when the request was complete.
  completion(std::shared_ptr<exchange> with, completion_request asked, engine::service &engine,
             metrics &counts, fields more, clock::time_point arrived);
  // Queues the prompts; `place` is their place in the queue. Throws api_error.
  void start(engine::service::place place);
  // Ends the answer with an error because the server stops. Any thread.
  void stop();

 private:
  // One token of a choice, from the engine thread to the connection.
  struct event {
    size_t choice;
    std::string text;    // what became certain with this token
    std::string finish;  // "" while the choice goes on
    engine::token_reading token;
  };
  // What the engine thread keeps of a choice.
  struct writer {
    choice_text text;
    clock::time_point last;
    bool begun = false;
  };
  // What the connection keeps of a choice.
  struct reader {
    std::string text;  // only for whole answers
    std::string finish;
    std::vector<engine::token_reading> tokens;  // only for whole answers with log-probabilities
    bool begun = false;
    int64_t offset = 0;  // see logprob_list
  };

  engine::service_request request_of(size_t prompt);
  bool take_decision(size_t choice, const engine::decision &made);
  void take_end(const engine::service_end &end);
  void wake();
  void work();  // on the connection's thread
  void send_chunk(const event &e);
  void send_empty_choices();
  void finish_stream();
  void finish_whole();
  void fail(const api_error &problem);
  json logprobs_of(size_t choice, const std::vector<engine::token_reading> &tokens,
                   bool with_prompt);
  const completion_prompt &prompt_of(size_t choice) const;
  void add_timings(json &to) const;

  const std::shared_ptr<exchange> exchange_;
  const completion_request asked_;
  engine::service &engine_;
  metrics &metrics_;
  const fields fields_;
  const answer_head head_;
  const clock::time_point arrived_;

  std::vector<writer> writers_;  // one for each choice; of the engine thread

  std::mutex mutex_;  // guards what follows
  std::vector<event> events_;
  std::vector<std::vector<engine::token_reading>> prompt_tokens_;  // one list for each prompt
  std::vector<engine::service::ticket> tickets_;
  size_t n_ended_ = 0;
  bool awake_ = false, gone_ = false, stopped_ = false;
  engine::service_end worst_;  // of all prompts: the longest times, and the failure if there is one

  std::vector<reader> readers_;  // one for each choice; of the connection's thread, as what follows
  token_usage usage_;
  bool streaming_ = false, over_ = false;
};

}  // namespace assay::serve
