// bench_rtn MODEL: measures how long it takes to round a whole model to 4 bits in groups of 64 and
// to save it. Not a test: nothing here fails on a slow machine. The aim is 1.5 s or less for
// SmolLM2-135M on two cores.
#include <ATen/Parallel.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "aten.hpp"
#include "core/error.hpp"
#include "core/resources.hpp"
#include "quant/export/save.hpp"
#include "quant/quantize.hpp"
#include "quant/views/plugin_services.hpp"

namespace {

using namespace assay;

struct lap {
  double wall, cpu;  // seconds; cpu counts all threads of the process
};

template <class F>
lap timed(F &&work) {
  const auto start = std::chrono::steady_clock::now();
  const double cpu = process_cpu_seconds();
  work();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
          process_cpu_seconds() - cpu};
}

// Returns the seconds that a plain write of as many bytes takes. It does not wait until the bytes
// are on the disk, while quant::save does (fsync).
double write_seconds(const std::filesystem::path &file, uint64_t bytes) {
  return timed([&] {
           std::ofstream out(file, std::ios::binary);
           const std::vector<char> block(1 << 20, 'x');
           for (uint64_t done = 0; done < bytes; done += block.size())
             out.write(block.data(), static_cast<std::streamsize>(block.size()));
         })
      .wall;
}

void bench(const std::string &path) {
  const auto recipe = quant::recipe::from_json(json::parse(
      R"({"method": "rtn", "quantizer": {"id": "rtn", "config": {"bits": 4, "group_size": 64, "symmetric": true}}})"));
  const auto source = model::checkpoint::open(path);
  const model::decoder decoder = model::decoder::load(*source);
  const auto folder = std::filesystem::temp_directory_path() / "assay-bench-rtn";
  for (int round = 0; round < 4; ++round) {
    std::filesystem::remove_all(folder);
    uint64_t bytes = 0;
    quant::quantized_model made;
    const lap quantize = timed([&] { made = quant::quantize(*source, decoder, recipe, nullptr); });
    const lap save = timed([&] {
      const json saved = quant::save(made, *source, folder, {"auto", json::object(), true});
      bytes = saved["bytes"].get<uint64_t>();
    });
    std::filesystem::remove_all(folder);
    const double disk = write_seconds(folder.string() + ".plain", bytes);
    std::filesystem::remove(folder.string() + ".plain");
    std::printf(
        "rtn W4 g64: %.3f s + save %.3f s = %.3f s (CPU %.3f + %.3f s); a plain write of the same "
        "%.1f MB takes %.3f s\n",
        quantize.wall, save.wall, quantize.wall + save.wall, quantize.cpu, save.cpu,
        static_cast<double>(bytes) * 1e-6, disk);
  }
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: bench_rtn MODEL\n"), 2;
  try {
    quant::install_plugin_services();
    std::printf("threads %d, %s\n", at::get_num_threads(), argv[1]);
    bench(argv[1]);
  } catch (const error &e) {
    return std::fprintf(stderr, "%s\n", e.what()), exit_code(e.kind());
  }
  return 0;
}
