// `assay bench decode|prefill MODEL..` measures how many tokens a model reads (prefill) or writes
// (decode) in a second. Its work is in scripts/assay/cli/bench.lua.
#include "cmd/lab.hpp"
#include "lua/script.hpp"

namespace assay::cmd {

int verb_bench(const options &given) {
  json options = {
      {"phase", given.operands[0]},
      {"models", std::vector<std::string>(given.operands.begin() + 1, given.operands.end())},
      {"packed", given.packed},
      {"batch", given.batch}};
  if (given.tokens > 0) options["tokens"] = given.tokens;
  if (given.context > 0) options["context"] = given.context;
  if (given.rounds > 0) options["rounds"] = given.rounds;
  return lua::run_command(script_settings(given), "bench", options, given.traceback);
}

}  // namespace assay::cmd
