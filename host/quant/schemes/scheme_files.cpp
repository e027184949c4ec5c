// Names the tensors of scales in files, and reads schemes from a quantization_config
// (checkpoint/FORMATS.md, "compressed-tensors configuration").
#include "quant/schemes/scheme_files.hpp"

#include <regex>

#include "core/error.hpp"

namespace assay::quant {
namespace {

std::string attention_of(int64_t layer) {
  return "model.layers." + std::to_string(layer) + ".self_attn.";
}

// True if the config group applies to the linear of this name.
bool is_covered(const json &group, const std::string &name) {
  for (const auto &target : group.value("targets", json::array())) {
    const auto text = target.get<std::string>();
    if (text == "Linear" || text == name) return true;
    if (text.rfind("re:", 0) == 0 &&
        std::regex_search(name, std::regex(text.substr(3)), std::regex_constants::match_continuous))
      return true;
  }
  return false;
}

// Turns the input_activations of a config group into an activation scheme of this program; null if
// there are none.
json activation_of(const json &group, const std::string &where) {
  if (!group.contains("input_activations") || group["input_activations"].is_null()) return {};
  const json &given = group["input_activations"];
  const bool is_float = given.value("type", "int") == "float";
  const auto bits = given.value("num_bits", 8);
  const auto strategy = given.value("strategy", "tensor");
  const bool dynamic = given["dynamic"].is_boolean() && given["dynamic"].get<bool>();
  if ((is_float && bits != 8) || (strategy != "token" && strategy != "tensor") ||
      (strategy == "token") != dynamic)
    throw error(error_kind::failed, "the activation scheme " + given.dump() + " cannot be run")
        .at(where)
        .hint("Known are int and float8 inputs, dynamic for each token or static for a tensor");
  return complete_activation({{"bits", bits},
                              {"type", is_float ? "fp8" : "int"},
                              {"strategy", strategy},
                              {"symmetric", given.value("symmetric", true)}});
}

json restore_kv(model::decoder &decoder, const model::checkpoint &source, const json &given) {
  const auto strategy = given.value("strategy", "tensor");
  if (given.value("type", "") != "float" || given.value("num_bits", 0) != 8 ||
      (strategy != "tensor" && strategy != "attn_head"))
    throw error(error_kind::failed, "the key-value scheme " + given.dump() + " cannot be run")
        .at(source.path());
  json scheme =
      complete_kv({{"type", "fp8"}, {"strategy", strategy == "tensor" ? "tensor" : "head"}});
  std::vector<kv_scales> scales;
  for (int64_t layer = 0; layer < decoder.n_blocks(); ++layer) {
    const auto read = [&](const char *part) {
      const auto name = attention_of(layer) + part;
      if (!source.raw_tensors().has(name))
        throw error(error_kind::failed, "the folder lacks '" + name + "'").at(source.path());
      return source.raw_tensors().tensor(name).to(at::kFloat).reshape({-1}).clone();
    };
    scales.push_back({read("k_scale"), read("v_scale")});
  }
  set_kv(decoder, scheme, std::move(scales));
  return scheme;
}

}  // namespace

json complete_schemes(recipe &recipe, bool calibrated) {
  if (!recipe.kv.is_null()) recipe.kv = complete_kv(recipe.kv);
  if (recipe.activation.is_null()) return {};
  recipe.activation = complete_activation(recipe.activation);
  const auto refuse = [](const char *why, const char *hint) {
    return error(error_kind::usage, why).at("recipe.activation").hint(hint);
  };
  if (!recipe.quantizer)
    throw refuse("an activation scheme needs a quantizer of the weights",
                 "Only inputs of quantized linears are rounded");
  if (is_static(recipe.activation) && !calibrated)
    throw refuse("static activation scales need calibration data",
                 "Give quantize a calibration, or use strategy 'token'");
  return recipe.activation;
}

void round_inputs(model::linear_op &linear, quantized_linear &form, const json &activation,
                  const input_statistics *inputs) {
  auto grid = stored_input_grid(form);  // defined if an earlier run stored this block
  if (is_static(activation) && !grid.scale.defined() && inputs) {
    grid = static_grid(activation, *inputs);
    store_input_grid(form, grid);
  }
  set_activation(linear, activation, grid);
}

void store_input_grid(quantized_linear &form, const activation_grid &grid) {
  if (!grid.scale.defined()) return;
  form.tensors.push_back({"input_scale", grid.scale.cpu().contiguous(), 32});
  form.packed_bits += 32;
  if (!grid.zero.defined()) return;
  form.tensors.push_back({"input_zero", grid.zero.cpu().to(at::kByte).contiguous(), 8});
  form.packed_bits += 8;
}

activation_grid input_grid_of(const model::checkpoint &source, const std::string &name) {
  activation_grid grid;
  const auto &raw = source.raw_tensors();
  if (!raw.has(name + ".input_scale"))
    throw error(error_kind::failed, "the folder lacks '" + name + ".input_scale'")
        .at(source.path());
  grid.scale = raw.tensor(name + ".input_scale").to(at::kFloat).reshape({1}).clone();
  if (raw.has(name + ".input_zero_point"))  // signed, -128 .. 127
    grid.zero = raw.tensor(name + ".input_zero_point").to(at::kFloat).reshape({1}).add(128.0);
  return grid;
}

activation_grid stored_input_grid(const quantized_linear &form) {
  activation_grid grid;
  if (const auto *scale = form.find("input_scale")) grid.scale = *scale;
  if (const auto *zero = form.find("input_zero")) grid.zero = zero->to(at::kFloat);
  return grid;
}

void store_kv_scales(quantized_model &model, const std::vector<kv_scales> &scales) {
  for (size_t layer = 0; layer < scales.size(); ++layer) {
    const auto put = [&](const char *part, const at::Tensor &scale) {
      const at::Tensor own = scale.cpu().contiguous();
      model.edited[attention_of(static_cast<int64_t>(layer)) + part] =
          own.numel() == 1 ? own.reshape({1}) : own.reshape({-1, 1, 1});
    };
    put("k_scale", scales[layer].k);
    put("v_scale", scales[layer].v);
  }
}

json restore_schemes(model::decoder &decoder, const model::checkpoint &source) {
  json out = {{"activation", nullptr}, {"kv", nullptr}};
  if (source.quant_method() != "compressed-tensors") return out;
  const json &config = source.config().at("quantization_config");
  for (auto *linear : decoder.linears()) {
    if (!source.raw_tensors().has(linear->name + ".weight_scale")) continue;
    for (const json &group : config.value("config_groups", json::object())) {
      if (!is_covered(group, linear->name)) continue;
      const json scheme = activation_of(group, source.path());
      if (!scheme.is_null()) {
        const auto grid =
            is_static(scheme) ? input_grid_of(source, linear->name) : activation_grid{};
        set_activation(*linear, scheme, grid);
        out["activation"] = scheme;
      }
      break;
    }
  }
  if (config.contains("kv_cache_scheme") && !config["kv_cache_scheme"].is_null())
    out["kv"] = restore_kv(decoder, source, config["kv_cache_scheme"]);
  return out;
}

}  // namespace assay::quant
