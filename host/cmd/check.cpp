// `assay check FILE` tests whether a plugin keeps its contract with the host (the conformance suite). Without
// --in-process, each test case runs in a process of its own, so that a crash is a failed case.
#include <cstdio>
#include <regex>

#include "cmd/verbs.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/process.hpp"
#include "plug/check/check.hpp"
#include "plug/scan/scan.hpp"

namespace assay::cmd {
namespace {

using check::outcome;
using check::verdict;

constexpr double k_seconds_per_case = 60;

// Returns the value of a --set option: the JSON value if the text is JSON (4, true), else the text.
json setting_value(const std::string &text) {
  const json value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json(text) : value;
}

// Scans the plugin file for its components, and adds seed and settings from the command line.
// Throws error(plugin) if the file cannot be used.
check::plan plan_for(const options &given) {
  check::plan out;
  out.file = given.operands.at(0);
  const plug::plugin_file file = plug::file_from_scan(out.file, "", plug::scan_in_child(out.file));
  if (!file.broken.empty()) throw error(error_kind::plugin, file.broken).at(out.file);
  out.components = file.components;
  out.seed = given.seed.value_or(1);
  for (const auto &[key, value] : given.settings) out.settings[key] = setting_value(value);
  return out;
}

// Returns the names of the cases that match the regular expression `only`; all if it is empty.
std::vector<std::string> chosen(const check::plan &plan, const std::string &only) {
  std::vector<std::string> names = check::case_names(plan);
  if (only.empty()) return names;
  try {
    const std::regex pattern(only);
    std::erase_if(names,
                  [&](const std::string &name) { return !std::regex_search(name, pattern); });
  } catch (const std::regex_error &reason) {
    throw error(error_kind::usage, "--only '" + only + "' is no regular expression")
        .cause(reason.what());
  }
  if (names.empty()) throw error(error_kind::usage, "--only '" + only + "' chooses no case");
  return names;
}

// Returns a regular expression that matches this name and no other.
std::string escaped(const std::string &name) {
  std::string out = "^";
  for (const char c : name) out += c == '.' ? std::string("[.]") : std::string(1, c);
  return out + "$";
}

// Runs one case in a child process. The case fails if the child crashes, takes too long or prints no
// result that can be read.
outcome run_in_child(const check::plan &plan, const options &given, const std::string &name) {
  std::vector<std::string> argv = {
      executable_folder() + "/assay", "check",  plan.file,    "--in-process", "--json", "--seed",
      std::to_string(plan.seed),      "--only", escaped(name)};
  for (const auto &[key, value] : given.settings) {
    argv.push_back("--set");
    argv.push_back(key + "=" + value);
  }
  process_limits limits;
  limits.seconds = k_seconds_per_case;
  const process_result end = run_process(argv, limits);
  const json answer = json::parse(end.out, nullptr, false);
  if (!answer.is_array() || answer.size() != 1) {
    const std::string said = end.err.substr(0, end.err.find('\n'));
    return {name, verdict::fail,
            "the process ended: " + describe_end(end) + (said.empty() ? "" : ": " + said)};
  }
  outcome out{name, verdict::fail, answer[0].value("text", "")};
  for (const verdict one : {verdict::pass, verdict::warn, verdict::skip})
    if (answer[0].value("result", "") == verdict_name(one)) out.result = one;
  return out;
}

void print(const outcome &one) {
  std::printf("%s  %s\n", verdict_name(one.result), one.name.c_str());
  if (!one.text.empty()) std::printf("      %s\n", one.text.c_str());
  std::fflush(stdout);
}

json as_json(const std::vector<outcome> &all) {
  json out = json::array();
  for (const outcome &one : all)
    out.push_back({{"name", one.name}, {"result", verdict_name(one.result)}, {"text", one.text}});
  return out;
}

}  // namespace

int verb_check(const options &given) {
  const check::plan plan = plan_for(given);
  std::vector<outcome> all;
  size_t count[4] = {};
  for (const std::string &name : chosen(plan, given.only)) {
    throw_if_cancelled();
    all.push_back(given.in_process ? check::run_case(plan, name) : run_in_child(plan, given, name));
    ++count[static_cast<size_t>(all.back().result)];
    if (!given.json) print(all.back());
  }
  if (given.json)
    std::printf("%s\n", json_text(as_json(all)).c_str());
  else
    std::printf("%zu passed, %zu failed, %zu warnings, %zu skipped\n", count[0], count[3], count[1],
                count[2]);
  if (count[3] > 0 && !given.json)
    std::printf("reproduce with --seed %llu\n", static_cast<unsigned long long>(plan.seed));
  return count[3] > 0 ? exit_code(error_kind::plugin) : 0;
}

}  // namespace assay::cmd
