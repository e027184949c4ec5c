// Tests that a pipe, device, folder, broken link or Git LFS pointer is refused and named where a file is expected.
#include "core/regular_file.hpp"

#include <sys/stat.h>

#include <filesystem>

#include "catch.hpp"
#include "core/error.hpp"
#include "core/file.hpp"

namespace fs = std::filesystem;
using assay_test::contains;

namespace {

struct scratch {
  scratch() {
    std::string name = (fs::temp_directory_path() / "assay-test-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~scratch() { fs::remove_all(path); }
  std::string operator/(const std::string &name) const { return (path / name).string(); }
  fs::path path;
};

const std::string k_pointer =
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\n"
    "size 12345\n";

}  // namespace

TEST_CASE("a pipe, a device and a folder are refused and never waited for") {
  const scratch dir;
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  fs::create_symlink(dir / "pipe", dir.path / "link");
  for (const char *name : {"pipe", "link"})
    CHECK_THROWS_WITH(
        assay::read_regular_file(dir / name),
        contains(": not a regular file but a named pipe. The files of a model are read "
                 "more than once"));
  CHECK_THROWS_WITH(assay::read_regular_file("/dev/zero"),
                    contains("/dev/zero: not a regular file but a device"));
  CHECK_THROWS_WITH(assay::read_regular_json(dir.path.string()),
                    contains("not a regular file but a folder"));
}

TEST_CASE("a link to nothing is distinguished from a file that is not there") {
  const scratch dir;
  fs::create_symlink("blobs/abc", dir.path / "link");
  CHECK_FALSE(assay::is_there(dir / "none"));
  CHECK_THROWS_WITH(
      assay::is_there(dir / "link"),
      dir / "link" + std::string(": the file is a link to nothing. The download is not "
                                 "complete: get the model again"));
  CHECK_THROWS_WITH(assay::read_regular_file(dir / "link"), contains("a link to nothing"));
  CHECK_THROWS_WITH(assay::read_regular_file(dir / "none"),
                    contains("cannot open the file: No such file or directory"));
  assay::write_file_atomically(dir / "blobs/abc", "{}");
  CHECK(assay::is_there(dir / "link"));
  CHECK(assay::read_regular_json(dir / "link") == assay::json::object());
}

TEST_CASE("a Git LFS pointer is named, not parsed") {
  const scratch dir;
  assay::write_file_atomically(dir / "config.json", k_pointer);
  CHECK_THROWS_WITH(assay::read_regular_json(dir / "config.json"),
                    dir / "config.json" +
                        std::string(": the file is a Git LFS pointer, its content was not "
                                    "downloaded. Run 'git lfs pull' in the folder, or download the "
                                    "file itself"));
  CHECK_NOTHROW(assay::refuse_lfs_pointer("version 2 of a text", "f"));
}
