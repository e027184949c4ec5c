// Tests the reader of compressed-tensors folders: codes packed as in the format's description, dequantization, refusals.
#include "checkpoint/compressed_tensors.hpp"

#include "aten.hpp"
#include "catch.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "scratch_folder.hpp"

using namespace assay;
using namespace assay::model;
using assay_test::contains;

namespace {

// The config.json of a folder whose linears all have this format; group_size null: one scale for each row.
json scheme(int bits, const json &group_size, bool symmetric,
            const std::string &format = "pack-quantized") {
  return {{"quantization_config",
           {{"quant_method", "compressed-tensors"},
            {"format", format},
            {"ignore", {"lm_head"}},
            {"config_groups",
             {{"group_0",
               {{"targets", {"Linear"}},
                {"weights",
                 {{"num_bits", bits},
                  {"type", "int"},
                  {"symmetric", symmetric},
                  {"group_size", group_size}}}}}}}}}};
}

std::shared_ptr<compressed_tensors_source> open(const scratch_folder &folder, const json &config,
                                                const named_tensors &t) {
  write_safetensors(folder.file("x.safetensors"), t);
  return std::make_shared<compressed_tensors_source>(
      open_safetensors_file(folder.file("x.safetensors")), config, "dir");
}

at::Tensor words(const std::vector<int64_t> &values) {
  return at::tensor(values, at::kLong).to(at::kInt);
}

}  // namespace

TEST_CASE("symmetric 4-bit words hold q + 8, least significant first") {
  const scratch_folder folder;
  const auto source =
      open(folder, scheme(4, 8, true),
           {{"m.weight_packed", words({0x76543210, 0xfedcba98}).reshape({1, 2})},
            {"m.weight_scale", at::tensor({0.5f, 2.0f}).reshape({1, 2}).to(at::kBFloat16)},
            {"m.weight_shape", at::tensor({1, 16}, at::kLong)},
            {"norm.weight", at::ones({3})}});
  const stored_linear m = source->read("m");
  CHECK(m.codes.equal(at::arange(-8, 8).to(at::kChar).reshape({1, 16})));
  CHECK(m.bits == 4);
  CHECK(m.group_size == 8);
  CHECK_FALSE(m.zero_points.defined());
  const at::Tensor weight = source->tensor("m.weight");
  CHECK(weight.equal(
      at::cat({at::arange(-8, 0) * 0.5, at::arange(0, 8) * 2.0}).to(at::kFloat).reshape({1, 16})));
  CHECK(source->tensor("norm.weight").equal(at::ones({3})));
  REQUIRE(source->tensors().size() == 2);
  CHECK(source->find("m.weight")->shape == std::vector<int64_t>{1, 16});
  CHECK(source->find("m.weight")->stored == "pack-quantized");
  CHECK(source->find("m.weight")->stored_bytes == 8 + 4 + 16);
}

TEST_CASE(
    "3-bit words are read if the folder's version packs them without gaps; else they are refused") {
  const scratch_folder folder;
  json config = scheme(3, 32, true);
  config["quantization_config"]["version"] = "0.17.0";
  const auto source =
      open(folder, config,
           {{"m.weight_packed", words({0x88fac688, 0xc688fac6, 0xfac688fa}).reshape({1, 3})},
            {"m.weight_scale", at::ones({1, 1})},
            {"m.weight_shape", at::tensor({1, 32}, at::kLong)}});
  CHECK(source->read("m").codes.equal((at::arange(32) % 8 - 4).to(at::kChar).reshape({1, 32})));
  config["quantization_config"]["version"] = "0.16.9";
  CHECK_THROWS_WITH(open(folder, config, {{"a", at::ones({1})}}),
                    contains("pack-quantized weights of 3 bits are not supported"));
}

TEST_CASE("zero points are packed along out, one column per group") {
  const scratch_folder folder;
  // Zero points of 9 rows and 2 groups: column 0 is -8..0, column 1 is all 0. A column of 9 needs two words.
  const at::Tensor zero = words({0x76543210, 0x88888888, 0x8, 0x8}).reshape({2, 2});
  const auto source = open(folder, scheme(4, 8, false),
                           {{"m.weight_packed", at::full({9, 2}, 0x11111111, at::kInt)},  // q = -7
                            {"m.weight_scale", at::ones({9, 2})},
                            {"m.weight_zero_point", zero},
                            {"m.weight_shape", at::tensor({9, 16}, at::kLong)}});
  const stored_linear m = source->read("m");
  CHECK(m.zero_points.select(1, 0).equal(at::arange(-8, 1).to(at::kChar)));
  CHECK(m.zero_points.select(1, 1).equal(at::zeros({9}, at::kChar)));
  CHECK(source->tensor("m.weight")[8][0].item<float>() == -7);
  CHECK(source->tensor("m.weight")[0][0].item<float>() == 1);
}

TEST_CASE("8-bit packed channels and W8A8 integers are read") {
  const scratch_folder folder;
  const auto packed = open(folder, scheme(8, nullptr, true),
                           {{"m.weight_packed", words({0xff7f8000}).reshape({1, 1})},
                            {"m.weight_scale", at::ones({1, 1})},
                            {"m.weight_shape", at::tensor({1, 4}, at::kLong)}});
  CHECK(
      packed->read("m").codes.equal(at::tensor({-128, 0, -1, 127}).to(at::kChar).reshape({1, 4})));
  const at::Tensor codes = at::tensor({-127, 5, 127, 0}).to(at::kChar).reshape({2, 2});
  const auto plain =
      open(folder, scheme(8, nullptr, true, "int-quantized"),
           {{"m.weight", codes}, {"m.weight_scale", at::tensor({0.5f, 0.25f}).reshape({2, 1})}});
  CHECK(plain->tensor("m.weight").equal(at::tensor({-63.5f, 2.5f, 31.75f, 0.0f}).reshape({2, 2})));
}

TEST_CASE("activation order by group index is honoured") {
  const scratch_folder folder;
  const auto source = open(
      folder, scheme(4, 4, true),
      {{"m.weight_packed", at::full({1, 1}, static_cast<int32_t>(0x99999999), at::kInt)},  // q = 1
       {"m.weight_scale", at::tensor({1.0f, 10.0f}).reshape({1, 2})},
       {"m.weight_g_idx", at::tensor({1, 0, 1, 0, 1, 0, 1, 0}).to(at::kInt)},
       {"m.weight_shape", at::tensor({1, 8}, at::kLong)}});
  CHECK(source->tensor("m.weight")
            .equal(at::tensor({10.f, 1.f, 10.f, 1.f, 10.f, 1.f, 10.f, 1.f}).reshape({1, 8})));
}

TEST_CASE(
    "tensors that do not fit the configuration are refused, and the message names the layer") {
  const scratch_folder folder;
  const auto read = [&](const json &config, const named_tensors &tensors) {
    try {
      open(folder, config, tensors)->read("m");
    } catch (const error &e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const at::Tensor shape = at::tensor({1, 16}, at::kLong), scale = at::ones({1, 2});
  const named_tensors good = {{"m.weight_packed", words({1, 2}).reshape({1, 2})},
                              {"m.weight_scale", scale},
                              {"m.weight_shape", shape}};
  CHECK(read(scheme(4, 8, true), good).empty());
  CHECK(read(scheme(4, 8, false), good) ==
        "dir: an asymmetric weight without weight_zero_point (layer m)");
  CHECK(read(scheme(8, 8, true), good) ==
        "dir: weight_packed does not fit weight_shape and num_bits (layer m)");
  CHECK(read(scheme(4, 16, true), good) == "dir: weight_scale does not fit group_size (layer m)");
  CHECK_THAT(read(scheme(3, 8, true), good),
             contains("pack-quantized weights of 3 bits are not supported"));
  CHECK_THAT(read(scheme(4, 8, true, "marlin-24"), good),
             contains("the compressed-tensors format 'marlin-24' is not supported"));
  named_tensors huge = good;
  huge[2].second = at::tensor({int64_t{1} << 40, int64_t{16}}, at::kLong);
  CHECK_THAT(read(scheme(4, 8, true), huge), contains("is not [out, in]"));
}
