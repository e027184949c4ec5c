// Helps to write datasets and metrics in C++17: content hashes that the host computes, and tables of
// functions from a class. It is header-only, like assay.hpp.
//
//   class my_rows {
//    public:
//     my_rows(assay_cpp::host host, const char *config_json);
//     void info(assay_dataset_info &out);    // texts live as long as the object
//     bool next(std::string &record_json);   // false after the last one
//     void rewind();
//   };
//   static const auto k_table = assay_cpp::dataset_table<my_rows>();
#ifndef ASSAY_RECORDS_HPP
#define ASSAY_RECORDS_HPP

#include <assay.hpp>

#include <cerrno>
#include <fstream>
#include <string_view>

namespace assay_cpp {

// A SHA-256 over bytes that arrive in pieces; the host computes it. Call hex() once, at the end. It
// returns 64 digits. The constructor throws failure(ASSAY_UNSUPPORTED) on a host without hashes.
class sha256 {
 public:
  explicit sha256(host owner) : table_(owner.table()) {
    if (!ASSAY_HAS(table_, hash_end) || table_->hash_end == nullptr)
      throw failure(ASSAY_UNSUPPORTED, "this host has no sha256");
    pass_on(table_->hash_begin(table_->ctx, &state_));
  }
  ~sha256() {
    if (state_ != nullptr) table_->hash_end(table_->ctx, state_, nullptr);
  }
  sha256(const sha256 &) = delete;
  sha256 &operator=(const sha256 &) = delete;

  void update(std::string_view bytes) {
    pass_on(table_->hash_update(table_->ctx, state_, bytes.data(), bytes.size()));
  }
  std::string hex() {
    char digits[65] = {};
    pass_on(table_->hash_end(table_->ctx, std::exchange(state_, nullptr), digits));
    return digits;
  }

 private:
  const assay_host *table_;
  void *state_ = nullptr;
};

// Reads the files one after the other, gives each piece to `take(path, bytes)`, and returns the hash
// of all bytes: "sha256:<hex>". Throws failure(ASSAY_IO) with the path if a file cannot be read.
template <class F>
std::string hash_files(host owner, const std::vector<std::string> &paths, F &&take) {
  sha256 hash(owner);
  std::string piece(1 << 20, '\0');
  for (const std::string &path : paths) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) throw failure(ASSAY_IO, path + ": cannot be read: " + std::strerror(errno));
    while (stream.read(piece.data(), static_cast<std::streamsize>(piece.size())) ||
           stream.gcount() > 0) {
      const std::string_view bytes(piece.data(), static_cast<size_t>(stream.gcount()));
      take(path, bytes);
      hash.update(bytes);
    }
    if (stream.bad()) throw failure(ASSAY_IO, path + ": reading stopped");
  }
  return "sha256:" + hash.hex();
}

// The object behind a dataset's instance: the class T, and the record that the host borrows.
template <class T>
struct record_source {
  record_source(host owner, const char *config_json) : object(owner, config_json) {}
  T object;
  std::string record;
};

// The table of a dataset class T, which has info(out), next(record_json) and rewind().
template <class T>
assay_dataset_vtable dataset_table() {
  using self = instance<record_source<T>>;
  assay_dataset_vtable v{};
  v.struct_size = sizeof v;
  v.create = self::create;
  v.destroy = self::destroy;
  v.info = [](void *i, assay_dataset_info *out) {
    return self::call(i, [&](record_source<T> &t) { t.object.info(*out); });
  };
  v.next = [](void *i, const char **out_json, uint64_t *out_bytes) -> int32_t {
    bool ended = false;
    const int32_t status = self::call(i, [&](record_source<T> &t) {
      t.record.clear();
      ended = !t.object.next(t.record);
      *out_json = t.record.c_str();
      *out_bytes = t.record.size();
    });
    return status == ASSAY_OK && ended ? int32_t{ASSAY_END} : status;
  };
  v.rewind = [](void *i) { return self::call(i, [](record_source<T> &t) { t.object.rewind(); }); };
  return v;
}

// The table of a metric class T. declare() returns text that lives as long as the object. Its other
// methods are begin(info_json), add(sample), which is called for each sample, and finish(sink).
template <class T>
assay_metric_vtable metric_table() {
  using self = instance<T>;
  assay_metric_vtable v{};
  v.struct_size = sizeof v;
  v.create = self::create;
  v.destroy = self::destroy;
  v.declare = [](void *i, const char **out_json) {
    return self::call(i, [&](T &t) { *out_json = t.declare(); });
  };
  v.begin = [](void *i, const char *info_json) {
    return self::call(i, [&](T &t) { t.begin(info_json); });
  };
  v.update = [](void *i, const assay_sample *const *samples, int64_t n) {
    return self::call(i, [&](T &t) {
      for (int64_t k = 0; k < n; ++k) t.add(*samples[k]);
    });
  };
  v.finish = [](void *i, const assay_metric_sink *sink) {
    return self::call(i, [&](T &t) { t.finish(*sink); });
  };
  return v;
}

}  // namespace assay_cpp

#endif
