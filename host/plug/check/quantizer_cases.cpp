// Cases for the numbers of a quantizer: small errors, equal bytes in each run, no dependence on the order of the weight matrices.
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "plug/check/bench.hpp"

namespace assay::check {
namespace {

std::string sizes(int64_t rows, int64_t columns) {
  return "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
}

void require_finite(const std::vector<float> &values, const std::string &what) {
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      fail(what + ": the dequantized weight is not finite at position " + std::to_string(i));
}

// The width of a row that this quantizer takes: the next multiple of its fact `columns_multiple`.
int64_t width(const subject &on, int64_t columns) {
  const int64_t step = on.what->facts.value("columns_multiple", int64_t{1});
  return step > 1 ? (columns + step - 1) / step * step : columns;
}

// Quantizes and dequantizes weights of odd sizes: with a short last group, with a single row or column, and with 576 columns as in
// a small real model.
void round_trip(const subject &on) {
  const int64_t shapes[][2] = {{24, 64}, {1, 1}, {3, 7}, {1, 200}, {130, 2}, {8, 576}};
  for (const auto &[rows, wished] : shapes) {
    const int64_t columns = width(on, wished);
    bench_layer layer(rows, columns, on.seed);
    const std::vector<float> back = dequantize(on, run(on, layer));
    require_finite(back, "for a weight of " + sizes(rows, columns));
    const double lost = relative_error(layer.weight, back);
    // A result of zeros has error 1. This is allowed only for a matrix of fewer than 64 weights.
    const double limit = rows * columns < 64 ? 1.5 : 1.0;
    if (lost >= limit)
      fail("a weight of " + sizes(rows, columns) + " comes back with a relative error of " +
           std::to_string(lost) + ": zeros would be nearer");
  }
}

void same_bytes(const subject &on) {
  bench_layer layer(16, 96, on.seed);
  if (bytes_of(run(on, layer)) != bytes_of(run(on, layer)))
    fail("two runs with the same input differ");
}

void order_of_layers(const subject &on) {
  bench_layer a(12, 64, on.seed), b(20, width(on, 48), on.seed + 1);
  plug::quantizer_instance forward(*on.what, on.config), backward(*on.what, on.config);
  const std::string a_first = bytes_of(run(forward, a)), b_second = bytes_of(run(forward, b));
  const std::string b_first = bytes_of(run(backward, b)), a_second = bytes_of(run(backward, a));
  if (a_first != a_second || b_first != b_second)
    fail("a layer's result depends on the layers before it");
}

void chunking(const subject &on) {
  bench_layer layer(8, 64, on.seed);
  plug::quantizer_instance probe(*on.what, on.config);
  if ((probe.needs(layer.layer()).statistics & ASSAY_NEED_RAW_INPUT) == 0)
    skip("it reads no raw inputs");
  run_options one, seven;
  one.chunk = 1;
  seven.chunk = 7;
  const std::string whole = bytes_of(run(on, layer));
  if (whole != bytes_of(run(on, layer, one)) || whole != bytes_of(run(on, layer, seven)))
    fail("the result depends on how the tokens were cut");
}

void input_is_left_alone(const subject &on) {
  bench_layer layer(16, width(on, 80), on.seed);
  plug::quantizer_instance probe(*on.what, on.config);
  layer.stats(probe.needs(layer.layer()));
  const std::string before = layer.bytes();
  run(on, layer);
  if (before != layer.bytes()) fail("quantize writes to the weight or to the statistics");
}

// Every input must give a finite result or an error with a reason. NaN and infinity must give an error.
void strange_weights(const subject &on) {
  struct kind_of_weight {
    const char *name;
    float value;
    bool must_fail;
  };
  const float infinity = std::numeric_limits<float>::infinity();
  const kind_of_weight kinds[] = {
      {"zeros", 0.0f, false},         {"a constant", 0.3f, false},
      {"huge weights", 1e30f, false}, {"denormal weights", 1e-41f, false},
      {"NaN", std::nanf(""), true},   {"Inf", infinity, true}};
  for (const kind_of_weight &one : kinds) {
    bench_layer layer(6, width(on, 40), on.seed);
    if (one.must_fail)
      layer.weight[77] = one.value;
    else
      layer.weight.assign(layer.weight.size(), one.value);
    try {
      const std::vector<float> back = dequantize(on, run(on, layer));
      if (one.must_fail)
        fail(std::string(one.name) + " in the weight is quantized without an error");
      require_finite(back, std::string("for ") + one.name);
    } catch (const error &reason) {
      if (reason.kind() == error_kind::plugin)
        fail(std::string("for ") + one.name + ": " + reason.what());
    }
  }
}

void bits_help(const subject &on) {
  const json properties = on.what->schema.value("properties", json::object());
  if (!properties.contains("bits") || !properties["bits"].contains("minimum") ||
      !properties["bits"].contains("maximum"))
    skip("its schema has no range of bits");
  bench_layer layer(24, 128, on.seed);
  double before = std::numeric_limits<double>::infinity();
  subject at = on;
  for (int64_t bits = properties["bits"]["minimum"];
       bits <= properties["bits"]["maximum"].get<int64_t>(); ++bits) {
    at.config["bits"] = bits;
    const double lost = relative_error(layer.weight, dequantize(at, run(at, layer)));
    if (lost > before)
      warn("the error grows from " + std::to_string(bits - 1) + " to " + std::to_string(bits) +
           " bits");
    before = lost;
  }
}

void estimate_is_honest(const subject &on) {
  bench_layer layer(16, width(on, 200), on.seed);
  plug::quantizer_instance quantizer(*on.what, on.config);
  const auto told = quantizer.estimate(layer.layer());
  if (!told || told->packed_bits == 0) skip("it gives no estimate of packed_bits");
  const double counted = run(on, layer).packed_bits();
  if (std::fabs(told->packed_bits - counted) > 0.01 * counted)
    warn("it estimates " + std::to_string(told->packed_bits) + " bits and emits " +
         std::to_string(counted));
}

}  // namespace

const std::vector<test_case> &quantizer_cases() {
  static const std::vector<test_case> cases = {
      {"round_trip", round_trip},
      {"same_bytes", same_bytes},
      {"order_of_layers", order_of_layers},
      {"chunking", chunking},
      {"input_is_left_alone", input_is_left_alone},
      {"strange_weights", strange_weights},
      {"bits_help", bits_help},
      {"estimate_is_honest", estimate_is_honest},
  };
  return cases;
}

}  // namespace assay::check
