// Fuzzes the template language of chat templates (Jinja). Any bytes must either parse or give an error. A template that
// parses must stop within its limits of steps and memory. The text that a template writes is tested elsewhere, with the
// reference results in tests/golden.
#include <cstdint>
#include <string>

#include "core/error.hpp"
#include "text/chat_template.hpp"

namespace {

const assay::json &context() {
  static const assay::json value = assay::json::parse(R"({
    "messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b \u00e9"},
                 {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": {"x": [1, 2.5, null]}}}]}],
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "kwargs": {"n": 7, "s": "text", "d": {"a": 1}, "l": [3, 1, 2]}})");
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    assay::text::chat_template compiled(std::string(reinterpret_cast<const char *>(data), size),
                                        {{"bos_token", "<s>"}});
    assay::text::template_limits limits;
    limits.steps = 200'000;
    limits.output_bytes = 1 << 20;
    limits.value_bytes = 32 << 20;
    limits.depth = 200;
    compiled.set_limits(limits);
    compiled.render(context());
  } catch (const assay::error &) {
  }
  return 0;
}
