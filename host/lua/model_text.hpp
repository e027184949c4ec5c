// From a script's texts and options to the engine's token ids, and back. What the files of the model
// library that run the network share.
#pragma once

#include <string>
#include <vector>

#include "engine/generate.hpp"
#include "engine/score.hpp"
#include "lua/subject.hpp"

namespace assay::lua {

// lm-evaluation-harness' rule (0.4.13, api/model.py, _encode_pair): trailing white space of the context
// belongs to the continuation, whose tokens are those of the whole text after as many as the context
// alone has; both begin with the tokenizer's own first token. An empty context is the beginning-of-text
// token, else the end-of-text token.
std::vector<int64_t> context_ids(subject &m, std::string context);
std::vector<int64_t> continuation_ids(subject &m, std::string context, std::string continuation);

// Options of generation at `index`; `more` names keys that the caller reads itself.
engine::generate_options read_generation(lua_State *L, int index, subject &m, bool needs_text,
                                         const std::vector<std::string> &more);

void push_generation(lua_State *L, const engine::generation &answer,
                     const engine::generate_options &options);
void push_scores(lua_State *L, const std::vector<engine::score_result> &results);

}  // namespace assay::lua
