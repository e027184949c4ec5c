// Reads options of one part of a tokenizer.json from its JSON object, and checks their types.
#include "text/json_options.hpp"

#include "core/error.hpp"

namespace assay::text {

json_options::json_options(const json &object, std::string part)
    : object_(object), part_(std::move(part)) {
  if (!object.is_object()) fail("an object is expected here");
}

void json_options::fail(const std::string &message) const {
  throw error(error_kind::failed, part_ + ": " + message);
}

bool json_options::has(const char *key) const {
  const auto it = object_.find(key);
  return it != object_.end() && !it->is_null();
}

bool json_options::flag(const char *key, bool fallback) const {
  if (!has(key)) return fallback;
  if (!value(key).is_boolean()) fail(std::string("'") + key + "' must be true or false");
  return value(key).get<bool>();
}

int64_t json_options::integer(const char *key, int64_t fallback) const {
  if (!has(key)) return fallback;
  if (!value(key).is_number_integer()) fail(std::string("'") + key + "' must be a whole number");
  return value(key).get<int64_t>();
}

std::string json_options::text(const char *key) const {
  if (!value(key).is_string()) fail(std::string("'") + key + "' must be a text");
  return value(key).get<std::string>();
}

std::string json_options::text(const char *key, const std::string &fallback) const {
  return has(key) ? text(key) : fallback;
}

const json &json_options::value(const char *key) const {
  const auto it = object_.find(key);
  if (it == object_.end()) fail(std::string("'") + key + "' is missing");
  return *it;
}

}  // namespace assay::text
