// Writes safetensors files so that the same tensors give the same bytes on any machine.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "checkpoint/safetensors.hpp"
#include "checkpoint/safetensors_header.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/in_progress.hpp"

namespace assay::model {
namespace fs = std::filesystem;
namespace {

// File order: dtype rank descending, then name ascending (FORMATS.md, "Safetensors writer").
std::vector<const named_tensors::value_type *> file_order(const named_tensors &tensors) {
  std::vector<const named_tensors::value_type *> order;
  for (const auto &item : tensors) order.push_back(&item);
  const auto rank = [](const named_tensors::value_type *item) {
    return safetensors_dtype_rank(safetensors_dtype_name(item->second.scalar_type()));
  };
  std::sort(order.begin(), order.end(), [&](const auto *a, const auto *b) {
    const int rank_a = rank(a), rank_b = rank(b);
    return rank_a != rank_b ? rank_a > rank_b : a->first < b->first;
  });
  std::set<std::string> names;
  for (const auto *item : order)
    if (!names.insert(item->first).second)
      throw error(error_kind::failed, "two tensors are named '" + item->first + "'");
  return order;
}

std::string header_text(const std::vector<const named_tensors::value_type *> &order,
                        const std::vector<std::pair<std::string, std::string>> &metadata) {
  json meta = {{"format", "pt"}};
  for (const auto &[key, value] : metadata) meta[key] = value;
  std::string text = "{\"__metadata__\":" + meta.dump();
  uint64_t cursor = 0;
  for (const auto *item : order) {
    const uint64_t end = cursor + item->second.nbytes();
    text += "," + json(item->first).dump() + ":{\"dtype\":\"" +
            safetensors_dtype_name(item->second.scalar_type()) +
            "\",\"shape\":" + json(item->second.sizes().vec()).dump() + ",\"data_offsets\":[" +
            std::to_string(cursor) + "," + std::to_string(end) + "]}";
    cursor = end;
  }
  text += "}";
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::string &path, const named_tensors &tensors,
                       const std::vector<std::pair<std::string, std::string>> &metadata) {
  const auto order = file_order(tensors);
  const std::string header = header_text(order, metadata);
  uint8_t length[8];
  for (size_t i = 0; i < 8; ++i) length[i] = static_cast<uint8_t>(header.size() >> (8 * i));
  file_in_progress file(path);
  file.write(length, 8);
  file.write(header.data(), header.size());
  for (const auto *item : order) {
    const at::Tensor plain = item->second.detach().to(at::kCPU).contiguous();
    file.write(plain.data_ptr(), plain.nbytes());
  }
  file.commit();
}

void write_safetensors_folder(const std::string &folder, const named_tensors &tensors,
                              uint64_t shard_bytes) {
  std::vector<named_tensors> shards(1);
  uint64_t in_shard = 0, total = 0;
  for (const auto &item : tensors) {
    const uint64_t n = item.second.nbytes();
    if (in_shard > 0 && in_shard + n > shard_bytes) {
      shards.emplace_back();
      in_shard = 0;
    }
    shards.back().push_back(item);
    in_shard += n;
    total += n;
  }
  const fs::path root(folder);
  if (shards.size() == 1) {  // removes an old index, because other programs would follow it
    write_safetensors((root / "model.safetensors").string(), shards[0]);
    fs::remove(root / "model.safetensors.index.json");
    return;
  }
  std::map<std::string, std::string> weight_map;
  for (size_t i = 0; i < shards.size(); ++i) {
    char name[64];
    std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", i + 1, shards.size());
    write_safetensors((root / name).string(), shards[i]);
    for (const auto &item : shards[i]) weight_map[item.first] = name;
  }
  const nlohmann::json index = {{"metadata", {{"total_size", total}}}, {"weight_map", weight_map}};
  write_file_atomically((root / "model.safetensors.index.json").string(), index.dump(2) + "\n");
}

}  // namespace assay::model
