// Brings text into the Unicode normalization forms with the library utf8proc. Characters that NFC may change are called active here; an
// array made by asking the Hugging Face library `tokenizers` lists them. nfc() gives utf8proc only the runs of active characters, each
// with the character before it. normalized() gives utf8proc the whole text.
#include "unicode/nfc.hpp"

#include <utf8proc.h>

#include <cstdlib>

#include "core/error.hpp"
#include "unicode/unicode.hpp"

namespace assay::text {
namespace {

void append_mapped(std::string &out, std::string_view text, utf8proc_option_t options) {
  utf8proc_uint8_t *mapped = nullptr;
  const utf8proc_ssize_t n =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t *>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  if (n < 0)
    throw error(error_kind::failed, "Unicode normalization failed").cause(utf8proc_errmsg(n));
  out.append(reinterpret_cast<const char *>(mapped), static_cast<size_t>(n));
  std::free(mapped);
}

bool is_active(char32_t cp) {
  return cp >= 0x300 && (char_classes(cp) & k_nfc_active);
}

}  // namespace

bool nfc(std::string_view text, std::string &out) {
  const char *p = text.data(), *end = p + text.size();
  const char *kept = p;      // when `changed` is true, `out` has the form of everything before this
  const char *previous = p;  // where the character before p begins
  bool changed = false;
  while (p < end) {
    const decoded_char c = decode_valid(p);
    if (!is_active(c.code_point)) {
      previous = p;
      p += c.n_bytes;
      continue;
    }
    // The run has the active characters and the character before them, because they may compose with it. But that
    // character is left out if utf8proc knows it as a combining mark: utf8proc could move it. Since it is not active,
    // `tokenizers`, which has an older version of Unicode, does not know this mark and leaves it in its place.
    const char *begin = p;
    if (previous < p) {
      const char32_t before = decode_valid(previous).code_point;
      const auto *property = utf8proc_get_property(static_cast<utf8proc_int32_t>(before));
      if (property->combining_class == 0) begin = previous;
    }
    while (p < end) {
      const decoded_char next = decode_valid(p);
      if (!is_active(next.code_point)) break;
      p += next.n_bytes;
    }
    if (!changed) out.clear();
    changed = true;
    out.append(kept, begin);
    append_mapped(out, {begin, static_cast<size_t>(p - begin)},
                  static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    kept = previous = p;
  }
  if (changed) out.append(kept, end);
  return changed;
}

std::string normalized(std::string_view text, normal_form form) {
  int options = UTF8PROC_STABLE;
  options |= form == normal_form::nfkc ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
  if (form != normal_form::nfd) options |= UTF8PROC_COMPAT;
  std::string out;
  append_mapped(out, text, static_cast<utf8proc_option_t>(options));
  return out;
}

}  // namespace assay::text
