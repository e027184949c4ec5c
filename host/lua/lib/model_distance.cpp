// The methods of a model that compare it with another model, and rolling(), which scores a long text
// window by window.
#include <filesystem>
#include <optional>

#include "engine/distance.hpp"
#include "engine/layer_profile.hpp"
#include "engine/rolling.hpp"
#include "lua/progress.hpp"
#include "lua/subject.hpp"

namespace assay::lua {
namespace {

engine::distance_options read_options(lua_State *L, int index,
                                      const std::vector<std::string> &known) {
  const option_table given(L, index, known);
  engine::distance_options options;
  options.window = given.integer("window").value_or(options.window);
  options.limit = given.integer("limit").value_or(0);
  options.context = given.integer("context").value_or(1);
  options.states = given.text("states").value_or("");
  options.progress = script_progress();
  return options;
}

// m:keep_states(text or ids, folder, { window, limit, context }?) -> number of windows. Stores the
// model's hidden states after the final norm in the folder, so that distance() need not run this model
// again. engine::distance_options explains the options.
int keep_states(lua_State *L) {
  subject &m = self(L);
  const std::vector<int64_t> ids = read_tokens(L, 2, "text", m);
  const std::string folder = read_string(L, 3, "folder");
  const auto options = read_options(L, 4, {"window", "limit", "context"});
  std::filesystem::create_directories(folder);
  lua_pushinteger(L, engine::keep_states(m.decoder, ids, folder, options));
  return 1;
}

void push_floats(lua_State *L, const std::vector<float> &values) {
  lua_createtable(L, static_cast<int>(values.size()), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    lua_pushnumber(L, static_cast<double>(values[i]));
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
}

// m:distance(text or ids, reference, { window, limit, context, states }?) -> for each window one sample
// in the form that metric plugins take: { record = {}, arrays = { kld = { ... }, ... } }. Each array
// has one value for each scored token (engine/distance.hpp). states: a folder of keep_states().
int distance(lua_State *L) {
  subject &m = self(L);
  const std::vector<int64_t> ids = read_tokens(L, 2, "text", m);
  const subject &reference = *check_object<subject_handle>(L, 3, "reference");
  const auto options = read_options(L, 4, {"window", "limit", "context", "states"});
  const auto windows = engine::distance(reference.decoder, m.decoder, ids, options);
  using window = engine::window_distance;
  const std::pair<const char *, std::vector<float> window::*> arrays[] = {
      {"kld", &window::kld},
      {"reference_nll", &window::reference_nll},
      {"own_nll", &window::own_nll},
      {"delta_p", &window::delta_p},
      {"reference_top", &window::reference_top},
      {"same_top", &window::same_top},
      {"top5_shared", &window::top5_shared}};
  lua_createtable(L, static_cast<int>(windows.size()), 0);
  for (size_t w = 0; w < windows.size(); ++w) {
    lua_createtable(L, 0, 2);
    push_json(L, json::object());
    lua_setfield(L, -2, "record");
    lua_createtable(L, 0, 7);
    for (const auto &[name, member] : arrays) {
      push_floats(L, windows[w].*member);
      lua_setfield(L, -2, name);
    }
    lua_setfield(L, -2, "arrays");
    lua_rawseti(L, -2, static_cast<lua_Integer>(w) + 1);
  }
  return 1;
}

// Returns the token that stands before the first token of a text: the beginning-of-text token, else
// the token that the tokenizer puts first, else the end-of-text token; nullopt if there is none of them.
std::optional<int64_t> first_token(const text::tokenizer &tokenizer) {
  if (const auto bos = tokenizer.special_id("bos_token")) return *bos;
  if (const auto own = tokenizer.encode_start(""); !own.empty()) return own.front();
  return tokenizer.special_id("eos_token");
}

// m:rolling(text or ids, { max_length, prefix }?) -> { sum, tokens, windows }. sum: log-likelihood of the
// text in nats. max_length: most tokens of a window. prefix: id of the token before the first token of
// the text; the default is first_token() above.
int rolling(lua_State *L) {
  subject &m = self(L);
  std::vector<int64_t> ids = read_tokens(L, 2, "text", m);
  const option_table given(L, 3, {"max_length", "prefix"});
  std::optional<int64_t> prefix = given.integer("prefix");
  if (!prefix) prefix = first_token(m.tokenizer());
  if (!prefix)
    throw error(error_kind::usage, "rolling: the model has no beginning-of-text token")
        .hint("Give the id of a token as 'prefix'");
  // An encoded text may begin with the prefix already. The prefix is then removed, so that it counts once.
  // Lists of ids are taken as they are.
  if (lua_type(L, 2) == LUA_TSTRING && !ids.empty() && ids.front() == *prefix)
    ids.erase(ids.begin());
  const auto result = engine::rolling_score(
      m.decoder, ids, *prefix, given.integer("max_length").value_or(2048), script_progress());
  push_json(L, {{"sum", result.sum}, {"tokens", result.tokens}, {"windows", result.windows}});
  return 1;
}

// m:block_errors(reference, { ids, ... }) -> one relative error for each block (engine/layer_profile.hpp).
// All lists of ids have the same length.
int block_errors(lua_State *L) {
  const subject &m = self(L);
  const subject &reference = *check_object<subject_handle>(L, 2, "reference");
  if (lua_type(L, 3) != LUA_TTABLE || lua_rawlen(L, 3) == 0) bad_argument(L, 3, "rows", "list");
  std::vector<at::Tensor> rows;
  for (lua_Integer i = 1; i <= static_cast<lua_Integer>(lua_rawlen(L, 3)); ++i) {
    lua_rawgeti(L, 3, i);
    rows.push_back(at::tensor(read_ids(L, lua_gettop(L), "rows"), at::kLong));
    if (rows.back().size(0) != rows.front().size(0))
      throw error(error_kind::usage, "block_errors: the rows have different lengths");
    lua_pop(L, 1);
  }
  push_json(L, json(engine::block_errors(reference.decoder, m.decoder, at::stack(rows))));
  return 1;
}

}  // namespace

const luaL_Reg k_distance_methods[] = {{"keep_states", guarded<keep_states>},
                                       {"distance", guarded<distance>},
                                       {"rolling", guarded<rolling>},
                                       {"block_errors", guarded<block_errors>},
                                       {nullptr, nullptr}};

// compare(path, other path) -> one table for each tensor of the first checkpoint: { name, present,
// equal, finite, relative_error, zero_share } (engine/layer_profile.hpp)
int compare_checkpoints(lua_State *L) {
  const auto reference = model::checkpoint::open(read_string(L, 1, "path"));
  const auto other = model::checkpoint::open(read_string(L, 2, "other"));
  json out = json::array();
  for (const auto &one : engine::compare_checkpoints(*reference, *other))
    out.push_back({{"name", one.name},
                   {"present", one.present},
                   {"equal", one.equal},
                   {"finite", one.finite},
                   {"relative_error", one.relative_error},
                   {"zero_share", one.zero_share}});
  push_json(L, out);
  return 1;
}

}  // namespace assay::lua
