// Parses JSON text in one pass and pushes each value as it is read. A string without escapes is found
// by its closing quote and copied at once.
#include "lua/json_text.hpp"

#include <charconv>
#include <cstring>

#include "unicode/unicode.hpp"

namespace assay::lua {
namespace {

constexpr int k_deepest = 100;

// A recursive parser. Its functions return false for text that push_json_text does not take; what they
// have pushed by then is removed at the end.
class text_pusher {
 public:
  text_pusher(lua_State *L, std::string_view text, bool big_integers)
      : L_(L), at_(text.data()), end_(text.data() + text.size()), big_integers_(big_integers) {}

  bool whole() {
    if (!value(0)) return false;
    blanks();
    return at_ == end_;
  }

 private:
  void blanks() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool take(char c) {
    blanks();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view text) {
    if (std::string_view(at_, static_cast<size_t>(end_ - at_)).substr(0, text.size()) != text)
      return false;
    at_ += text.size();
    return true;
  }

  bool value(int depth) {
    blanks();
    if (at_ == end_ || depth > k_deepest) return false;
    switch (*at_) {
      case '{':
        return object(depth);
      case '[':
        return list(depth);
      case '"':
        return string();
      case 't':
        lua_pushboolean(L_, 1);
        return word("true");
      case 'f':
        lua_pushboolean(L_, 0);
        return word("false");
      case 'n':
        lua_pushlightuserdata(L_, nullptr);
        return word("null");
      default:
        return number();
    }
  }

  bool object(int depth) {
    luaL_checkstack(L_, 8, "JSON");
    lua_createtable(L_, 0, 8);
    lua_createtable(L_, 8, 0);  // the list of keys, which keeps their order
    ++at_;
    lua_Integer n = 0;
    for (bool more = !take('}'); more; more = take(',')) {
      blanks();
      if (at_ == end_ || *at_ != '"' || !string()) return false;
      lua_pushvalue(L_, -1);
      if (lua_rawget(L_, -4) != LUA_TNIL) return false;  // the object has this name already
      lua_pop(L_, 1);
      lua_pushvalue(L_, -1);
      lua_rawseti(L_, -3, ++n);
      if (!take(':') || !value(depth + 1)) return false;
      lua_rawset(L_, -4);
    }
    if (n > 0 && !take('}')) return false;
    wrap_keys(L_);
    lua_setmetatable(L_, -2);
    return true;
  }

  bool list(int depth) {
    luaL_checkstack(L_, 8, "JSON");
    lua_createtable(L_, 4, 0);
    push_list_metatable(L_);
    lua_setmetatable(L_, -2);
    ++at_;
    lua_Integer n = 0;
    for (bool more = !take(']'); more; more = take(',')) {
      if (!value(depth + 1)) return false;
      lua_rawseti(L_, -2, ++n);
    }
    return n == 0 || take(']');
  }

  bool digits() {
    const char *const from = at_;
    while (at_ < end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ > from;
  }

  // -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
  bool number() {
    const char *const from = at_;
    if (*at_ == '-') ++at_;
    const char *const first = at_;
    if (!digits() || (*first == '0' && at_ - first > 1)) return false;
    const bool integral = at_ == end_ || (*at_ != '.' && *at_ != 'e' && *at_ != 'E');
    if (integral) {
      int64_t integer = 0;
      if (std::from_chars(from, at_, integer).ec == std::errc())
        lua_pushinteger(L_, integer);
      else if (big_integers_)
        lua_pushlstring(L_, from, static_cast<size_t>(at_ - from));
      else
        return false;
      return true;
    }
    if (*at_ == '.' && (++at_, !digits())) return false;
    if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
      if (++at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!digits()) return false;
    }
    double real = 0;
    if (std::from_chars(from, at_, real).ec != std::errc()) return false;
    lua_pushnumber(L_, real);
    return true;
  }

  // Returns the place of the next quote, backslash or control character. Sets `wide` if a byte before
  // it is beyond ASCII. Looks at eight bytes at once until one of them is such a character.
  const char *plain_end(const char *from, bool &wide) const {
    constexpr uint64_t k_ones = 0x0101010101010101, k_tops = 0x8080808080808080;
    const auto has_zero = [](uint64_t x) { return (x - k_ones) & ~x & k_tops; };
    const char *p = from;
    uint64_t bytes = 0, seen = 0;
    for (; end_ - p >= 8; p += 8) {
      std::memcpy(&bytes, p, 8);
      const uint64_t special = has_zero(bytes ^ (k_ones * '"')) |
                               has_zero(bytes ^ (k_ones * '\\')) |
                               ((bytes - k_ones * 0x20) & ~bytes & k_tops);
      if (special != 0) break;
      seen |= bytes;
    }
    unsigned char high = (seen & k_tops) != 0 ? 0x80 : 0;
    for (; p < end_; ++p) {
      const auto c = static_cast<unsigned char>(*p);
      if (c == '"' || c == '\\' || c < 0x20) break;
      high = static_cast<unsigned char>(high | c);
    }
    wide = wide || high >= 0x80;
    return p;
  }

  bool string() {
    const char *const from = ++at_;
    bool wide = false;
    at_ = plain_end(at_, wide);
    if (at_ == end_) return false;
    if (*at_ == '"') return finish(std::string_view(from, static_cast<size_t>(at_ - from)), wide);
    unescaped_.assign(from, at_);
    while (at_ < end_ && *at_ == '\\') {
      if (!escape()) return false;
      const char *const run = at_;
      at_ = plain_end(at_, wide);
      unescaped_.append(run, at_);
    }
    return at_ < end_ && *at_ == '"' && finish(unescaped_, wide);
  }

  // Pushes a string and skips its closing quote. Only text beyond ASCII needs a check of its UTF-8.
  bool finish(std::string_view text, bool wide) {
    if (wide && text::check_utf8(text).valid_bytes != text.size()) return false;
    lua_pushlstring(L_, text.data(), text.size());
    ++at_;
    return true;
  }

  bool escape() {
    if (end_ - at_ < 2) return false;
    constexpr std::string_view k_letters = "\"\\/bfnrt", k_meant = "\"\\/\b\f\n\r\t";
    const char letter = at_[1];
    at_ += 2;
    if (letter == 'u') return escaped_unit();
    const size_t place = k_letters.find(letter);
    if (place == std::string_view::npos) return false;
    unescaped_ += k_meant[place];
    return true;
  }

  // Reads the four hexadecimal digits of \uHHHH.
  bool unit(uint32_t &out) {
    if (end_ - at_ < 4) return false;
    const auto read = std::from_chars(at_, at_ + 4, out, 16);
    if (read.ec != std::errc() || read.ptr != at_ + 4) return false;
    at_ += 4;
    return true;
  }

  bool escaped_unit() {
    uint32_t high = 0, low = 0;
    if (!unit(high)) return false;
    if (high >= 0xD800 && high < 0xE000) {  // half of a surrogate pair; the other half must follow
      if (high >= 0xDC00 || !word("\\u") || !unit(low) || low < 0xDC00 || low >= 0xE000)
        return false;
      high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    }
    text::append_utf8(unescaped_, static_cast<char32_t>(high));
    return true;
  }

  lua_State *L_;
  const char *at_, *end_;
  bool big_integers_;
  std::string unescaped_;
};

}  // namespace

bool push_json_text(lua_State *L, std::string_view text, bool big_integers) {
  const int top = lua_gettop(L);
  luaL_checkstack(L, 8, "JSON");
  if (text_pusher(L, text, big_integers).whole()) return true;
  lua_settop(L, top);
  return false;
}

}  // namespace assay::lua
