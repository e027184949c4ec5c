// Tests the exporter compressed_tensors on linears whose codes, scales and zeros are made by hand: they are
// packed as the format demands, the file has the same bytes as one of the host's own writer, and what the
// format cannot hold is refused.
#include "catch.hpp"

#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "plug/exporter.hpp"
#include "quant/views/linear_view.hpp"
#include "quant_harness.hpp"
#include "tiny_model.hpp"

using assay::json;
using namespace quant_test;
namespace plug = assay::plug;

namespace {

// The input of an exporter: one quantized linear "a" and one unchanged tensor "b.weight".
class one_linear : public plug::export_source {
 public:
  explicit one_linear(assay::quant::quantized_linear linear)
      : linear_(std::move(linear)), form_(assay::quant::view_of(linear_)), tensor_(at::ones({3})) {}
  const assay_item *next() override {
    item_ = {};
    item_.struct_size = sizeof item_;
    item_.role = "";
    if (at_ == 0) {
      item_.name = "a";
      item_.form = form_.get();
    } else if (at_ == 1) {
      item_.name = "b.weight";
      item_.tensor = tensor_.get();
    } else {
      return nullptr;
    }
    ++at_;
    return &item_;
  }
  void restart() override { at_ = 0; }
  std::vector<std::string> files() override { return {"config.json"}; }
  const std::string &file(const std::string &) override { return config_; }

 private:
  assay::quant::quantized_linear linear_;
  plug::form_view form_;
  plug::tensor_ref tensor_;
  assay_item item_{};
  int at_ = 0;
  std::string config_ = "{\n  \"model_type\": \"llama\"\n}\n";
};

assay::quant::quantized_linear form(const at::Tensor &codes, uint32_t bits,
                                    const at::Tensor &zeros = {}) {
  assay::quant::quantized_linear linear;
  linear.name = "a";
  linear.out_features = codes.size(0);
  linear.in_features = codes.size(1);
  linear.tensors.push_back({"codes", codes.contiguous(), bits});
  linear.tensors.push_back({"scales", at::full({codes.size(0), 1}, 0.5, at::kHalf), 0});
  if (zeros.defined()) linear.tensors.push_back({"zeros", zeros.contiguous(), bits});
  linear.note = {
      {"format", "int/1"}, {"bits", bits}, {"group_size", 0}, {"symmetric", !zeros.defined()}};
  return linear;
}

std::shared_ptr<const assay::model::tensor_source> write(const temporary_folder &root,
                                                         assay::quant::quantized_linear linear) {
  use_plugins();
  plug::exporter_instance exporter(plug::plugins().find(plug::kind::exporter, "compressed_tensors"),
                                   json::object());
  one_linear source(std::move(linear));
  const auto folder = root / "last";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  exporter.write({{"items", json::array()}, {"activation", nullptr}}, source, folder);
  return assay::model::open_safetensors_file(folder + "/model.safetensors");
}

uint32_t word(const at::Tensor &tensor, int64_t index) {
  return static_cast<uint32_t>(tensor.contiguous().data_ptr<int32_t>()[index]);
}

}  // namespace

TEST_CASE("codes are packed into words as the format demands", "[exporter_test]") {
  const temporary_folder root;
  const auto low = at::arange(-8, 0, at::kChar).reshape({1, 8});
  const auto high = at::arange(0, 8, at::kChar).reshape({1, 8});
  CHECK(word(write(root, form(low, 4))->tensor("a.weight_packed"), 0) == 0x76543210u);
  CHECK(word(write(root, form(high, 4))->tensor("a.weight_packed"), 0) == 0xfedcba98u);
  const auto bytes = at::tensor({-128, -1, 0, 127}, at::kChar).reshape({1, 4});
  CHECK(word(write(root, form(bytes, 8))->tensor("a.weight_packed"), 0) == 0xff807f00u);
  const auto pairs = at::tensor({-2, -1, 0, 1, 1, 0, -1, -2, -2, -2, -2, -2, 1, 1, 1, 1}, at::kChar)
                         .reshape({1, 16});
  CHECK(word(write(root, form(pairs, 2))->tensor("a.weight_packed"), 0) == 0xff001be4u);
}

TEST_CASE("zero points are packed along the rows", "[exporter_test]") {
  const temporary_folder root;
  const auto codes = at::full({9, 8}, 3, at::kByte);
  const auto zeros = at::arange(0, 9, at::kByte).reshape({9, 1});
  const auto file = write(root, form(codes, 4, zeros));
  const auto packed = file->tensor("a.weight_zero_point");
  CHECK(packed.sizes().vec() == std::vector<int64_t>{2, 1});
  CHECK(word(packed, 0) == 0x76543210u);
  CHECK(word(packed, 1) == 0x00000008u);
  CHECK(word(write(root, form(at::full({8, 8}, 3, at::kByte), 4, at::full({8, 1}, 8, at::kByte)))
                 ->tensor("a.weight_zero_point"),
             0) == 0x88888888u);
}

TEST_CASE("a row that does not fill its last word is padded with zeros", "[exporter_test]") {
  const temporary_folder root;
  const auto packed =
      write(root, form(at::full({2, 11}, -1, at::kChar), 4))->tensor("a.weight_packed");
  CHECK(packed.sizes().vec() == std::vector<int64_t>{2, 2});
  CHECK(word(packed, 0) == 0x77777777u);
  CHECK(word(packed, 1) == 0x00000777u);
}

TEST_CASE("the file has the same bytes as one of the host's own safetensors writer",
          "[exporter_test]") {
  const temporary_folder root;
  const auto file = write(root, form(at::full({2, 8}, 1, at::kChar), 4));
  assay::model::named_tensors tensors;
  for (const auto &info : file->tensors()) tensors.emplace_back(info.name, file->tensor(info.name));
  assay::model::write_safetensors(root / "again.safetensors", tensors);
  CHECK(assay::read_file(root / "again.safetensors") ==
        assay::read_file(root / "last/model.safetensors"));
  CHECK(assay::read_json_file(root / "last/config.json")["model_type"] == "llama");
}

TEST_CASE("a linear that the format cannot hold is refused when the exporter comes to it",
          "[exporter_test]") {
  const temporary_folder root;
  auto indexed = form(at::full({2, 8}, 1, at::kChar), 4);
  indexed.tensors.push_back({"g_idx", at::zeros({8}, at::kInt), 0});
  CHECK_THROWS_WITH(write(root, indexed),
                    assay_test::contains("a has 'g_idx', which the format cannot hold"));
  CHECK_THROWS_WITH(write(root, form(at::full({2, 8}, 1, at::kChar), 3)),
                    assay_test::contains("a has a width that the format does not hold safely"));
}
