// Fuzzes the reader of GGUF, llama.cpp's model files. Any bytes are either refused with an error, or all tensors lie inside the
// file and can be dequantized; then the metadata gives a config and a tokenizer, or an error. Values are tested
// elsewhere, with the reference results in tests/golden.
#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/gguf/gguf_blocks.hpp"
#include "checkpoint/gguf/gguf_metadata.hpp"
#include "core/error.hpp"
#include "text/tokenizer.hpp"

namespace {

using namespace assay;

template <class F>
void or_refused(F &&read) {  // runs `read`; the errors that a bad file may cause are fine
  try {
    read();
  } catch (const error &) {
  } catch (const json::exception &) {  // wrong type of a value; in the host the caller reports it
  }
}

void read_tensors(const model::gguf_file &file, size_t size) {
  for (const model::gguf_tensor &tensor : file.tensors()) {
    if (tensor.begin + tensor.n_bytes > size) __builtin_trap();
    const auto *format = model::find_ggml_format(tensor.type);
    const auto blocks = static_cast<int64_t>(tensor.n_bytes) / format->block_bytes;
    std::vector<float> values(static_cast<size_t>(blocks * format->block_elements));
    format->dequantize(file.bytes_of(tensor), values.data(), blocks);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_refused([&] {
    const auto file = model::gguf_file::parse(data, size, "f.gguf");
    read_tensors(*file, size);
    or_refused([&] { model::gguf_config(*file); });
    or_refused([&] { model::gguf_tokenizer_config(*file); });
    or_refused([&] { model::gguf_generation_config(*file); });
    or_refused([&] { model::gguf_provenance(*file); });
    or_refused([&] {
      const auto tok = text::tokenizer::from_json(model::gguf_tokenizer_json(*file));
      tok->decode(tok->encode("Hello w\u00f6rld 12 \n", true));
    });
  });
  return 0;
}
