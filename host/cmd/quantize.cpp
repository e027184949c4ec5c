// `assay quantize` quantizes one model and writes it as a folder. Its work is in
// scripts/assay/cli/quantize.lua. `assay quantize run` means the same.
#include "cmd/lab.hpp"
#include "core/error.hpp"
#include "lua/script.hpp"

namespace assay::cmd {

int verb_quantize(const options &given) {
  if (!given.operands.empty() && given.operands[0] != "run")
    throw error(error_kind::usage, "quantize: unexpected '" + given.operands[0] + "'")
        .hint("assay quantize --model DIR --method NAME --out DIR");
  json options = {{"model", given.model},
                  {"out", given.out},
                  {"bits", given.bits},
                  {"group", given.group_size},
                  {"symmetric", !given.asymmetric},
                  {"tune", given.tune},
                  {"keep_lm_head", given.keep_lm_head}};
  if (!given.keep.empty()) options["keep"] = given.keep;
  if (!given.method.empty()) options["method"] = given.method;
  if (!given.format.empty()) options["format"] = given.format;
  if (!given.calib.empty()) options["calib"] = given.calib;
  if (!given.adapter.empty()) options["adapter"] = given.adapter;
  if (given.samples) options["samples"] = given.samples;
  if (given.length) options["length"] = given.length;
  return lua::run_command(script_settings(given), "quantize", options, given.traceback);
}

}  // namespace assay::cmd
