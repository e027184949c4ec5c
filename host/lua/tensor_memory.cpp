// The allocator behind use_plain_tensor_memory.
#include "lua/tensor_memory.hpp"

#include <c10/core/CPUAllocator.h>

#include <cstdint>
#include <cstdlib>

#include "aten.hpp"

namespace assay::lua {
namespace {

constexpr uintptr_t k_alignment = 64;  // bytes; a cache line, as LibTorch's own allocator gives

// The block's own address stands right before the aligned one: oneDNN frees through raw_deleter,
// which knows nothing but the data pointer.
void release(void *data) {
  if (data) std::free(static_cast<void **>(data)[-1]);
}

class plain_allocator final : public at::Allocator {
 public:
  at::DataPtr allocate(size_t n_bytes) override {
    const at::Device cpu(at::kCPU);
    if (n_bytes == 0) return {nullptr, nullptr, &release, cpu};
    void *block = std::malloc(n_bytes + k_alignment + sizeof(void *));
    TORCH_CHECK(block, "out of memory: a tensor of ", n_bytes, " bytes was asked for");
    const uintptr_t first = reinterpret_cast<uintptr_t>(block) + sizeof(void *);
    const uintptr_t aligned = (first + k_alignment - 1) & ~(k_alignment - 1);
    void *data = reinterpret_cast<void *>(aligned);
    static_cast<void **>(data)[-1] = block;
    return {data, data, &release, cpu};
  }
  at::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void *to, const void *from, size_t n_bytes) const override {
    default_copy_data(to, from, n_bytes);
  }
};

}  // namespace

void use_plain_tensor_memory() {
  static plain_allocator instance;
  at::SetCPUAllocator(&instance, 1);
}

}  // namespace assay::lua
