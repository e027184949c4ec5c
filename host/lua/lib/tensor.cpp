// The Lua library assay.native.tensor and the class `tensor`. Scripts can make zeros, take rows,
// read numbers, find the largest and compare two tensors, but no more. Computing on tensors is the
// work of plugins.
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/grad_mode.h>
#include <torch/headeronly/version.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "aten.hpp"
#include "core/resources.hpp"
#include "kernels/matmul.hpp"
#include "lua/lx.hpp"
#include "lua/state.hpp"
#include "lua/tensor.hpp"
#include "lua/tensor_memory.hpp"

namespace assay::lua {
namespace {

constexpr int64_t k_printed_values = 6;

int64_t bytes_of(const at::Tensor &t) {
  return static_cast<int64_t>(t.numel()) * static_cast<int64_t>(t.element_size());
}

// Returns what tostring shows: "tensor [2, 3] Float cpu {0, 0, 0, 0, 0, 0}".
std::string text_of(const at::Tensor &t) {
  std::ostringstream out;
  out << "tensor [";
  for (int64_t i = 0; i < t.dim(); ++i) out << (i ? ", " : "") << t.size(i);
  out << "] " << at::toString(t.scalar_type()) << " " << t.device();
  if (t.numel() == 0) return out.str();
  const at::Tensor first = t.reshape({-1}).slice(0, 0, k_printed_values).to(at::kCPU, at::kDouble);
  out << " {";
  for (int64_t i = 0; i < first.numel(); ++i) out << (i ? ", " : "") << first.data_ptr<double>()[i];
  out << (t.numel() > k_printed_values ? ", ...}" : "}");
  return out.str();
}

int to_text(lua_State *L) {
  auto *content = static_cast<box<at::Tensor> *>(luaL_testudata(L, 1, class_of<at::Tensor>::name));
  push_string(L, content && *content ? text_of(**content) : std::string("tensor (freed)"));
  return 1;
}

// Pushes the values as nested lists, one level for each dimension. `dim` stays 0, because each level
// removes the first dimension with select().
void push_nested(lua_State *L, const at::Tensor &t, int64_t dim) {
  luaL_checkstack(L, 4, "tensor");
  if (dim == t.dim()) {
    if (at::isFloatingType(t.scalar_type()))
      lua_pushnumber(L, t.item<double>());
    else
      lua_pushinteger(L, t.item<int64_t>());
    return;
  }
  const int64_t n = t.size(dim);
  lua_createtable(L, static_cast<int>(n), 0);
  const bool last = dim + 1 == t.dim();
  if (last && t.scalar_type() == at::kDouble) {
    const at::Tensor flat = t.contiguous();
    for (int64_t i = 0; i < n; ++i) {
      lua_pushnumber(L, flat.data_ptr<double>()[i]);
      lua_rawseti(L, -2, i + 1);
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    push_nested(L, t.select(dim, i), dim);
    lua_rawseti(L, -2, i + 1);
  }
}

int to_list(lua_State *L) {
  at::Tensor t = check_object<at::Tensor>(L, 1, "self").to(at::kCPU);
  if (at::isFloatingType(t.scalar_type())) t = t.to(at::kDouble);
  push_nested(L, t, 0);
  return 1;
}

int row(lua_State *L) {  // t:row(i) -> t[i], counted from 1 like every list in Lua; shares memory
  const at::Tensor &t = check_object<at::Tensor>(L, 1, "self");
  const int64_t i = read_integer(L, 2, "i");
  if (t.dim() < 1) throw error(error_kind::usage, "row: the tensor has no dimensions");
  if (i < 1 || i > t.size(0))
    throw error(error_kind::usage,
                "row: " + std::to_string(i) + " is outside 1.." + std::to_string(t.size(0)));
  push_tensor(L, t.select(0, i - 1));
  return 1;
}

int item(lua_State *L) {
  const at::Tensor &t = check_object<at::Tensor>(L, 1, "self");
  if (t.numel() != 1)
    throw error(error_kind::usage,
                "item: the tensor has " + std::to_string(t.numel()) + " values, not one");
  lua_pushnumber(L, t.item<double>());
  return 1;
}

// t:argmax() -> the index of the largest value along the last dimension, counted from 0 like token ids
int argmax(lua_State *L) {
  const at::Tensor found = check_object<at::Tensor>(L, 1, "self").argmax(-1).to(at::kCPU);
  push_nested(L, found, 0);
  return 1;
}

// a:max_difference(b) -> the largest absolute difference, and whether all values are equal
int max_difference(lua_State *L) {
  const at::Tensor &a = check_object<at::Tensor>(L, 1, "self");
  const at::Tensor &b = check_object<at::Tensor>(L, 2, "other");
  if (a.sizes() != b.sizes())
    throw error(error_kind::usage,
                "max_difference: the shapes differ: " + text_of(a) + " and " + text_of(b));
  lua_pushnumber(L, (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>());
  lua_pushboolean(L, at::equal(a, b));
  return 2;
}

// What Lua calls for t.KEY (the metamethod __index): t.shape, t.dtype, t.device and t.bytes are values,
// all other keys are methods.
int index(lua_State *L) {
  const at::Tensor &t = check_object<at::Tensor>(L, 1, "self");
  const std::string key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (key == "shape")
    push_ids(L, t.sizes().vec());
  else if (key == "dtype")
    push_string(L, at::toString(t.scalar_type()));
  else if (key == "device")
    push_string(L, t.device().str());
  else if (key == "bytes")
    lua_pushinteger(L, bytes_of(t));
  else {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
  }
  return 1;
}

// What Lua calls for a == b (the metamethod __eq): true if both are one tensor object. Two tensors with
// equal values are not equal.
int equal(lua_State *L) {
  lua_pushboolean(
      L, check_object<at::Tensor>(L, 1, "self").is_same(check_object<at::Tensor>(L, 2, "other")));
  return 1;
}

int length(lua_State *L) {
  const at::Tensor &t = check_object<at::Tensor>(L, 1, "self");
  lua_pushinteger(L, t.dim() ? t.size(0) : 0);
  return 1;
}

int zeros(lua_State *L) {
  push_tensor(L, at::zeros(read_ids(L, 1, "shape")));
  return 1;
}

// gemm_rate() -> FLOP/s of the fastest of a few fp32 matrix products. It is only for estimates of time.
int gemm_rate(lua_State *L) {
  constexpr int64_t k_size = 768;
  const at::NoGradGuard no_grad;
  const at::Tensor a = at::ones({k_size, k_size}), b = at::ones({k_size, k_size});
  double best = 1e30;
  for (int i = 0; i < 6; ++i) {
    const auto started = std::chrono::steady_clock::now();
    model::fast_linear(a, b);  // the function that the forward pass calls
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    best = std::min(best, took.count());
  }
  lua_pushnumber(L, 2.0 * k_size * k_size * k_size / best);
  return 1;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown CPU";
}

int machine(lua_State *L) {
  push_json(L, {{"libtorch", TORCH_VERSION},
                {"device_name", cpu_name()},
                {"isa", at::get_cpu_capability()}});
  return 1;
}

// set_threads(n): sets the number of LibTorch's threads. It changes nothing but the order in which sums
// are added up. So a second run with another number shows how much results depend on that order.
int set_threads(lua_State *L) {
  const int64_t n = read_integer(L, 1, "n");
  if (n < 1) throw error(error_kind::usage, "set_threads: 'n' must be at least 1");
  require_threads(n, "set_threads(" + std::to_string(n) + ")");
  at::set_num_threads(static_cast<int>(n));
  return 0;
}

int threads(lua_State *L) {
  lua_pushinteger(L, at::get_num_threads());
  return 1;
}

void replace_metamethods(lua_State *L) {
  luaL_getmetatable(L, class_of<at::Tensor>::name);
  lua_getfield(L, -1, "__index");  // the methods
  lua_pushcclosure(L, guarded<index>, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, guarded<equal>);
  lua_setfield(L, -2, "__eq");
  lua_pushcfunction(L, guarded<length>);
  lua_setfield(L, -2, "__len");
  lua_pop(L, 1);
}

}  // namespace

void push_tensor(lua_State *L, at::Tensor tensor) {
  const int64_t bytes = bytes_of(tensor);
  push_object<at::Tensor>(L, std::move(tensor));
  tell_collector(L, bytes);
}

int open_tensor(lua_State *L) {
  static const luaL_Reg methods[] = {{"row", guarded<row>},
                                     {"tolist", guarded<to_list>},
                                     {"item", guarded<item>},
                                     {"argmax", guarded<argmax>},
                                     {"max_difference", guarded<max_difference>},
                                     {nullptr, nullptr}};
  use_plain_tensor_memory();
  if (const int threads = settings_of(L).threads; threads > 0) at::set_num_threads(threads);
  register_class<at::Tensor>(L, methods, guarded<to_text>);
  replace_metamethods(L);
  static const luaL_Reg functions[] = {{"zeros", guarded<zeros>},
                                       {"threads", guarded<threads>},
                                       {"set_threads", guarded<set_threads>},
                                       {"machine", guarded<machine>},
                                       {"gemm_rate", guarded<gemm_rate>},
                                       {nullptr, nullptr}};
  push_library(L, functions);
  return 1;
}

}  // namespace assay::lua
