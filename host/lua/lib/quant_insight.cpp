// Lua functions that measure what quantization costs: divergence (of a whole model from the float
// model), sensitivity (the divergence that each part causes alone) and salience (how unequal the
// channels of an input are). allocate() chooses bits for each part from what the parts cost. Their
// results are plain Lua tables; scripts/assay/insight makes the output that users see.
#include "insight/allocate.hpp"
#include "insight/salience.hpp"
#include "insight/sensitivity.hpp"
#include "lua/progress.hpp"
#include "lua/state.hpp"
#include "lua/subject.hpp"
#include "quant/tuning/divergence.hpp"

namespace assay::lua {
namespace {

// Reads calibration data. Throws error(usage) if there is none.
quant::calibration wanted_sequences(lua_State *L, int index) {
  auto data = read_calibration(L, index);
  if (!data)
    throw error(error_kind::usage, called_name(L) + ": token sequences are missing")
        .hint("assay.calibration { ids = { { 504, 3575 } } }");
  return std::move(*data);
}

const subject &other(lua_State *L, int index) {
  return *check_object<subject_handle>(L, index, "model");
}

// reference:divergence(model, sequences) -> { kl, tokens, sequences }: the mean KL divergence of the
// model's next-token distributions from the reference's, in nats (quant/tuning/divergence.hpp)
int divergence(lua_State *L) {
  const subject &reference = self(L), &model = other(L, 2);
  push_json(L, quant::measure_divergence(model.decoder, reference.decoder, wanted_sequences(L, 3),
                                         script_progress()));
  return 1;
}

// model:salience_data(sequences) -> for each input, its largest channels (insight/salience.hpp)
int salience(lua_State *L) {
  push_json(L, quant::salience(self(L).decoder, wanted_sequences(L, 2), script_progress()));
  return 1;
}

// reference:sensitivity_data(quantized, sequences, { swap, gradient, fused }?) -> what each part of the
// quantized model costs (insight/sensitivity.hpp)
int sensitivity(lua_State *L) {
  const subject &reference = self(L), &model = other(L, 2);
  if (!model.form || reference.form)
    throw error(error_kind::usage,
                "sensitivity: the first model must be untouched, the second quantized from it")
        .hint("m:sensitivity(m:quantize(...), sequences)");
  const auto data = wanted_sequences(L, 3);
  const option_table given(L, 4, {"swap", "gradient", "fused"});
  quant::sensitivity_options options;
  options.swap = given.flag("swap", options.swap);
  options.gradient = given.flag("gradient", options.gradient);
  options.fused = given.flag("fused", options.fused);
  options.progress = script_progress();
  push_json(L, quant::sensitivity(*model.form, reference.decoder, data, options));
  return 1;
}

}  // namespace

// allocate(units = { { name, choices = { { label, bits, damage } } } }, budget in bits)
//   -> { chosen = { name = label }, bits, damage, bound }: one choice for each unit. The sum of bits is
//   within the budget, and the sum of damage (divergence in nats) is small (insight/allocate.hpp).
int allocate(lua_State *L) {
  std::vector<quant::allocation_unit> units;
  for (const auto &given : read_json(L, 1, "units")) {
    quant::allocation_unit unit{given.at("name").get<std::string>(), {}};
    for (const auto &choice : given.at("choices"))
      unit.choices.push_back({choice.at("label").get<std::string>(),
                              choice.at("bits").get<double>(), choice.at("damage").get<double>()});
    units.push_back(std::move(unit));
  }
  const auto found = quant::allocate(units, read_number(L, 2, "budget"));
  json out = {{"chosen", json::object()},
              {"bits", found.bits},
              {"damage", found.damage},
              {"bound", found.bound}};
  for (size_t i = 0; i < units.size(); ++i)
    out["chosen"][units[i].name] = units[i].choices[found.chosen[i]].label;
  push_json(L, out);
  return 1;
}

const luaL_Reg k_insight_methods[] = {{"salience_data", guarded<salience>},
                                      {"divergence", guarded<divergence>},
                                      {"sensitivity_data", guarded<sensitivity>},
                                      {nullptr, nullptr}};

}  // namespace assay::lua
