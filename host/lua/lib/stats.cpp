// The Lua library assay.native.stats: confidence intervals, tests, bootstraps and planning. The functions
// take lists of numbers and return tables or numbers; the headers in stats/ explain the methods.
// Scripts choose the margins, and put the results into words.
#include <cmath>
#include <vector>

#include "lua/lib/signals.hpp"
#include "lua/lx.hpp"
#include "lua/state.hpp"
#include "stats/bootstrap.hpp"
#include "stats/describe.hpp"
#include "stats/multiplicity.hpp"
#include "stats/paired.hpp"
#include "stats/permutation.hpp"
#include "stats/planning.hpp"
#include "stats/proportion.hpp"
#include "stats/student.hpp"

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

// Pushes { estimate, low, high, level, method } and returns 1.
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

// Reads the options of a bootstrap at `index`: { replicates, level, kind = "bca" | "percentile", seed,
// block }. `clusters` is allowed too, but read_clusters reads it.
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

// Returns the option `clusters`: the name of each value's cluster; empty if it is absent.
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

int wilson(lua_State *L) {  // (k, n [, level]) -> interval of the share k / n
  return push_interval(
      L, stats::wilson(read_integer(L, 1, "k"), read_integer(L, 2, "n"), level_or_default(L, 3)));
}

int clopper_pearson(lua_State *L) {  // as wilson, but its coverage is never below the level
  return push_interval(L, stats::clopper_pearson(read_integer(L, 1, "k"), read_integer(L, 2, "n"),
                                                 level_or_default(L, 3)));
}

// pairs(first, second): lists with 1 = right, 0 = wrong for the same items -> how many items are
// right in { both, lost = only first, gained = only second, neither }
int pairs(lua_State *L) {
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

// mcnemar(lost, gained) -> two p values of McNemar's test: the exact one, and the mid-p, which is less
// strict (stats/paired.hpp)
int mcnemar(lua_State *L) {
  const int64_t lost = read_integer(L, 1, "lost");
  const int64_t gained = read_integer(L, 2, "gained");
  lua_pushnumber(L, stats::mcnemar_exact(lost, gained));
  lua_pushnumber(L, stats::mcnemar_mid_p(lost, gained));
  return 2;
}

int tango(lua_State *L) {  // (lost, gained, n [, level]) -> interval of (gained - lost) / n
  return push_interval(L, stats::tango(read_integer(L, 1, "lost"), read_integer(L, 2, "gained"),
                                       read_integer(L, 3, "n"), level_or_default(L, 4)));
}

// ---- resampling

// bootstrap(values [, options]) -> interval of the mean; with the option `clusters`, it draws whole
// clusters of values
int bootstrap(lua_State *L) {
  const auto options = read_bootstrap(L, 2);
  const auto values = read_numbers(L, 1, "values");
  const auto clusters = read_clusters(L, 2);
  return push_bootstrap(L, clusters.empty() ? stats::bootstrap_mean(values, options)
                                            : stats::bootstrap_clusters(values, clusters, options));
}

// bootstrap_ratio(numerators, denominators [, options]) -> interval of the ratio of their sums
int bootstrap_ratio(lua_State *L) {
  const auto options = read_bootstrap(L, 3);
  return push_bootstrap(L, stats::bootstrap_ratio(read_numbers(L, 1, "numerators"),
                                                  read_numbers(L, 2, "denominators"), options));
}

// perplexity_interval(windows [, options]) -> interval of the perplexity; windows: mean negative
// log-likelihood of each window, in nats
int perplexity_interval(lua_State *L) {
  const auto options = read_bootstrap(L, 2);
  return push_interval(L, stats::perplexity_interval(read_numbers(L, 1, "windows"), options));
}

// perplexity_ratio(windows, reference windows [, options]) -> interval of the model's perplexity divided
// by the reference's perplexity
int perplexity_ratio(lua_State *L) {
  const auto options = read_bootstrap(L, 3);
  return push_interval(L, stats::perplexity_ratio(read_numbers(L, 1, "windows"),
                                                  read_numbers(L, 2, "reference"), options));
}

// difference_in_differences(first base, first quant, second base, second quant [, options]) -> interval
// of how much more the second model loses by quantization than the first
int difference_in_differences(lua_State *L) {
  const auto options = read_bootstrap(L, 5);
  return push_bootstrap(L, stats::difference_in_differences(
                               read_numbers(L, 1, "first_base"), read_numbers(L, 2, "first_quant"),
                               read_numbers(L, 3, "second_base"),
                               read_numbers(L, 4, "second_quant"), read_clusters(L, 5), options));
}

// sign_flip(differences [, { permutations, seed }]) -> p of the hypothesis that their mean is 0, number
// of permutations, whether p is exact
int sign_flip(lua_State *L) {
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

int sign_flip_floor(lua_State *L) {  // (n) -> the smallest p that sign_flip gives for n differences
  const int64_t n = read_integer(L, 1, "n");
  if (n < 1) throw error(error_kind::usage, "sign_flip_floor: 'n' must be positive");
  lua_pushnumber(L, stats::smallest_sign_flip_p(static_cast<size_t>(n)));
  return 1;
}

// paired_t(differences) -> p of the hypothesis that their mean is 0; nil if all are equal
int paired_t(lua_State *L) {
  const double p = stats::paired_t_p(read_numbers(L, 1, "differences"));
  if (std::isnan(p))
    lua_pushnil(L);
  else
    lua_pushnumber(L, p);
  return 1;
}

// ---- descriptions

int mean(lua_State *L) {
  lua_pushnumber(L, stats::mean(read_numbers(L, 1, "values")));
  return 1;
}

int standard_deviation(lua_State *L) {  // divides by n - 1
  lua_pushnumber(L, stats::standard_deviation(read_numbers(L, 1, "values")));
  return 1;
}

int median(lua_State *L) {
  lua_pushnumber(L, stats::median(read_numbers(L, 1, "values")));
  return 1;
}

int quantile(lua_State *L) {  // (values, share from 0 to 1), with linear interpolation
  lua_pushnumber(L, stats::quantile(read_numbers(L, 1, "values"), read_number(L, 2, "share")));
  return 1;
}

// ---- planning and many comparisons
//
// mde (minimum detectable effect): the smallest difference that a study can detect. discordance: the
// share of items that one model has right and the other wrong. alpha: the accepted probability
// that a study finds a difference where there is none. power: the wanted probability that it finds a
// difference that is there.

int mde_paired(lua_State *L) {  // (discordance, n [, { alpha, power }]) -> difference of shares
  lua_pushnumber(L, stats::mde_paired(read_number(L, 1, "discordance"), read_integer(L, 2, "n"),
                                      read_design(L, 3)));
  return 1;
}

// mde_mean(standard deviation, n [, { alpha, power }]) -> difference of means
int mde_mean(lua_State *L) {
  lua_pushnumber(L, stats::mde_mean(read_number(L, 1, "standard_deviation"),
                                    read_integer(L, 2, "n"), read_design(L, 3)));
  return 1;
}

// items_for_mde(discordance, difference [, { alpha, power }]) -> number of items
int items_for_mde(lua_State *L) {
  lua_pushinteger(L, stats::items_for_mde(read_number(L, 1, "discordance"),
                                          read_number(L, 2, "difference"), read_design(L, 3)));
  return 1;
}

// items_for_noninferiority(discordance, margin [, power]) -> number of items that can show that the loss
// is below the margin
int items_for_noninferiority(lua_State *L) {
  const double power = absent(L, 3) ? 0.90 : read_number(L, 3, "power");
  lua_pushinteger(L, stats::items_for_noninferiority(read_number(L, 1, "discordance"),
                                                     read_number(L, 2, "margin"), power));
  return 1;
}

// zero_cases_upper_bound(n [, level]) -> the largest true share of cases with which it is still plausible
// to see none among n items
int zero_cases_upper_bound(lua_State *L) {
  lua_pushnumber(L, stats::zero_cases_upper_bound(read_integer(L, 1, "n"), level_or_default(L, 2)));
  return 1;
}

// holm and benjamini_hochberg adjust p values for the number of comparisons. The list keeps its order.
int holm(lua_State *L) {
  push_numbers(L, stats::holm(read_numbers(L, 1, "p")));
  return 1;
}

int benjamini_hochberg(lua_State *L) {
  push_numbers(L, stats::benjamini_hochberg(read_numbers(L, 1, "p")));
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
      {"sign_flip_floor", guarded<sign_flip_floor>},
      {"paired_t", guarded<paired_t>},
      {"mean", guarded<mean>},
      {"standard_deviation", guarded<standard_deviation>},
      {"median", guarded<median>},
      {"quantile", guarded<quantile>},
      {"mde_paired", guarded<mde_paired>},
      {"mde_mean", guarded<mde_mean>},
      {"items_for_mde", guarded<items_for_mde>},
      {"items_for_noninferiority", guarded<items_for_noninferiority>},
      {"zero_cases_upper_bound", guarded<zero_cases_upper_bound>},
      {"holm", guarded<holm>},
      {"benjamini_hochberg", guarded<benjamini_hochberg>},
      {nullptr, nullptr}};
  push_library(L, functions);
  luaL_setfuncs(L, k_signal_functions, 0);
  return 1;
}

}  // namespace assay::lua
