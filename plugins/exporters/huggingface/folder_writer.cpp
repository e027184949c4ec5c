// Writes safetensors files. Tensors are ordered by dtype (largest rank first) and then by name, as in the
// safetensors package (safetensors/src/tensor.rs). So the same model always gives the same bytes.
#include "folder_writer.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "assay_json.hpp"

namespace hf {
namespace {

// The dtypes that entries can have, in the ascending order of safetensors' enum Dtype.
constexpr std::array<std::string_view, 11> k_ranks = {"BOOL", "U8",  "I8",  "F8_E4M3", "I16", "F16",
                                                      "BF16", "I32", "F32", "F64",     "I64"};

size_t rank(std::string_view dtype) {
  return static_cast<size_t>(std::find(k_ranks.begin(), k_ranks.end(), dtype) - k_ranks.begin());
}

void check(int32_t status, const char *what) {
  if (status < 0) throw failure(status, std::string("could not ") + what);
}

// Finds the host's items by name. The host can only give the next item or start again. So the cursor goes
// forward, and if it reaches the end, it searches once more from the start.
class cursor {
 public:
  explicit cursor(const assay_export &job) : job_(job) {
    check(job.restart(job.ctx), "restart the items");
  }

  const assay_item &seek(const std::string &name) {
    if (item_ && name == item_->name) return *item_;
    for (int round = 0; round < 2; ++round) {
      for (;;) {
        const int32_t status = job_.next(job_.ctx, &item_);
        check(status, "read the next item");
        if (status == ASSAY_END) break;
        if (name == item_->name) return *item_;
      }
      item_ = nullptr;
      check(job_.restart(job_.ctx), "restart the items");
    }
    throw failure(ASSAY_INVALID_ARGUMENT, "the item " + name + " has gone since the first pass");
  }

 private:
  const assay_export &job_;
  const assay_item *item_ = nullptr;
};

std::string header_text(const std::vector<const entry *> &sorted) {
  std::string text = R"({"__metadata__":{"format":"pt"})";
  uint64_t offset = 0;
  for (const entry *e : sorted) {
    text.append(",").append(assay_json::quoted(e->name)).append(R"(:{"dtype":")").append(e->dtype);
    text.append(R"(","shape":[)");
    for (size_t i = 0; i < e->shape.size(); ++i)
      text.append(i ? "," : "").append(std::to_string(e->shape[i]));
    text.append(R"(],"data_offsets":[)").append(std::to_string(offset)).append(",");
    offset += e->n_bytes;
    text.append(std::to_string(offset)).append("]}");
  }
  text += "}";
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

void write_shard(const assay_export &job, const std::string &file, std::vector<const entry *> shard,
                 cursor &items, const producer &make) {
  std::sort(shard.begin(), shard.end(), [](const entry *a, const entry *b) {
    const size_t ra = rank(a->dtype), rb = rank(b->dtype);
    return ra != rb ? ra > rb : a->name < b->name;
  });
  const std::string header = header_text(shard);
  check(job.begin_file(job.ctx, file.c_str()), "begin the weights file");
  const uint64_t length = header.size();  // little-endian in the file and on x86-64
  check(job.append(job.ctx, &length, sizeof length), "write the weights file");
  check(job.append(job.ctx, header.data(), header.size()), "write the weights file");
  std::vector<uint8_t> buffer;
  for (const entry *e : shard) {
    byte_view bytes{e->own_bytes.data(), e->own_bytes.size()};
    if (!e->has_own_bytes) bytes = make(*e, items.seek(e->item), buffer);
    if (bytes.n_bytes != e->n_bytes)
      throw failure(ASSAY_INTERNAL, e->name + " has another size than announced");
    check(job.append(job.ctx, bytes.data, bytes.n_bytes), "write the weights file");
  }
  check(job.end_file(job.ctx), "finish the weights file");
}

// Divides entries into shards of at most `limit` bytes; a larger entry has a shard of its own.
std::vector<std::vector<const entry *>> cut(const std::vector<entry> &entries, uint64_t limit) {
  std::vector<std::vector<const entry *>> shards(1);
  uint64_t bytes = 0;
  for (const entry &e : entries) {
    if (!shards.back().empty() && bytes + e.n_bytes > limit) {
      shards.emplace_back();
      bytes = 0;
    }
    shards.back().push_back(&e);
    bytes += e.n_bytes;
  }
  return shards;
}

std::string shard_name(size_t index, size_t count) {
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", index + 1, count);
  return name;
}

}  // namespace

const char *dtype_name(const assay_dtype &dtype) {
  const unsigned key = dtype.code * 100u + dtype.bits;
  switch (key) {
    case ASSAY_FLOAT * 100 + 16:
      return "F16";
    case ASSAY_FLOAT * 100 + 32:
      return "F32";
    case ASSAY_FLOAT * 100 + 64:
      return "F64";
    case ASSAY_BFLOAT * 100 + 16:
      return "BF16";
    case ASSAY_UINT * 100 + 8:
      return "U8";
    case ASSAY_INT * 100 + 8:
      return "I8";
    case ASSAY_INT * 100 + 16:
      return "I16";
    case ASSAY_INT * 100 + 32:
      return "I32";
    case ASSAY_INT * 100 + 64:
      return "I64";
    case ASSAY_BOOL * 100 + 8:
      return "BOOL";
    default:
      break;
  }
  throw failure(ASSAY_UNSUPPORTED, "safetensors has no name for element type " +
                                       std::to_string(dtype.code) + " of " +
                                       std::to_string(dtype.bits) + " bits");
}

uint64_t tensor_bytes(const assay_tensor &tensor) {
  uint64_t n = tensor.dtype.bits / 8u;
  for (int32_t i = 0; i < tensor.ndim; ++i) n *= static_cast<uint64_t>(tensor.shape[i]);
  return n;
}

const uint8_t *tensor_data(const assay_tensor &tensor) {
  return static_cast<const uint8_t *>(tensor.data) + tensor.byte_offset;
}

void for_each_item(const assay_export &job, const std::function<void(const assay_item &)> &see) {
  check(job.restart(job.ctx), "restart the items");
  const assay_item *item = nullptr;
  for (;;) {
    const int32_t status = job.next(job.ctx, &item);
    check(status, "read the next item");
    if (status == ASSAY_END) return;
    see(*item);
  }
}

void write_tensors(const assay_export &job, const std::vector<entry> &entries, uint64_t shard_bytes,
                   const producer &make) {
  cursor items(job);
  const auto shards = cut(entries, shard_bytes);
  if (shards.size() == 1) {  // a single file needs no index
    write_shard(job, "model.safetensors", shards[0], items, make);
    return;
  }
  uint64_t total = 0;
  std::vector<std::pair<std::string, std::string>> places;
  for (size_t i = 0; i < shards.size(); ++i) {
    const auto file = shard_name(i, shards.size());
    for (const entry *e : shards[i]) {
      total += e->n_bytes;
      places.emplace_back(e->name, file);
    }
    write_shard(job, file, shards[i], items, make);
  }
  std::sort(places.begin(), places.end());
  std::string index =
      "{\n  \"metadata\": {\"total_size\": " + std::to_string(total) + "},\n  \"weight_map\": {\n";
  for (size_t i = 0; i < places.size(); ++i)
    index += "    " + assay_json::quoted(places[i].first) + ": " +
             assay_json::quoted(places[i].second) + (i + 1 < places.size() ? ",\n" : "\n");
  write_file(job, "model.safetensors.index.json", index + "  }\n}\n");
}

entry small_entry(std::string name, std::string dtype, std::vector<int64_t> shape,
                  std::string bytes) {
  entry e;
  e.name = std::move(name);
  e.dtype = std::move(dtype);
  e.shape = std::move(shape);
  e.n_bytes = bytes.size();
  e.own_bytes = std::move(bytes);
  e.has_own_bytes = true;
  return e;
}

entry float_entry(const assay_item &item) {
  entry e;
  e.name = e.item = item.name;
  e.dtype = dtype_name(item.tensor->dtype);
  e.shape.assign(item.tensor->shape, item.tensor->shape + item.tensor->ndim);
  e.n_bytes = tensor_bytes(*item.tensor);
  return e;
}

std::string file_text(const assay_export &job, const char *name) {
  const void *bytes = nullptr;
  uint64_t n_bytes = 0;
  check(job.read_file(job.ctx, name, &bytes, &n_bytes), "read a file of the subject");
  return {static_cast<const char *>(bytes), n_bytes};
}

void write_file(const assay_export &job, const char *name, std::string_view bytes) {
  check(job.begin_file(job.ctx, name), "begin a file");
  check(job.append(job.ctx, bytes.data(), bytes.size()), "write a file");
  check(job.end_file(job.ctx), "finish a file");
}

void copy_files(const assay_export &job, std::string_view except) {
  for (uint32_t i = 0; i < job.n_files; ++i)
    if (except != job.file_names[i])
      write_file(job, job.file_names[i], file_text(job, job.file_names[i]));
}

}  // namespace hf
