// Opens dataset components on small files and collects their records, for the tests of dataset plugins.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "../plugin_harness.hpp"

namespace harness {

using list = std::vector<std::string>;

struct scratch_folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("assay_data_" + std::to_string(std::rand()));
  scratch_folder() { std::filesystem::create_directories(path); }
  ~scratch_folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string &name, const std::string &bytes) const {
    std::ofstream(path / name, std::ios::binary) << bytes;
    return (path / name).string();
  }
};

class dataset {
 public:
  // config: the other members of the configuration as JSON text with a leading comma, such as ,"records":"line"
  dataset(const std::string &plugin, const std::string &id, const std::string &path,
          const std::string &config, const assay_host &with = host())
      : table_(*static_cast<const assay_dataset_vtable *>(component(plugin, id)->vtable)) {
    const std::string text =
        completed(*component(plugin, id), "{\"path\":\"" + path + "\"" + config + "}").dump();
    status = table_.create(&with, text.c_str(), &self_);
    message = status == ASSAY_OK ? "" : last_failure();
  }
  ~dataset() {
    if (self_ != nullptr) table_.destroy(self_);
  }
  dataset(const dataset &) = delete;
  dataset &operator=(const dataset &) = delete;

  list records() {
    list out;
    const char *json = nullptr;
    uint64_t n_bytes = 0;
    while (table_.next(self_, &json, &n_bytes) == ASSAY_OK) out.emplace_back(json, n_bytes);
    return out;
  }
  void rewind() { table_.rewind(self_); }
  assay_dataset_info info() {
    assay_dataset_info out{};
    out.struct_size = sizeof out;
    table_.info(self_, &out);
    return out;
  }

  int32_t status = 0;
  std::string message;

 private:
  const assay_dataset_vtable &table_;
  void *self_ = nullptr;
};

}  // namespace harness
