// Reads the options of one part of a tokenizer.json; every error names the part. A wrong type is an
// error; unknown keys are ignored, as in the reference library.
#pragma once

#include <string>

#include "core/json.hpp"

namespace assay::text {

// Keeps a reference to the JSON object, which must outlive it. A function with a fallback returns the
// fallback if the key is absent or null; without a fallback the key is required. The functions that
// return a flag, an integer or a text throw error(failed) for a value of another type.
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
  // Throws error(failed) with the text "PART: MESSAGE".
  [[noreturn]] void fail(const std::string &message) const;

 private:
  const json &object_;
  std::string part_;
};

}  // namespace assay::text
