// Reads single values of config.json, with checks of type and range.
#include "model/config_reader.hpp"

#include <cmath>

#include "core/error.hpp"
#include "model/decoder_config.hpp"

namespace assay::model {

void config_reader::refuse(const std::string &what, const std::string &hint) const {
  throw error(error_kind::failed, what).at(where_).hint(hint);
}

void config_reader::unsupported(const std::string &what) const {
  refuse(what + " is not supported", "Supported are " + supported_families() +
                                         " with default, linear or llama3 RoPE, their own "
                                         "activation, and MLPs or experts without shared ones");
}

int64_t config_reader::size(const char *key, int64_t absent) const {
  if (config_.contains(key) && !has(key)) refuse(std::string("config.json lacks '") + key + "'");
  return integer(key, absent);
}

int64_t config_reader::integer(const char *key, int64_t fallback) const {
  if (!has(key)) return fallback;
  const json &value = config_[key];
  // Counts of real models are below 2^31, and the product of two such counts fits into int64.
  if (!value.is_number_integer() || value.get<int64_t>() < 0 || value.get<int64_t>() > INT32_MAX)
    refuse(std::string("config.json: '") + key + "' is not a sensible whole number");
  return value.get<int64_t>();
}

double config_reader::real(const json &object, const char *key, double fallback) const {
  if (!object.contains(key) || object[key].is_null()) return fallback;
  if (!object[key].is_number() || !std::isfinite(object[key].get<double>()))
    refuse(std::string("config.json: '") + key + "' is not a number");
  return object[key].get<double>();
}

bool config_reader::boolean(const char *key, bool fallback) const {
  if (!has(key)) return fallback;
  if (!config_[key].is_boolean())
    refuse(std::string("config.json: '") + key + "' is not true or false");
  return config_[key].get<bool>();
}

std::string config_reader::text(const char *key, const std::string &fallback) const {
  return has(key) && config_[key].is_string() ? config_[key].get<std::string>() : fallback;
}

std::vector<int64_t> config_reader::ids(const char *key, int64_t absent) const {
  std::vector<int64_t> out;
  if (!config_.contains(key) && absent >= 0) out.push_back(absent);
  if (!has(key)) return out;
  const json list = config_[key].is_array() ? config_[key] : json::array({config_[key]});
  for (const json &id : list) {
    if (!id.is_number_integer())
      refuse(std::string("config.json: '") + key + "' is not a token id");
    out.push_back(id.get<int64_t>());
  }
  return out;
}

}  // namespace assay::model
