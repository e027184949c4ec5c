// `assay import FILE.gguf DIR` converts a GGUF file (llama.cpp's model format) to a Hugging Face
// folder. Its work is in scripts/assay/cli/import.lua.
#include "cmd/lab.hpp"
#include "lua/script.hpp"

namespace assay::cmd {

int verb_import(const options &given) {
  json options = {{"file", given.operands[0]}, {"folder", given.operands[1]}};
  if (!given.dtype.empty()) options["dtype"] = given.dtype;
  return lua::run_command(script_settings(given), "import", options, given.traceback);
}

}  // namespace assay::cmd
