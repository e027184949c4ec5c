// The methods of a model that quantize and save it, and the Lua library assay.native.quant, which checks
// recipes. A recipe says what is done to a model; a calibration has the token sequences from which
// statistics are taken. Both come as plain tables.
#include "quant/quantize.hpp"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include "lua/progress.hpp"
#include "lua/state.hpp"
#include "lua/subject.hpp"
#include "quant/export/export_stored.hpp"
#include "quant/export/save.hpp"
#include "quant/linear_patterns.hpp"
#include "quant/packed_forms.hpp"

namespace assay::lua {

std::optional<quant::calibration> read_calibration(lua_State *L, int index) {
  if (absent(L, index)) return std::nullopt;
  const option_table given(L, index, {"ids", "counted", "source"});
  std::vector<quant::calibration_sequence> sequences;
  if (!given.push("ids")) throw error(error_kind::usage, "quantize: the calibration has no 'ids'");
  if (!lua_istable(L, -1)) bad_argument(L, -1, "ids", "list of lists of token ids");
  const auto n = static_cast<lua_Integer>(lua_rawlen(L, -1));
  for (lua_Integer i = 1; i <= n; ++i) {
    lua_rawgeti(L, -1, i);
    sequences.push_back({read_ids(L, -1, "ids"), {}});
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  if (given.push("counted")) {
    if (!lua_istable(L, -1)) bad_argument(L, -1, "counted", "list of lists of 0 and 1");
    for (lua_Integer i = 1; i <= n; ++i) {
      lua_rawgeti(L, -1, i);
      for (const int64_t one : read_ids(L, -1, "counted"))
        sequences[static_cast<size_t>(i) - 1].counted.push_back(one ? 1 : 0);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  json source = json::object();
  if (given.push("source")) {
    source = read_json(L, -1, "source");
    lua_pop(L, 1);
  }
  return quant::calibration(std::move(sequences), std::move(source));
}

namespace {

// m:quantize(recipe, calibration?, { resume = folder }?) -> the quantized model, as a new object.
// resume: finished blocks are stored in this folder, so that a killed run can go on.
int quantize(lua_State *L) {
  const subject &m = self(L);
  if (m.form)
    throw error(error_kind::usage, "quantize: this model is quantized already")
        .hint("Quantize the model that it was made from");
  const quant::recipe what = quant::recipe::from_json(read_json(L, 2, "recipe"));
  const std::optional<quant::calibration> data = read_calibration(L, 3);
  quant::quantize_options options;
  options.progress = script_progress();
  if (!absent(L, 4)) options.resume = option_table(L, 4, {"resume"}).text("resume").value_or("");
  auto made = std::make_shared<subject>();
  made->source = m.source;
  made->form = std::make_shared<const quant::quantized_model>(
      quant::quantize(*m.source, m.decoder, what, data ? &*data : nullptr, options));
  made->decoder = made->form->decoder;
  push_object<subject_handle>(L, std::move(made));
  return 1;
}

// m:packed() -> a new model object that runs from the codes of this quantized model, without a file.
int packed(lua_State *L) {
  const subject &m = self(L);
  if (!m.form)
    throw error(error_kind::usage, "packed: this model is not quantized")
        .hint(
            "assay.load(path, { runtime = \"packed\" }) runs a model from the floats of its file");
  auto made = std::make_shared<subject>();
  made->source = m.source;
  made->decoder = quant::packed_decoder(*m.form);
  push_object<subject_handle>(L, std::move(made));
  return 1;
}

// m:quantized_codes() -> { count = linears with codes, without_kernel = { "LINEAR: reason", ... } }; nil for an untouched model
int quantized_codes(lua_State *L) {
  const subject &m = self(L);
  if (m.form)
    push_json(
        L, {{"count", m.form->forms.size()}, {"without_kernel", quant::without_kernel(*m.form)}});
  else
    lua_pushnil(L);
  return 1;
}

quant::save_options save_options_of(const option_table &given, lua_State *L) {
  quant::save_options options;
  options.format = given.text("format").value_or(options.format);
  if (given.push("config")) {
    options.config = read_json(L, -1, "config");
    lua_pop(L, 1);
  }
  return options;
}

json provenance() {
  return {{"versions", {{"assay", ASSAY_VERSION}, {"libtorch", TORCH_VERSION}}},
          {"threads", at::get_num_threads()},
          {"isa", at::get_cpu_capability()}};
}

// m:save(folder, { format, config, replace, card }?) -> { format, files, bytes, seconds }. format: an
// exporter's id; config: the exporter's configuration; replace: the folder may exist; card: Markdown that
// README.md ends with.
int save(lua_State *L) {
  const subject &m = self(L);
  const std::string folder = read_string(L, 2, "folder");
  const option_table given(L, 3, {"format", "config", "replace", "card"});
  if (!m.form)
    throw error(error_kind::usage, "save: only a quantized model is saved")
        .hint("To save an untouched model, call m:quantize(assay.method.none {}) first");
  quant::save_options options = save_options_of(given, L);
  options.replace = given.flag("replace", false);
  options.card = given.text("card").value_or("");
  options.provenance = provenance();
  push_json(L, quant::save(*m.form, *m.source, folder, options));
  return 1;
}

// m:planned_export({ format, config }?) -> { exporter, items, scheme }: what save would write
int planned_export(lua_State *L) {
  const subject &m = self(L);
  const option_table given(L, 2, {"format", "config"});
  if (!m.form) throw error(error_kind::usage, "planned_export: only a quantized model is saved");
  push_json(L, quant::planned_export(*m.form, *m.source, save_options_of(given, L)));
  return 1;
}

// The next three describe how a model was quantized; an untouched model gives nil, nil and {}.
int summary(lua_State *L) {
  const subject &m = self(L);
  if (m.form)
    push_json(L, m.form->summary);
  else
    lua_pushnil(L);
  return 1;
}

int metadata(lua_State *L) {
  const subject &m = self(L);
  if (m.form)
    push_json(L, m.form->metadata);
  else
    lua_pushnil(L);
  return 1;
}

int incidents(lua_State *L) {
  const subject &m = self(L);
  if (m.form)
    push_json(L, m.form->incidents.to_json(m.form->order));
  else
    push_json(L, json::array());
  return 1;
}

// calibration(data) -> its counts and hash, without the ids; raises an error for wrong data
int calibration_facts(lua_State *L) {
  const std::optional<quant::calibration> data = read_calibration(L, 1);
  if (!data) throw error(error_kind::usage, "calibration: 'data' is missing");
  push_json(L, data->to_json());
  return 1;
}

// recipe(data) -> the recipe with all defaults, and its hash; raises an error for a wrong recipe
int complete_recipe(lua_State *L) {
  const quant::recipe what = quant::recipe::from_json(read_json(L, 1, "recipe"));
  push_json(L, what.to_json());
  push_string(L, what.hash());
  return 2;
}

// planned_codes(recipe, path) -> { count, without_kernel } as m:quantized_codes() would give them for the recipe's result
int planned_codes(lua_State *L) {
  const quant::recipe what = quant::recipe::from_json(read_json(L, 1, "recipe"));
  const auto source = model::checkpoint::open(read_string(L, 2, "path"));
  const model::stored_codes found = quant::planned_codes(what, *source);
  push_json(L, {{"count", found.count}, {"without_kernel", found.without_kernel}});
  return 1;
}

// needs_whole_model(recipe) -> the first part of the recipe that needs all weights in memory, or ""
int needs_whole_model(lua_State *L) {
  push_string(L, quant::needs_whole_model(quant::recipe::from_json(read_json(L, 1, "recipe"))));
  return 1;
}

// require_linears(recipe, path, where?): raises an error if a pattern of the recipe
// names no linear of the model
int require_linears(lua_State *L) {
  const quant::recipe what = quant::recipe::from_json(read_json(L, 1, "recipe"));
  const auto source = model::checkpoint::open(read_string(L, 2, "path"));
  quant::require_patterns(what, model::parse_decoder_config(source->config(), source->path()),
                          absent(L, 3) ? "recipe" : read_string(L, 3, "where"));
  return 0;
}

// planned_export(recipe, path, format, config?) -> { exporter, items, scheme }: what save would write; raises if
// no exporter of this format can store the result
int planned_export_of(lua_State *L) {
  const quant::recipe what = quant::recipe::from_json(read_json(L, 1, "recipe"));
  const auto source = model::checkpoint::open(read_string(L, 2, "path"));
  quant::save_options options;
  options.format = read_string(L, 3, "format");
  if (!lua_isnoneornil(L, 4)) options.config = read_json(L, 4, "config");
  push_json(L, quant::planned_export(what, *source, options));
  return 1;
}

// cannot_hold(recipe, path, format, config?) -> reasons why the format cannot store the result; an
// empty list if it can
int cannot_hold(lua_State *L) {
  const quant::recipe what = quant::recipe::from_json(read_json(L, 1, "recipe"));
  const auto source = model::checkpoint::open(read_string(L, 2, "path"));
  const json config = lua_isnoneornil(L, 4) ? json::object() : read_json(L, 4, "config");
  push_json(L, json(quant::cannot_hold(what, *source, read_string(L, 3, "format"), config)));
  return 1;
}

// The options of a stored model's export: { format, config, keep }.
quant::export_options export_options_of(const option_table &given, lua_State *L) {
  quant::export_options options;
  options.save = save_options_of(given, L);
  if (given.push("keep")) {
    options.keep = read_json(L, -1, "keep").get<std::vector<std::string>>();
    lua_pop(L, 1);
  }
  return options;
}

// planned_stored_export(path, { format, config, keep }) -> { exporter, items, scheme }: what export_stored would write; raises if
// the format cannot hold what is stored
int planned_stored_export(lua_State *L) {
  const option_table given(L, 2, {"format", "config", "keep"});
  const auto source = model::checkpoint::open(read_string(L, 1, "path"));
  push_json(L, quant::planned_export(source, export_options_of(given, L)));
  return 1;
}

// export_stored(path, folder, { format, config, keep, replace, card }) -> what m:save returns: writes the codes that a model
// stores in another format
int export_stored(lua_State *L) {
  const option_table given(L, 3, {"format", "config", "keep", "replace", "card"});
  const auto source = model::checkpoint::open(read_string(L, 1, "path"));
  quant::export_options options = export_options_of(given, L);
  options.save.replace = given.flag("replace", false);
  options.save.card = given.text("card").value_or("");
  options.save.provenance = provenance();
  push_json(L, quant::export_stored(source, read_string(L, 2, "folder"), options));
  return 1;
}

}  // namespace

const luaL_Reg k_quantization_methods[] = {{"quantize", guarded<quantize>},
                                           {"packed", guarded<packed>},
                                           {"quantized_codes", guarded<quantized_codes>},
                                           {"save", guarded<save>},
                                           {"planned_export", guarded<planned_export>},
                                           {"quantization_summary", guarded<summary>},
                                           {"quantization_ledger", guarded<incidents>},
                                           {"quantization_metadata", guarded<metadata>},
                                           {nullptr, nullptr}};

int open_quant(lua_State *L) {
  static const luaL_Reg functions[] = {{"recipe", guarded<complete_recipe>},
                                       {"planned_codes", guarded<planned_codes>},
                                       {"planned_stored_export", guarded<planned_stored_export>},
                                       {"export_stored", guarded<export_stored>},
                                       {"calibration", guarded<calibration_facts>},
                                       {"needs_whole_model", guarded<needs_whole_model>},
                                       {"require_linears", guarded<require_linears>},
                                       {"planned_export", guarded<planned_export_of>},
                                       {"cannot_hold", guarded<cannot_hold>},
                                       {"allocate", guarded<allocate>},
                                       {nullptr, nullptr}};
  push_library(L, functions);
  return 1;
}

}  // namespace assay::lua
