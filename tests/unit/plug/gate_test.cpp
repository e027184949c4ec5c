// Tests the gate of the host (not a gate of a study), which checks and copies a plugin's structs: structs of older and
// newer headers are understood, wrong ones are refused.
#include "plug/gate.hpp"

#include <cstring>

#include "catch.hpp"
#include "core/error.hpp"

using namespace assay;
using namespace assay::plug;

namespace {

// A complete plugin whose structs a test may shorten, lengthen or damage.
struct fixture {
  fixture() {
    table.struct_size = sizeof table;
    table.create = [](const assay_host *, const char *, void **) { return ASSAY_OK; };
    table.destroy = [](void *) {};
    table.needs = [](void *, const assay_linear *, assay_needs *) { return ASSAY_OK; };
    table.quantize = [](void *, const assay_linear *, const assay_stats *, const assay_sink *) {
      return ASSAY_OK;
    };
    table.dequantize = [](void *, const assay_form *, const assay_tensor *) { return ASSAY_OK; };
    table.estimate = [](void *, const assay_linear *, assay_estimate *) { return ASSAY_OK; };
    component = {
        sizeof component, ASSAY_KIND_QUANTIZER, "x", 1, 0, "summary", "{}", nullptr, &table,
        nullptr};
    plugin = {sizeof plugin, 0, "org.x", "1.0.0", "summary", "MIT", nullptr, nullptr, 1, 0, list};
  }
  // Returns why the gate refuses the plugin, or "admitted".
  std::string refusal() const {
    try {
      admit(&plugin, "x.assay.so");
    } catch (const error &reason) {
      CHECK(reason.kind() == error_kind::plugin);
      return reason.what();
    }
    return "admitted";
  }
  assay_quantizer_vtable table{};
  assay_component component{};
  const assay_component *list[2] = {&component, &component};
  assay_plugin plugin{};
};

}  // namespace

TEST_CASE("a struct of an older header reads as one with zeros at its end") {
  fixture old;
  old.table.struct_size = offsetof(assay_quantizer_vtable, estimate);
  old.component.get_extension = [](const char *) -> const void * {
    return "garbage behind the end";
  };
  old.component.struct_size = offsetof(assay_component, get_extension);
  const gated_plugin admitted = admit(&old.plugin, "x.assay.so");
  CHECK(admitted.components.at(0).vtable.quantizer.dequantize != nullptr);
  CHECK(admitted.components.at(0).vtable.quantizer.estimate == nullptr);
  CHECK(admitted.components.at(0).facts.get_extension == nullptr);
}

TEST_CASE("a struct of a newer header is cut to what this host knows") {
  struct {
    assay_quantizer_vtable known;
    void *future[4];
  } table;
  std::memset(&table, 0x5a, sizeof table);
  fixture recent;
  table.known = recent.table;
  table.known.struct_size = sizeof table;
  recent.component.vtable = &table;
  recent.plugin.abi_minor = 99;
  const gated_plugin admitted = admit(&recent.plugin, "x.assay.so");
  CHECK(admitted.components.at(0).vtable.quantizer.estimate != nullptr);
}

TEST_CASE(
    "a struct of an older header that lacks a required member is refused, and the error names the "
    "member") {
  fixture old;
  old.table.struct_size = offsetof(assay_quantizer_vtable, dequantize);
  CHECK(old.refusal() ==
        "x.assay.so: quantizer 'x' has no dequantize, from which the host derives every "
        "fake-quantized weight");
  old.component.struct_size = 8;
  CHECK(old.refusal() == "x.assay.so: component 0 has no id");
}

TEST_CASE("each mistake in a plugin's structs has its message") {
  CHECK_THROWS_WITH(admit(nullptr, "x.assay.so"), "x.assay.so: the plugin descriptor is NULL");
  fixture bad;
  bad.plugin.license = nullptr;
  CHECK(bad.refusal() == "x.assay.so: the plugin has no license");
  bad.plugin.license = "MIT";
  bad.plugin.n_components = 0;
  CHECK(bad.refusal() == "x.assay.so: the plugin has no components");
  fixture twice;
  twice.plugin.n_components = 2;
  CHECK(twice.refusal() == "x.assay.so: quantizer 'x' is there twice");
  fixture missing;
  missing.list[0] = nullptr;
  CHECK(missing.refusal() == "x.assay.so: component 0 is NULL");
  fixture text;
  text.component.summary = "\xff\xfe";
  CHECK(text.refusal() == "x.assay.so: quantizer 'x' has a summary that is not UTF-8");
  fixture none;
  none.table.quantize = nullptr;
  CHECK(none.refusal() == "x.assay.so: quantizer 'x' has neither quantize nor quantize_block");
}
