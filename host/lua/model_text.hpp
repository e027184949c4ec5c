// Turns the texts and options of a script into token ids and options of the engine, and results of the
// engine into Lua tables. The files lib/model_run.cpp and lib/model_batch.cpp share it.
#pragma once

#include <string>
#include <vector>

#include "engine/generate.hpp"
#include "engine/score.hpp"
#include "lua/subject.hpp"

namespace assay::lua {

// Return the token ids of a context (such as a question) and of its continuation (a possible answer), by
// the rule of lm-evaluation-harness (0.4.13, api/model.py, _encode_pair). White space at the context's
// end moves to the continuation. If the context alone has n tokens, the continuation has the tokens
// after the first n of the whole text. Both texts begin with the tokenizer's own first token. If a
// context still has no token, context_ids returns the beginning-of-text token, else the end-of-text
// token. It throws error(usage) if the model has neither.
std::vector<int64_t> context_ids(subject &m, std::string context);
std::vector<int64_t> continuation_ids(subject &m, std::string context, std::string continuation);

// Reads the options of generation at `index`. `more` names further keys, which the caller reads itself.
// needs_text: the answers are wanted as text, too. `m` must outlive the options.
engine::generate_options read_generation(lua_State *L, int index, subject &m, bool needs_text,
                                         const std::vector<std::string> &more);

// Push one answer as a table { ids, finish, text?, logprobs?, margins? }, and scores as a list of
// tables { sum, tokens, greedy, too_long? }. engine/generate.hpp and engine/score.hpp explain the fields.
void push_generation(lua_State *L, const engine::generation &answer,
                     const engine::generate_options &options);
void push_scores(lua_State *L, const std::vector<engine::score_result> &results);

}  // namespace assay::lua
