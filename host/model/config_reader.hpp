// Reads single values of config.json and refuses values of a wrong type with one clear message. decoder_config.cpp and
// expert_config.cpp say which keys are read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace assay::model {

class config_reader {
 public:
  // Both are borrowed. where: the path that an error names.
  config_reader(const json &config, const std::string &where) : config_(config), where_(where) {}

  [[noreturn]] void refuse(const std::string &what,
                           const std::string &hint = "Copy the original config.json") const;
  [[noreturn]] void unsupported(const std::string &what) const;  // "WHAT is not supported"

  bool has(const char *key) const { return config_.contains(key) && !config_[key].is_null(); }
  const json &value(const char *key) const { return config_[key]; }

  // Returns a size, or `absent` (the default of the family's class) if the key is absent. Refuses
  // null, because such a size cannot be derived.
  int64_t size(const char *key, int64_t absent) const;
  // The same for a size that can be derived from others. It is `derived` if the key is null, or if
  // it is absent and the class has no default (0).
  int64_t size(const char *key, int64_t absent, int64_t derived) const {
    return integer(key, config_.contains(key) || absent == 0 ? derived : absent);
  }
  // Each returns `fallback` if the key is absent or null.
  int64_t integer(const char *key, int64_t fallback) const;
  double real(const json &object, const char *key, double fallback) const;
  bool boolean(const char *key, bool fallback) const;
  std::string text(const char *key, const std::string &fallback) const;
  std::vector<int64_t> ids(const char *key, int64_t absent) const;

 protected:
  const json &config_;
  const std::string &where_;
};

}  // namespace assay::model
