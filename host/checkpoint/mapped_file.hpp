// A file mapped into memory: pages come from the page cache when they are first touched.
// Not a parser, and not for files that change while they are open.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace assay::model {

// Copy-on-write: a tensor that borrows the map may be edited in place, the file never changes.
class mapped_file {
 public:
  // Throws error(failed) naming the path and the system's reason.
  static std::shared_ptr<const mapped_file> open(const std::string &path);
  ~mapped_file();
  mapped_file(const mapped_file &) = delete;
  mapped_file &operator=(const mapped_file &) = delete;

  const std::string &path() const { return path_; }
  uint64_t size() const { return size_; }  // bytes
  uint8_t *data() const { return data_; }  // borrow; null if size is 0
  std::string_view text(uint64_t begin_bytes,
                        uint64_t n_bytes) const;                 // borrow; caller checked the range
  void will_need(uint64_t begin_bytes, uint64_t n_bytes) const;  // hint for cold files
  // Takes the whole pages inside the range out of this process's memory; they come back from the
  // page cache when touched. Loses in-place edits of the range: only for bytes that nobody borrows.
  void drop(uint64_t begin_bytes, uint64_t n_bytes) const;

 private:
  mapped_file() = default;
  std::string path_;
  uint8_t *data_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace assay::model
