// The conformance suite: cases that every plugin must pass. `assay check` runs each of them in a process of its own.
// They do not test the numbers of a certain method; the unit tests in tests/unit/plugins do.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plug/component.hpp"

namespace assay::check {

// How a case ended. warn: a fault that is allowed. skip: the case cannot be tried with this plugin.
enum class verdict { pass, warn, skip, fail };
const char *verdict_name(verdict which);

struct outcome {
  std::string name;  // "quantizer/rtn/same_bytes", "library/entry_is_pure"
  verdict result = verdict::pass;
  std::string text;  // the reason; "" for pass
};

// Cases throw this to end with a result other than pass.
struct finding {
  verdict result;
  std::string text;
};
[[noreturn]] void fail(const std::string &text);
[[noreturn]] void warn(const std::string &text);
[[noreturn]] void skip(const std::string &text);

// What a case works on.
struct subject {
  std::string file;
  const plug::component *what = nullptr;  // nullptr for the cases that test the whole file
  json config;                            // a configuration that should work
  uint64_t seed = 1;                      // of the random inputs
};

struct test_case {
  const char *name;
  void (*run)(const subject &);
};

// The cases for whole files, for components of every kind, and for components of one kind.
const std::vector<test_case> &library_cases();
const std::vector<test_case> &config_cases();
const std::vector<test_case> &quantizer_cases();
const std::vector<test_case> &control_cases();  // also for quantizers: memory, stopping, threads
const std::vector<test_case> &transform_cases();
const std::vector<test_case> &dataset_cases();
const std::vector<test_case> &metric_cases();
const std::vector<test_case> &exporter_cases();

// What one run of `assay check` works on.
struct plan {
  std::string file;
  std::vector<plug::component> components;
  // From --set key=value; needed for keys that have neither default nor example
  json settings = json::object();
  uint64_t seed = 1;
};

std::vector<std::string> case_names(const plan &what);
// Runs one case in this process. If the plugin crashes, this process ends, so the caller must run it in a child process.
outcome run_case(const plan &what, const std::string &name);

// Offers assay.linalg/1 (matrix routines for plugins) in plain loops, for programs without LibTorch.
void offer_plain_linalg();

}  // namespace assay::check
