// Tests the registry, the list of plugins: how folders are searched, scans are cached, and
// components are found by name.
#include "plug/registry.hpp"

#include <cstdlib>
#include <filesystem>

#include "catch.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "plug/scan/elf.hpp"

namespace {

namespace fs = std::filesystem;
using namespace assay;
using plug::registry;

// A folder with the plugin rtn, to which a test adds files. The cache of scans is in it too.
struct plugin_folder {
  plugin_folder() : path(std::string(ASSAY_BUILD_DIR) + "/registry_test") {
    fs::remove_all(path);
    fs::create_directories(path);
    fs::copy_file(std::string(ASSAY_BUILD_DIR) + "/plugins/rtn.assay.so", path + "/rtn.assay.so");
    setenv("XDG_CACHE_HOME", (path + "/cache").c_str(), 1);
  }
  ~plugin_folder() { fs::remove_all(path); }
  registry open(bool rescan = false) const { return registry({{path}, rescan}); }
  std::string path;
};

}  // namespace

TEST_CASE("a second search takes a file from the cache, and a rescan does not") {
  const plugin_folder folder;
  CHECK_FALSE(folder.open().files().at(0).from_cache);
  CHECK(folder.open().files().at(0).from_cache);
  CHECK(folder.open().find(plug::kind::quantizer, "rtn").schema["properties"]["bits"]["maximum"] ==
        8);
  CHECK_FALSE(folder.open(true).files().at(0).from_cache);
}

TEST_CASE("a damaged cache costs a scan and nothing else") {
  const plugin_folder folder;
  folder.open();
  write_file_atomically(folder.path + "/cache/assay/plugins-1.json", "{\"a\": ");
  CHECK_FALSE(folder.open().files().at(0).from_cache);
  CHECK(folder.open().files().at(0).from_cache);
}

TEST_CASE("the error for an unknown id suggests what was meant, or lists what exists") {
  const plugin_folder folder;
  CHECK_THROWS_WITH(folder.open().find(plug::kind::quantizer, "rtm"),
                    "there is no quantizer 'rtm'. Did you mean 'rtn'?");
  CHECK_THROWS_WITH(folder.open().find(plug::kind::quantizer, "gptq"),
                    "there is no quantizer 'gptq'. Known: rtn");
  CHECK_THROWS_WITH(
      folder.open().find(plug::kind::metric, "rtn"),
      "there is no metric 'rtn'. No plugin was found: `assay plugins` shows where assay looks");
}

TEST_CASE(
    "a broken file is listed with the reason, and the error for a component that it should hold "
    "names it") {
  const plugin_folder folder;
  write_file_atomically(folder.path + "/gptq.assay.so", "not a library");
  write_file_atomically(folder.path + "/notes.txt", "no plugin");
  const registry found = folder.open();
  REQUIRE(found.files().size() == 2);
  CHECK(found.files()[0].broken == "damaged: header lies outside the file");
  CHECK_THROWS_WITH(
      found.find(plug::kind::quantizer, "gptq"),
      folder.path +
          "/gptq.assay.so: the plugin of the quantizer 'gptq' is broken: damaged: header "
          "lies outside the file");
}

TEST_CASE("the same bytes in two folders are one plugin") {
  const plugin_folder folder;
  const registry found(
      {{folder.path, std::string(ASSAY_BUILD_DIR) + "/plugins/../registry_test"}, false});
  CHECK(found.files().size() == 1);
}

TEST_CASE(
    "folders of the command line come first, then ASSAY_PLUGIN_PATH, then those beside the "
    "program") {
  setenv("ASSAY_PLUGIN_PATH", "/a:/b/../c", 1);
  const std::vector<std::string> folders = plug::plugin_folders({"/x"});
  REQUIRE(folders.size() == 5);
  CHECK(folders[0] == "/x");
  CHECK(folders[1] == "/a");
  CHECK(folders[2] == "/c");
  CHECK(folders[3] ==
        fs::path(std::string(ASSAY_BUILD_DIR) + "/plugins").lexically_normal().string());
  unsetenv("ASSAY_PLUGIN_PATH");
}

TEST_CASE("an ELF file cut anywhere is refused, never read past its end") {
  const plugin_folder folder;
  const std::string whole = read_file(folder.path + "/rtn.assay.so");
  for (size_t length = 0; length < whole.size(); length += 97) {
    write_file_atomically(folder.path + "/cut", whole.substr(0, length));
    CHECK_THROWS_AS(plug::read_elf(folder.path + "/cut"), error);
  }
}
