// The verbs of the command line: what was typed, as data, and one function per verb.
// Not the grammar (grammar.cpp) and not the work, which lives in the layers below.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace assay::cmd {

// Filled by parse_command_line(). Global options first; then what single verbs take, each field
// named after its option or operand. Empty string, nullopt and 0 mean "not given".
struct options {
  std::string verb;

  // every verb
  std::string device = "cpu";  // cpu | cuda | cuda:N
  std::string dtype;           // compute dtype: float32 | bfloat16 | float16; "" = float32
  int threads = 0;             // 0 = as many as cores
  std::optional<uint64_t> seed;
  std::string data;  // --data DIR: where data sets lie
  std::vector<std::string> plugin_dirs;
  std::vector<std::pair<std::string, std::string>> settings;  // --set key=value, in order
  bool json = false;                                          // machine-readable output on stdout
  bool quiet = false;                                         // no progress
  bool strict = false;     // ledger entries and failed gates end with exit code 6
  bool traceback = false;  // whole Lua traceback with an error
  double timeout = 0;      // seconds; a parent process ends the work, exit code 5
  std::string out;         // --out DIR or FILE

  // operands, as written: script, model, file, folder, plugin id, kind, name, ...
  std::vector<std::string> operands;

  std::string adapter;  // of quantize, eval, model: a PEFT LoRA folder to merge

  // quantize; "" = the default of scripts/assay/cli/quantize.lua
  std::string method, model, calib, format;
  int bits = 4;
  int64_t group_size = 128;  // -1 = one group per output channel
  bool asymmetric = false;
  bool tune = false;                // quantize: train the scales at the end
  bool keep_lm_head = false;        // the head stays in 16 bits or better
  int64_t samples = 0, length = 0;  // calibration sequences and tokens of each

  // eval
  int64_t window = 2048, limit = 0;  // tokens; windows, 0 = all
  // report
  std::vector<std::string> formats;  // html md csv
  // plugins
  bool rescan = false;  // do not believe the scan cache
  // check
  std::string only;  // regular expression over the names of the checks
  bool in_process = false;

  // The command line as given, without the program's name: for exec, records and messages.
  std::vector<std::string> arguments;
};

// Each returns the process's exit code, or throws assay::error, which decides it.
// In `assay` (no LibTorch, no Lua):
int verb_version(const options &);
int verb_plugins(const options &);
int verb_describe(const options &);  // operands: component id
int verb_check(const options &);     // operands: plugin file
int verb_new(const options &);       // operands: kind, name
// In `assay-lab`:
int verb_run(const options &);   // operands: study.lua
int verb_plan(const options &);  // operands: study.lua
int verb_repl(const options &);  // operands: optional script to start with
int verb_quantize(const options &);
int verb_eval(const options &);    // operands: model, text file
int verb_import(const options &);  // operands: file.gguf, folder
int verb_report(const options &);  // operands: report.json or its folder
int verb_audit(const options &);   // operands: report
int verb_doctor(const options &);
int verb_api(const options &);
int verb_model(const options &);  // operands: model

}  // namespace assay::cmd
