// Options of one part of a tokenizer.json, with the part's name in every complaint.
// Not a schema: an unknown key is ignored as the reference does, a wrong type is an error.
#pragma once

#include <string>

#include "core/json.hpp"

namespace assay::text {

class json_options {
 public:
  json_options(const json &object, std::string part);  // throws if it is not an object
  std::string type() const { return text("type"); }
  bool has(const char *key) const;  // present and not null
  bool flag(const char *key, bool fallback) const;
  int64_t integer(const char *key, int64_t fallback) const;
  std::string text(const char *key) const;  // required
  std::string text(const char *key, const std::string &fallback) const;
  const json &value(const char *key) const;  // required
  // Throws: "PART: MESSAGE".
  [[noreturn]] void fail(const std::string &message) const;

 private:
  const json &object_;
  std::string part_;
};

}  // namespace assay::text
