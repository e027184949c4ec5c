// The Lua library assay.native.model: opens models (Hugging Face folders and GGUF files, the format of
// llama.cpp), and has the methods of a model that only need its files, such as encode and chat.
// lib/model_run.cpp has the methods that run the network, lib/quant.cpp those that quantize it.
#include <filesystem>
#include <fstream>

#include "checkpoint/folder_name.hpp"
#include "checkpoint/gguf/gguf_file.hpp"
#include "checkpoint/lora.hpp"
#include "lua/state.hpp"
#include "lua/subject.hpp"
#include "lua/text.hpp"
#include "model/describe_model.hpp"
#include "model/device.hpp"
#include "model/import_gguf.hpp"
#include "model/required_tensors.hpp"
#include "packed/pack_weight.hpp"
#include "quant/schemes/scheme_files.hpp"

namespace assay::lua {

std::shared_ptr<const text::tokenizer> subject::shared_tokenizer() {
  if (!tokenizer_) tokenizer_ = text::tokenizer::from_files(source->read_tokenizer());
  return tokenizer_;
}

const text::tokenizer &subject::tokenizer() {
  return *shared_tokenizer();
}

namespace {

// Throws error(failed) for a model without a default chat template. named: the templates that it has.
[[noreturn]] void refuse_without_template(const model::checkpoint &source, const json &named) {
  if (named.contains("default"))
    throw error(error_kind::failed, "the model's chat template is empty").at(source.path());
  std::string names;
  for (const auto &[name, text] : named.items())
    names += (names.empty() ? "'" : ", '") + name + "'";
  if (!names.empty())
    throw error(error_kind::failed, "the model has no default chat template, only " + names)
        .at(source.path())
        .hint("Use the name 'default' for the template that serves every conversation");
  const bool legacy =
      std::filesystem::exists(std::filesystem::path(source.path()) / "chat_template.json");
  throw error(error_kind::failed, "the model has no chat template")
      .at(source.path())
      .hint(legacy ? "chat_template.json belongs to an image processor and is not read for text: "
                     "put its "
                     "template into a file chat_template.jinja"
                   : "Use a chat model, or write the prompt yourself");
}

}  // namespace

const text::chat_template &subject::chat_template(bool with_tools) {
  auto &kept = with_tools ? tools_template_ : template_;
  if (kept) return *kept;
  const std::string jinja = tokenizer().chat_template_text(with_tools);
  if (jinja.empty()) refuse_without_template(*source, tokenizer().chat_templates());
  kept = std::make_unique<text::chat_template>(jinja, tokenizer().special_tokens());
  return *kept;
}

std::vector<int64_t> read_tokens(lua_State *L, int index, const char *name, subject &of) {
  if (lua_type(L, index) == LUA_TTABLE) return read_ids(L, index, name);
  if (lua_type(L, index) != LUA_TSTRING)
    bad_argument(L, index, name, "text or a list of token ids");
  const auto ids = of.tokenizer().encode_start(read_string(L, index, name));
  return {ids.begin(), ids.end()};
}

namespace {

// m:encode(text, { special, start }?) -> token ids
int encode(lua_State *L) {
  subject &m = self(L);
  const std::string input = read_string(L, 2, "text");
  push_encoded(L, m.tokenizer(), input);
  return 1;
}

// m:decode(ids, { skip_special = true }?) -> text
int decode(lua_State *L) {
  subject &m = self(L);
  const std::vector<int32_t> ids = narrow_ids(read_ids(L, 2, "ids"));
  const option_table options(L, 3, {"skip_special"});
  push_string(L, m.tokenizer().decode(ids, options.flag("skip_special", true)));
  return 1;
}

bool has_tools(const json &context) {
  return context.contains("tools") && !context["tools"].is_null();
}

// m:chat(messages, { generate = true, tools = ... }?) -> the prompt as text. `generate` adds what
// begins an answer; all other keys become variables of the template.
int chat(lua_State *L) {
  subject &m = self(L);
  if (lua_type(L, 2) != LUA_TTABLE) bad_argument(L, 2, "messages", "list of messages");
  json context = {{"messages", read_json(L, 2, "messages")}};
  if (!context["messages"].is_array() || context["messages"].empty())
    throw error(error_kind::usage,
                "chat: 'messages' must be a list like { { role = \"user\", content = \"Hi\" } }");
  const json extra = absent(L, 3) ? json::object() : read_json(L, 3, "options");
  if (!extra.is_object()) bad_argument(L, 3, "options", "table");
  for (auto item = extra.begin(); item != extra.end(); ++item)
    context[item.key() == "generate" ? "add_generation_prompt" : item.key()] = item.value();
  push_string(L, m.chat_template(has_tools(context)).render(context));
  return 1;
}

int tokenizer(lua_State *L) {
  push_object<tokenizer_handle>(L, self(L).shared_tokenizer());
  return 1;
}

// Returns the licence that a GGUF file's metadata or a folder's README.md declares; "" if none does.
std::string license_of(const model::checkpoint &source) {
  if (source.is_gguf()) return model::gguf_file::open(source.path())->text("general.license", "");
  const std::string file = source.path() + "/README.md";
  if (!std::filesystem::is_regular_file(file)) return "";
  std::ifstream card(file);
  std::string line;
  if (!std::getline(card, line) || line != "---") return "";  // no header between two lines of ---
  while (std::getline(card, line) && line != "---") {
    if (line.rfind("license:", 0) != 0) continue;
    const size_t begin = line.find_first_not_of(" '\"", 8);
    const size_t end = line.find_last_not_of(" '\"\r");
    return begin == std::string::npos ? "" : line.substr(begin, end - begin + 1);
  }
  return "";
}

// Returns the configuration of the decoder, with defaults for keys that config.json leaves out;
// nullopt if the model is not supported.
std::optional<model::decoder_config> meaning_of(const model::checkpoint &source) {
  try {
    return model::read_decoder_config(source);
  } catch (const error &) {
    return std::nullopt;
  }
}

// Returns facts about a checkpoint. It reads only the headers of the weights, with one exception: if
// config.json says that the output head is the embedding (tied), but the files have a head too, it
// compares the two matrices.
json describe(const model::checkpoint &source) {
  json dtypes = json::object();
  int64_t parameters = 0, linear_parameters = 0;
  uint64_t stored_bytes = 0, tensor_bytes = 0;
  for (const model::tensor_info &info : source.tensors().tensors()) {
    const int64_t n = info.numel();
    const bool linear = info.shape.size() == 2 && info.name.rfind("model.layers.", 0) == 0;
    parameters += n;
    linear_parameters += linear ? n : 0;
    stored_bytes += info.stored_bytes;
    tensor_bytes += static_cast<uint64_t>(n) * at::elementSize(info.dtype);
    dtypes[info.stored] = dtypes.value(info.stored, int64_t{0}) + n;
  }
  const json &config = source.config();
  json facts = {{"path", source.path()}, {"name", source.name()}, {"gguf", source.is_gguf()}};
  facts["architecture"] = config.contains("architectures") && config["architectures"].is_array() &&
                                  !config["architectures"].empty()
                              ? config["architectures"][0]
                              : json(config.value("model_type", "unknown"));
  facts["parameters"] = parameters;
  facts["linear_parameters"] = linear_parameters;
  const auto read = meaning_of(source);
  facts["blocks"] = read ? json(read->n_layers) : config.value("num_hidden_layers", json(0));
  facts["vocabulary"] = read ? json(read->vocab_size) : config.value("vocab_size", json(0));
  facts["hidden"] = read ? json(read->hidden_size) : config.value("hidden_size", json(0));
  facts["tied_head"] = read ? json(read->tied) : config.value("tie_word_embeddings", json(false));
  facts["dtypes"] = dtypes;
  facts["stored_bytes"] = stored_bytes;  // in the file
  facts["tensor_bytes"] = tensor_bytes;  // in memory, once all tensors are dequantized to floats
  facts["quant_method"] = source.quant_method();
  facts["provenance_note"] = source.provenance_note();
  facts["chat_template"] = !source.chat_templates().empty();
  facts["positions"] =  // the longest sequence that the model takes, in tokens
      read ? json(read->max_positions) : config.value("max_position_embeddings", json(0));
  if (const std::string license = license_of(source); !license.empty()) facts["license"] = license;
  return facts;
}

std::shared_ptr<model::checkpoint> open_source(const std::string &path,
                                               const std::optional<std::string> &adapter) {
  return adapter ? model::open_lora(*adapter, path) : model::checkpoint::open(path);
}

int inspect(lua_State *L) {  // inspect(path) -> facts, without loading weights
  push_json(L, describe(*model::checkpoint::open(read_string(L, 1, "path"))));
  return 1;
}

// describe(path, { adapter }?) -> facts of the headers, and the fingerprint, which reads all weights
int full_description(lua_State *L) {
  const option_table options(L, 2, {"adapter"});
  const auto source = open_source(read_string(L, 1, "path"), options.text("adapter"));
  push_json(L, model::describe_model(*source, true));
  return 1;
}

// Returns what a packed decoder (one that runs from the stored codes) has in memory: for each format the
// number of weights, embedding and head included (the key "linears"), and their bytes. told: messages
// about weights whose codes have no kernel, so that they run as floats.
json describe_packed(const model::decoder &decoder) {
  json formats = json::object();
  int64_t bytes = 0;
  for (const auto &[name, weight] : decoder.packed_weights()) {
    json &one = formats[weight->format()];
    if (one.is_null()) one = {{"linears", 0}, {"bytes", 0}};
    one["linears"] = one["linears"].get<int64_t>() + 1;
    one["bytes"] = one["bytes"].get<int64_t>() + weight->bytes();
    bytes += weight->bytes();
  }
  return {{"bytes", bytes}, {"formats", formats}, {"told", decoder.told()}};
}

// m:info() -> the facts of inspect(), and of the loaded model: dtype, device, `quantized` (the method, or
// null) and, if it runs from the stored codes, `packed`
int info(lua_State *L) {
  const subject &m = self(L);
  json facts = describe(*m.source);
  facts["dtype"] = model::dtype_name(m.decoder.dtype());
  facts["device"] = m.decoder.device().str();
  if (m.decoder.is_packed()) facts["packed"] = describe_packed(m.decoder);
  facts["quantized"] = m.form ? json(m.form->made_by.method) : json(nullptr);
  push_json(L, facts);
  return 1;
}

// m:fingerprint() -> SHA-256 over the configuration and all weights; reads the files once
int fingerprint(lua_State *L) {
  push_string(L, self(L).source->fingerprint());
  return 1;
}

int fingerprint_of(lua_State *L) {  // fingerprint(path): as m:fingerprint(), but loads no model
  push_string(L, model::checkpoint::open(read_string(L, 1, "path"))->fingerprint());
  return 1;
}

// stored_codes(path) -> { count = weights that are stored as codes, without_kernel = { "MODULE: reason", ... } }
int stored_codes(lua_State *L) {
  const auto found = model::stored_codes_of(*model::checkpoint::open(read_string(L, 1, "path")));
  push_json(L, {{"count", found.count}, {"without_kernel", found.without_kernel}});
  return 1;
}

int name_of(lua_State *L) {  // name(path) -> the model's name, from the path alone
  push_string(L, model::folder_name(read_string(L, 1, "path")));
  return 1;
}

// Returns whether `runtime` is "packed". It means that weights stay in memory as they are stored, and
// that products read their codes. Throws error(usage) for an unknown runtime.
bool wants_packed(const std::optional<std::string> &runtime) {
  if (!runtime || *runtime == "dequantized") return false;
  if (*runtime == "packed") return true;
  throw error(error_kind::usage,
              "load: 'runtime' must be \"packed\" or \"dequantized\", not \"" + *runtime + "\"");
}

// load(path, { dtype, device, adapter, on_demand, runtime }?) -> model. adapter: a folder of LoRA
// weights (small matrices that a fine-tuning adds) that are merged into the model. on_demand: reads a
// block only when it is needed, for models that are only quantized and saved. runtime: "packed" or
// "dequantized" (the default).
int load(lua_State *L) {
  const std::string path = read_string(L, 1, "path");
  const option_table options(L, 2, {"dtype", "device", "adapter", "on_demand", "runtime"});
  const settings &given = settings_of(L);
  model::load_options how;
  how.dtype = model::parse_dtype(options.text("dtype").value_or(given.dtype));
  how.device = options.text("device").value_or(given.device);
  how.packed = wants_packed(options.text("runtime"));
  if (how.packed && options.flag("on_demand", false))
    throw error(error_kind::usage,
                "load: give only one of on_demand (to quantize) and runtime = \"packed\" (to run)");
  auto loaded = std::make_shared<subject>();
  loaded->source = open_source(path, options.text("adapter"));
  loaded->decoder = options.flag("on_demand", false)
                        ? model::decoder::load_on_demand(loaded->source, how)
                        : model::decoder::load(*loaded->source, how);
  quant::restore_schemes(loaded->decoder, *loaded->source);
  push_object<subject_handle>(L, std::move(loaded));
  return 1;
}

int import(lua_State *L) {  // import(GGUF file, folder, { dtype, replace }?)
  const std::string file = read_string(L, 1, "file"), folder = read_string(L, 2, "folder");
  const option_table options(L, 3, {"dtype", "replace"});
  model::import_gguf(file, folder, model::parse_dtype(options.text("dtype").value_or("float32")),
                     options.flag("replace", false));
  return 0;
}

int to_text(lua_State *L) {
  auto *content = static_cast<box<subject_handle> *>(luaL_testudata(L, 1, "model"));
  if (!content || !*content) {
    lua_pushstring(L, "model (freed)");
    return 1;
  }
  const subject &m = ***content;
  std::string text = "model " + m.source->name() + ": " + m.decoder.config().family + ", " +
                     std::to_string(m.decoder.n_parameters()) + " parameters, " +
                     std::to_string(m.decoder.n_blocks()) + " blocks, " +
                     model::dtype_name(m.decoder.dtype()) + " on " + m.decoder.device().str();
  if (m.form) text += ", quantized by " + m.form->made_by.method;
  push_string(L, text);
  return 1;
}

int is_model(lua_State *L) {
  lua_pushboolean(L, luaL_testudata(L, 1, class_of<subject_handle>::name) != nullptr);
  return 1;
}

constexpr luaL_Reg k_text_methods[] = {
    {"encode", guarded<encode>}, {"decode", guarded<decode>},
    {"chat", guarded<chat>},     {"tokenizer", guarded<tokenizer>},
    {"info", guarded<info>},     {"fingerprint", guarded<fingerprint>},
    {nullptr, nullptr}};

}  // namespace

int open_model(lua_State *L) {
  register_class<subject_handle>(L, k_text_methods, guarded<to_text>);
  register_conversation(L);
  static const luaL_Reg functions[] = {{"load", guarded<load>},
                                       {"inspect", guarded<inspect>},
                                       {"describe", guarded<full_description>},
                                       {"fingerprint", guarded<fingerprint_of>},
                                       {"name", guarded<name_of>},
                                       {"import", guarded<import>},
                                       {"compare", guarded<compare_checkpoints>},
                                       {"machine_rates", guarded<machine_rates>},
                                       {"packed_kernel", guarded<packed_kernel>},
                                       {"stored_codes", guarded<stored_codes>},
                                       {"is_model", guarded<is_model>},
                                       {nullptr, nullptr}};
  push_library(L, functions);
  // scripts/assay/model.lua adds the methods that are written in Lua to this table.
  luaL_getmetatable(L, class_of<subject_handle>::name);
  lua_getfield(L, -1, "__index");
  luaL_setfuncs(L, k_running_methods, 0);
  luaL_setfuncs(L, k_batch_methods, 0);
  luaL_setfuncs(L, k_quantization_methods, 0);
  luaL_setfuncs(L, k_distance_methods, 0);
  luaL_setfuncs(L, k_speed_methods, 0);
  luaL_setfuncs(L, k_chat_methods, 0);
  luaL_setfuncs(L, k_insight_methods, 0);
  lua_setfield(L, -3, "methods");
  lua_setfield(L, -2, "class");
  return 1;
}

}  // namespace assay::lua
