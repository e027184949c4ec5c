// Tests the name of a model that is taken from the path of its folder.
#include "catch.hpp"

#include <filesystem>

#include "checkpoint/folder_name.hpp"

using assay::model::folder_name;

TEST_CASE("a folder is called by the last part of its path, also if the path is relative") {
  CHECK(folder_name("models/tiny") == "tiny");
  CHECK(folder_name("models/tiny/") == "tiny");
  CHECK(folder_name("models/./tiny/.") == "tiny");
  CHECK(folder_name("x/mine.gguf") == "mine.gguf");
  const auto here = std::filesystem::current_path();
  CHECK(folder_name(".") == here.filename().string());
  CHECK(folder_name("./") == here.filename().string());
  CHECK(folder_name("..") == here.parent_path().filename().string());
  CHECK(folder_name("/") == "model");
}

TEST_CASE("a snapshot in the hub's cache is called by its repository, not by its revision") {
  const std::string cache = "/cache/hub/models--org--Tiny-1.5B--x/snapshots/abc123";
  CHECK(folder_name(cache) == "Tiny-1.5B--x");
  CHECK(folder_name(cache + "/") == "Tiny-1.5B--x");
  CHECK(folder_name("/cache/hub/models--gpt2/snapshots/abc123") == "gpt2");
  CHECK(folder_name(cache + "/part.gguf") == "part.gguf");
  CHECK(folder_name("/mine/snapshots/abc123") == "abc123");
}
