// Checks patterns against the names of linears. The names follow from the model's configuration, so no
// weights have to be loaded.
#include "quant/linear_patterns.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/suggest.hpp"
#include "model/decoder_layout.hpp"

namespace assay::quant {
namespace {

constexpr const char *k_embedding_role = "embed";
constexpr size_t k_shortest_part = 3;  // characters: shorter parts occur in almost every name

// The roles, each once, in forward order.
std::vector<std::string> roles_of(const std::vector<linear_name> &linears) {
  std::vector<std::string> roles;
  for (const auto &one : linears)
    if (std::find(roles.begin(), roles.end(), one.role) == roles.end()) roles.push_back(one.role);
  return roles;
}

// Returns the roles of the linears whose names contain `part`. If some names contain `part` as a whole
// word between dots, only those names count.
std::vector<std::string> roles_with_part(const std::string &part,
                                         const std::vector<linear_name> &linears) {
  std::vector<linear_name> whole, within;
  for (const auto &one : linears) {
    if (("." + one.name + ".").find("." + part + ".") != std::string::npos) whole.push_back(one);
    if (one.name.find(part) != std::string::npos) within.push_back(one);
  }
  return roles_of(whole.empty() ? within : whole);
}

// Returns for example "re:model\.layers\.0\..*" for the beginning "model.layers.0". Returns "" if no name
// has this beginning.
std::string expression_for(const std::string &beginning, const std::vector<linear_name> &linears) {
  const bool any = std::any_of(linears.begin(), linears.end(), [&](const linear_name &one) {
    return one.name.rfind(beginning + ".", 0) == 0;
  });
  if (!any) return "";
  std::string out = "re:";
  for (const char c : beginning + ".") out += c == '.' ? std::string("\\.") : std::string(1, c);
  return out + ".*";
}

// Returns the role or name that differs from the pattern in the fewest letters. If the last part of a
// name is nearest ("up_proj"), it returns the role of that linear.
std::string nearest_by_letters(const std::string &pattern,
                               const std::vector<linear_name> &linears) {
  std::vector<std::string> candidates = roles_of(linears);
  for (const auto &one : linears) candidates.push_back(one.name.substr(one.name.rfind('.') + 1));
  for (const auto &one : linears) candidates.push_back(one.name);
  std::string found = closest(pattern, candidates);
  for (const auto &one : linears)
    if (!found.empty() && found == one.name.substr(one.name.rfind('.') + 1)) return one.role;
  return found;
}

std::string quoted_list(const std::vector<std::string> &texts) {
  std::string out;
  for (const auto &text : texts) out += (out.empty() ? "'" : ", '") + text + "'";
  return out;
}

std::string hint_for(const std::string &pattern, const std::vector<linear_name> &linears) {
  const auto near = pattern.rfind("re:", 0) == 0 ? "" : nearest_pattern(pattern, linears);
  if (!near.empty()) return "Did you mean " + near + "?";
  return "Roles: " + quoted_list(roles_of(linears)) +
         "; an expression is compared with whole names such as '" + linears.front().name + "'";
}

void require_match(const std::string &pattern, const std::string &where,
                   const std::vector<linear_name> &linears) {
  for (const auto &one : linears)
    if (matches_linear(pattern, one.name, one.role)) return;
  throw error(error_kind::usage, "'" + pattern + "' names no linear of this model")
      .at(where)
      .hint(hint_for(pattern, linears));
}

}  // namespace

std::vector<linear_name> linear_names(const model::decoder_config &config) {
  std::vector<linear_name> out;
  for (int64_t block = 0; block < config.n_layers; ++block)
    for (const auto &linear : model::linears_of(config, block))
      out.push_back({model::block_prefix(block) + linear.module, linear.role});
  out.push_back({model::k_embedding_name, k_embedding_role});
  out.push_back({model::k_head_name, model::k_head_name});
  return out;
}

std::string nearest_pattern(const std::string &pattern, const std::vector<linear_name> &linears) {
  if (const auto expression = expression_for(pattern, linears); !expression.empty())
    return "'" + expression + "'";
  if (pattern.size() >= k_shortest_part)
    if (const auto roles = roles_with_part(pattern, linears); !roles.empty())
      return quoted_list(roles);
  const auto near = nearest_by_letters(pattern, linears);
  return near.empty() ? "" : "'" + near + "'";
}

void require_patterns(const recipe &what, const model::decoder_config &config,
                      const std::string &where) {
  const auto linears = linear_names(config);
  for (size_t i = 0; i < what.keep.size(); ++i) {
    const auto place = where + ".keep[" + std::to_string(i + 1) + "]";
    require_match(what.keep[i], place, linears);
    if (what.embeddings &&
        (what.keep[i] == model::k_embedding_name || what.keep[i] == k_embedding_role))
      throw error(error_kind::usage, "'" + what.keep[i] + "' is both kept in float and quantized")
          .at(place)
          .hint("Take it out of 'keep', or set embeddings = false");
  }
  for (size_t i = 0; i < what.overrides.size(); ++i)
    require_match(what.overrides[i].match,
                  where + ".overrides[" + std::to_string(i + 1) + "].match", linears);
}

}  // namespace assay::quant
