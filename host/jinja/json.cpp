// Writes template values as JSON, with the separators, key order and numbers of Python's json.dumps,
// because prompts must have the same bytes as in Python. core/json.hpp has the host's own JSON.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "jinja/builtins.hpp"
#include "jinja/machine.hpp"
#include "unicode/unicode.hpp"

namespace assay::text::jinja {
namespace {

class writer {
 public:
  writer(machine &m, const json_style &style) : m_(m), style_(style) {}

  void write(const value &v, int depth) {
    if (depth > 200) m_.fail("tojson of a value nested deeper than 200 levels");
    m_.step();
    switch (v.type()) {
      case kind::none:
        out += "null";
        break;
      case kind::boolean:
        out += v.as_bool() ? "true" : "false";
        break;
      case kind::integer:
        out += std::to_string(v.as_integer());
        break;
      case kind::real:
        out += real(v.as_real());
        break;
      case kind::string:
        text(v.as_text());
        break;
      case kind::list:
      case kind::tuple:
        if (v.as_list().view) refuse(v);
        list(v.as_list().items, depth);
        break;
      case kind::dict:
        dict(v.as_dict(), depth);
        break;
      default:
        refuse(v);
    }
    current_budget().take(out.size() - charged_);
    charged_ = out.size();
  }

  std::string out;

 private:
  [[noreturn]] void refuse(const value &v) {
    m_.fail(std::string("Object of type ") + type_name(v) + " is not JSON serializable");
  }

  static std::string real(double d) {
    if (std::isnan(d)) return "NaN";
    if (std::isinf(d)) return d < 0 ? "-Infinity" : "Infinity";
    return real_repr(d);
  }

  // Begins a new line with `depth` indents; does nothing without the option indent.
  void line(int depth) {
    if (!style_.indent) return;
    out += '\n';
    for (int i = 0; i < depth; ++i) out += *style_.indent;
  }

  void list(const std::vector<value> &items, int depth) {
    if (items.empty()) {
      out += "[]";
      return;
    }
    out += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += style_.item_separator;
      line(depth + 1);
      write(items[i], depth + 1);
    }
    line(depth);
    out += ']';
  }

  void key(const value &k) {
    if (k.is_string()) return text(k.as_text());
    if (!k.is_none() && !k.is_number())
      m_.fail(std::string("keys must be str, int, float, bool or None, not ") + type_name(k));
    out += '"';
    write(k, 0);
    out += '"';
  }

  void dict(const dict_object &d, int depth) {
    if (d.entries.empty()) {
      out += "{}";
      return;
    }
    std::vector<const dict_entry *> entries;
    for (const auto &e : d.entries) entries.push_back(&e);
    if (style_.sort_keys)
      std::stable_sort(entries.begin(), entries.end(), [this](const auto *a, const auto *b) {
        return less(m_, a->first, b->first);
      });
    out += '{';
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) out += style_.item_separator;
      line(depth + 1);
      key(entries[i]->first);
      out += style_.key_separator;
      write(entries[i]->second, depth + 1);
    }
    line(depth);
    out += '}';
  }

  void text(std::string_view s) {
    out += '"';
    for (size_t i = 0; i < s.size();) {
      const decoded_char c = decode_valid(s.data() + i);
      character(c.code_point, s.substr(i, c.n_bytes));
      i += c.n_bytes;
    }
    out += '"';
  }

  // Appends \uHHHH for one UTF-16 unit.
  void escape(char32_t unit) {
    char buffer[8];
    std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(unit));
    out += buffer;
  }

  void character(char32_t c, std::string_view bytes) {
    switch (c) {
      case '"':
        out += "\\\"";
        return;
      case '\\':
        out += "\\\\";
        return;
      case '\n':
        out += "\\n";
        return;
      case '\r':
        out += "\\r";
        return;
      case '\t':
        out += "\\t";
        return;
      case '\f':
        out += "\\f";
        return;
      case '\b':
        out += "\\b";
        return;
      default:
        break;
    }
    if (c < 0x20) return escape(c);
    if (!style_.ensure_ascii || c < 0x7F) {
      out += bytes;
    } else if (c < 0x10000) {
      escape(c);
    } else {
      escape(0xD800 + ((c - 0x10000) >> 10));
      escape(0xDC00 + ((c - 0x10000) & 0x3FF));
    }
  }

  machine &m_;
  const json_style &style_;
  size_t charged_ = 0;
};

}  // namespace

std::string dump_json(machine &m, const value &v, const json_style &style) {
  writer w(m, style);
  w.write(v, 0);
  return std::move(w.out);
}

}  // namespace assay::text::jinja
