// Tests the quantizer rtn (round to nearest), called as the host calls it: numbers against a plain
// reference, and general rules.
#include <cmath>
#include <cstring>
#include <limits>

#include "catch.hpp"
#include "core/error.hpp"
#include "plug/quantizer.hpp"
#include "plug/scan/scan.hpp"
#include "small_layer.hpp"

namespace {

using namespace assay;
using plug::emitted_form;
using plug::quantizer_instance;

const plug::component &rtn() {
  static const plug::component found = [] {
    const std::string path = std::string(ASSAY_BUILD_DIR) + "/plugins/rtn.assay.so";
    const plug::plugin_file file = plug::file_from_scan(path, "", plug::scan_here(path));
    REQUIRE(file.broken.empty());
    return file.components.at(0);
  }();
  return found;
}

// Rounds x to float16 by the definition: to the nearest multiple of the step at its exponent, ties to even.
double to_half(double x) {
  if (x == 0) return 0;
  const int exponent = std::max(std::ilogb(x), -14);
  const double step = std::ldexp(1.0, exponent - 10);
  return std::nearbyint(x / step) * step;
}

// Returns the value of a float16 number from its bits.
double half_from_bits(uint16_t bits) {
  const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

struct reference {
  std::vector<int> codes, zeros;
  std::vector<double> scales;
};

// Rounds to nearest by the formulas of plugins/METHODS.md, "Grids", group by group, in double. The plugin uses float.
// mode: "full" (codes -2^(bits-1) to 2^(bits-1)-1), "narrow" (the scale is such that the code -2^(bits-1) is not
// needed) or "asymmetric".
reference plain_rtn(const std::vector<float> &w, int64_t rows, int64_t columns, int bits,
                    int64_t group, const std::string &mode) {
  reference out;
  out.codes.resize(w.size());
  const double half = std::ldexp(1.0, bits - 1);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t first = 0; first < columns; first += group) {
      const int64_t n = std::min(group, columns - first);
      const float *x = w.data() + r * columns + first;
      double low = 0, high = 0;
      for (int64_t i = 0; i < n; ++i) {
        low = std::min(low, double{x[i]});
        high = std::max(high, double{x[i]});
      }
      const double extreme = -low >= high ? low : high;
      double scale = mode == "full" ? static_cast<float>(-extreme / half)
                     : mode == "narrow"
                         ? static_cast<float>(std::fabs(extreme) / (half - 1))
                         : static_cast<float>(static_cast<float>(high / (2 * half - 1)) -
                                              static_cast<float>(low / (2 * half - 1)));
      scale = to_half(scale);
      const double zero =
          mode == "asymmetric"
              ? std::min(2 * half - 1, double{std::nearbyint(static_cast<float>(-low / scale))})
              : 0;
      const double bottom = mode == "asymmetric" ? 0 : -half;
      for (int64_t i = 0; i < n; ++i) {
        const double code = double{std::nearbyint(static_cast<float>(double{x[i]} / scale))} + zero;
        out.codes[static_cast<size_t>(r * columns + first + i)] =
            static_cast<int>(std::min(bottom + 2 * half - 1, std::max(bottom, code)));
      }
      out.scales.push_back(scale);
      out.zeros.push_back(static_cast<int>(zero));
    }
  }
  return out;
}

json config_of(int bits, int64_t group, const std::string &mode) {
  return {{"bits", bits},
          {"group_size", group},
          {"symmetric", mode != "asymmetric"},
          {"range", mode == "narrow" ? "narrow" : "full"}};
}

emitted_form quantize(const test::small_layer &layer, const json &config) {
  quantizer_instance quantizer(rtn(), config);
  quantizer.needs(layer.get());
  return quantizer.quantize(layer.get());
}

std::vector<float> dequantize(const emitted_form &form, const json &config) {
  std::vector<float> out(static_cast<size_t>(form.out_features * form.in_features));
  const plug::tensor_view view(out.data(), plug::k_f32, {form.out_features, form.in_features});
  quantizer_instance fresh(rtn(), config);
  plug::form_view borrowed(form);
  fresh.dequantize(*borrowed.get(), *view);
  return out;
}

int code_at(const emitted_form &form, size_t i) {
  const assay_tensor &codes = form.find("codes")->tensor.view();
  return codes.dtype.code == ASSAY_INT ? plug::data_of<int8_t>(codes)[i]
                                       : plug::data_of<uint8_t>(codes)[i];
}

std::string failure(const test::small_layer &layer, const json &config) {
  try {
    quantize(layer, config);
  } catch (const error &reason) {
    return reason.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE(
    "rtn: codes, scales and zeros are those of the formulas, for every width, grouping and mode") {
  const int64_t rows = 5, columns = 144;  // 144 = 4.5 x 32: the last group is short
  for (const std::string mode : {"full", "narrow", "asymmetric"})
    for (const int bits : {2, 3, 4, 5, 8})
      for (const int64_t group :
           {int64_t{-1}, int64_t{16}, int64_t{32}, int64_t{144}, int64_t{1000}}) {
        CAPTURE(mode, bits, group);
        test::small_layer layer(rows, columns, static_cast<uint64_t>(bits));
        const emitted_form form = quantize(layer, config_of(bits, group, mode));
        const reference expected =
            plain_rtn(layer.weight, rows, columns, bits, group == -1 ? columns : group, mode);
        const assay_tensor &scales = form.find("scales")->tensor.view();
        REQUIRE(plug::element_count(scales) == static_cast<int64_t>(expected.scales.size()));
        bool same = true;
        for (size_t i = 0; i < expected.codes.size(); ++i)
          same = same && code_at(form, i) == expected.codes[i];
        for (size_t i = 0; i < expected.scales.size(); ++i)
          same = same && half_from_bits(plug::data_of<uint16_t>(scales)[i]) == expected.scales[i];
        if (mode == "asymmetric")
          for (size_t i = 0; i < expected.zeros.size(); ++i)
            same = same && plug::data_of<uint8_t>(form.find("zeros")->tensor.view())[i] ==
                               expected.zeros[i];
        CHECK(same);
      }
}

TEST_CASE("rtn: a fresh instance dequantizes to scale * (code - zero)") {
  for (const std::string mode : {"full", "asymmetric"}) {
    test::small_layer layer(3, 72);
    const json config = config_of(4, 32, mode);
    const emitted_form form = quantize(layer, config);
    const std::vector<float> back = dequantize(form, config);
    const assay_tensor &scales = form.find("scales")->tensor.view();
    for (size_t i = 0; i < back.size(); ++i) {
      const size_t at = i / 72 * 3 + i % 72 / 32;
      const int zero =
          mode == "full" ? 0 : plug::data_of<uint8_t>(form.find("zeros")->tensor.view())[at];
      CHECK(double{back[i]} ==
            half_from_bits(plug::data_of<uint16_t>(scales)[at]) * (code_at(form, i) - zero));
    }
  }
}

TEST_CASE("rtn: with full range, the weight of the largest magnitude gets the code -2^(bits-1)") {
  test::small_layer layer(1, 4);
  layer.weight = {0.5f, -0.25f, 0.125f, 0.0f};
  std::copy(layer.weight.begin(), layer.weight.end(), plug::data_of<float>(*layer.get().weight));
  const emitted_form form = quantize(layer, config_of(4, -1, "full"));
  CHECK(code_at(form, 0) == -8);
  CHECK(code_at(form, 1) == 4);
  CHECK(half_from_bits(*plug::data_of<uint16_t>(form.find("scales")->tensor.view())) == -0.0625);
}

TEST_CASE("rtn: what lies on the grid comes back exactly") {
  test::small_layer layer(2, 64);
  float *w = plug::data_of<float>(*layer.get().weight);
  for (int i = 0; i < 128; ++i) w[i] = 0.03125f * static_cast<float>(i % 16 - 8);
  const json config = config_of(4, 32, "full");
  const std::vector<float> back = dequantize(quantize(layer, config), config);
  CHECK(std::memcmp(back.data(), w, sizeof(float) * 128) == 0);
}

TEST_CASE("rtn: the squared error falls with every bit") {
  test::small_layer layer(8, 256);
  double before = 1e9;
  for (int bits = 2; bits <= 8; ++bits) {
    const json config = config_of(bits, 64, "full");
    const std::vector<float> back = dequantize(quantize(layer, config), config);
    double sum = 0;
    for (size_t i = 0; i < back.size(); ++i)
      sum += std::pow(double{back[i]} - double{layer.weight[i]}, 2);
    CHECK(sum < before);
    before = sum;
  }
}

TEST_CASE("rtn: a group of zeros has scale 1 and codes 0") {
  test::small_layer layer(1, 32);
  std::memset(plug::data_of<float>(*layer.get().weight), 0, 32 * sizeof(float));
  const emitted_form form = quantize(layer, config_of(4, 32, "asymmetric"));
  CHECK(code_at(form, 7) == 0);
  CHECK(half_from_bits(*plug::data_of<uint16_t>(form.find("scales")->tensor.view())) == 1.0);
}

TEST_CASE(
    "rtn: a scale that float16 cannot hold becomes the nearest normal float16, and is counted") {
  test::small_layer layer(1, 4);
  float *w = plug::data_of<float>(*layer.get().weight);
  for (int i = 0; i < 4; ++i) w[i] = 1e-6f * static_cast<float>(i);
  plug::instance_options options;
  std::vector<plug::ledger_event> events;
  options.ledger = [&](const plug::ledger_event &event) { events.push_back(event); };
  quantizer_instance quantizer(rtn(), config_of(4, -1, "full"), options);
  quantizer.needs(layer.get());
  quantizer.quantize(layer.get());
  REQUIRE(events.size() == 1);
  CHECK(events[0].event == "clamped_scale");
  CHECK(events[0].layer == "test.layer");
  CHECK(events[0].count == 1);
  w[2] = 1e30f;
  for (const char *range : {"full", "narrow", "asymmetric"}) {
    events.clear();
    quantizer_instance large(rtn(), config_of(4, -1, range), options);
    large.needs(layer.get());
    const emitted_form form = large.quantize(layer.get());
    const uint16_t scale = *plug::data_of<uint16_t>(form.find("scales")->tensor.view());
    CHECK(std::fabs(half_from_bits(scale)) == 65504.0);
    CHECK(code_at(form, 2) == (range == std::string("asymmetric") ? 15
                               : range == std::string("narrow")   ? 7
                                                                  : -8));
    REQUIRE(events.size() == 1);
    CHECK(events[0].event == "clamped_scale");
  }
  events.clear();
  quantizer_instance wide(rtn(), {{"scale_dtype", "float32"}}, options);
  wide.needs(layer.get());
  wide.quantize(layer.get());
  CHECK(events.empty());
}

TEST_CASE("rtn: the error for a weight that is not finite gives its place") {
  test::small_layer layer(3, 40);
  plug::data_of<float>(*layer.get().weight)[2 * 40 + 17] = std::numeric_limits<float>::quiet_NaN();
  CHECK(failure(layer, json::object()) ==
        "weight [2, 17] is not finite (plugin rtn, layer test.layer)");
  plug::data_of<float>(*layer.get().weight)[40] = -std::numeric_limits<float>::infinity();
  CHECK(failure(layer, json::object()) ==
        "weight [1, 0] is not finite (plugin rtn, layer test.layer)");
}

TEST_CASE("rtn: a ragged (shorter) last group can be refused") {
  CHECK(failure(test::small_layer(1, 40), {{"group_size", 32}, {"ragged", "error"}}) ==
        "the row is no multiple of group_size, and ragged is \"error\" (plugin rtn, layer "
        "test.layer)");
}

TEST_CASE("rtn: the estimate is what the host counts") {
  for (const std::string mode : {"full", "asymmetric"}) {
    test::small_layer layer(7, 100);
    quantizer_instance quantizer(rtn(), config_of(3, 32, mode));
    const double counted = quantize(layer, config_of(3, 32, mode)).packed_bits();
    CHECK(quantizer.estimate(layer.get())->packed_bits == counted);
    // 7 rows of 100 codes and 4 groups; a group has a float16 scale, and a zero of 3 bits if asymmetric
    CHECK(counted == 7 * (100 * 3 + 4 * (mode == "full" ? 16 : 19)));
  }
}

TEST_CASE("rtn: a configuration with a typing mistake names the key that was meant") {
  CHECK_THROWS_WITH(quantizer_instance(rtn(), {{"bit", 4}}, {}, "study.lua:3"),
                    "study.lua:3: unknown key `bit`. Did you mean 'bits'?");
  CHECK_THROWS_WITH(quantizer_instance(rtn(), {{"bits", 9}}),
                    "rtn: `bits` must be at most 8 bits, not 9");
}
