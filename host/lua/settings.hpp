// What scripts see of the command line (assay.native.sys.settings). Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace assay::lua {

struct settings {
  std::string device = "cpu", dtype = "float32";
  int threads = 0;  // 0 = all cores
  std::optional<uint64_t> seed;
  std::string data, out;
  std::vector<std::string> plugin_dirs;
  std::vector<std::pair<std::string, std::string>> values;  // --set
  bool json = false, quiet = false, strict = false;
  bool strict_globals = true;                       // off at the interactive prompt
  std::string script_folder = ".";                  // of the script: require and writes
  std::string command;                              // as typed, for records
  uint64_t memory_limit_bytes = uint64_t{1} << 30;  // of Lua's own heap; tensors are not in it
};

}  // namespace assay::lua
