// Declares a subject, the loaded model behind a script's model object: checkpoint, decoder, tokenizer,
// and the quantized form if it has one. The files of assay.native.model share it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "calibration/calibration.hpp"
#include "lua/lx.hpp"
#include "model/decoder.hpp"
#include "quant/quantized.hpp"
#include "text/chat_template.hpp"
#include "text/tokenizer.hpp"

namespace assay::lua {

struct subject {
  std::shared_ptr<const model::checkpoint> source;
  model::decoder decoder;
  std::shared_ptr<const quant::quantized_model> form;  // null for an untouched model

  // Tokenizer and chat template are read when they are first needed, because many studies work on
  // token ids alone. with_tools: prefer the template for conversations with tools.
  const text::tokenizer &tokenizer();
  std::shared_ptr<const text::tokenizer> shared_tokenizer();
  const text::chat_template &chat_template(bool with_tools);

 private:
  std::shared_ptr<const text::tokenizer> tokenizer_;
  std::unique_ptr<text::chat_template> template_, tools_template_;
};

using subject_handle = std::shared_ptr<subject>;

// Pushes a model object, and tells Lua's garbage collector the bytes of its linears (lib/model.cpp).
void push_subject(lua_State *L, subject_handle loaded);

template <>
struct class_of<subject_handle> {
  static constexpr const char *name = "model";
};

// Returns the model on which a method was called (argument 1).
inline subject &self(lua_State *L) {
  return *check_object<subject_handle>(L, 1, "self");
}

// Reads calibration data: { ids = one list of token ids for each sequence, counted = for each sequence
// a list with 1 for tokens that enter the statistics, source = { ... } }. The last two may be absent.
// Returns nullopt for nil.
std::optional<quant::calibration> read_calibration(lua_State *L, int index);

// Reads a text or a list of token ids. A text is encoded with the tokenizer's own first token; ids are
// taken as they are.
std::vector<int64_t> read_tokens(lua_State *L, int index, const char *name, subject &of);

// The methods of a model object, one list for each file, and five functions of the libraries
// assay.native.model and assay.native.quant.
extern const luaL_Reg k_running_methods[];       // lib/model_run.cpp
extern const luaL_Reg k_batch_methods[];         // lib/model_batch.cpp
extern const luaL_Reg k_quantization_methods[];  // lib/quant.cpp
extern const luaL_Reg k_distance_methods[];      // lib/model_distance.cpp
extern const luaL_Reg k_speed_methods[];         // lib/model_speed.cpp
extern const luaL_Reg k_chat_methods[];          // lib/model_chat.cpp
void register_conversation(lua_State *L);        // lib/model_chat.cpp
int serve(lua_State *L);                         // lib/serve.cpp
int machine_rates(lua_State *L);                 // lib/model_speed.cpp
int packed_kernel(lua_State *L);                 // lib/model_speed.cpp
int compare_checkpoints(lua_State *L);           // lib/model_distance.cpp
extern const luaL_Reg k_insight_methods[];       // lib/quant_insight.cpp
int allocate(lua_State *L);                      // lib/quant_insight.cpp

}  // namespace assay::lua
