// Checks the shape of a body while it is parsed, before anything large is built from it.
#include "serve/body_json.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "core/error.hpp"
#include "serve/api_error.hpp"
#include "serve/limits.hpp"

namespace assay::serve {
namespace {

api_error refused(const std::string &why) {
  return {400, "invalid_request_error", "the body " + why};
}

// Looks at each element of a text and throws for what no request has. It builds nothing.
class shape_check : public nlohmann::json_sax<json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t &) override { return true; }
  bool string(string_t &) override { return true; }
  bool binary(binary_t &) override { return true; }
  bool start_object(std::size_t) override {
    enter();
    keys_.emplace_back();
    return true;
  }
  bool key(string_t &name) override {
    auto &seen = keys_.back();
    if (!seen.insert(name).second)
      throw refused("has the key '" + visible_text(name.substr(0, 64)) + "' twice in one object");
    if (seen.size() > k_json_keys)
      throw refused("has an object of more than " + std::to_string(k_json_keys) + " keys");
    return true;
  }
  bool end_object() override {
    keys_.pop_back();
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    enter();
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t, const std::string &, const nlohmann::detail::exception &) override {
    return false;  // parse_json says what is wrong
  }

 private:
  void enter() {
    if (++depth_ > k_json_depth)
      throw refused("is nested deeper than " + std::to_string(k_json_depth) + " levels");
  }
  int depth_ = 0;
  std::vector<std::unordered_set<std::string>> keys_;  // of the objects that are open
};

}  // namespace

json parse_body(const std::string &text) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    throw refused("is empty; it must be a JSON object");
  shape_check check;
  json::sax_parse(text, &check);
  json out;
  try {
    out = parse_json(text, "");
  } catch (const error &problem) {
    throw refused("is " + problem.message() +
                  (problem.cause().empty() ? "" : ": " + problem.cause()));
  }
  if (!out.is_object())
    throw refused(std::string("is a JSON ") + out.type_name() + ", not an object");
  return out;
}

const json *field_reader::find(const std::string &name) {
  known_.insert(name);
  const auto at = object_.find(name);
  return at == object_.end() || at->is_null() ? nullptr : &*at;
}

std::optional<bool> field_reader::flag(const std::string &name) {
  const json *value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_boolean()) throw bad_field(name_of(name), "must be true or false");
  return value->get<bool>();
}

std::optional<int64_t> field_reader::integer(const std::string &name, int64_t least, int64_t most) {
  const json *value = find(name);
  if (!value) return std::nullopt;
  const std::string range =
      "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  int64_t out = 0;
  if (value->is_number_unsigned()) {
    if (value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
      throw bad_field(name_of(name), range);
    out = value->get<int64_t>();
  } else if (value->is_number_integer()) {
    out = value->get<int64_t>();
  } else if (value->is_number_float() && std::abs(value->get<double>()) < 0x1p53 &&
             std::floor(value->get<double>()) == value->get<double>()) {
    out = static_cast<int64_t>(value->get<double>());
  } else {
    throw bad_field(name_of(name), range);
  }
  if (out < least || out > most) throw bad_field(name_of(name), range);
  return out;
}

std::optional<double> field_reader::number(const std::string &name, double least, double most) {
  const json *value = find(name);
  if (!value) return std::nullopt;
  const auto shown = [](double x) {
    return json_text(x == std::floor(x) ? json(static_cast<int64_t>(x)) : json(x));
  };
  if (!value->is_number() || !(value->get<double>() >= least && value->get<double>() <= most))
    throw bad_field(name_of(name), "must be a number from " + shown(least) + " to " + shown(most));
  return value->get<double>();
}

std::optional<std::string> field_reader::text(const std::string &name) {
  const json *value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_string()) throw bad_field(name_of(name), "must be a string");
  return value->get<std::string>();
}

void field_reader::only(const std::string &name, const std::vector<json> &harmless,
                        const std::string &why) {
  const json *value = find(name);
  if (value && std::find(harmless.begin(), harmless.end(), *value) == harmless.end())
    throw unsupported(name_of(name), why);
}

std::vector<std::string> field_reader::unknown() const {
  std::vector<std::string> out;
  for (const auto &item : object_.items())
    if (!known_.contains(item.key())) out.push_back(path_ + item.key());
  return out;
}

std::vector<int64_t> read_ids(const json &value, const std::string &name, int64_t vocabulary) {
  if (!value.is_array()) throw bad_field(name, "must be a list of token ids");
  std::vector<int64_t> out;
  out.reserve(value.size());
  for (const json &one : value) {
    const bool whole = one.is_number_integer() || one.is_number_unsigned();
    const bool inside = whole && (one.is_number_unsigned()
                                      ? one.get<uint64_t>() < static_cast<uint64_t>(vocabulary)
                                      : one.get<int64_t>() >= 0 && one.get<int64_t>() < vocabulary);
    if (!inside)
      throw bad_field(name, "must be token ids from 0 to " + std::to_string(vocabulary - 1) +
                                ", not " + json_text(one).substr(0, 40));
    out.push_back(one.get<int64_t>());
  }
  return out;
}

}  // namespace assay::serve
