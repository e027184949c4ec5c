// assay.native.stats: intervals, tests, bootstraps and planning for scripts. Lists of numbers in, tables or numbers out.
// Not the choice of words or margins: scripts make those from the numbers.
#include <vector>

#include "lua/lx.hpp"
#include "lua/state.hpp"
#include "signals/repetition.hpp"
#include "signals/text_signals.hpp"
#include "stats/bootstrap.hpp"
#include "stats/multiplicity.hpp"
#include "stats/paired.hpp"
#include "stats/permutation.hpp"
#include "stats/planning.hpp"
#include "stats/proportion.hpp"

namespace assay::lua {
namespace {

std::vector<double> read_numbers(lua_State *L, int index, const char *name) {
  if (lua_type(L, index) != LUA_TTABLE) bad_argument(L, index, name, "list of numbers");
  const auto n = static_cast<lua_Integer>(lua_rawlen(L, index));
  std::vector<double> out;
  out.reserve(static_cast<size_t>(n));
  for (lua_Integer i = 1; i <= n; ++i) {
    if (lua_rawgeti(L, index, i) != LUA_TNUMBER)
      throw error(error_kind::usage, called_name(L) + ": '" + name + "[" + std::to_string(i) +
                                         "]' must be a number, not " + type_text(L, -1));
    out.push_back(lua_tonumber(L, -1));
    lua_pop(L, 1);
  }
  return out;
}

void push_numbers(lua_State *L, const std::vector<double> &values) {
  lua_createtable(L, static_cast<int>(values.size()), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    lua_pushnumber(L, values[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
}

void set_number(lua_State *L, const char *key, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, key);
}

int push_interval(lua_State *L, const stats::interval &result) {
  lua_createtable(L, 0, 6);
  set_number(L, "estimate", result.estimate);
  set_number(L, "low", result.low);
  set_number(L, "high", result.high);
  set_number(L, "level", result.level);
  push_string(L, result.method);
  lua_setfield(L, -2, "method");
  return 1;
}

int push_bootstrap(lua_State *L, const stats::bootstrap_result &result) {
  push_interval(L, result);
  set_number(L, "standard_error", result.standard_error);
  return 1;
}

// { replicates, level, kind = "bca" | "percentile", seed, block, clusters }
stats::bootstrap_options read_bootstrap(lua_State *L, int index) {
  const option_table given(L, index, {"replicates", "level", "kind", "seed", "block", "clusters"});
  stats::bootstrap_options options;
  const int64_t replicates = given.integer("replicates").value_or(options.replicates);
  const int64_t block = given.integer("block").value_or(1);
  if (replicates < 100 || replicates > 10'000'000)
    throw error(error_kind::usage,
                called_name(L) + ": 'replicates' must lie between 100 and 10000000");
  if (block < 1 || block > 1'000'000'000)
    throw error(error_kind::usage, called_name(L) + ": 'block' must be a positive number of units");
  options.replicates = static_cast<uint32_t>(replicates);
  options.block = static_cast<uint32_t>(block);
  options.level = given.number("level").value_or(options.level);
  options.seed = static_cast<uint64_t>(given.integer("seed").value_or(0));
  const std::string kind = given.text("kind").value_or("bca");
  if (kind != "bca" && kind != "percentile")
    throw error(error_kind::usage,
                called_name(L) + ": 'kind' must be bca or percentile, not '" + kind + "'");
  options.kind = kind == "bca" ? stats::bootstrap_kind::bca : stats::bootstrap_kind::percentile;
  return options;
}

std::vector<std::string> read_clusters(lua_State *L, int index) {
  std::vector<std::string> clusters;
  if (absent(L, index)) return clusters;
  if (lua_getfield(L, index, "clusters") != LUA_TNIL) clusters = read_strings(L, -1, "clusters");
  lua_pop(L, 1);
  return clusters;
}

double level_or_default(lua_State *L, int index) {
  return absent(L, index) ? 0.95 : read_number(L, index, "level");
}

stats::design read_design(lua_State *L, int index) {
  const option_table given(L, index, {"alpha", "power"});
  stats::design out;
  out.alpha = given.number("alpha").value_or(out.alpha);
  out.power = given.number("power").value_or(out.power);
  return out;
}

// ---- proportions and pairs

int wilson(lua_State *L) {  // (k, n [, level])
  return push_interval(
      L, stats::wilson(read_integer(L, 1, "k"), read_integer(L, 2, "n"), level_or_default(L, 3)));
}

int clopper_pearson(lua_State *L) {
  return push_interval(L, stats::clopper_pearson(read_integer(L, 1, "k"), read_integer(L, 2, "n"),
                                                 level_or_default(L, 3)));
}

int pairs(lua_State *L) {  // two lists of 0 and 1 -> { both, lost, gained, neither }
  const auto counts = stats::count_pairs(read_numbers(L, 1, "first"), read_numbers(L, 2, "second"));
  lua_createtable(L, 0, 4);
  const auto put = [L](const char *key, int64_t value) {
    lua_pushinteger(L, value);
    lua_setfield(L, -2, key);
  };
  put("both", counts.both);
  put("lost", counts.lost);
  put("gained", counts.gained);
  put("neither", counts.neither);
  return 1;
}

int mcnemar(lua_State *L) {  // (lost, gained) -> exact p, mid-p
  const int64_t lost = read_integer(L, 1, "lost");
  const int64_t gained = read_integer(L, 2, "gained");
  lua_pushnumber(L, stats::mcnemar_exact(lost, gained));
  lua_pushnumber(L, stats::mcnemar_mid_p(lost, gained));
  return 2;
}

int tango(lua_State *L) {  // (lost, gained, n [, level])
  return push_interval(L, stats::tango(read_integer(L, 1, "lost"), read_integer(L, 2, "gained"),
                                       read_integer(L, 3, "n"), level_or_default(L, 4)));
}

// ---- resampling

int bootstrap(
    lua_State *L) {  // (values [, options]) -> interval of the mean; clusters in the options
  const auto options = read_bootstrap(L, 2);
  const auto values = read_numbers(L, 1, "values");
  const auto clusters = read_clusters(L, 2);
  return push_bootstrap(L, clusters.empty() ? stats::bootstrap_mean(values, options)
                                            : stats::bootstrap_clusters(values, clusters, options));
}

int bootstrap_ratio(lua_State *L) {  // (numerators, denominators [, options])
  const auto options = read_bootstrap(L, 3);
  return push_bootstrap(L, stats::bootstrap_ratio(read_numbers(L, 1, "numerators"),
                                                  read_numbers(L, 2, "denominators"), options));
}

int perplexity_interval(lua_State *L) {  // (windows [, options])
  const auto options = read_bootstrap(L, 2);
  return push_interval(L, stats::perplexity_interval(read_numbers(L, 1, "windows"), options));
}

int perplexity_ratio(lua_State *L) {  // (windows, reference windows [, options])
  const auto options = read_bootstrap(L, 3);
  return push_interval(L, stats::perplexity_ratio(read_numbers(L, 1, "windows"),
                                                  read_numbers(L, 2, "reference"), options));
}

int difference_in_differences(
    lua_State *L) {  // (first base, first quant, second base, second quant [, options])
  const auto options = read_bootstrap(L, 5);
  return push_bootstrap(L, stats::difference_in_differences(
                               read_numbers(L, 1, "first_base"), read_numbers(L, 2, "first_quant"),
                               read_numbers(L, 3, "second_base"),
                               read_numbers(L, 4, "second_quant"), read_clusters(L, 5), options));
}

int sign_flip(
    lua_State
        *L) {  // (differences [, { permutations, seed }]) -> p, number of permutations, exact?
  const option_table given(L, 2, {"permutations", "seed"});
  const int64_t permutations = given.integer("permutations").value_or(10000);
  if (permutations < 100 || permutations > 10'000'000)
    throw error(error_kind::usage, "sign_flip: 'permutations' must lie between 100 and 10000000");
  const auto result =
      stats::sign_flip_test(read_numbers(L, 1, "differences"), static_cast<uint32_t>(permutations),
                            static_cast<uint64_t>(given.integer("seed").value_or(0)));
  lua_pushnumber(L, result.p);
  lua_pushinteger(L, static_cast<lua_Integer>(result.permutations));
  lua_pushboolean(L, result.exact);
  return 3;
}

// ---- planning and many comparisons

int mde_paired(lua_State *L) {  // (discordance, n [, { alpha, power }])
  lua_pushnumber(L, stats::mde_paired(read_number(L, 1, "discordance"), read_integer(L, 2, "n"),
                                      read_design(L, 3)));
  return 1;
}

int mde_unpaired(lua_State *L) {
  lua_pushnumber(L, stats::mde_unpaired(read_number(L, 1, "rate"), read_integer(L, 2, "n"),
                                        read_design(L, 3)));
  return 1;
}

int mde_mean(lua_State *L) {  // (standard deviation, n [, { alpha, power }])
  lua_pushnumber(L, stats::mde_mean(read_number(L, 1, "standard_deviation"),
                                    read_integer(L, 2, "n"), read_design(L, 3)));
  return 1;
}

int items_for_mde(lua_State *L) {  // (discordance, difference [, { alpha, power }])
  lua_pushinteger(L, stats::items_for_mde(read_number(L, 1, "discordance"),
                                          read_number(L, 2, "difference"), read_design(L, 3)));
  return 1;
}

int items_for_noninferiority(lua_State *L) {  // (discordance, margin [, power])
  const double power = absent(L, 3) ? 0.90 : read_number(L, 3, "power");
  lua_pushinteger(L, stats::items_for_noninferiority(read_number(L, 1, "discordance"),
                                                     read_number(L, 2, "margin"), power));
  return 1;
}

int equivalence(lua_State *L) {  // (differences, margin) -> p of two one-sided tests
  lua_pushnumber(
      L, stats::equivalence_p(read_numbers(L, 1, "differences"), read_number(L, 2, "margin")));
  return 1;
}

int detection_chance(lua_State *L) {  // (rate, n)
  lua_pushnumber(L, stats::detection_chance(read_number(L, 1, "rate"), read_integer(L, 2, "n")));
  return 1;
}

int zero_cases_upper_bound(lua_State *L) {  // (n [, level])
  lua_pushnumber(L, stats::zero_cases_upper_bound(read_integer(L, 1, "n"), level_or_default(L, 2)));
  return 1;
}

int holm(lua_State *L) {
  push_numbers(L, stats::holm(read_numbers(L, 1, "p")));
  return 1;
}

int benjamini_hochberg(lua_State *L) {
  push_numbers(L, stats::benjamini_hochberg(read_numbers(L, 1, "p")));
  return 1;
}

// ---- texts

std::vector<int32_t> read_tokens(lua_State *L, int index, const char *name) {
  const std::vector<int64_t> ids = read_ids(L, index, name);
  return {ids.begin(), ids.end()};
}

void set_integer(lua_State *L, const char *key, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, key);
}

void set_token_signals(lua_State *L, const std::vector<int32_t> &ids) {
  const auto loop = signals::find_suffix_period(ids);
  const auto shares = signals::count_tokens(ids);
  set_integer(L, "period", loop.period);
  set_integer(L, "repeats", loop.repeats);
  set_integer(L, "tokens", static_cast<int64_t>(ids.size()));
  set_number(L, "top_share", shares.top);
  set_integer(L, "top_token", shares.top_token);
  set_number(L, "distinct", shares.distinct);
  set_number(L, "ngram_repetition", signals::ngram_repetition(ids, 4));
}

int text_signals(
    lua_State *L) {  // (text [, { ids, prompt }]) -> table of signs, see scripts/assay/detectors
  const std::string text = read_string(L, 1, "text");
  const option_table given(L, 2, {"ids", "prompt"});
  std::vector<int32_t> ids;
  if (given.push("ids")) {
    ids = read_tokens(L, lua_gettop(L), "ids");
    lua_pop(L, 1);
  }
  const std::string prompt = given.text("prompt").value_or("");
  const auto compression = signals::compression_ratios(text);
  lua_createtable(L, 0, 16);
  if (given.has("ids")) set_token_signals(L, ids);
  set_number(L, "compression", compression.whole);
  set_number(L, "compression_window", compression.largest_window);
  set_integer(L, "segment_repeats", signals::most_repeated_segment(text));
  set_integer(L, "lost_characters", signals::count_replacement_characters(text));
  if (!prompt.empty())
    set_integer(L, "echo_bytes", signals::longest_common_substring(text, prompt));
  const auto broken = signals::gopher_violations(text);
  lua_createtable(L, static_cast<int>(broken.size()), 0);
  for (size_t i = 0; i < broken.size(); ++i) {
    lua_pushstring(L, broken[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  lua_setfield(L, -2, "gopher");
  lua_newtable(L);
  for (const auto &[script, letters] : signals::letters_by_script(text))
    set_integer(L, script.c_str(), letters);
  lua_setfield(L, -2, "letters");
  return 1;
}

int rouge_l(lua_State *L) {  // (ids, ids) -> F1 of the longest common subsequence
  lua_pushnumber(L, signals::rouge_l(read_tokens(L, 1, "first"), read_tokens(L, 2, "second")));
  return 1;
}

int first_divergence(lua_State *L) {  // (ids, ids) -> position from 0, nil if equal
  const int64_t place =
      signals::first_divergence(read_tokens(L, 1, "first"), read_tokens(L, 2, "second"));
  if (place < 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, place);
  return 1;
}

}  // namespace

int open_stats(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"wilson", guarded<wilson>},
      {"clopper_pearson", guarded<clopper_pearson>},
      {"pairs", guarded<pairs>},
      {"mcnemar", guarded<mcnemar>},
      {"tango", guarded<tango>},
      {"bootstrap", guarded<bootstrap>},
      {"bootstrap_ratio", guarded<bootstrap_ratio>},
      {"perplexity_interval", guarded<perplexity_interval>},
      {"perplexity_ratio", guarded<perplexity_ratio>},
      {"difference_in_differences", guarded<difference_in_differences>},
      {"sign_flip", guarded<sign_flip>},
      {"mde_paired", guarded<mde_paired>},
      {"mde_unpaired", guarded<mde_unpaired>},
      {"mde_mean", guarded<mde_mean>},
      {"items_for_mde", guarded<items_for_mde>},
      {"items_for_noninferiority", guarded<items_for_noninferiority>},
      {"equivalence", guarded<equivalence>},
      {"detection_chance", guarded<detection_chance>},
      {"zero_cases_upper_bound", guarded<zero_cases_upper_bound>},
      {"text_signals", guarded<text_signals>},
      {"rouge_l", guarded<rouge_l>},
      {"first_divergence", guarded<first_divergence>},
      {"holm", guarded<holm>},
      {"benjamini_hochberg", guarded<benjamini_hochberg>},
      {nullptr, nullptr}};
  push_library(L, functions);
  return 1;
}

}  // namespace assay::lua
