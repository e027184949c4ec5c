// Implements the normalizers of the reference library (Hugging Face's tokenizers), except
// Precompiled, BertNormalizer and Nmt, which are refused by name.
#include "text/normalizer.hpp"

#include <utf8proc.h>

#include "text/byte_alphabet.hpp"
#include "text/json_options.hpp"
#include "text/regex_pattern.hpp"
#include "unicode/nfc.hpp"
#include "unicode/unicode.hpp"

namespace assay::text {
namespace {

class nfc_normalizer : public normalizer {
 public:
  void apply(std::string &text) const override {
    std::string out;
    if (nfc(text, out)) text = std::move(out);
  }
};

class form_normalizer : public normalizer {
 public:
  explicit form_normalizer(normal_form form) : form_(form) {}
  void apply(std::string &text) const override { text = normalized(text, form_); }

 private:
  normal_form form_;
};

class prepend : public normalizer {
 public:
  explicit prepend(std::string prefix) : prefix_(std::move(prefix)) {}
  void apply(std::string &text) const override {
    if (!text.empty()) text.insert(0, prefix_);
  }

 private:
  std::string prefix_;
};

class replace_literal : public normalizer {
 public:
  replace_literal(std::string from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}
  void apply(std::string &text) const override {
    size_t at = text.find(from_), done = 0;
    if (at == std::string::npos) return;
    std::string out;
    for (; at != std::string::npos; at = text.find(from_, done)) {
      out.append(text, done, at - done).append(to_);
      done = at + from_.size();
    }
    text = out.append(text, done);
  }

 private:
  std::string from_, to_;
};

class replace_regex : public normalizer {
 public:
  replace_regex(const std::string &pattern, std::string to)
      : pattern_(pattern), to_(std::move(to)) {}
  void apply(std::string &text) const override {
    std::string out;
    size_t done = 0;
    pattern_.for_each(text, [&](size_t begin, size_t end) {
      out.append(text, done, begin - done).append(to_);
      done = end;
    });
    text = out.append(text, done);
  }

 private:
  regex_pattern pattern_;
  std::string to_;
};

// Capital letters of Unicode 16 and 17, and the distance to their small letters. The reference,
// written in Rust, knows these letters, but our library utf8proc 2.8 does not.
struct newer_capitals {
  char32_t first, last;
  int32_t to_small;
};
constexpr newer_capitals k_newer_capitals[] = {
    {0x1C89, 0x1C89, 1},      {0xA7CB, 0xA7CB, 0x264 - 0xA7CB},
    {0xA7CC, 0xA7CC, 1},      {0xA7CE, 0xA7CE, 1},
    {0xA7D2, 0xA7D2, 1},      {0xA7D4, 0xA7D4, 1},
    {0xA7DA, 0xA7DA, 1},      {0xA7DC, 0xA7DC, 0x19B - 0xA7DC},
    {0x10D50, 0x10D65, 0x20}, {0x16EA0, 0x16EB8, 0x1B}};

char32_t small_letter(char32_t c) {
  for (const newer_capitals &range : k_newer_capitals)
    if (c >= range.first && c <= range.last)
      return static_cast<char32_t>(static_cast<int32_t>(c) + range.to_small);
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

// Lower-cases each character as Rust's to_lowercase does. A character gives one character, except
// U+0130, which gives two.
class lowercase : public normalizer {
 public:
  void apply(std::string &text) const override {
    std::string out;
    for (size_t i = 0; i < text.size();) {
      const decoded_char c = decode_valid(text.data() + i);
      i += c.n_bytes;
      if (c.code_point == 0x130)
        out += "i\u0307";
      else
        append_utf8(out, small_letter(c.code_point));
    }
    text = std::move(out);
  }
};

class strip : public normalizer {
 public:
  strip(bool left, bool right) : left_(left), right_(right) {}
  void apply(std::string &text) const override {
    size_t begin = 0, end = text.size();
    while (left_ && begin < end) {
      const decoded_char c = decode_valid(text.data() + begin);
      if (!(char_classes(c.code_point) & k_space)) break;
      begin += c.n_bytes;
    }
    while (right_ && begin < end) {
      const decoded_char c = decode_before(text.data() + end);
      if (!(char_classes(c.code_point) & k_space)) break;
      end -= c.n_bytes;
    }
    text = text.substr(begin, end - begin);
  }

 private:
  bool left_, right_;
};

// Removes combining marks. NFD must come before this normalizer, because NFD separates accents from letters.
class strip_accents : public normalizer {
 public:
  void apply(std::string &text) const override {
    std::string out;
    for (size_t i = 0; i < text.size();) {
      const decoded_char c = decode_valid(text.data() + i);
      i += c.n_bytes;
      if (!(char_classes(c.code_point) & k_mark)) append_utf8(out, c.code_point);
    }
    text = std::move(out);
  }
};

class byte_level : public normalizer {
 public:
  void apply(std::string &text) const override {
    std::string out;
    append_byte_chars(out, text);
    text = std::move(out);
  }
};

std::unique_ptr<const normalizer> make_replace(const json_options &options) {
  const json &pattern = options.value("pattern");
  const std::string content = options.text("content");
  if (pattern.is_object() && pattern.contains("String") && pattern["String"].is_string() &&
      !pattern["String"].get_ref<const std::string &>().empty())
    return std::make_unique<replace_literal>(pattern["String"].get<std::string>(), content);
  if (pattern.is_object() && pattern.contains("Regex") && pattern["Regex"].is_string())
    return std::make_unique<replace_regex>(pattern["Regex"].get<std::string>(), content);
  options.fail("'pattern' must be {\"Regex\": text} or {\"String\": text}");
}

void add(const json &description, normalizer_chain &chain) {
  const json_options outer(description, "normalizer");
  const std::string type = outer.type();
  const json_options options(description, "normalizer " + type);
  if (type == "Sequence") {
    const json &parts = options.value("normalizers");
    if (!parts.is_array()) options.fail("'normalizers' must be a list");
    for (const json &part : parts) add(part, chain);
  } else if (type == "NFC") {
    chain.push_back(std::make_unique<nfc_normalizer>());
  } else if (type == "NFD") {
    chain.push_back(std::make_unique<form_normalizer>(normal_form::nfd));
  } else if (type == "NFKC") {
    chain.push_back(std::make_unique<form_normalizer>(normal_form::nfkc));
  } else if (type == "NFKD") {
    chain.push_back(std::make_unique<form_normalizer>(normal_form::nfkd));
  } else if (type == "Prepend") {
    chain.push_back(std::make_unique<prepend>(options.text("prepend")));
  } else if (type == "Replace") {
    chain.push_back(make_replace(options));
  } else if (type == "Lowercase") {
    chain.push_back(std::make_unique<lowercase>());
  } else if (type == "Strip") {
    chain.push_back(std::make_unique<strip>(options.flag("strip_left", true),
                                            options.flag("strip_right", true)));
  } else if (type == "StripAccents") {
    chain.push_back(std::make_unique<strip_accents>());
  } else if (type == "ByteLevel") {
    chain.push_back(std::make_unique<byte_level>());
  } else {
    outer.fail("'" + type +
               "' is not supported (supported: Sequence, NFC, NFD, NFKC, NFKD, Prepend, "
               "Replace, Lowercase, Strip, StripAccents, ByteLevel)");
  }
}

}  // namespace

normalizer_chain make_normalizers(const json &description) {
  normalizer_chain chain;
  if (!description.is_null()) add(description, chain);
  return chain;
}

}  // namespace assay::text
