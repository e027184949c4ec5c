// Fuzzes the dataset components for text, JSON lines, JSON and CSV. They must either refuse the bytes with an error,
// or give as many records as `info` says, each a valid JSON object. A second reading must give the same records. The
// first byte chooses the component.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/hash.hpp"
#include "csv_source.hpp"
#include "json_source.hpp"
#include "text_source.hpp"

namespace {

const assay_host &host() {
  static const assay_host table = [] {
    assay_host made{};
    made.struct_size = sizeof made;
    made.fail = [](void *, int32_t status, const char *) { return status; };
    made.hash_begin = [](void *, void **out) -> int32_t {
      *out = new assay::sha256();
      return ASSAY_OK;
    };
    made.hash_update = [](void *, void *hash, const void *bytes, uint64_t n) -> int32_t {
      static_cast<assay::sha256 *>(hash)->update(bytes, n);
      return ASSAY_OK;
    };
    made.hash_end = [](void *, void *hash, char *out_hex) -> int32_t {
      auto *mine = static_cast<assay::sha256 *>(hash);
      if (out_hex != nullptr) mine->hex().copy(out_hex, 64);
      delete mine;
      return ASSAY_OK;
    };
    return made;
  }();
  return table;
}

// Writes the input to a file in memory and returns its path below /proc, by which the sources open it. The file is reused.
std::string file_with(const uint8_t *data, size_t size) {
  static const int file = memfd_create("input", 0);
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != static_cast<ssize_t>(size))
    _exit(1);
  return "/proc/self/fd/" + std::to_string(file);
}

template <class T>
std::vector<std::string> records(T &source) {
  std::vector<std::string> out;
  for (std::string record; source.next(record); record.clear()) out.push_back(record);
  return out;
}

template <class T>
void run(const std::string &config) {
  try {
    T source(&host(), config.c_str());
    assay_dataset_info info{};
    source.info(info);
    assay_json::parse(info.fields_json);
    const auto first = records(source);
    if (static_cast<int64_t>(first.size()) != info.count) __builtin_trap();
    for (const std::string &record : first) {
      std::string again;
      const assay_json::value parsed = assay_json::parse(record);
      if (parsed.kind != assay_json::type::object) __builtin_trap();
      assay_json::write(again, parsed);
      assay_json::parse(again);
    }
    source.rewind();
    if (records(source) != first) __builtin_trap();
  } catch (const assay_cpp::failure &) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  const std::string path = R"({"path": ")" + file_with(data + 1, size - 1) + "\"";
  switch (data[0] % 8) {
    case 0:
      run<text_dataset::text_source>(path + R"(, "records": "paragraph"})");
      break;
    case 1:
      run<text_dataset::text_source>(path + R"(, "records": "line", "keep_blank": true})");
      break;
    case 2:
      run<text_dataset::jsonl_source>(path + R"(, "field": "a"})");
      break;
    case 3:
      run<text_dataset::json_source>(path + R"(, "at": ["data", "rows"]})");
      break;
    case 4:
      run<text_dataset::json_source>(path + "}");
      break;
    case 5:
      run<text_dataset::csv_source>(path + "}");
      break;
    case 6:
      run<text_dataset::csv_source>(path + R"(, "header": false, "columns": ["x", "y"]})");
      break;
    default:
      run<text_dataset::jsonl_source>(path + "}");
  }
  return 0;
}
