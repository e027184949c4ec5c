// `assay chat MODEL` holds a conversation with a model. Its work is in scripts/assay/cli/chat.lua; the
// loop over the lines is in lua/chat.cpp.
#include "lua/chat.hpp"
#include "cmd/lab.hpp"

namespace assay::cmd {

int verb_chat(const options &given) {
  json options = {{"model", given.operands[0]}, {"packed", given.packed}};
  if (!given.adapter.empty()) options["adapter"] = given.adapter;
  if (!given.system.empty()) options["system"] = given.system;
  if (given.temperature) options["temperature"] = *given.temperature;
  if (given.top_p) options["top_p"] = *given.top_p;
  if (given.top_k) options["top_k"] = given.top_k;
  if (given.max_tokens) options["max_tokens"] = given.max_tokens;
  return lua::run_chat(script_settings(given), options, given.traceback);
}

}  // namespace assay::cmd
