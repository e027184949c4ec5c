// `assay export MODEL --format FORMAT` writes the codes that a model stores in another format. Its work is in
// scripts/assay/cli/export.lua.
#include "cmd/lab.hpp"
#include "core/error.hpp"
#include "lua/script.hpp"

namespace assay::cmd {

int verb_export(const options &given) {
  if (given.format.empty())
    throw error(error_kind::usage, "export: --format is missing")
        .hint("assay export " + given.operands[0] + " --format gguf");
  json options = {{"model", given.operands[0]}, {"out", given.out}, {"format", given.format}};
  if (!given.keep.empty()) options["keep"] = given.keep;
  return lua::run_command(script_settings(given), "export", options, given.traceback);
}

}  // namespace assay::cmd
