// Fuzzes the reader of tokenizer.json. Any bytes must either load or give an error. A tokenizer that loads must encode
// and decode a text; decoding token by token must give the same text as decoding all ids at once. The ids are tested
// elsewhere, with the reference results in tests/golden.
#include <cstdint>
#include <string>

#include "core/error.hpp"
#include "text/tokenizer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // The input is a tokenizer.json; after a zero byte, if there is one, comes a text to encode.
  const std::string_view input(reinterpret_cast<const char *>(data), size);
  const size_t cut = input.find('\0');
  const std::string_view file = input.substr(0, cut);
  std::string text = "Hello w\u00f6rld 123 <s> \u2581\u0301  \n\t'll \U0001F600";
  if (cut != std::string_view::npos) text = input.substr(cut + 1);
  try {
    const auto tok = assay::text::tokenizer::from_json(file);
    const auto ids = tok->encode(text, true);
    assay::text::stream_decoder stream(tok);
    std::string streamed;
    for (const int32_t id : ids) streamed += stream.push(id);
    streamed += stream.finish();
    if (streamed != tok->decode(ids)) __builtin_trap();
  } catch (const assay::error &) {
  }
  return 0;
}
