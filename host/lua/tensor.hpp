// Tensors as Lua values. Only the tensor files of this folder include it.
#pragma once

#include "aten.hpp"
#include "lua/lx.hpp"

namespace assay::lua {

template <>
struct class_of<at::Tensor> {
  static constexpr const char *name = "tensor";
};

// Charges the collector with the tensor's bytes.
void push_tensor(lua_State *L, at::Tensor tensor);

}  // namespace assay::lua
