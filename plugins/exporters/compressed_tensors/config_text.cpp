// The text of quantization_config. Only the classic keys: QuantizationArgs forbids extra ones, and
// new
// keys break old consumers (formats.md 4.4).
#include "config_text.hpp"

#include <algorithm>

#include <stdexcept>

#include "assay_json.hpp"

namespace hf {
namespace {

// What the keys written here need; informational for readers.
constexpr const char *k_version = "0.12.2";
constexpr const char *k_dense_version = "0.17.0";  // the first that packs 3, 5, 6, 7 bits densely

std::string name_list(const std::vector<std::string> &names) {
  std::string out = "[";
  for (size_t i = 0; i < names.size(); ++i) out += (i ? ", " : "") + assay_json::quoted(names[i]);
  return out + "]";
}

std::string arguments(int64_t bits, bool symmetric, const char *strategy, int64_t group_size,
                      bool dynamic) {
  return "{\"num_bits\": " + std::to_string(bits) +
         ", \"type\": \"int\", \"symmetric\": " + (symmetric ? "true" : "false") +
         ", \"strategy\": \"" + strategy +
         "\", \"group_size\": " + (group_size ? std::to_string(group_size) : "null") +
         ", \"block_structure\": null, \"dynamic\": " + (dynamic ? "true" : "false") +
         ", \"actorder\": null, \"observer\": " + (dynamic ? "null" : "\"minmax\"") +
         ", \"observer_kwargs\": {}}";
}

}  // namespace

std::string quantization_config(const scheme_groups &groups, const std::vector<std::string> &ignore,
                                bool activation) {
  std::string out = "{\n    \"quant_method\": \"compressed-tensors\",\n    \"version\": \"";
  const bool dense = std::any_of(groups.begin(), groups.end(),
                                 [](const auto &group) { return 32 % group.first.bits != 0; });
  out += dense ? k_dense_version : k_version;
  out += "\",\n    \"format\": \"";
  out += activation ? "int-quantized" : "pack-quantized";
  out +=
      "\",\n    \"quantization_status\": \"compressed\",\n    \"global_compression_ratio\": null,\n"
      "    \"config_groups\": {\n";
  size_t index = 0;
  for (const auto &[grid, names] : groups) {
    out += "      \"group_" + std::to_string(index) + "\": {\n        \"targets\": ";
    out += groups.size() == 1 ? name_list({"Linear"}) : name_list(names);
    out += ",\n        \"weights\": " + arguments(grid.bits, grid.symmetric,
                                                  grid.group_size ? "group" : "channel",
                                                  grid.group_size, false);
    out += ",\n        \"input_activations\": " +
           (activation ? arguments(8, true, "token", 0, true) : std::string("null"));
    out += ",\n        \"output_activations\": null\n      }";
    out += ++index < groups.size() ? ",\n" : "\n";
  }
  out += "    },\n    \"ignore\": " + name_list(ignore);
  return out + ",\n    \"kv_cache_scheme\": null\n  }";
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
