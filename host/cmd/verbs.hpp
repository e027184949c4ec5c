// Declares the options that a user typed, as data, and one function for each verb of the command
// line. grammar.cpp parses them. Each verb has a file, whose functions call the other rooms of host/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace assay::cmd {

// parse_command_line() fills this. Options of every verb come first, then those of single verbs.
// Most fields have the name of their option. An empty string, nullopt or 0 means "not given"; a field
// with another default keeps that default if the option is not given.
struct options {
  std::string verb;

  // every verb
  std::string device = "cpu";  // cpu | cuda | cuda:N
  std::string dtype;           // compute dtype: float32 | bfloat16 | float16; "" = float32
  int threads = 0;             // 0 = as OMP_NUM_THREADS or MKL_NUM_THREADS says, else all cores
  std::optional<uint64_t> seed;
  std::string data;  // --data DIR: the folder of the data sets
  std::vector<std::string> plugin_dirs;
  std::vector<std::pair<std::string, std::string>> settings;  // --set key=value, in order
  bool json = false;                                          // machine-readable output on stdout
  bool quiet = false;                                         // no progress
  // Exit code 6 for a failed gate (validity check) or a ledger entry that is more than a note.
  bool strict = false;
  bool traceback = false;  // print the whole Lua traceback with an error
  double timeout = 0;      // seconds until a parent process ends the work with exit code 5
  std::string out;         // --out DIR or FILE

  // operands, as written: script, model, file, folder, component id, kind, name, ...
  std::vector<std::string> operands;

  std::string adapter;  // of quantize, eval, model: a folder of LoRA weights to merge

  // quantize (format: export too); "" = the default of scripts/assay/cli/quantize.lua
  std::string method, model, calib, format;
  int bits = 4;
  int64_t group_size = 128;  // weights that share a scale; -1 = the whole row
  bool asymmetric = false;
  bool tune = false;          // train scales and norms at the end
  bool keep_lm_head = false;  // do not quantize the output head
  std::vector<std::string>
      keep;  // further linears that stay (export: become) float, as in a recipe
  int64_t samples = 0, length = 0;  // calibration sequences and tokens of each

  // chat; nullopt or 0 = the default of scripts/assay/cli/chat.lua
  std::string system;  // text of the system message
  std::optional<double> temperature, top_p;
  int64_t top_k = 0, max_tokens = 0;

  // eval, bench, chat
  bool packed = false;  // run from the stored codes, not from dequantized weights
  // bench; operands: decode or prefill, models
  std::vector<int64_t> batch;  // sequences at a time; empty = 1
  // tokens: those of the prompt (prefill), or new ones (decode). context: tokens before the first new one.
  // rounds: how often each model is measured. 0 = the default of scripts/assay/cli/bench.lua.
  int64_t tokens = 0, context = 0, rounds = 0;

  // eval
  int64_t window = 2048, limit = 0;  // tokens of a window; windows at most, 0 = all
  // report
  std::vector<std::string> formats;  // html md csv yaml
  // plugins
  bool rescan = false;  // scan every file again, without the cache of earlier scans
  // check
  std::string only;         // regular expression over the names of the checks
  bool in_process = false;  // no child process for each check

  // The command line as typed, without the program's name. It is for exec and for records.
  std::vector<std::string> arguments;
};

// Each function returns the exit code of the process. If it throws assay::error, the kind of the
// error decides the exit code. The program `assay`, which has neither LibTorch nor Lua, has these:
int verb_version(const options &);
int verb_plugins(const options &);
int verb_describe(const options &);  // operands: component id
int verb_check(const options &);     // operands: plugin file
int verb_new(const options &);       // operands: kind, name, optional folder
// The program `assay-lab` has these:
int verb_run(const options &);       // operands: study.lua, then arguments of the script
int verb_plan(const options &);      // operands: study.lua, then arguments of the script
int verb_repl(const options &);      // operands: scripts to start with, if any
int verb_quantize(const options &);  // operands: none, or the word "run"
int verb_eval(const options &);      // operands: model, text file
int verb_bench(const options &);     // operands: decode or prefill, models
int verb_chat(const options &);      // operands: model
int verb_formats(const options &);   // operands: none
int verb_import(const options &);    // operands: file.gguf, folder
int verb_export(const options &);    // operands: model
int verb_report(const options &);    // operands: report.json or its folder
int verb_audit(const options &);     // operands: report
int verb_doctor(const options &);
int verb_api(const options &);
int verb_model(const options &);  // operands: model

}  // namespace assay::cmd
