// Reads the JSON body of a request from an untrusted client, and its fields one by one.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace assay::serve {

// Parses a body. Throws api_error(400) if it is no JSON object, has a key twice, too many keys or too many levels (limits.hpp).
json parse_body(const std::string &text);

// The fields of an object. Each function that takes a name marks the field as known. null counts as absent. A value of the wrong
// type or outside its range throws api_error(400) with the field's name.
class field_reader {
 public:
  explicit field_reader(const json &object, std::string path = "")
      : object_(object), path_(std::move(path)) {}

  const json *find(const std::string &name);  // null if absent
  std::optional<bool> flag(const std::string &name);
  std::optional<int64_t> integer(const std::string &name, int64_t least, int64_t most);
  std::optional<double> number(const std::string &name, double least, double most);
  std::optional<std::string> text(const std::string &name);
  // The field may have this value, which changes nothing; another one is refused, and `why` says what this server does instead.
  void only(const std::string &name, const std::vector<json> &harmless, const std::string &why);
  void accept(const std::string &name) { known_.insert(name); }

  std::string name_of(const std::string &field) const { return path_ + field; }
  std::vector<std::string> unknown() const;  // fields that no call has named, in their order

 private:
  const json &object_;
  std::string path_;  // before each name in messages: "stream_options."
  std::set<std::string> known_;
};

// Reads a list of token ids below `vocabulary`. `name` is for messages.
std::vector<int64_t> read_ids(const json &value, const std::string &name, int64_t vocabulary);

}  // namespace assay::serve
