// Makes export plans and the items of an export. A plan describes the quantized model to
// an exporter, which says whether its format can hold it. The items are the tensors that
// the exporter then receives.
#pragma once

#include <optional>

#include "plug/bridge.hpp"
#include "plug/exporter.hpp"
#include "plug/quantizer.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// Returns the role of a linear or of the embedding ("embed"), found by the end of its name; "" for others.
std::string role_of(const std::string &name);

// The plan of a finished model. Its keys are documented in plugin_api/assay/exporter.h.
json plan_of(const quantized_model &model, const model::checkpoint &subject);
// The plan before the run, from the recipe. bits, group_size and symmetric of each linear come from the
// quantizer's configuration; bits and group_size come from its facts (what it declares about itself)
// if the configuration lacks them.
json plan_of(const recipe &recipe, const model::checkpoint &subject);

// Gives the items to an exporter, sorted by name. model and subject are borrowed.
class model_export_source : public plug::export_source {
 public:
  model_export_source(const quantized_model &model, const model::checkpoint &subject);
  ~model_export_source() override;
  const assay_item *next() override;
  void restart() override { at_ = 0; }
  std::vector<std::string> files() override;
  const std::string &file(const std::string &name) override;

 private:
  struct entry {
    std::string name;
    const quantized_linear *form;  // null: an untouched tensor
  };
  const quantized_model &model_;
  const model::checkpoint &subject_;
  std::vector<entry> entries_;
  std::map<std::string, std::string> files_;
  size_t at_ = 0;
  assay_item item_{};
  plug::tensor_ref tensor_;
  std::optional<plug::form_view> form_;
};

}  // namespace assay::quant
