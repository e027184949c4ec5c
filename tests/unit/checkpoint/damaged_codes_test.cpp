// Tests that quantized weights with impossible values are refused by the linear's name, in every format: scales that are infinite or no
// numbers, codes without a value, groups that do not divide, GGUF tensors that overlap or have a type from a later version.
#include "aten.hpp"
#include "catch.hpp"
#include "checkpoint/compressed_tensors.hpp"
#include "checkpoint/gguf/gguf_checkpoint.hpp"
#include "checkpoint/gptq_awq.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "gguf_bytes.hpp"
#include "scratch_folder.hpp"

using namespace assay;
using namespace assay::model;
using assay_test::contains;

namespace {

constexpr float k_infinity = std::numeric_limits<float>::infinity();
const float k_broken[] = {k_infinity, -k_infinity, std::numeric_limits<float>::quiet_NaN()};

// What reading the linear "m" of a compressed-tensors folder of one format says; "" if it is read.
std::string problem_of(const std::string &format, int bits, const json &group,
                       const named_tensors &tensors) {
  const scratch_folder folder;
  write_safetensors(folder.file("x.safetensors"), tensors);
  const json weights = {
      {"num_bits", bits},
      {"type", format.starts_with("int") || format.starts_with("pack") ? "int" : "float"},
      {"symmetric", true},
      {"group_size", group}};
  const json config = {
      {"quantization_config",
       {{"format", format},
        {"config_groups", {{"group_0", {{"targets", {"Linear"}}, {"weights", weights}}}}}}}};
  try {
    const compressed_tensors_source source(open_safetensors_file(folder.file("x.safetensors")),
                                           config, "dir");
    source.tensor("m.weight");
  } catch (const error &e) {
    return e.what();
  }
  return "";
}

named_tensors packed(const at::Tensor &scale) {
  return {{"m.weight_packed", at::full({1, 2}, 0x11111111, at::kInt)},
          {"m.weight_scale", scale},
          {"m.weight_shape", at::tensor({1, 16}, at::kLong)}};
}

}  // namespace

TEST_CASE("a scale that is infinite or no number is refused by the linear's name") {
  CHECK(problem_of("pack-quantized", 4, 8, packed(at::ones({1, 2}))).empty());
  for (const float value : k_broken) {
    const at::Tensor scale = at::tensor({1.0f, value}).reshape({1, 2});
    CHECK_THAT(problem_of("pack-quantized", 4, 8, packed(scale)),
               contains("dir: a scale is infinite or not a number (layer m)"));
    CHECK_THAT(problem_of("pack-quantized", 4, 8, packed(scale.to(at::kBFloat16))),
               contains("a scale is infinite or not a number (layer m)"));
    CHECK_THAT(problem_of("nvfp4-pack-quantized", 4, 16,
                          {{"m.weight_packed", at::full({1, 16}, 0x11, at::kByte)},
                           {"m.weight_scale", at::ones({1, 2}).to(at::kFloat8_e4m3fn)},
                           {"m.weight_global_scale", at::tensor({value})}}),
               contains("the global scale is zero, infinite or not a number (layer m)"));
  }
  CHECK_THAT(problem_of("nvfp4-pack-quantized", 4, 16,
                        {{"m.weight_packed", at::full({1, 16}, 0x11, at::kByte)},
                         {"m.weight_scale", at::ones({1, 2}).to(at::kFloat8_e4m3fn)},
                         {"m.weight_global_scale", at::zeros({1})}}),
             contains("the global scale is zero"));
  CHECK_THAT(problem_of("mxfp4-pack-quantized", 4, 32,
                        {{"m.weight_packed", at::full({1, 16}, 0x11, at::kByte)},
                         {"m.weight_scale", at::full({1, 1}, 255, at::kByte)}}),
             contains("a scale is infinite or not a number (layer m)"));
}

TEST_CASE("scales of zero are counted, so that they can be reported") {
  const scratch_folder folder;
  write_safetensors(folder.file("x.safetensors"), packed(at::tensor({0.0f, 2.0f}).reshape({1, 2})));
  const json config = {
      {"quantization_config",
       {{"format", "pack-quantized"},
        {"config_groups",
         {{"group_0",
           {{"targets", {"Linear"}}, {"weights", {{"num_bits", 4}, {"group_size", 8}}}}}}}}}};
  const compressed_tensors_source source(open_safetensors_file(folder.file("x.safetensors")),
                                         config, "dir");
  CHECK(source.read("m").zero_scales() == 1);
}

TEST_CASE("a code that stands for no value is refused") {
  at::Tensor codes = at::zeros({2, 16}, at::kChar);
  const at::Tensor scale = at::ones({2, 1});
  const auto four = [&] {
    return problem_of("int-quantized", 4, nullptr,
                      {{"m.weight", codes}, {"m.weight_scale", scale}});
  };
  codes[1][3] = -8;
  CHECK(four().empty());
  for (const int beyond : {8, -9, 127}) {
    codes[1][3] = beyond;
    CHECK_THAT(four(), contains("a code lies outside those of 4 bits (layer m)"));
  }
  for (const auto type : {at::kFloat8_e4m3fn, at::kFloat8_e5m2}) {
    at::Tensor bytes = at::full({2, 16}, 0x38, at::kByte);
    const auto eight = [&] {
      return problem_of("float-quantized", 8, nullptr,
                        {{"m.weight", bytes.view(type)}, {"m.weight_scale", scale}});
    };
    CHECK(eight().empty());
    for (const int broken : {0x7f, 0xff}) {
      bytes[0][5] = broken;
      CHECK_THAT(eight(), contains("a code is infinite or not a number (layer m)"));
    }
  }
}

TEST_CASE("groups that do not divide a row are refused") {
  named_tensors three = packed(at::ones({1, 3}));  // 16 columns
  CHECK_THAT(problem_of("pack-quantized", 4, 5, three),
             contains("weight_scale does not fit group_size (layer m)"));
  CHECK_THAT(problem_of("pack-quantized", 4, 6, three),
             contains("weight_scale does not fit group_size (layer m)"));
  const auto gptq = [](int64_t groups, int64_t group_size, float scale) {
    const scratch_folder folder;
    write_safetensors(folder.file("x.safetensors"),
                      {{"m.qweight", at::full({2, 8}, 0x11111111, at::kInt)},
                       {"m.qzeros", at::zeros({groups, 1}, at::kInt)},
                       {"m.scales", at::full({groups, 8}, scale, at::kHalf)}});
    const json config = {{"quantization_config",
                          {{"quant_method", "gptq"}, {"bits", 4}, {"group_size", group_size}}}};
    try {
      gptq_awq_source(open_safetensors_file(folder.file("x.safetensors")), config, "dir")
          .tensor("m.weight");
    } catch (const error &e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(gptq(2, 8, 1).empty());
  CHECK_THAT(gptq(3, 5, 1), contains("scales do not fit group_size (layer m)"));
  CHECK_THAT(gptq(2, 4, 1), contains("scales do not fit group_size (layer m)"));
  CHECK_THAT(gptq(2, 8, k_infinity), contains("a scale is infinite or not a number (layer m)"));
}

TEST_CASE("scales and groups of an AWQ folder are checked as those of the other formats") {
  // One linear "m" of 8 rows and 16 columns; codes and zero points are 1.
  const auto awq = [](int64_t groups, int64_t group_size, float scale, int64_t *zeros = nullptr) {
    const scratch_folder folder;
    write_safetensors(folder.file("x.safetensors"),
                      {{"m.qweight", at::full({16, 1}, 0x11111111, at::kInt)},
                       {"m.qzeros", at::full({groups, 1}, 0x11111111, at::kInt)},
                       {"m.scales", at::full({groups, 8}, scale, at::kHalf)}});
    const json config = {{"quantization_config",
                          {{"quant_method", "awq"}, {"bits", 4}, {"group_size", group_size}}}};
    try {
      const gptq_awq_source source(open_safetensors_file(folder.file("x.safetensors")), config,
                                   "dir");
      source.tensor("m.weight");
      if (zeros != nullptr) *zeros = source.read("m").zero_scales();
    } catch (const error &e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(awq(2, 8, 1).empty());
  CHECK_THAT(awq(3, 5, 1), contains("scales do not fit group_size (layer m)"));
  CHECK_THAT(awq(2, 4, 1), contains("scales do not fit group_size (layer m)"));
  for (const float value : k_broken)
    CHECK_THAT(awq(2, 8, value), contains("a scale is infinite or not a number (layer m)"));
  int64_t zeros = 0;
  CHECK(awq(2, 8, 0, &zeros).empty());
  CHECK(zeros == 16);
}

TEST_CASE("four-bit floats whose groups do not divide the row are refused") {
  const auto problem = [](const char *format, int64_t group, int64_t columns,
                          const at::Tensor &scale, bool divisor) {
    named_tensors tensors = {{"m.weight_packed", at::full({1, columns / 2}, 0x11, at::kByte)},
                             {"m.weight_scale", scale}};
    if (divisor) tensors.emplace_back("m.weight_global_scale", at::ones({1}));
    return problem_of(format, 4, group, tensors);
  };
  const at::Tensor three = at::ones({1, 3}), two = at::ones({1, 2});
  CHECK_THAT(problem("nvfp4-pack-quantized", 16, 32, three.to(at::kFloat8_e4m3fn), true),
             contains("weight_scale does not fit the weight (layer m)"));
  CHECK_THAT(problem("nvfp4-pack-quantized", 32, 32, two.to(at::kFloat8_e4m3fn), true),
             contains("weight_scale does not fit the weight (layer m)"));
  CHECK_THAT(problem("mxfp4-pack-quantized", 32, 64, three.to(at::kByte), false),
             contains("weight_scale does not fit the weight (layer m)"));
  CHECK_THAT(problem("mxfp4-pack-quantized", 32, 64, two, false),
             contains("weight_scale holds no exponents (layer m)"));
}

TEST_CASE("a GGUF file with overlapping tensors or a type from a later version is refused") {
  const auto problem = [](const std::string &bytes) {
    try {
      gguf_file::parse(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), "f.gguf");
    } catch (const error &e) {
      return e.message();
    }
    return std::string();
  };
  const std::string four = floats({1, 2, 3, 4});
  std::string bytes = gguf_bytes().tensor("t", {4}, 0, four).tensor("u", {4}, 0, four).str();
  CHECK(problem(bytes).empty());
  const std::string second = gguf_bytes::raw(uint64_t{32});  // where the tensor u begins
  bytes.replace(bytes.rfind(second), second.size(), gguf_bytes::raw(uint64_t{0}));
  CHECK(problem(bytes) == "tensor 'u' begins at byte 0 of the data, where 32 was due");
  CHECK_THAT(problem(gguf_bytes().tensor("t", {4}, 250, four).str()),
             contains("tensor 't' has the unsupported ggml type 250 (supported: "));
}

TEST_CASE("a GGUF block whose scale is no number is refused by the tensor's name") {
  gguf_bytes g = small_llama();
  for (const int value : {0x3c, 0x7c, 0x7e}) {
    gguf_bytes one = g;
    one.tensor("blk.0.ffn_up.weight", {32, 1}, 8,
               std::string(1, '\0') + static_cast<char>(value) + std::string(32, '\1'));
    const scratch_folder folder;
    const auto source = open_gguf_checkpoint(folder.write("m.gguf", one.str()));
    const std::string name = "model.layers.0.mlp.up_proj.weight";
    if (value == 0x3c)
      CHECK_NOTHROW(source->tensors().tensor(name));
    else
      CHECK_THROWS_WITH(
          source->tensors().tensor(name),
          contains("a scale is infinite or not a number (layer blk.0.ffn_up.weight)"));
  }
}
