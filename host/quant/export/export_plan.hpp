// The plan that an exporter is asked about, and the items it is fed: made from a recipe before the
// run, or from a
// quantized model after it. Knows no format.
#pragma once

#include "plug/bridge.hpp"
#include "plug/exporter.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// Keys as documented in plugin_api/assay/exporter.h.
json plan_of(const quantized_model &model, const model::checkpoint &subject);
// Before the run: grids from the quantizer's configuration (keys bits, group_size, symmetric where
// it has them).
json plan_of(const recipe &what, const model::checkpoint &subject);

// Items sorted by name: exporters that need another order seek.
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
  std::unique_ptr<class form_ref> form_;
};

}  // namespace assay::quant
