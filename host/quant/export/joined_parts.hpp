// Joins q, k and v, and gate and up, for the files of families that store each of these as one matrix
// (checkpoint/split_parts.hpp cut them when they were read).
#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"
#include "model/decoder_config.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// The name in the file of a tensor or module, and its place among the parts that are joined there. If the family joins
// nothing, or the name is no part, this is the name itself and place 0.
struct joined_name {
  std::string name;
  int place = 0;
};
joined_name joined_name_of(const model::decoder_config &config, const std::string &name);

// Joins the items, and the untouched tensors, of an export plan. Throws error(usage) if some parts of a matrix are
// quantized in another way than others, which one matrix cannot hold.
void join_plan(const model::decoder_config &config, json &plan);

// One form for linears with the same inputs: their rows one after another. Throws error(usage) for a form whose tensors
// have no row for each row of the weight. parts: at least one, in the order of their rows.
quantized_linear joined_form(const std::string &name, const std::vector<quantized_linear> &parts);

}  // namespace assay::quant
