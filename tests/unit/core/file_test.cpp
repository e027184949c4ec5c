// Tests reading and writing whole files, claims (locks) on output paths, and files and folders under construction.
#include "catch.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/in_progress.hpp"

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

TEST_CASE("the error of a failed read says which file and why") {
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

namespace {

// A child process that calls make(), keeps what it returns, and waits to be killed.
class other_process {
 public:
  template <class F>
  explicit other_process(F &&make) {
    int told[2];
    REQUIRE(::pipe(told) == 0);
    id_ = ::fork();
    if (id_ == 0) {
      const auto made = make();
      (void)::write(told[1], "1", 1);
      for (;;) ::pause();
    }
    REQUIRE(id_ > 0);
    char one = 0;
    REQUIRE(::read(told[0], &one, 1) == 1);
    ::close(told[0]);
    ::close(told[1]);
  }
  ~other_process() {
    if (id_ > 0) kill();
  }
  other_process(const other_process &) = delete;
  other_process &operator=(const other_process &) = delete;
  void kill() {
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
    id_ = 0;
  }
  std::string number() const { return std::to_string(id_); }

 private:
  pid_t id_ = 0;
};

std::string machine() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace

TEST_CASE("what a killed process had under construction is removed, and nothing else") {
  scratch_folder dir;
  other_process other([&] { return std::make_unique<assay::folder_in_progress>(dir / "out"); });
  const std::string of_child = (dir / "out") + ".tmp-" + other.number();
  assay::write_file_atomically(of_child + "/f", "half");
  assay::write_file_atomically(dir / "other.tmp-7/f", "of another folder");
  assay::write_file_atomically(dir / "out.tmp-1a/f", "not ours");
  CHECK_THROWS_WITH(assay::folder_in_progress(dir / "out"),
                    (dir / "out") + ": process " + other.number() + " on " + machine() +
                        " is at work on it. Wait until it has ended, or choose another name");
  CHECK(fs::exists(of_child + "/f"));
  other.kill();
  assay::folder_in_progress(dir / "out").commit();
  CHECK_FALSE(fs::exists(of_child));
  CHECK_FALSE(fs::exists(dir / "out.lock"));
  CHECK(fs::exists(dir / "other.tmp-7"));
  CHECK(fs::exists(dir / "out.tmp-1a"));
}

TEST_CASE(
    "the temporary file of a killed process is removed by the next write, that of a living one "
    "stays") {
  scratch_folder dir;
  const auto make = [&] {
    auto file = std::make_unique<assay::file_in_progress>(dir / "report.md");
    file->write("half", 4);
    return file;
  };
  other_process living(make), killed(make);
  killed.kill();
  CHECK(dir.entries() == 2);
  assay::write_file_atomically(dir / "report.md", "whole");
  CHECK(dir.entries() == 2);
  CHECK(fs::exists((dir / "report.md") + ".tmp-" + living.number()));
  living.kill();
  assay::write_file_atomically(dir / "report.md", "whole");
  CHECK(dir.entries() == 1);
}

TEST_CASE("if two processes claim one path, the second is told at once which process holds it") {
  scratch_folder dir;
  other_process other(
      [&] { return std::make_unique<assay::path_claim>(assay::path_claim::inside(dir / "run")); });
  const std::string told = (dir / "run") + ": process " + other.number() + " on " + machine() +
                           " is at work on it. Wait until it has ended, or choose another name";
  CHECK_THROWS_WITH(assay::path_claim::inside(dir / "run"), told);
  CHECK_THROWS_WITH(assay::path_claim::inside((dir / "run") + "/"), told);
  other.kill();
  CHECK(fs::exists(dir / "run/.lock"));  // left by the killed process; the next claim takes it over
  { const auto mine = assay::path_claim::inside(dir / "run"); }
  CHECK(fs::is_empty(dir / "run"));
}

TEST_CASE("claims of one process on one path share the lock until the last ends") {
  scratch_folder dir;
  auto first = std::make_unique<assay::path_claim>(assay::path_claim::beside(dir / "out"));
  { const auto second = assay::path_claim::beside(dir / "out/"); }
  { const auto relative = assay::path_claim::beside(fs::relative(dir / "out").string()); }
  CHECK(fs::exists(dir / "out.lock"));
  first.reset();
  CHECK(dir.entries() == 0);
}

TEST_CASE("a path where nothing can be written is refused by name before any work") {
  scratch_folder dir;
  assay::write_file_atomically(dir / "file", "");
  CHECK_THROWS_WITH(assay::folder_in_progress(dir / "file/out"),
                    (dir / "file/out") + ": cannot create the folder: Not a directory");
  CHECK_THROWS_WITH(assay::write_file_atomically(dir / "file/x", ""),
                    (dir / "file/x") + ": cannot create the folder of the file: Not a directory");
  fs::create_symlink("nowhere", dir / "link");
  CHECK_THROWS_WITH(assay::folder_in_progress(dir / "link"),
                    (dir / "link") +
                        ": the link leads to nothing: it names nowhere. Remove the link, or make "
                        "what it names");
  CHECK_THROWS_WITH(assay::path_claim::inside(dir / "link"),
                    assay_test::contains("the link leads to nothing"));
  CHECK(dir.entries() == 2);
}

TEST_CASE("a stream is refused where data is read more than once, and the message names its kind") {
  scratch_folder dir;
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(assay::refuse_stream(dir / "pipe"),
                    (dir / "pipe") +
                        ": this is a pipe, and the data is read more than once. "
                        "Write it to a file first, and give that file");
  CHECK_THROWS_WITH(assay::refuse_stream("/dev/null"), assay_test::contains("this is a device"));
  assay::write_file_atomically(dir / "file", "");
  CHECK_NOTHROW(assay::refuse_stream(dir / "file"));
  CHECK_NOTHROW(assay::refuse_stream(dir.path.string()));
  CHECK_NOTHROW(assay::refuse_stream(dir / "nothing"));
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
  CHECK(dir.entries() == 2);  // the folder `out` and the lock file of its claim
}

TEST_CASE("the old folder that a killed process left aside is removed by the next replacement") {
  scratch_folder dir;
  assay::write_file_atomically(dir / "out/f", "new");
  assay::write_file_atomically(dir / "out.old-7/f", "old");
  assay::folder_in_progress(dir / "out", true).commit();
  CHECK(dir.entries() == 1);
}
