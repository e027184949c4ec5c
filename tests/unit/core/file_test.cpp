// Promises of whole-file reads, atomic writes and folders under construction.
#include "catch.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "core/error.hpp"
#include "core/file.hpp"

namespace fs = std::filesystem;

namespace {

struct scratch_folder {
  fs::path path = fs::temp_directory_path() / ("assay-file-test-" + std::to_string(::getpid()));
  scratch_folder() { fs::create_directories(path); }
  ~scratch_folder() { fs::remove_all(path); }
  std::string operator/(const char *name) const { return (path / name).string(); }
  size_t entries() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
};

}  // namespace

TEST_CASE("an atomic write makes parents, replaces, and leaves nothing beside the file") {
  scratch_folder dir;
  assay::write_file_atomically(dir / "a/b.txt", "one");
  assay::write_file_atomically(dir / "a/b.txt", "two");
  CHECK(assay::read_file(dir / "a/b.txt") == "two");
  CHECK(std::distance(fs::directory_iterator(dir.path / "a"), fs::directory_iterator()) == 1);
}

TEST_CASE("a write that runs out of space keeps the old file and leaves no partial one") {
  scratch_folder dir;
  assay::write_file_atomically(dir / "x", "old");
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &small);
  CHECK_THROWS_WITH(assay::write_file_atomically(dir / "x", std::string(5000, 'n')),
                    assay_test::contains("cannot write the file: File too large"));
  setrlimit(RLIMIT_FSIZE, &before);
  CHECK(assay::read_file(dir / "x") == "old");
  CHECK(dir.entries() == 1);
}

TEST_CASE("reading says which file and why") {
  CHECK_THROWS_WITH(assay::read_file("/nonexistent/f"),
                    "/nonexistent/f: cannot open the file: No such file or directory");
  CHECK_THROWS_WITH(assay::read_file("/tmp"), "/tmp: cannot read the file: Is a directory");
}

TEST_CASE("reading respects its limit") {
  scratch_folder dir;
  assay::write_file_atomically(dir / "big", std::string(100, 'x'));
  CHECK_THROWS_WITH(assay::read_file(dir / "big", 99),
                    assay_test::contains("the file has 100 bytes, more than the limit of 99"));
}

TEST_CASE("a folder under construction vanishes unless committed") {
  scratch_folder dir;
  {
    assay::folder_in_progress folder(dir / "out");
    assay::write_file_atomically(folder.path() + "/f", "1");
  }
  CHECK(dir.entries() == 0);
  {
    assay::folder_in_progress folder(dir / "out");
    assay::write_file_atomically(folder.path() + "/f", "1");
    folder.commit();
  }
  CHECK(assay::read_file(dir / "out/f") == "1");
}

TEST_CASE("what a killed process had under construction is removed, and nothing else") {
  scratch_folder dir;
  int held[2];
  REQUIRE(::pipe(held) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const assay::folder_in_progress folder(dir / "out");
    (void)::write(held[1], "1", 1);
    for (;;) ::pause();
  }
  REQUIRE(child > 0);
  char one = 0;
  REQUIRE(::read(held[0], &one, 1) == 1);
  const std::string of_child = (dir / "out") + ".tmp-" + std::to_string(child);
  assay::write_file_atomically(of_child + "/f", "half");
  assay::write_file_atomically(dir / "other.tmp-7/f", "of another folder");
  assay::write_file_atomically(dir / "out.tmp-1a/f", "not ours");
  { const assay::folder_in_progress somebody_is_at_it(dir / "out"); }
  CHECK(fs::exists(of_child + "/f"));
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  assay::folder_in_progress(dir / "out").commit();
  CHECK_FALSE(fs::exists(of_child));
  CHECK(fs::exists(dir / "other.tmp-7"));
  CHECK(fs::exists(dir / "out.tmp-1a"));
  ::close(held[0]);
  ::close(held[1]);
}

TEST_CASE("an existing folder is refused before any work, or replaced whole on request") {
  scratch_folder dir;
  assay::write_file_atomically(dir / "out/f", "1");
  CHECK_THROWS_WITH(assay::folder_in_progress(dir / "out"),
                    assay_test::contains("the folder exists already"));
  assay::folder_in_progress folder(dir / "out", true);
  assay::write_file_atomically(folder.path() + "/g", "2");
  folder.commit();
  CHECK(assay::read_file(dir / "out/g") == "2");
  CHECK_FALSE(fs::exists(dir / "out/f"));
  CHECK(dir.entries() == 1);
}
