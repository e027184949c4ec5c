// Reads tensors from mapped safetensors files. A folder of shards (a model in several files)
// becomes one tensor source.
#include "checkpoint/safetensors.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <map>

#include "checkpoint/folder_weights.hpp"
#include "checkpoint/safetensors_header.hpp"
#include "core/error.hpp"
#include "core/regular_file.hpp"

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

// Sets `out` to torch's dtype of this name. For a dtype that torch does not have it sets at::kByte
// and returns false, so that the tensors of the file can still be listed.
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
        0) {  // a header without padding: legal, but the data are not aligned for a view
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
  // For each of infos_, the number of tensors that are views of the map now. Each view holds a
  // reference to the counts, because it may outlive this object.
  std::shared_ptr<std::vector<std::atomic<int>>> borrowers_;
  std::vector<uint64_t> begins_;  // for each of infos_: bytes from the start of the file
};

// Returns whether a file lies inside the model's folder `root`. In a hub cache the files of a
// snapshot are links into the folder "blobs" (snapshots/REVISION/x -> ../../blobs/HASH), which
// is allowed too.
bool lies_in_model(const fs::path &root, const fs::path &real) {
  const auto within = [&](const fs::path &folder) {
    return std::mismatch(folder.begin(), folder.end(), real.begin(), real.end()).first ==
           folder.end();
  };
  if (within(root)) return true;
  return root.parent_path().filename() == "snapshots" &&
         within(root.parent_path().parent_path() / "blobs");
}

// Returns the path of a weight file. Throws error(failed) if the file is missing or outside the
// model's folder: by an absolute path, "..", or a link that leads out (FORMATS.md, "Safetensors
// shards"). what: "shard" or "file"; where: the place that the message names.
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
  if (code && is_there((root / relative).string()))
    throw error(error_kind::failed, "the " + name + " cannot be reached").at(where);
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
    std::map<std::string, size_t> shard_of;  // file name -> position in shards_
    std::map<std::string, size_t> owners;    // tensor name -> position in shards_
    for (const auto &[name, file] : read_weight_map(index_path)) {
      auto found = shard_of.find(file);
      if (found == shard_of.end()) {
        shards_.push_back(open_safetensors_file(checked_path(folder, file, "shard", where_)));
        found = shard_of.emplace(file, shards_.size() - 1).first;
      }
      add(name, file, found->second);
      owners.emplace(name, found->second);
    }
    for (const auto &[file, shard] : shard_of) add_unlisted(file, shard, owners);
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

  // Adds the tensors of a shard that the index does not name, because transformers and vLLM load
  // whole files. Throws error(failed) if another shard holds a tensor of the same name.
  void add_unlisted(const std::string &file, size_t shard, std::map<std::string, size_t> &owners) {
    for (const tensor_info &info : shards_[shard]->tensors()) {
      const auto [owner, is_new] = owners.emplace(info.name, shard);
      if (is_new) add(info.name, file, shard);
      if (owner->second == shard) continue;
      throw error(error_kind::failed,
                  "two files of the index hold the tensor '" + info.name + "', one is " + file)
          .at(where_)
          .hint("The shards of two models are mixed: get the model again");
    }
  }

  std::string where_;
  std::vector<std::shared_ptr<const tensor_source>> shards_;
  std::vector<tensor_info> infos_;
  std::vector<size_t> owner_;  // for each of infos_: position of its shard in shards_
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
  const folder_weights weights = find_weights(folder);
  if (weights.indexed) return std::make_shared<safetensors_shards>(folder, weights.path);
  return open_safetensors_file(checked_path(folder, "model.safetensors", "file", folder));
}

}  // namespace assay::model
