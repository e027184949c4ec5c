// Mapped safetensors files and folders of shards as tensor sources.
#include "checkpoint/safetensors.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <map>

#include "checkpoint/safetensors_header.hpp"
#include "core/error.hpp"

namespace assay::model {
namespace fs = std::filesystem;
namespace {

struct dtype_pair {
  const char *name;
  at::ScalarType type;
};
constexpr dtype_pair k_torch_dtypes[] = {{"BOOL", at::kBool},
                                         {"U8", at::kByte},
                                         {"I8", at::kChar},
                                         {"F8_E5M2", at::kFloat8_e5m2},
                                         {"F8_E4M3", at::kFloat8_e4m3fn},
                                         {"I16", at::kShort},
                                         {"U16", at::kUInt16},
                                         {"F16", at::kHalf},
                                         {"BF16", at::kBFloat16},
                                         {"I32", at::kInt},
                                         {"U32", at::kUInt32},
                                         {"F32", at::kFloat},
                                         {"F64", at::kDouble},
                                         {"I64", at::kLong},
                                         {"U64", at::kUInt64}};

// at::kByte stands in for dtypes that torch cannot hold, so that the folder can still be listed.
bool torch_dtype(const std::string &name, at::ScalarType &out) {
  for (const dtype_pair &row : k_torch_dtypes)
    if (name == row.name) {
      out = row.type;
      return true;
    }
  out = at::kByte;
  return false;
}

class safetensors_file : public tensor_source {
 public:
  explicit safetensors_file(const std::string &path) : map_(mapped_file::open(path)) {
    const safetensors_header header = parse_safetensors_header(map_->data(), map_->size(), path);
    infos_.reserve(header.entries.size());
    for (const safetensors_entry &entry : header.entries) {
      tensor_info info;
      info.name = entry.name;
      info.stored = entry.dtype;
      info.stored_bytes = entry.end - entry.begin;
      info.shape.assign(entry.shape.begin(), entry.shape.end());
      torch_dtype(entry.dtype, info.dtype);
      begins_.push_back(header.data_begin + entry.begin);
      infos_.push_back(std::move(info));
    }
    borrowers_ = std::make_shared<std::vector<std::atomic<int>>>(infos_.size());
  }

  const std::vector<tensor_info> &tensors() const override { return infos_; }

  at::Tensor tensor(const std::string &name) const override {
    const tensor_info *info = find(name);
    if (info == nullptr)
      throw error(error_kind::failed, "there is no tensor '" + name + "'").at(map_->path());
    at::ScalarType dtype{};
    if (!torch_dtype(info->stored, dtype))
      throw error(error_kind::failed,
                  "tensor '" + name + "' has the unsupported dtype '" + info->stored + "'")
          .at(map_->path());
    if (info->stored_bytes == 0) return at::empty(info->shape, dtype);
    const auto index = static_cast<size_t>(info - infos_.data());
    uint8_t *bytes = map_->data() + begins_[index];
    if (reinterpret_cast<uintptr_t>(bytes) % c10::elementSize(dtype) !=
        0) {  // legal, if unusual: header not padded
      at::Tensor copy = at::empty(info->shape, dtype);
      std::memcpy(copy.data_ptr(), bytes, info->stored_bytes);
      return copy;
    }
    ++(*borrowers_)[index];
    return at::from_blob(
        bytes, info->shape, [keep = map_, count = borrowers_, index](void *) { --(*count)[index]; },
        dtype);
  }

  at::Tensor tensor_as(const std::string &name, at::ScalarType dtype) const override {
    at::Tensor out = tensor(name).to(dtype);
    give_back(name);
    return out;
  }

  void give_back(const std::string &name) const override {
    const tensor_info *info = find(name);
    if (info == nullptr) return;
    const auto index = static_cast<size_t>(info - infos_.data());
    if ((*borrowers_)[index] == 0) map_->drop(begins_[index], info->stored_bytes);
  }

 private:
  std::shared_ptr<const mapped_file> map_;
  std::vector<tensor_info> infos_;
  // As infos_: how many tensors are views of the map. Shared with them, they may live longer.
  std::shared_ptr<std::vector<std::atomic<int>>> borrowers_;
  std::vector<uint64_t> begins_;  // bytes from the start of the file, as infos_
};

// Inside the folder, or in the blob store of a hub cache: snapshots/REVISION/x ->
// ../../blobs/HASH.
bool lies_in_model(const fs::path &root, const fs::path &real) {
  const auto within = [&](const fs::path &folder) {
    return std::mismatch(folder.begin(), folder.end(), real.begin(), real.end()).first ==
           folder.end();
  };
  if (within(root)) return true;
  return root.parent_path().filename() == "snapshots" &&
         within(root.parent_path().parent_path() / "blobs");
}

// Weights lie in the model's own folder: no absolute path, no "..", no link that leads out
// (formats.md 1.5). `what` is "shard" or "file", `where` for the message.
std::string checked_path(const std::string &folder, const std::string &file, const char *what,
                         const std::string &where) {
  const fs::path relative(file);
  const bool climbs =
      std::any_of(relative.begin(), relative.end(), [](const fs::path &p) { return p == ".."; });
  const std::string name = std::string(what) + " '" + file + "'";
  if (file.empty() || relative.is_absolute() || climbs)
    throw error(error_kind::failed,
                std::string("the ") + what + " path '" + file + "' leaves the folder")
        .at(where);
  std::error_code code;
  const fs::path root = fs::canonical(folder, code);
  const fs::path real = fs::canonical(root / relative, code);
  if (code) throw error(error_kind::failed, "the " + name + " is missing").at(where);
  if (!lies_in_model(root, real))
    throw error(error_kind::failed, "the " + name + " is a link out of the folder")
        .at(where)
        .hint("Copy the file, or open the folder that it lies in");
  return (root / relative).string();
}

class safetensors_shards : public tensor_source {
 public:
  safetensors_shards(const std::string &folder, const std::string &index_path)
      : where_(index_path) {
    const json index = read_json_file(index_path);
    if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
      throw error(error_kind::failed, "the index has no weight_map").at(index_path);
    std::map<std::string, size_t> shard_of;  // file name -> position in shards_
    for (const auto &[name, value] : index["weight_map"].items()) {
      if (!value.is_string())
        throw error(error_kind::failed, "the shard of '" + name + "' is not a file name")
            .at(index_path);
      const std::string file = value.get<std::string>();
      auto found = shard_of.find(file);
      if (found == shard_of.end()) {
        shards_.push_back(open_safetensors_file(checked_path(folder, file, "shard", where_)));
        found = shard_of.emplace(file, shards_.size() - 1).first;
      }
      add(name, file, found->second);
    }
  }

  const std::vector<tensor_info> &tensors() const override { return infos_; }
  at::Tensor tensor(const std::string &name) const override {
    const tensor_info *info = find(name);
    if (info == nullptr)
      throw error(error_kind::failed, "there is no tensor '" + name + "'").at(where_);
    return shards_[owner_[static_cast<size_t>(info - infos_.data())]]->tensor(name);
  }
  at::Tensor tensor_as(const std::string &name, at::ScalarType dtype) const override {
    const tensor_info *info = find(name);
    if (info == nullptr) return tensor(name);
    return shards_[owner_[static_cast<size_t>(info - infos_.data())]]->tensor_as(name, dtype);
  }
  void give_back(const std::string &name) const override {
    if (const tensor_info *info = find(name))
      shards_[owner_[static_cast<size_t>(info - infos_.data())]]->give_back(name);
  }

 private:
  void add(const std::string &name, const std::string &file, size_t shard) {
    const tensor_info *info = shards_[shard]->find(name);
    if (info == nullptr)
      throw error(error_kind::failed,
                  "the index places '" + name + "' in " + file + ", which does not have it")
          .at(where_);
    infos_.push_back(*info);
    owner_.push_back(shard);
  }

  std::string where_;
  std::vector<std::shared_ptr<const tensor_source>> shards_;
  std::vector<tensor_info> infos_;
  std::vector<size_t> owner_;  // shard of each info
};

}  // namespace

const char *safetensors_dtype_name(at::ScalarType dtype) {
  for (const dtype_pair &row : k_torch_dtypes)
    if (row.type == dtype) return row.name;
  throw error(error_kind::failed,
              std::string("safetensors cannot hold the dtype ") + c10::toString(dtype));
}

std::shared_ptr<const tensor_source> open_safetensors_file(const std::string &path) {
  return std::make_shared<safetensors_file>(path);
}

std::shared_ptr<const tensor_source> open_safetensors_folder(const std::string &folder) {
  const fs::path index = fs::path(folder) / "model.safetensors.index.json";
  if (fs::exists(index)) return std::make_shared<safetensors_shards>(folder, index.string());
  const fs::path single = fs::path(folder) / "model.safetensors";
  if (fs::exists(single))
    return open_safetensors_file(checked_path(folder, "model.safetensors", "file", folder));
  throw error(error_kind::failed,
              "the folder has neither model.safetensors nor model.safetensors.index.json")
      .at(folder)
      .hint("Only safetensors and GGUF weights are read");
}

}  // namespace assay::model
