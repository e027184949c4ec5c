// `assay eval MODEL TEXT` prints a model's perplexity on a text file.
// Its work is in scripts/assay/cli/eval.lua.
#include "cmd/lab.hpp"
#include "lua/script.hpp"

namespace assay::cmd {

int verb_eval(const options &given) {
  json options = {{"model", given.operands[0]},
                  {"text", given.operands[1]},
                  {"window", given.window},
                  {"limit", given.limit},
                  {"packed", given.packed}};
  if (!given.adapter.empty()) options["adapter"] = given.adapter;
  return lua::run_command(script_settings(given), "eval", options, given.traceback);
}

}  // namespace assay::cmd
