// Implements the readers by the rules of transformers 5.23, modeling_rope_utils.py.
#include "model/rope_settings.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace assay::model {
namespace {

[[noreturn]] void refuse(const std::string &where, const std::string &what) {
  throw error(error_kind::failed, "config.json: " + what)
      .at(where)
      .hint("Copy the original config.json");
}

double number_of(const json &spec, const char *key, double fallback, const std::string &where) {
  if (!spec.contains(key) || spec[key].is_null()) return fallback;
  if (!spec[key].is_number() || !std::isfinite(spec[key].get<double>()))
    refuse(where, std::string("'") + key + "' is not a number");
  return spec[key].get<double>();
}

}  // namespace

void read_yarn(const json &spec, const std::string &where, rope_config &out) {
  const auto or_default = [&](const char *key, double fallback) {
    const double value = number_of(spec, key, 0, where);
    return value == 0 ? fallback : value;
  };
  out.beta_fast = or_default("beta_fast", 32);
  out.beta_slow = or_default("beta_slow", 1);
  out.whole_limits = spec.value("truncate", json(true)) != json(false);
  const double m = number_of(spec, "mscale", 0, where),
               all = number_of(spec, "mscale_all_dim", 0, where);
  const double absent = m != 0 && all != 0
                            ? yarn_factor(out.factor, m) / yarn_factor(out.factor, all)
                            : yarn_factor(out.factor);
  out.attention_factor = number_of(spec, "attention_factor", absent, where);
  if (!(out.beta_fast > 0) || !(out.beta_slow > 0) || !(out.theta > 1))
    refuse(where, "YaRN needs beta_fast and beta_slow above 0 and rope_theta above 1");
}

void read_longrope(const json &spec, const std::string &where, rope_config &out) {
  const auto list = spec.find("short_factor");
  if (list == spec.end() || !list->is_array() || list->empty())
    refuse(where, "RoPE of the type 'longrope' has no list 'short_factor'");
  for (const json &divisor : *list) {
    if (!divisor.is_number() || !(divisor.get<double>() > 0))
      refuse(where, "'short_factor' has an entry that is no number above 0");
    out.divisors.push_back(divisor.get<double>());
  }
  const auto original = static_cast<double>(out.original_max_positions);
  const double absent =
      out.factor <= 1 ? 1 : std::sqrt(1 + std::log(out.factor) / std::log(original));
  out.attention_factor = number_of(spec, "attention_factor", absent, where);
}

void check_ropes(const std::string &where, decoder_config &config) {
  for (const rope_config *rope : {&config.rope, &config.local_rope}) {
    const int64_t turned = turned_channels(*rope, config.head_dim);
    if (!(rope->partial > 0) || rope->partial > 1 || turned < 2 || turned % 2 != 0)
      refuse(where, "'partial_rotary_factor' leaves no even number of channels that turn");
    if (rope->type != "longrope") continue;
    if (static_cast<int64_t>(rope->divisors.size()) != turned / 2)
      refuse(where, "'short_factor' has " + std::to_string(rope->divisors.size()) +
                        " entries, half of the channels that turn are " +
                        std::to_string(turned / 2));
    config.max_positions = std::min(config.max_positions, rope->original_max_positions);
  }
}

}  // namespace assay::model
