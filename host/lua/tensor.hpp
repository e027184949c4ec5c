// Declares tensors as Lua values. A file that includes it also includes ATen, LibTorch's tensor
// library, which is slow to compile.
#pragma once

#include "aten.hpp"
#include "lua/lx.hpp"

namespace assay::lua {

template <>
struct class_of<at::Tensor> {
  static constexpr const char *name = "tensor";
};

// Pushes a tensor and tells Lua's garbage collector its size in bytes.
void push_tensor(lua_State *L, at::Tensor tensor);

}  // namespace assay::lua
