// `assay model MODEL` says what a model folder or a GGUF file contains: architecture, tensors,
// tokenizer. Its work is in scripts/assay/cli/model.lua.
#include "cmd/lab.hpp"
#include "lua/script.hpp"

namespace assay::cmd {

int verb_model(const options &given) {
  json options = {{"path", given.operands[0]}};
  if (!given.adapter.empty()) options["adapter"] = given.adapter;
  return lua::run_command(script_settings(given), "model", options, given.traceback);
}

}  // namespace assay::cmd
