// The conformance suite: cases that a plugin must pass, each run in a process of its own by `assay
// check`. Not unit tests of a method's numbers: those lie beside the plugin.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plug/component.hpp"

namespace assay::check {

enum class verdict { pass, warn, skip, fail };
const char *verdict_name(verdict which);

struct outcome {
  std::string name;  // "quantizer/rtn/same_bytes", "library/entry_is_pure"
  verdict result = verdict::pass;
  std::string text;  // why, for all but pass
};

// Thrown by cases.
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
  const plug::component *what = nullptr;  // nullptr for library cases
  json config;                            // a configuration that works
  uint64_t seed = 1;
};

struct test_case {
  const char *name;
  void (*run)(const subject &);
};

// By file: what each kind is asked.
const std::vector<test_case> &library_cases();
const std::vector<test_case> &config_cases();
const std::vector<test_case> &quantizer_cases();
const std::vector<test_case> &control_cases();  // of quantizers: memory, cancelling, threads
const std::vector<test_case> &transform_cases();
const std::vector<test_case> &dataset_cases();
const std::vector<test_case> &metric_cases();
const std::vector<test_case> &exporter_cases();

struct plan {
  std::string file;
  std::vector<plug::component> components;
  json settings =
      json::object();  // --set key=value: for keys that have neither default nor example
  uint64_t seed = 1;
};

std::vector<std::string> case_names(const plan &what);
// Runs one case in this process. A crash is the caller's business.
outcome run_case(const plan &what, const std::string &name);

// Plain loops behind assay.linalg/1, for programs without LibTorch; also the reference that
// plug/linalg is compared with.
void offer_plain_linalg();

}  // namespace assay::check
