// Joining keeps every code and scale: the rows of the parts stand one after another.
#include "quant/export/joined_parts.hpp"

#include <algorithm>
#include <map>

#include "core/error.hpp"

namespace assay::quant {
namespace {

struct known_part {
  const char *part, *joined;
  int place;
  const char *role;  // of the joined linear
};
constexpr known_part k_parts[] = {{"self_attn.q_proj", "self_attn.qkv_proj", 0, "attn.qkv"},
                                  {"self_attn.k_proj", "self_attn.qkv_proj", 1, "attn.qkv"},
                                  {"self_attn.v_proj", "self_attn.qkv_proj", 2, "attn.qkv"},
                                  {"mlp.gate_proj", "mlp.gate_up_proj", 0, "mlp.gate_up"},
                                  {"mlp.up_proj", "mlp.gate_up_proj", 1, "mlp.gate_up"}};

size_t parts_of(const std::string &joined) {
  return static_cast<size_t>(
      std::count_if(std::begin(k_parts), std::end(k_parts),
                    [&](const auto &p) { return joined.ends_with(p.joined); }));
}

// The role of a joined linear; `own` for any other.
std::string role_of(const std::string &name, const std::string &own) {
  for (const known_part &p : k_parts)
    if (name.ends_with(std::string(".") + p.joined)) return p.role;
  return own;
}

[[noreturn]] void refuse(const std::string &name, const std::string &why) {
  throw error(error_kind::usage,
              "'" + name + "' is one matrix in the files of this family, and " + why)
      .hint("Use one setting for q, k and v, and one for gate and up");
}

// Joins the entries of one list of the plan. merge(into, from) adds the rows of a further part.
template <class F>
json joined_list(const model::decoder_config &config, const json &list, F merge) {
  std::map<std::string, std::map<int, json>> by_name;
  std::vector<std::string> order;
  for (const json &item : list) {
    const joined_name to = joined_name_of(config, item["name"].get<std::string>());
    if (by_name.find(to.name) == by_name.end()) order.push_back(to.name);
    by_name[to.name][to.place] = item;
  }
  json out = json::array();
  for (const std::string &name : order) {
    json whole;
    for (const auto &[place, item] : by_name.at(name)) {
      if (whole.is_null())
        whole = item;
      else
        merge(name, whole, item);
    }
    whole["name"] = name;
    if (whole.contains("role")) whole["role"] = role_of(name, whole["role"].get<std::string>());
    out.push_back(std::move(whole));
  }
  return out;
}

std::string module_of(const std::string &tensor) {
  return tensor.ends_with(".weight") ? tensor.substr(0, tensor.size() - 7) : tensor;
}

}  // namespace

joined_name joined_name_of(const model::decoder_config &config, const std::string &name) {
  if (!config.joined_parts) return {name, 0};
  const std::string module = module_of(name), rest = name.substr(module.size());
  for (const known_part &p : k_parts)
    if (module.ends_with(std::string(".") + p.part))
      return {module.substr(0, module.size() - std::string(p.part).size()) + p.joined + rest,
              p.place};
  return {name, 0};
}

void join_plan(const model::decoder_config &config, json &plan) {
  if (!config.joined_parts) return;
  std::map<std::string, size_t> seen;
  for (const char *list : {"items", "untouched"})
    for (const json &item : plan[list]) {
      const std::string given = item["name"].get<std::string>();
      const joined_name to = joined_name_of(config, given);
      if (to.name != given) ++seen[std::string(list) + " " + module_of(to.name)];
    }
  for (const auto &[key, count] : seen) {
    const std::string name = key.substr(key.find(' ') + 1);
    if (count != parts_of(name)) refuse(name, "the recipe quantizes only some of its parts");
  }
  plan["items"] =
      joined_list(config, plan["items"], [](const std::string &name, json &into, const json &from) {
        for (const char *key : {"in", "bits", "group_size", "symmetric", "format", "scale_dtype"})
          if (into[key] != from[key])
            refuse(name, std::string("its parts have different values of ") + key);
        into["out"] = into["out"].get<int64_t>() + from["out"].get<int64_t>();
      });
  plan["untouched"] = joined_list(
      config, plan["untouched"], [](const std::string &name, json &into, const json &from) {
        if (into["dtype"] != from["dtype"]) refuse(name, "its parts have different dtypes");
        into["shape"][0] = into["shape"][0].get<int64_t>() + from["shape"][0].get<int64_t>();
      });
}

quantized_linear joined_form(const std::string &name, const std::vector<quantized_linear> &parts) {
  quantized_linear out = parts.front();
  out.name = name;
  out.role = role_of(name, out.role);
  out.out_features = 0;
  out.packed_bits = 0;
  for (const quantized_linear &part : parts) {
    out.out_features += part.out_features;
    out.packed_bits += part.packed_bits;
  }
  for (form_tensor &tensor : out.tensors) {
    std::vector<at::Tensor> rows;
    bool by_row = true, same = true;
    for (const quantized_linear &part : parts) {
      const at::Tensor *found = part.find(tensor.role);
      if (found == nullptr) refuse(name, "only some of its parts have '" + tensor.role + "'");
      by_row = by_row && found->dim() == 2 && found->size(0) == part.out_features;
      same = same && at::equal(*found, tensor.tensor);
      rows.push_back(*found);
    }
    if (by_row)
      tensor.tensor = at::cat(rows, 0).contiguous();
    else if (!same)  // such as the order of the columns
      refuse(name, "its parts have different values of '" + tensor.role + "'");
  }
  return out;
}

}  // namespace assay::quant
