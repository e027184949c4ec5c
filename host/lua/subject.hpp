// A loaded model as scripts hold it: checkpoint, decoder, tokenizer, and the quantized form if it
// has one. Shared by the files of the model library.
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

  // Both are read when they are first needed: many studies work on token ids alone.
  const text::tokenizer &tokenizer();
  std::shared_ptr<const text::tokenizer> shared_tokenizer();
  const text::chat_template &chat_template(bool with_tools);

 private:
  std::shared_ptr<const text::tokenizer> tokenizer_;
  std::unique_ptr<text::chat_template> template_, tools_template_;
};

using subject_handle = std::shared_ptr<subject>;

template <>
struct class_of<subject_handle> {
  static constexpr const char *name = "model";
};

inline subject &self(lua_State *L) {
  return *check_object<subject_handle>(L, 1, "self");
}

// { ids = { {..}, {..} }, counted = { {..}, .. }?, source = {..}? }; nothing for nil.
std::optional<quant::calibration> read_calibration(lua_State *L, int index);

// Text is encoded, a list is taken as token ids.
std::vector<int64_t> read_tokens(lua_State *L, int index, const char *name, subject &of);

// Methods of the class, one list per file.
extern const luaL_Reg k_running_methods[];       // lib_model_run.cpp
extern const luaL_Reg k_batch_methods[];         // lib_model_batch.cpp
extern const luaL_Reg k_quantization_methods[];  // lib_quant.cpp
extern const luaL_Reg k_distance_methods[];      // lib_model_distance.cpp
int compare_checkpoints(lua_State *L);           // lib_model_distance.cpp
extern const luaL_Reg k_insight_methods[];       // lib_quant_insight.cpp
int allocate(lua_State *L);                      // lib_quant_insight.cpp

}  // namespace assay::lua
