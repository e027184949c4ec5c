// Writes the text of quantization_config for compressed-tensors. Except for scale_dtype, it uses only
// keys that the package has had from the start. Its class QuantizationArgs refuses keys that it does
// not know (compressed_tensors/quantization/quant_args.py), so a newer key would break older versions.
#include "config_text.hpp"

#include <algorithm>

#include <stdexcept>

#include "assay_json.hpp"

namespace hf {
namespace {

// The first version of compressed-tensors that has all keys written here. It informs people only.
constexpr const char *k_version = "0.12.2";
constexpr const char *k_dense_version = "0.17.0";  // the first that packs 3, 5, 6, 7 bits like this

std::string name_list(const std::vector<std::string> &names) {
  std::string out = "[";
  for (size_t i = 0; i < names.size(); ++i) out += (i ? ", " : "") + assay_json::quoted(names[i]);
  return out + "]";
}

// The members of QuantizationArgs, which describe how weights, inputs or the cache are rounded.
struct arguments {
  int64_t bits = 8;
  const char *type = "int", *strategy = "channel", *scale_dtype = nullptr;
  bool symmetric = true, dynamic = false;
  int64_t group_size = 0;
};

std::string text_of(const arguments &a) {
  std::string out =
      "{\"num_bits\": " + std::to_string(a.bits) + ", \"type\": \"" + a.type +
      "\", \"symmetric\": " + (a.symmetric ? "true" : "false") + ", \"strategy\": \"" + a.strategy +
      "\", \"group_size\": " + (a.group_size ? std::to_string(a.group_size) : "null") +
      ", \"block_structure\": null, \"dynamic\": " + (a.dynamic ? "true" : "false") +
      ", \"actorder\": null";
  // This key is newer, so it is written only for the formats that need it.
  if (a.scale_dtype) out += std::string(", \"scale_dtype\": \"") + a.scale_dtype + "\"";
  return out + ", \"observer\": " + (a.dynamic ? "null" : "\"minmax\"") +
         ", \"observer_kwargs\": {}}";
}

std::string weights_text(const scheme &grid) {
  arguments a;
  a.bits = grid.bits;
  a.symmetric = grid.symmetric;
  a.group_size = grid.group_size;
  if (grid.group_size) a.strategy = "group";
  if (grid.form == layout::fp8 || grid.form == layout::nvfp4 || grid.form == layout::mxfp4)
    a.type = "float";
  if (grid.form == layout::nvfp4)
    a.strategy = "tensor_group", a.scale_dtype = "torch.float8_e4m3fn";
  if (grid.form == layout::mxfp4) a.scale_dtype = "torch.uint8";
  return text_of(a);
}

std::string inputs_text(const input_scheme &input) {
  if (!input.present) return "null";
  arguments a;
  a.type = input.is_float ? "float" : "int";
  a.symmetric = input.symmetric;
  a.dynamic = input.dynamic;
  a.strategy = input.dynamic ? "token" : "tensor";
  return text_of(a);
}

std::string kv_text(const assay_json::value &kv) {
  if (kv.kind == assay_json::type::null) return "null";
  arguments a;
  a.type = "float";
  a.strategy = kv.string_or("strategy", "tensor") == "head" ? "attn_head" : "tensor";
  return text_of(a);
}

}  // namespace

std::string quantization_config(const scheme_groups &groups, const std::vector<std::string> &ignore,
                                const plan &p) {
  std::string out = "{\n    \"quant_method\": \"compressed-tensors\",\n    \"version\": \"";
  const bool dense = std::any_of(groups.begin(), groups.end(), [](const auto &group) {
    return group.first.form == layout::packed_int && 32 % group.first.bits != 0;
  });
  const layout first = groups.begin()->first.form;
  const bool mixed = std::any_of(groups.begin(), groups.end(),
                                 [&](const auto &group) { return group.first.form != first; });
  out += dense ? k_dense_version : k_version;
  out += "\",\n    \"format\": \"";
  out += mixed ? "mixed-precision" : format_name(first);
  out +=
      "\",\n    \"quantization_status\": \"compressed\",\n    \"global_compression_ratio\": null,\n"
      "    \"config_groups\": {\n";
  size_t index = 0;
  for (const auto &[grid, names] : groups) {
    out += "      \"group_" + std::to_string(index) + "\": {\n        \"targets\": ";
    out += groups.size() == 1 ? name_list({"Linear"}) : name_list(names);
    if (mixed) out += std::string(",\n        \"format\": \"") + format_name(grid.form) + "\"";
    out += ",\n        \"weights\": " + weights_text(grid);
    out += ",\n        \"input_activations\": " + inputs_text(p.activation);
    out += ",\n        \"output_activations\": null\n      }";
    out += ++index < groups.size() ? ",\n" : "\n";
  }
  out += "    },\n    \"ignore\": " + name_list(ignore);
  return out + ",\n    \"kv_cache_scheme\": " + kv_text(p.kv) + "\n  }";
}

std::string with_quantization_config(std::string_view config, const std::string &value) {
  const assay_json::value root = assay_json::parse(config);
  if (root.kind != assay_json::type::object)
    throw std::runtime_error("config.json is not an object");
  if (root.find("quantization_config"))
    throw std::runtime_error("config.json has a quantization_config already");
  auto end = config.rfind('}');
  while (end > 0 && (config[end - 1] == '\n' || config[end - 1] == ' ' || config[end - 1] == '\r'))
    --end;
  std::string out(config.substr(0, end));
  out += root.members.empty() ? "\n" : ",\n";
  return out + "  \"quantization_config\": " + value + "\n}\n";
}

}  // namespace hf
