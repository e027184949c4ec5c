// Compares transforms with the results of an independent script in float64 (tests/golden/transforms/make_goldens.py).
#include "catch.hpp"

#include <fstream>

#include "checkpoint/safetensors.hpp"
#include "plug/transform.hpp"
#include "quant/quantize.hpp"
#include "quant/views/block_view.hpp"
#include "quant_harness.hpp"
#include "tiny_model.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

const std::string k_folder = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/transforms/";

struct goldens {
  std::shared_ptr<assay::model::checkpoint> checkpoint =
      assay::model::checkpoint::open(k_folder + "model");
  assay::model::decoder decoder = assay::model::decoder::load(*checkpoint);
  std::shared_ptr<const assay::model::tensor_source> source =
      assay::model::open_safetensors_file(k_folder + "expected.safetensors");
  const assay::model::tensor_source &expected = *source;
  json cases = json::parse(assay::read_file(k_folder + "cases.json"));
  calibration data = ids();

  calibration ids() const {
    const auto all = expected.tensor("ids");
    std::vector<calibration_sequence> sequences;
    for (int64_t row = 0; row < all.size(0); ++row) {
      const auto *first = all.const_data_ptr<int64_t>() + row * all.size(1);
      sequences.push_back({{first, first + all.size(1)}, {}});
    }
    return calibration(std::move(sequences));
  }
  quantized_model run(const char *id, const json &config) const {
    use_plugins();
    const json quantizer = {{"id", "rtn"}, {"config", {{"bits", 4}, {"group_size", 16}}}};
    return quantize(*checkpoint, decoder,
                    recipe::from_json({{"transforms", {{{"id", id}, {"config", config}}}},
                                       {"quantizer", quantizer},
                                       {"propagation", "fp"}}),
                    &data);
  }
  // Returns the scales that were folded into the part that produces the channels of a group. The groups are: 0 the norm
  // before q, k, v; 1 v before o; 2 the norm before gate and up; 3 up before down.
  at::Tensor folded(const quantized_model &q, int64_t block, int group) const {
    const auto &before = decoder.block(block);
    const auto edited = [&](const char *name) {
      return q.edited.at("model.layers." + std::to_string(block) + "." + name);
    };
    switch (group) {
      case 0:
        return before.attention_norm / edited("input_layernorm.weight");
      case 2:
        return before.mlp_norm / edited("post_attention_layernorm.weight");
      default:
        break;
    }
    // The columns of v and up were also multiplied by the norm's scale, which is the same for all rows.
    const bool attention = group == 1;
    const auto &w = attention ? before.v.weight : before.up.weight;
    const auto now = edited(attention ? "self_attn.v_proj.weight" : "mlp.up_proj.weight");
    return ((w * folded(q, block, group - 1)) / now).select(1, 0);
  }
};

double relative(const at::Tensor &found, const at::Tensor &wanted) {
  return ((found - wanted).norm() / wanted.norm()).item<double>();
}

// Takes the edits of a transform and keeps only the operation that is done at run time.
class base_receiver : public assay::plug::edit_receiver {
 public:
  void set_bias(const std::string &, const assay_tensor &) override {}
  void set_clip(const std::string &, const assay_tensor &, const assay_tensor &, int64_t) override {
  }
  void set_online(const std::string &, const json &operation) override { online = operation; }
  void note(const json &) override {}
  json online;
};

// A block of zero weights with `inter` channels inside the MLP.
assay::model::decoder_block block_of_width(int64_t inter) {
  assay::model::decoder_block b;
  b.attention_norm = b.mlp_norm = at::ones({8});
  b.n_heads = b.n_kv_heads = 1, b.head_dim = 8;
  const std::vector<std::pair<int64_t, int64_t>> shapes = {
      {8, 8}, {8, 8}, {8, 8}, {8, 8}, {inter, 8}, {inter, 8}, {8, inter}};
  const char *roles[] = {"attn.q", "attn.k", "attn.v", "attn.o", "mlp.gate", "mlp.up", "mlp.down"};
  for (size_t i = 0; i < 7; ++i) {
    b.linears()[i]->weight = at::zeros({shapes[i].first, shapes[i].second});
    b.linears()[i]->name = b.linears()[i]->role = roles[i];
  }
  return b;
}

}  // namespace

TEST_CASE("awq's scales, chosen trials and losses are those of the equations",
          "[transform_goldens_test]") {
  const goldens g;
  for (const char *loss : {"gram", "parent"}) {
    const auto q = g.run("awq", {{"loss", loss}, {"loss_tokens", 100000}});
    for (int64_t block = 0; block < 2; ++block)
      for (int group = 0; group < 4; ++group) {
        const bool parent = std::string(loss) == "parent" && group % 2 == 0;
        const char *kind = parent ? "parent" : "gram";
        CAPTURE(loss, block, group);
        const auto &wanted =
            g.cases["blocks"][static_cast<size_t>(block)][static_cast<size_t>(group)][kind];
        const auto &found = q.metadata["transforms"][static_cast<size_t>(block)]["note"]["groups"]
                                      [static_cast<size_t>(group)];
        if (std::string(loss) == "parent" && group % 2 == 1)
          continue;  // the script does not compute this
        CHECK(found["form"] == wanted["form"]);
        CHECK(found["exponent"].get<double>() == Approx(wanted["exponent"].get<double>()));
        CHECK(found["loss"].get<double>() == Approx(wanted["loss"].get<double>()).epsilon(1e-3));
        CHECK(found["identity_loss"].get<double>() ==
              Approx(wanted["identity_loss"].get<double>()).epsilon(1e-3));
        if (group % 2 == 0)
          CHECK(relative(g.folded(q, block, group),
                         g.expected.tensor(std::to_string(block) + "." + std::to_string(group) +
                                           "." + kind)) < 1e-5);
      }
  }
}

TEST_CASE("smoothquant's and awq_sqrt's scales are those of the formulas",
          "[transform_goldens_test]") {
  const goldens g;
  const auto smooth = g.run("smoothquant", {{"alpha", 0.8}});
  const auto root = g.run("awq_sqrt", json::object());
  for (int64_t block = 0; block < 2; ++block)
    for (const int group : {0, 2}) {
      const auto prefix = std::to_string(block) + "." + std::to_string(group) + ".";
      CHECK(relative(g.folded(smooth, block, group), g.expected.tensor(prefix + "smooth")) < 1e-5);
      CHECK(relative(g.folded(root, block, group), g.expected.tensor(prefix + "sqrt")) < 1e-5);
    }
  for (int64_t block = 0; block < 2; ++block)
    for (const int group : {1, 3})
      CHECK(relative(g.folded(root, block, group),
                     g.expected.tensor(std::to_string(block) + "." + std::to_string(group) +
                                       ".sqrt")) < 1e-4);
}

TEST_CASE("rotated weights are the products of the weights and the rotation matrices",
          "[transform_goldens_test]") {
  const goldens g;
  const auto q = g.run("rotation", {{"signs", "plain"}});
  int compared = 0;
  for (const auto &info : g.expected.tensors()) {
    if (info.name.rfind("rotated.", 0) != 0) continue;
    CAPTURE(info.name);
    CHECK(relative(q.edited.at(info.name.substr(8)), g.expected.tensor(info.name)) < 1e-6);
    ++compared;
  }
  CHECK(compared == 2 + 2 * 5);
}

TEST_CASE("base Hadamard matrices are those of Paley's formulas", "[transform_goldens_test]") {
  use_plugins();
  const goldens g;
  const std::string arch = R"({"hidden_size": 8, "head_dim": 8})", none;
  for (const auto &[order, rows] : g.cases["bases"].items()) {
    CAPTURE(order);
    const auto block = block_of_width(std::stoll(order));
    block_view view(block, 1, {}, propagation_policy::fp, 0, arch, none);
    assay::plug::transform_instance rotation(
        assay::plug::plugins().find(assay::plug::kind::transform, "rotation"),
        {{"r1", false}, {"r2", false}});
    rotation.needs(view.get());
    base_receiver edits;
    rotation.apply(view.get(), edits);
    CHECK(edits.online["base"] == rows);
  }
}

TEST_CASE("a width without a known Hadamard matrix is refused", "[transform_goldens_test]") {
  use_plugins();
  assay::plug::transform_instance rotation(
      assay::plug::plugins().find(assay::plug::kind::transform, "rotation"), json::object());
  CHECK_THROWS_WITH(
      rotation.check({{"hidden_size", 576}, {"head_dim", 64}, {"intermediate_size", 1530}}),
      assay_test::contains("the input of down_proj has 1530 channels"));
  for (const int64_t width : {576, 896, 1024, 1536, 2560, 3072, 4864, 8960, 9728, 11008, 18944})
    CHECK_NOTHROW(
        rotation.check({{"hidden_size", width}, {"head_dim", 128}, {"intermediate_size", width}}));
}
