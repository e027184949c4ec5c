// Promises of scales that do not fit their dtype: every quantizer with 16-bit scales says it, none saturates silently.
#include "catch.hpp"

#include "tiny_subject.hpp"

using assay::json;

namespace {

struct method {
  const char *id;
  json config;
  bool has_scale_dtype;
  const char *propagation = "quantized";
};

// Every quantizer whose scales are float16 by default.
std::vector<method> methods() {
  return {{"rtn", {{"bits", 4}, {"group_size", 32}}, true},
          {"rtn", {{"bits", 4}, {"group_size", 32}, {"symmetric", false}}, true},
          {"opt_rtn", {{"bits", 4}, {"group_size", 32}}, true},
          {"opt_rtn", {{"bits", 4}, {"group_size", 32}, {"symmetric", false}}, true},
          {"gptq", {{"bits", 4}, {"group_size", 32}}, true},
          {"gptq", {{"bits", 4}, {"group_size", 32}, {"symmetric", false}}, true},
          {"gptaq", {{"bits", 4}, {"group_size", 32}}, true, "asymmetric"},
          {"adaround", {{"bits", 4}, {"group_size", 32}, {"iterations", 2}}, true},
          {"autoround", {{"bits", 4}, {"group_size", 32}, {"iterations", 2}}, true, "asymmetric"},
          {"autoround",
           {{"bits", 4}, {"group_size", 32}, {"iterations", 2}, {"symmetric", false}},
           true,
           "asymmetric"},
          {"hqq", {{"bits", 4}, {"group_size", 32}}, false},
          {"codebook", {{"group_size", 32}}, false}};
}

// A model whose weights are `value` in one group: row 3, columns 32 to 63 of one linear.
struct subject_with_outliers : quant_test::tiny_subject {
  explicit subject_with_outliers(float value) {
    auto *linear = decoder.block(0).linears()[0];
    linear->weight = linear->weight.clone();
    linear->weight.narrow(0, 3, 1).narrow(1, 32, 32).fill_(value);
  }
  std::string said(const method &m, const char *scale_dtype) const {
    json config = m.config;
    if (m.has_scale_dtype) config["scale_dtype"] = scale_dtype;
    return quant_test::complaint([&] {
      run({{"quantizer", {{"id", m.id}, {"config", config}}}, {"propagation", m.propagation}});
    });
  }
};

}  // namespace

TEST_CASE("a scale beyond float16 is refused by its place, by every method", "[scale_range_test]") {
  const subject_with_outliers s(1e9f);
  for (const auto &m : methods()) {
    INFO(m.id << " " << m.config.dump());
    const char *dtype = m.has_scale_dtype ? "scale_dtype" : "float16";
    const std::string layer =
        std::string(m.id) == "autoround" ? "block 0" : "model.layers.0.self_attn.q_proj";
    CHECK(s.said(m, "float16") == std::string("the scale of row 3, group 1 overflows ") + dtype +
                                      " (plugin " + m.id + ", layer " + layer + ")");
  }
}

TEST_CASE("the same weights have scales in bfloat16, in every method that takes it",
          "[scale_range_test]") {
  const subject_with_outliers s(1e9f);
  for (const auto &m : methods()) {
    if (!m.has_scale_dtype) continue;
    INFO(m.id << " " << m.config.dump());
    CHECK(s.said(m, "bfloat16") == "accepted");
  }
}

TEST_CASE("a scale below the smallest normal float16 is raised and counted, by every method",
          "[scale_range_test]") {
  const subject_with_outliers s(1e-7f);
  for (const auto &m : methods()) {
    INFO(m.id << " " << m.config.dump());
    const auto q = s.run(
        {{"quantizer", {{"id", m.id}, {"config", m.config}}}, {"propagation", m.propagation}});
    CHECK(q.incidents.counts().count("clamped_scale") == 1);
  }
}
