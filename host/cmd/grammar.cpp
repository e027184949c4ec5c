// Defines the verbs and options of the command line, and parses it with the library CLI11. Help,
// version and usage errors are answered here, before a heavy library is loaded.
#include "cmd/grammar.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <set>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/resources.hpp"
#include "core/suggest.hpp"

namespace assay::cmd {
namespace {

struct verb_text {
  const char *name, *operands, *duty;
  int least, most;  // number of operands (words that are no options)
};

// The help lists the verbs in this order.
constexpr verb_text k_verbs[] = {
    {"run", "STUDY.lua", "run a study (or any script); resumes what was interrupted", 1, 64},
    {"plan", "STUDY.lua", "print what a study would run: bits, bytes, time, memory", 1, 64},
    {"repl", "[SCRIPT.lua]", "interactive Lua prompt; reads from a pipe without prompts", 0, 64},
    {"quantize", "[run]", "quantize a model folder and write a checkpoint", 0, 1},
    {"eval", "MODEL TEXT", "perplexity of a model on a text file", 2, 2},
    {"bench", "decode|prefill MODEL..",
     "measure tokens a second of models, and compare them with this machine's limits", 2, 64},
    {"chat", "MODEL", "talk with a model; reads one line for each question from a pipe", 1, 1},
    {"formats", "", "list which programs load which of the formats that are written", 0, 0},
    {"import", "FILE.gguf DIR", "turn a GGUF file into a Hugging Face folder", 2, 2},
    {"export", "MODEL", "write the codes that a model stores in another format", 1, 1},
    {"model", "MODEL", "say what a model folder or GGUF file is", 1, 1},
    {"plugins", "", "list the plugins that were found, and those that were refused", 0, 0},
    {"describe", "ID", "describe a component and its configuration", 1, 1},
    {"check", "PLUGIN.assay.so", "run the conformance suite on a plugin", 1, 1},
    {"new", "KIND NAME", "write the folder of a new plugin", 2, 3},
    {"report", "RUN", "render report.json again", 1, 1},
    {"audit", "REPORT", "apply the guardrails to a report made elsewhere", 1, 1},
    {"doctor", "", "say what works on this machine and how to get what is missing", 0, 0},
    {"api", "", "list every Lua function", 0, 0},
    {"version", "", "print the version", 0, 0},
};

constexpr const char *k_foot =
    "exit codes: 0 ok, 1 the work failed, 2 usage, 3 plugin fault, 4 cancelled, 5 timeout,\n"
    "            6 a gate failed or the ledger has an entry (--strict)\n"
    "first steps: assay run scripts/studies/quickstart.lua\n"
    "in a checkout: ./assay test (build and run all tests), ./assay build";

void add_global_options(CLI::App &app, options &to) {
  app.add_option("--device", to.device, "where tensors live: cpu, cuda or cuda:N")
      ->type_name("DEV");
  app.add_option("--dtype", to.dtype, "dtype to compute in: float32, bfloat16 or float16")
      ->check(CLI::IsMember({"float32", "bfloat16", "float16"}))
      ->type_name("TYPE");
  app.add_option("--threads", to.threads, "CPU threads (default: all cores)")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  app.add_option("--seed", to.seed, "seed of everything random")->type_name("N");
  app.add_option("--data", to.data, "folder in which data sets are looked for")->type_name("DIR");
  app.add_option("--plugin-dir", to.plugin_dirs, "further folder of plugins (repeatable)")
      ->type_name("DIR")
      ->allow_extra_args(false);
  app.add_option("--out", to.out, "where results go")->type_name("DIR");
  app.add_option("--timeout", to.timeout, "end the work after S seconds, exit code 5")
      ->check(CLI::NonNegativeNumber)
      ->type_name("S");
  app.add_flag("--json", to.json, "machine-readable output");
  app.add_flag("--quiet", to.quiet, "no progress");
  app.add_flag("--strict", to.strict, "a failed gate or a ledger entry ends with exit code 6");
  app.add_flag("--traceback", to.traceback, "whole traceback with a script error");
}

void add_verb_options(CLI::App &sub, const std::string &verb, options &to) {
  if (verb == "quantize" || verb == "eval" || verb == "model" || verb == "chat")
    sub.add_option("--adapter", to.adapter, "PEFT LoRA folder, merged into the model")
        ->type_name("DIR");
  if (verb == "quantize") {
    sub.add_option("--method", to.method, "named method (default: round to nearest)")
        ->capture_default_str();
    sub.add_option("--model,--src", to.model, "model folder or GGUF file")->required();
    sub.add_option("--dst", to.out, "the same as --out (default: a name made of model and recipe)");
    sub.add_option("--bits", to.bits, "bits of a weight")
        ->capture_default_str()
        ->check(CLI::Range(1, 16));
    sub.add_option("--group-size,--group", to.group_size, "weights per scale; -1 = whole row")
        ->capture_default_str();
    sub.add_flag("--asymmetric", to.asymmetric, "quantize with a zero point beside each scale");
    sub.add_flag("--keep-lm-head,--keep-lm-head-fp16", to.keep_lm_head,
                 "leave the output head unquantized");
    sub.add_option("--keep", to.keep, "linears that stay in float: names, roles or re:EXPRESSION")
        ->delimiter(',');
    sub.add_option("--calib", to.calib,
                   "calibration: FILE (text, JSON, CSV, Parquet) or a known set (gsm8k:train)");
    sub.add_flag("--tune", to.tune, "at the end, train scales and norms to match the float model");
    sub.add_option("--samples", to.samples, "number of calibration sequences");
    sub.add_option("--length", to.length, "tokens of each calibration sequence");
    sub.add_option("--format", to.format, "exporter that writes the checkpoint (default: auto)")
        ->capture_default_str();
  }
  if (verb == "export") {
    sub.add_option("--format", to.format, "gguf, gptq, awq, compressed-tensors or safetensors");
    sub.add_option("--keep", to.keep,
                   "quantized weights that become floats: names, roles or re:EXPRESSION")
        ->delimiter(',');
  }
  if (verb == "eval") {
    sub.add_option("--window", to.window, "tokens of a window")->capture_default_str();
    sub.add_option("--limit", to.limit, "windows at most; 0 = all")->capture_default_str();
  }
  if (verb == "eval" || verb == "bench" || verb == "chat")
    sub.add_flag("--packed", to.packed,
                 "run from the codes as they are stored, not from dequantized weights");
  if (verb == "chat") {
    sub.add_option("--system", to.system, "text of the system message");
    sub.add_option("--temperature", to.temperature,
                   "0: always the likeliest token (default); larger: more varied")
        ->check(CLI::NonNegativeNumber);
    sub.add_option("--top-p", to.top_p, "draw from the likeliest tokens with this share together");
    sub.add_option("--top-k", to.top_k, "draw from this many of the likeliest tokens")
        ->check(CLI::PositiveNumber);
    sub.add_option("--max-tokens", to.max_tokens, "most tokens of an answer (default: 1024)")
        ->check(CLI::PositiveNumber);
  }
  if (verb == "bench") {
    sub.add_option("--batch", to.batch, "decode: sequences at a time, as in 1,2,4 (default: 1)")
        ->delimiter(',')
        ->check(CLI::Range(1, 1024));
    sub.add_option("--tokens", to.tokens,
                   "prefill: tokens of the prompt (default: 512); decode: steps (default: 64)")
        ->check(CLI::PositiveNumber);
    sub.add_option("--context", to.context, "decode: tokens before the first step (default: 16)")
        ->check(CLI::PositiveNumber);
    sub.add_option("--rounds", to.rounds, "times that each model is measured, in turn (default: 3)")
        ->check(CLI::PositiveNumber);
  }
  if (verb == "report")
    sub.add_option("--format", to.formats, "html, md, csv, yaml (default: html, md, csv)")
        ->delimiter(',')
        ->check(CLI::IsMember({"html", "md", "csv", "yaml"}));
  if (verb == "plugins")
    sub.add_flag("--rescan", to.rescan, "load every plugin file again, without the cache");
  if (verb == "check") {
    sub.add_option("--only", to.only, "regular expression over the names of the checks");
    sub.add_flag("--in-process", to.in_process, "no child process (for debuggers)");
  }
}

const verb_text *find_verb(const std::string &name) {
  for (const verb_text &verb : k_verbs)
    if (name == verb.name) return &verb;
  return nullptr;
}

early_end usage_error(const std::string &message, const std::string &hint) {
  std::string text = "assay: " + message + "\n";
  if (!hint.empty()) text += "  " + hint + "\n";
  return {exit_code(error_kind::usage), "", text};
}

// Splits each "key=value" of --set at its first '='; the value may contain more of them. Returns a
// usage error if a text has no key or no '='.
std::optional<early_end> split_settings(const std::vector<std::string> &texts, options &to) {
  for (const std::string &text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return usage_error("--set " + text + ": expected key=value", "Example: --set limit=4");
    to.settings.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return std::nullopt;
}

std::optional<early_end> check_threads(const options &given) {
  try {
    require_threads(given.threads, "--threads " + std::to_string(given.threads));
    return std::nullopt;
  } catch (const error &problem) {
    return usage_error(problem.message(), problem.hint());
  }
}

std::vector<std::string> option_names(const CLI::App &app, const CLI::App *sub) {
  std::vector<std::string> names;
  for (const CLI::App *one : {&app, sub})
    if (one)
      for (const CLI::Option *option : one->get_options())
        for (const std::string &name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

// Returns a usage error for an unknown option. CLI11 leaves an unknown option among the operands, as a word
// that begins with '-'.
std::optional<early_end> check_unknown(const CLI::App &app, const CLI::App *sub,
                                       const options &given) {
  for (const std::string &word : given.operands) {
    if (word.size() < 2 || word[0] != '-') continue;
    const std::string name = word.substr(0, word.find('='));
    const std::string where = sub ? " of 'assay " + sub->get_name() + "'" : "";
    const std::string near = closest(name, option_names(app, sub));
    return usage_error("unknown option '" + name + "'" + where,
                       near.empty() ? "assay " + (sub ? sub->get_name() + " " : std::string()) +
                                          "--help lists the options"
                                    : "Did you mean '" + near + "'?");
  }
  return std::nullopt;
}

std::optional<early_end> check_operands(const verb_text &verb, const options &given) {
  const int n = static_cast<int>(given.operands.size());
  if (n >= verb.least && n <= verb.most) return std::nullopt;
  const std::string usage = std::string("Usage: assay ") + verb.name + " " + verb.operands;
  if (n < verb.least) return usage_error(std::string(verb.name) + ": something is missing", usage);
  return usage_error(std::string(verb.name) + ": unexpected '" +
                         given.operands[static_cast<size_t>(verb.most)] + "'",
                     usage);
}

// Called if CLI11 found no known verb. The first word that is not an option was meant to be the verb;
// the error suggests the verb with the most similar name.
early_end unknown_verb(const options &given) {
  for (const std::string &word : given.operands)
    if (!word.empty() && word[0] != '-') {
      const std::string near = closest(word, verb_names());
      return usage_error("unknown verb '" + word + "'", near.empty()
                                                            ? "assay --help lists the verbs"
                                                            : "Did you mean '" + near + "'?");
    }
  return usage_error("a verb is missing", "assay --help lists the verbs");
}

}  // namespace

std::vector<std::string> verb_names() {
  std::vector<std::string> names;
  for (const verb_text &verb : k_verbs) names.emplace_back(verb.name);
  return names;
}

std::string version_text() {
  return "assay " ASSAY_VERSION;
}

std::optional<early_end> parse_command_line(int argc, char **argv, options &into) {
  into.arguments.assign(argv + 1, argv + argc);
  CLI::App app("A native laboratory for post-training quantization of language models.", "assay");
  app.footer(k_foot);
  app.set_version_flag("--version", version_text());
  app.require_subcommand(0, 1);
  app.allow_extras();
  std::vector<std::string> settings;
  app.add_option("--set", settings, "a value for the script: assay.setting(key) (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  add_global_options(app, into);
  for (const verb_text &verb : k_verbs) {
    CLI::App *sub = app.add_subcommand(verb.name, verb.duty);
    sub->fallthrough();
    sub->allow_extras();
    sub->footer("operands: " + std::string(*verb.operands ? verb.operands : "none") +
                "\nEvery verb also takes the options that 'assay --help' lists.");
    add_verb_options(*sub, verb.name, into);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion &) {
    return early_end{0, version_text() + "\n", ""};
  } catch (const CLI::Success &e) {
    const auto called = app.get_subcommands();
    const CLI::App &asked = called.empty() ? app : *called.front();
    return early_end{0, asked.help(), ""};
  } catch (const CLI::ParseError &e) {
    return usage_error(e.what(), "assay --help lists the options");
  }
  const auto called = app.get_subcommands();
  const CLI::App *sub = called.empty() ? nullptr : called.front();
  into.operands = app.remaining(true);
  if (auto end = check_unknown(app, sub, into)) return end;
  if (!sub) {
    if (into.operands.empty()) return early_end{exit_code(error_kind::usage), "", app.help()};
    return unknown_verb(into);
  }
  into.verb = sub->get_name();
  if (auto end = split_settings(settings, into)) return end;
  if (auto end = check_threads(into)) return end;
  if (auto end = check_operands(*find_verb(into.verb), into)) return end;
  return std::nullopt;
}

void print_error(const std::exception &problem) {
  const auto *known = dynamic_cast<const error *>(&problem);
  if (!known) {
    std::fprintf(stderr, "assay: %s\n", plain_reason(problem).c_str());
    return;
  }
  std::string text = known->where().empty() ? "assay: " : known->where() + ": ";
  text += known->message() + "\n";
  if (!known->plugin().empty()) text += "  plugin: " + known->plugin() + "\n";
  if (!known->layer().empty()) text += "  layer: " + known->layer() + "\n";
  if (!known->cause().empty()) text += "  cause: " + known->cause() + "\n";
  if (!known->hint().empty()) text += "  " + known->hint() + "\n";
  std::fputs(text.c_str(), stderr);
}

int run_guarded(int (*verb)(const options &), const options &given) {
  try {
    return verb(given);
  } catch (const error &e) {
    print_error(e);
    return exit_code(e.kind());
  } catch (const std::bad_alloc &) {
    std::fputs("assay: out of memory\n", stderr);
    return exit_code(error_kind::failed);
  } catch (const std::exception &e) {
    print_error(e);
    return exit_code(error_kind::failed);
  }
}

}  // namespace assay::cmd
