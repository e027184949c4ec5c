// Builds json values with long objects: from the events of nlohmann's parser, or key by key. The parser's own builder compares each key of an object with
// all keys before it, so that an object of 6,000 keys costs 18 million comparisons. This one looks long objects' keys up by hash.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "core/json.hpp"

namespace assay {

// Adds a key that the object does not have. Unlike object[key], this does not compare all keys.
void append_member(json &object, std::string key, json value);

// Receives the elements of one text; `value` is the result. If a key comes twice, the last value stands at the first
// place, as with the parser's own builder. Throws the parser's exception if the text is not valid JSON.
class json_builder : public nlohmann::json_sax<json> {
 public:
  json value;

  bool null() override { return add(nullptr); }
  bool boolean(bool v) override { return add(v); }
  bool number_integer(number_integer_t v) override { return add(v); }
  bool number_unsigned(number_unsigned_t v) override { return add(v); }
  bool number_float(number_float_t v, const string_t &) override { return add(v); }
  bool string(string_t &v) override { return add(std::move(v)); }
  bool binary(binary_t &) override { return false; }  // JSON text has none
  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t &name) override;
  bool parse_error(size_t, const std::string &, const nlohmann::detail::exception &e) override;

 private:
  struct container {
    json *value;
    json *element = nullptr;  // of an object: the place of the value that comes next
    std::unordered_map<std::string, size_t> places{};  // of a long object: its keys
  };

  bool add(json element);
  bool open(json empty);
  bool close();
  json *place(json element);

  std::vector<container> open_;
};

}  // namespace assay
