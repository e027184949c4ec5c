// Compiles patterns for PCRE2 with Unicode (UTF and UCP) and runs them, by machine code (JIT) where
// PCRE2 can make it. The caller has checked that the text is valid UTF-8. regex_translate.cpp
// rewrites Oniguruma's syntax first.
#include "text/regex_pattern.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/error.hpp"
#include "unicode/unicode.hpp"

namespace assay::text {
namespace {

// Limits on one match by PCRE2's interpreter. It runs where the JIT is missing or its stack is full.
constexpr uint32_t k_match_limit = 50'000'000;
constexpr uint32_t k_heap_limit = 64 * 1024;  // KiB

std::string message_of(int code) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char *>(text);
}

struct match_state {
  explicit match_state(const pcre2_code *code)
      : data(pcre2_match_data_create_from_pattern(code, nullptr)),
        context(pcre2_match_context_create(nullptr)) {
    pcre2_set_match_limit(context, k_match_limit);
    pcre2_set_heap_limit(context, k_heap_limit);
  }
  ~match_state() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
  }
  match_state(const match_state &) = delete;
  match_state &operator=(const match_state &) = delete;
  pcre2_match_data *data;
  pcre2_match_context *context;
};

}  // namespace

regex_pattern::regex_pattern(std::string_view oniguruma) : source_(oniguruma) {
  compile(translate_pattern(oniguruma));
}

regex_pattern regex_pattern::literal(std::string_view text) {
  regex_pattern pattern;
  pattern.source_ = text;
  pattern.compile(escape_pattern(text));
  return pattern;
}

void regex_pattern::compile(const std::string &pcre) {
  int code = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code *compiled =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pcre.data()), pcre.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &code, &offset, nullptr);
  if (!compiled)
    throw error(error_kind::failed, "regular expression is not valid: " + source_)
        .cause(message_of(code));
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);  // without a JIT the interpreter runs
  code_ = std::shared_ptr<void>(compiled,
                                [](void *p) { pcre2_code_free(static_cast<pcre2_code *>(p)); });
}

void regex_pattern::for_each(std::string_view text,
                             const std::function<void(size_t, size_t)> &match) const {
  const auto code = static_cast<const pcre2_code *>(code_.get());
  const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  match_state state(code);
  size_t from = 0, last_end = std::string_view::npos;
  while (from <= text.size()) {
    // NO_UTF_CHECK, because each match would otherwise check the rest of the text again. That would
    // take quadratic time.
    int found = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK, state.data,
                            state.context);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
      found = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                          state.data, state.context);
    if (found == PCRE2_ERROR_NOMATCH) return;
    if (found < 0)
      throw error(error_kind::failed, "regular expression gave up: " + source_)
          .cause(message_of(found));
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer(state.data);
    const size_t begin = span[0], end = span[1];
    const bool empty_again = begin == end && end == last_end;
    if (!empty_again) match(begin, end);
    last_end = end;
    from = end;
    if (begin == end) {  // steps over one character if the same empty match came twice
      if (end >= text.size()) return;
      if (empty_again) from = end + decode_valid(text.data() + end).n_bytes;
    }
  }
}

}  // namespace assay::text
