// Implements the builder. While the elements of a container are read, it stays where it is in memory, because the container around it
// gets no further element until then.
#include "core/json_builder.hpp"

namespace assay {
namespace {

constexpr size_t k_long_object =
    32;  // keys; in shorter objects comparing all keys is faster than hashing

// json's objects are vectors of pairs. Their own way to find or add a member compares all keys.
std::vector<json::object_t::value_type> &members_of(json &object) {
  return object.get_ref<json::object_t &>();
}

}  // namespace

void append_member(json &object, std::string key, json value) {
  members_of(object).emplace_back(std::move(key), std::move(value));
}

// Puts an element into the innermost open container and returns its address.
json *json_builder::place(json element) {
  if (open_.empty()) {
    value = std::move(element);
    return &value;
  }
  container &in = open_.back();
  if (in.value->is_array()) {
    in.value->push_back(std::move(element));
    return &in.value->back();
  }
  *in.element = std::move(element);
  return in.element;
}

bool json_builder::add(json element) {
  place(std::move(element));
  return true;
}

bool json_builder::open(json empty) {
  json *at = place(std::move(empty));
  open_.push_back({at});
  return true;
}

bool json_builder::close() {
  open_.pop_back();
  return true;
}

bool json_builder::key(string_t &name) {
  container &in = open_.back();
  auto &members = members_of(*in.value);
  if (members.size() < k_long_object) {
    in.element = &(*in.value)[name];
    return true;
  }
  if (in.places.empty())
    for (size_t i = 0; i < members.size(); ++i) in.places.emplace(members[i].first, i);
  const auto [found, is_new] = in.places.emplace(name, members.size());
  if (is_new) members.emplace_back(name, nullptr);
  in.element = &members[found->second].second;
  return true;
}

bool json_builder::parse_error(size_t, const std::string &, const nlohmann::detail::exception &e) {
  if (const auto *out_of_range = dynamic_cast<const json::out_of_range *>(&e)) throw *out_of_range;
  if (const auto *parse = dynamic_cast<const json::parse_error *>(&e)) throw *parse;
  return false;
}

}  // namespace assay
