// Tests that the host survives plugins of this folder, and compares its messages. The plugins whose mistake only `assay check`
// looks for are tested in tests/conformance.
#include <cstdlib>

#include "../support/small_layer.hpp"
#include "catch.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "plug/loader.hpp"
#include "plug/metric.hpp"
#include "plug/quantizer.hpp"
#include "plug/registry.hpp"
#include "plug/scan/scan.hpp"

namespace {

using namespace assay;
using plug::component;

std::string path_of(const std::string &name) {
  return std::string(ASSAY_BUILD_DIR) + "/bad_plugins/" + name + ".assay.so";
}

// Returns why the registry (the list of plugins) would refuse the file; "" if the file is usable. `seconds` is the time limit.
std::string broken(const std::string &name, double seconds = 5.0) {
  return plug::file_from_scan(path_of(name), "", plug::scan_in_child(path_of(name), seconds))
      .broken;
}

component component_of(const std::string &name) {
  const plug::plugin_file file =
      plug::file_from_scan(path_of(name), "", plug::scan_in_child(path_of(name)));
  REQUIRE(file.broken.empty());
  return file.components.at(0);
}

// Quantizes one small linear [3, 4] with this plugin. Returns the error's text, or "nothing" if there was no error.
std::string at_work(const std::string &name, bool checked = false) {
  const component what = component_of(name);
  plug::instance_options options;
  options.checked = checked;
  test::small_layer linear(3, 4);
  try {
    plug::quantizer_instance quantizer(what, json::object(), options);
    quantizer.needs(linear.get());
    quantizer.quantize(linear.get());
  } catch (const error &failure) {
    CHECK(failure.kind() == error_kind::plugin);
    return failure.what();
  }
  return "nothing";
}

}  // namespace

// The scanner is the child process that loads a plugin first.
TEST_CASE("a plugin that crashes while it is loaded ends only the scanner process") {
  CHECK(broken("abort_at_load") == "crashed while it was loaded: signal 6 (SIGABRT)");
  CHECK(broken("segfault_at_load") == "crashed while it was loaded: signal 11 (SIGSEGV)");
  // It depends on the C library whether the exception passes through dlopen or ends the process there.
  CHECK_THAT(broken("throw_at_load"),
             Catch::Matchers::Equals("cannot be loaded: no licence found") ||
                 Catch::Matchers::StartsWith(
                     "crashed while it was loaded: signal 6 (SIGABRT): terminate called"));
  CHECK(broken("exit_at_load") == "ended the process while it was loaded (exit code 0)");
  CHECK(broken("exit_in_entry") == "ended the process while it was loaded (exit code 7)");
  CHECK(broken("hang_at_load", 1.0) == "gave no answer within 1 s while it was loaded");
}

TEST_CASE("what a plugin prints does not mix with the scanner's answer") {
  CHECK(broken("prints_at_load").empty());
}

TEST_CASE("a file with wrong symbols is refused before its code runs") {
  CHECK(broken("two_symbols") ==
        "exports helper beside assay_plugin_v1: link with plugin_api/assay.map and "
        "-fvisibility=hidden");
  CHECK(broken("hidden_entry") ==
        "exports no assay_plugin_v1: not a plugin, or built with the entry hidden (ASSAY_EXPORT)");
  CHECK(broken("future_abi") ==
        "built for assay ABI 2, this host speaks ABI 1: rebuild it with plugin_api from this "
        "release");
  CHECK(broken("no_such_file") == "cannot open the file: No such file or directory");
}

// The gate (host/plug/gate.hpp) checks the structs of a plugin. It is no gate of a study.
TEST_CASE("the gate refuses what breaks the contract") {
  CHECK(broken("null_entry") ==
        "assay_plugin_v1 returned NULL: this machine has no such processor");
  CHECK(broken("wrong_size") ==
        "the plugin descriptor has struct_size 13, which is not a valid size (ABI 1.0 has 72). Set "
        "struct_size to sizeof "
        "the struct");
  CHECK(broken("null_vtable") == "the vtable of quantizer 'null_vtable' is NULL");
  CHECK(broken("no_dequantize") ==
        "quantizer 'no_dequantize' has no dequantize, from which the host derives every "
        "fake-quantized weight");
  CHECK(broken("bad_id") == "component id 'Bad Id' is not made of a-z, 0-9, '_', '-' and '.'");
  CHECK(broken("bad_schema") ==
        "config_schema of quantizer 'bad_schema' of " + path_of("bad_schema") +
            ": bad schema of `a`: `oneOf` is not in the subset of JSON Schema that assay reads");
  CHECK(broken("broken_schema").find("config_schema of quantizer 'broken_schema'") == 0);
}

TEST_CASE("kinds and flags of the future are listed, not refused") {
  const auto unsupported = [](const std::string &name) {
    return plug::file_from_scan(path_of(name), "", plug::scan_in_child(path_of(name))).unsupported;
  };
  CHECK(unsupported("unknown_kind") ==
        std::vector<std::string>{"component 'unknown_kind': kind 99 is unknown to this host"});
  CHECK(unsupported("critical_flag") ==
        std::vector<std::string>{
            "component 'critical_flag': it needs a flag that this host does not know (65536)"});
}

TEST_CASE("what is emitted is checked as it arrives") {
  CHECK(at_work("bad_strides") ==
        "emitted 'codes' with gaps between its rows: emitted tensors are contiguous (plugin "
        "bad_strides, layer "
        "test.layer)");
  CHECK(at_work("emits_twice") == "emitted 'codes' twice (plugin emits_twice, layer test.layer)");
  CHECK(at_work("emits_nothing") == "emitted nothing (plugin emits_nothing, layer test.layer)");
  CHECK(at_work("wrong_shape") ==
        "emitted 'codes' of shape [4, 3], expected [3, 4] (plugin wrong_shape, layer test.layer)");
  CHECK(at_work("wide_codes") ==
        "emitted 'codes' with the value 9, which does not fit in 3 bits (plugin wide_codes, layer "
        "test.layer)");
  CHECK(at_work("nan_scales") ==
        "emitted 'scales', which is not finite at [0, 0] (plugin nan_scales, layer test.layer)");
  CHECK(at_work("no_scales") ==
        "noted format int/1 and emitted no 'scales' (plugin no_scales, layer test.layer)");
  CHECK(at_work("bad_note").find("gave a note that is not a JSON object: note:") == 0);
}

TEST_CASE("a call that asks for a key that the schema lacks fails, even if the plugin goes on") {
  CHECK(at_work("asks_wrong_key") ==
        "asked its configuration for the integer `widht`, which is not there (plugin "
        "asks_wrong_key). The schema and the code of the plugin must name the same keys");
}

TEST_CASE("the status of a call must agree with what the plugin reported and returned") {
  CHECK(at_work("silent_failure") ==
        "quantize failed with status -4 and gave no reason (plugin silent_failure, layer "
        "test.layer)");
  CHECK(at_work("denies_failure") ==
        "quantize reported a failure and returned success: the matrix is singular (plugin "
        "denies_failure, layer "
        "test.layer)");
  CHECK(at_work("no_instance") == "create returned success and no instance (plugin no_instance)");
}

// In checked mode the host compares the state of the process before and after each call.
TEST_CASE(
    "in checked mode a plugin that changes the process is reported, and the change is undone") {
  CHECK(at_work("changes_rounding", true) ==
        "quantize changed the floating-point rounding mode (plugin changes_rounding, layer "
        "test.layer)");
  CHECK(at_work("changes_locale", true) ==
        "quantize changed the locale (plugin changes_locale, layer test.layer)");
}

TEST_CASE("if two files provide one id, neither can be used, and the message names both") {
  setenv("XDG_CACHE_HOME", (std::string(ASSAY_BUILD_DIR) + "/bad_plugins/cache").c_str(), 1);
  const std::string folder = std::string(ASSAY_BUILD_DIR) + "/bad_plugins/";
  const plug::registry found({{folder + "duplicate_a", folder + "duplicate_b"}, false});
  CHECK_THROWS_WITH(found.find(plug::kind::quantizer, "duplicate"),
                    "two plugins provide the quantizer 'duplicate': " + folder +
                        "duplicate_a/duplicate_a.assay.so and " + folder +
                        "duplicate_b/duplicate_b.assay.so. Remove one of them");
}

TEST_CASE("NaN from a metric is refused, and the message names the sample") {
  const component what = component_of("nan_metric");
  plug::metric_instance metric(what, json::object());
  std::string said;
  try {
    metric.evaluate(json::object(), {{0, "{}", {}}, {1, "{}", {}}});
  } catch (const error &failure) {
    CHECK(failure.kind() == error_kind::plugin);
    said = failure.what();
  }
  CHECK(said ==
        "gave the number 'joy' of kind mean with the score nan for sample 1 (plugin nan_metric)");
}
