// Implements the memory allocator that use_plain_tensor_memory gives to LibTorch.
#include "lua/tensor_memory.hpp"

#include <c10/core/CPUAllocator.h>

#include <cstddef>
#include <cstdlib>
#include <memory>

#include "aten.hpp"

namespace assay::lua {
namespace {

constexpr size_t k_alignment = 64;  // bytes; a cache line, as LibTorch's own allocator gives

// Frees a tensor's memory. malloc's address is stored just before the aligned data, because oneDNN
// (LibTorch's CPU library) frees memory with nothing but the data pointer.
void release(void *data) {
  if (data) std::free(static_cast<void **>(data)[-1]);
}

class plain_allocator final : public at::Allocator {
 public:
  at::DataPtr allocate(size_t n_bytes) override {
    const at::Device cpu(at::kCPU);
    if (n_bytes == 0) return {nullptr, nullptr, &release, cpu};
    size_t space = n_bytes + k_alignment;
    void *block = std::malloc(space + sizeof(void *));
    TORCH_CHECK(block, "out of memory: a tensor of ", n_bytes, " bytes was asked for");
    void *data = static_cast<void **>(block) + 1;
    std::align(k_alignment, n_bytes, data, space);  // moves data up by less than k_alignment
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
