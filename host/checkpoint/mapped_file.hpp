// Maps a file into memory: the system reads a page of the file when it is first used. The file must
// not change while it is mapped.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace assay::model {

// The map is copy-on-write: a tensor that borrows it may be edited in place, because edits stay in
// memory and never reach the file.
class mapped_file {
 public:
  // Throws error(failed) with the path and the system's reason, or with what lies there in place of
  // a plain file (core/regular_file).
  static std::shared_ptr<const mapped_file> open(const std::string &path);
  ~mapped_file();
  mapped_file(const mapped_file &) = delete;
  mapped_file &operator=(const mapped_file &) = delete;

  const std::string &path() const { return path_; }
  uint64_t size() const { return size_; }  // bytes
  uint8_t *data() const { return data_; }  // borrowed from this object; null if size is 0
  std::string_view text(uint64_t begin_bytes,
                        uint64_t n_bytes) const;                 // borrowed; no check of the range
  void will_need(uint64_t begin_bytes, uint64_t n_bytes) const;  // hint: read these pages ahead
  // Frees the memory of the pages that lie entirely inside the range; the next use reads them from
  // the file again. Edits of these pages are lost, so call it only for bytes that nobody borrows.
  void drop(uint64_t begin_bytes, uint64_t n_bytes) const;

 private:
  mapped_file() = default;
  std::string path_;
  uint8_t *data_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace assay::model
