// Holds the options of the command line that concern scripts, as plain data. Lua sees most of them
// as assay.native.sys.settings().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace assay::lua {

struct settings {
  std::string device = "cpu", dtype = "float32";
  int threads = 0;  // 0 = as OMP_NUM_THREADS or MKL_NUM_THREADS says, else all cores
  std::optional<uint64_t> seed;
  std::string data, out;  // folders: --data, --out; "" = not given
  std::vector<std::string> plugin_dirs;
  std::vector<std::pair<std::string, std::string>> values;  // --set
  bool json = false, quiet = false, strict = false;
  bool strict_globals = true;                       // undeclared globals throw; off at the prompt
  std::string script_folder = ".";                  // require finds files here; writes are allowed
  std::string command;                              // the command line as typed, for records
  uint64_t memory_limit_bytes = uint64_t{1} << 30;  // of Lua's own heap; tensors are not in it
};

}  // namespace assay::lua
