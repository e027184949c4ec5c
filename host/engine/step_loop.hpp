// Continuous batching, step by step, for generate_batch (a fixed list of prompts) and for the service (an
// open queue): admits prompts, runs forward passes, and gives finished answers back.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "engine/answer.hpp"
#include "engine/key_pool.hpp"
#include "engine/packed_run.hpp"
#include "engine/token_reading.hpp"

namespace assay::engine {

// One prompt and how it is answered. The loop borrows it: it must stay where it is until the loop has
// given it back or dropped it.
struct loop_job {
  const std::vector<int64_t> *prompt = nullptr;
  const generate_options *options = nullptr;
  const std::vector<int64_t> *eos = nullptr;
  size_t index =
      0;  // the place that decides the seed of the first answer; the next answer has index + 1
  int64_t room = 0;     // most tokens of an answer, at least 1 if there are answers
  int64_t answers = 1;  // 0: the prompt is only read
  // -1: the prompt's tokens are not read. Otherwise `readings` gets all of them but the first, each with
  // this many of the likeliest tokens at its place.
  int64_t prompt_top = -1;
  std::vector<token_reading> readings;
  std::function<void()>
      on_read;  // called when the whole prompt was read, before a token is chosen; may be empty
  std::vector<generation> results;  // set when the loop gives the job back
};

struct loop_settings {
  int64_t max_live = 32;     // most answers at a time
  int64_t batch_tokens = 0;  // most tokens of one forward pass; 0 = default_batch_tokens
  int64_t pool_tokens = 1;   // tokens for which the pool has room
  // If a prompt begins with the tokens of the prompt admitted before it, 16 or more, these are computed once. The
  // prompts are then read one after another, in the order of their admission.
  bool share_prefixes = false;
};

// What one forward pass did.
struct loop_step {
  int64_t live = 0;           // answers that ran or wait for their prompt
  int64_t answer_tokens = 0;  // tokens of answers that were fed
  int64_t prompt_tokens = 0;  // tokens of prompts that were fed
  int64_t chosen = 0;         // tokens that were chosen, those that end an answer included
};

class step_loop {
 public:
  step_loop(const model::decoder &decoder, const loop_settings &settings);

  // Reserves memory for the whole prompt and for all tokens that its answers may have, so that nothing is
  // ever moved out. Returns false if there is no room now. Throws error(failed) if there is none though
  // nothing else runs.
  bool admit(loop_job &job);
  // Whether the job fits into an empty loop
  bool fits(const loop_job &job) const;

  // Runs one forward pass: the last token of each running answer, then tokens of prompts until the budget is
  // used up. Without share_prefixes, prompts get equal parts of the budget, so that a short one need not
  // wait for a long one. If this throws, call clear().
  loop_step step();
  std::vector<loop_job *> take_finished();
  void drop(const loop_job &job);  // forgets a job that runs; frees its memory
  void clear();                    // forgets all jobs

  bool empty() const { return live_.empty(); }
  // Answers that run, or will run after their prompt; a job without answers counts as one
  int64_t n_answers() const;
  // Calls visit(tokens of the answer so far) for each answer that runs
  template <class F>
  void for_each_answer(F &&visit) const {
    for (const sequence &s : live_)
      for (const branch &b : s.branches) visit(b.growing.tokens());
  }
  int64_t capacity() const { return pool_.capacity(); }  // tokens
  int64_t reserved() const { return pool_.used(); }      // tokens
  int64_t written() const;  // tokens of running jobs whose keys and values are held
  const packed_run &runner() const { return runner_; }

 private:
  // A part of a sequence's keys, and the region that reserves its memory in the pool.
  struct held_place {
    model::key_place place;
    key_pool::region region;
  };
  struct branch {  // one answer to a prompt
    answer growing;
    held_place keys;
  };
  struct sequence {
    explicit sequence(loop_job &of) : job(of), prompt(*of.prompt) {}
    loop_job &job;
    const std::vector<int64_t> &prompt;
    std::vector<held_place> keys;  // of the prompt; a shared prefix comes first
    std::vector<branch> branches;
    int64_t shared = 0;     // tokens of the prompt whose keys come from another prompt
    int64_t prefilled = 0;  // tokens of the prompt whose keys exist, shared ones included
    int64_t left() const { return std::ssize(prompt) - prefilled; }
    int64_t running() const {
      int64_t n = 0;
      for (const branch &b : branches) n += !b.growing.done();
      return n;
    }
  };
  // The tokens of one forward pass while they are put together.
  struct pass;

  bool find_room(sequence &s);
  void remember_as_donor(const sequence &s);
  void feed_answers(pass &p);
  void feed_prompts(pass &p);
  void feed_prompt(pass &p, sequence &s, int64_t count);
  void read_prompts(const at::Tensor &hidden, const pass &p);
  void choose(const at::Tensor &hidden, const pass &p);

  const model::decoder &decoder_;
  loop_settings settings_;
  packed_run runner_;
  key_pool pool_;
  model::kv_cache cache_;
  std::list<sequence> live_;  // in the order of admission
  const std::vector<int64_t> *donor_ =
      nullptr;  // the prompt admitted last, whose keys the next one may share
  std::vector<held_place> donor_keys_;
};

// Bytes that the keys and values of one token take in a cache of this decoder.
int64_t cache_bytes_per_token(const model::decoder &decoder);

}  // namespace assay::engine
