// Tests the quantizers hqq and codebook, called as the host calls them.
#include <cmath>

#include "catch.hpp"
#include "plug/quantizer.hpp"
#include "plug/scan/scan.hpp"
#include "small_layer.hpp"

namespace {

using namespace assay;

const plug::component &named(const std::string &plugin, const std::string &id) {
  static std::vector<plug::plugin_file> files;
  const std::string path = std::string(ASSAY_BUILD_DIR) + "/plugins/" + plugin + ".assay.so";
  files.reserve(16);
  files.push_back(plug::file_from_scan(path, "", plug::scan_here(path)));
  REQUIRE(files.back().broken.empty());
  for (const plug::component &one : files.back().components)
    if (one.id == id) return one;
  throw std::runtime_error(id);
}

std::vector<float> there_and_back(const plug::component &what, const json &config,
                                  const test::small_layer &layer) {
  plug::quantizer_instance quantizer(what, config), fresh(what, config);
  quantizer.needs(layer.get());
  const plug::emitted_form form = quantizer.quantize(layer.get());
  std::vector<float> out(layer.weight.size());
  const plug::tensor_view view(out.data(), plug::k_f32, {form.out_features, form.in_features});
  plug::form_view borrowed(form);
  fresh.dequantize(*borrowed.get(), *view);
  return out;
}

// Returns the sum of |w - back|^p over all weights.
double error_norm(const std::vector<float> &w, const std::vector<float> &back, double p) {
  double sum = 0;
  for (size_t i = 0; i < w.size(); ++i)
    sum += std::pow(std::fabs(double{w[i]} - double{back[i]}), p);
  return sum;
}

}  // namespace

TEST_CASE("hqq: the search lowers the sum of the absolute errors") {
  const plug::component &hqq = named("data_free", "hqq");
  for (const int bits : {2, 3, 4}) {
    test::small_layer layer(16, 128, 3);
    const double before = error_norm(
        layer.weight, there_and_back(hqq, {{"bits", bits}, {"iterations", 0}}, layer), 1);
    const double after = error_norm(layer.weight, there_and_back(hqq, {{"bits", bits}}, layer), 1);
    CHECK(after < before);
  }
}

// hqq stores the zero of a group in float16. This moves the zero by at most half of its last digit (ulp). A weight
// moves by this number times the step of the grid.
TEST_CASE(
    "hqq: without iterations the grid is the min-max grid, and both extremes come back up to the "
    "rounding of the zero") {
  test::small_layer layer(4, 64, 5);
  const std::vector<float> back =
      there_and_back(named("data_free", "hqq"), {{"iterations", 0}, {"first_zero", "real"}}, layer);
  for (size_t row = 0; row < 4; ++row) {
    const float *w = layer.weight.data() + row * 64;
    const auto [low, high] = std::minmax_element(w, w + 64);
    const float step = (*high - *low) / 15;
    CHECK(std::fabs(back[static_cast<size_t>(low - layer.weight.data())] - *low) < 0.02f * step);
    CHECK(std::fabs(back[static_cast<size_t>(high - layer.weight.data())] - *high) < 0.02f * step);
  }
}

// The real zero of a group is -low / scale; rounded to a whole number, it puts the weight 0 on the grid.
TEST_CASE("hqq: at 4 bits the search starts with 0 on the grid, at 3 with the real zero") {
  test::small_layer layer(4, 64, 5);
  for (size_t row = 0; row < 4; ++row) layer.weight[row * 64 + 9] = 0;
  const plug::component &hqq = named("data_free", "hqq");
  const auto first = [&](const json &config) { return there_and_back(hqq, config, layer); };
  const json plain = {{"iterations", 0}};
  for (size_t row = 0; row < 4; ++row) CHECK(first(plain)[row * 64 + 9] == 0);
  CHECK(first({{"iterations", 0}, {"bits", 3}}) ==
        first({{"iterations", 0}, {"bits", 3}, {"first_zero", "real"}}));
  CHECK(first(plain) != first({{"iterations", 0}, {"first_zero", "real"}}));
}

// A codebook is a list of 16 values; each group multiplies it by a scale.
TEST_CASE(
    "codebook: every weight becomes the nearest value of the codebook times the scale of its "
    "group") {
  test::small_layer layer(3, 96, 7);
  for (const std::string book : {"nf4", "fp4"}) {
    const std::vector<float> back =
        there_and_back(named("data_free", "codebook"), {{"codebook", book}}, layer);
    // Every value that occurs in a group could have been chosen for each weight of the group, so none may be nearer to
    // a weight than the chosen value.
    for (size_t row = 0; row < 3; ++row)
      for (size_t j = 0; j < 96; ++j) {
        const size_t first = row * 96 + j / 64 * 64, end = std::min(first + 64, (row + 1) * 96);
        const double chosen =
            std::fabs(double{layer.weight[row * 96 + j]} - double{back[row * 96 + j]});
        for (size_t i = first; i < end; ++i)
          REQUIRE(chosen <= std::fabs(double{layer.weight[row * 96 + j]} - double{back[i]}) + 1e-9);
      }
  }
}

TEST_CASE("codebook: the largest magnitude of a group comes back exactly if float16 can hold it") {
  test::small_layer layer(1, 64, 9);
  plug::data_of<float>(*layer.get().weight)[10] = -0.75f;
  CHECK(there_and_back(named("data_free", "codebook"), json::object(), layer)[10] == -0.75f);
}
