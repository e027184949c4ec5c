// Copies a golden model's folder, so that a test can change the files.
#pragma once

#include <filesystem>
#include <string>

#include "catch.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/json.hpp"
#include "model/decoder.hpp"
#include "scratch_folder.hpp"

namespace assay_test {

using namespace assay;
using namespace assay::model;

inline const std::string k_models = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/models/";

// A copy of a golden model's folder, in which a test changes files.
struct spoiled_model {
  explicit spoiled_model(const std::string &name) {
    for (const auto &item : std::filesystem::directory_iterator(k_models + name))
      std::filesystem::copy(item.path(), folder.path / item.path().filename());
  }
  void set(const std::string &key, const json &value) {
    json config = read_json_file(folder.file("config.json"));
    config[key] = value;
    folder.write("config.json", config.dump());
  }
  std::string problem() const {
    try {
      decoder::load(*checkpoint::open(folder.path.string()));
    } catch (const error &e) {
      CHECK(e.where().rfind(folder.path.string(), 0) == 0);
      return e.message();
    }
    return "";
  }
  scratch_folder folder;
};

}  // namespace assay_test
