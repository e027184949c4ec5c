// Measures the seconds from a path to weights in memory: open the checkpoint, convert it, read a byte of every page of the linears.
// Prints one JSON object. Not a test; peer_load.py compares the time with transformers. The best of five rounds counts,
// because the first one brings the files into the page cache.
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>

#include "aten.hpp"
#include "core/json.hpp"
#include "model/decoder.hpp"
#include "model/device.hpp"

namespace {

// Reads one byte of every page (4096 bytes), on all threads. Returns the sum of these bytes, so
// that the compiler keeps the reads.
uint64_t touch(const at::Tensor &weight) {
  const auto *bytes = static_cast<const uint8_t *>(weight.const_data_ptr());
  const auto n_pages = static_cast<int64_t>(weight.nbytes() / 4096);
  std::atomic<uint64_t> sum{0};
  at::parallel_for(0, n_pages, 256, [&](int64_t begin, int64_t end) {
    uint64_t own = 0;
    for (int64_t i = begin; i < end; ++i) own += bytes[i * 4096];
    sum += own;
  });
  return sum;
}

}  // namespace

// bench_load FOLDER [DTYPE]
int main(int argc, char **argv) try {
  if (argc < 2) {
    std::cerr << "usage: bench_load FOLDER [DTYPE]\n";
    return 2;
  }
  using namespace assay;
  model::load_options how;
  how.dtype = model::parse_dtype(argc > 2 ? argv[2] : "float32");
  double best = 1e30;
  uint64_t stored = 0, in_use = 0, sum = 0;
  for (int round = 0; round < 5; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const auto source = model::checkpoint::open(argv[1]);
    const model::decoder decoder = model::decoder::load(*source, how);
    in_use = 0;
    for (const model::linear_op *op : decoder.linears()) {
      sum += touch(op->weight);
      in_use += op->weight.nbytes();
    }
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    best = std::min(best, spent.count());
    stored = 0;
    for (const auto &info : source->tensors().tensors()) stored += info.stored_bytes;
  }
  std::cout << json({{"seconds", best},
                     {"stored_bytes", stored},
                     {"linear_bytes", in_use},
                     {"gb_per_s", static_cast<double>(stored) / best * 1e-9},
                     {"check", sum % 2}})
                   .dump()
            << "\n";
  return 0;
} catch (const std::exception &e) {
  std::cerr << e.what() << "\n";
  return 1;
}
