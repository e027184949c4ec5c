// Parses JSON text with nlohmann's SAX interface, which calls a function for each element. Each
// value is pushed to Lua at once.
#include "lua/json_text.hpp"

#include <limits>
#include <vector>

#include "core/json.hpp"

namespace assay::lua {
namespace {

constexpr size_t k_deepest = 100;

// Receives the elements of one text. Each function returns false for an element that push_json_text
// refuses. The parser then stops, and push_json_text removes what was pushed.
//
// On the Lua stack each open list has its table. Each open object has its table and the list of its
// keys. While a value of the object is read, the key of this value is there, too.
class element_pusher : public nlohmann::json_sax<json> {
 public:
  element_pusher(lua_State *L, bool big_integers) : L_(L), big_integers_(big_integers) {}

  bool null() override {
    lua_pushlightuserdata(L_, nullptr);
    return finish_value();
  }
  bool boolean(bool value) override {
    lua_pushboolean(L_, value);
    return finish_value();
  }
  bool number_integer(number_integer_t value) override {
    lua_pushinteger(L_, value);
    return finish_value();
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<lua_Integer>::max()))
      return big_integer(std::to_string(value));
    lua_pushinteger(L_, static_cast<lua_Integer>(value));
    return finish_value();
  }
  bool number_float(number_float_t value, const string_t &digits) override {
    if (digits.find_first_of(".eE") == string_t::npos) return big_integer(digits);
    lua_pushnumber(L_, value);
    return finish_value();
  }
  bool string(string_t &text) override {
    lua_pushlstring(L_, text.data(), text.size());
    return finish_value();
  }
  bool binary(binary_t &) override { return false; }  // JSON text has none

  bool start_object(size_t) override {
    if (!open(true)) return false;
    lua_createtable(L_, 0, 8);
    lua_createtable(L_, 8, 0);  // the list of keys, which keeps their order
    return true;
  }
  bool key(string_t &name) override {
    lua_pushlstring(L_, name.data(), name.size());
    lua_pushvalue(L_, -1);
    if (lua_rawget(L_, -4) != LUA_TNIL) return false;  // the object has this name already
    lua_pop(L_, 1);
    lua_pushvalue(L_, -1);
    lua_rawseti(L_, -3, ++open_.back().items);
    return true;
  }
  bool end_object() override {
    wrap_keys(L_);
    lua_setmetatable(L_, -2);
    open_.pop_back();
    return finish_value();
  }
  bool start_array(size_t) override {
    if (!open(false)) return false;
    lua_createtable(L_, 4, 0);
    push_list_metatable(L_);
    lua_setmetatable(L_, -2);
    return true;
  }
  bool end_array() override {
    open_.pop_back();
    return finish_value();
  }
  bool parse_error(size_t, const std::string &, const nlohmann::detail::exception &) override {
    return false;
  }

 private:
  struct container {
    bool is_object;
    lua_Integer items;
  };

  bool open(bool is_object) {
    if (open_.size() > k_deepest) return false;
    luaL_checkstack(L_, 8, "JSON");
    open_.push_back({is_object, 0});
    return true;
  }

  // Moves the value from the top of the stack into the innermost open container. If no container is
  // open, the value is the whole text and stays on the stack.
  bool finish_value() {
    if (open_.empty()) return true;
    if (open_.back().is_object)
      lua_rawset(L_, -4);
    else
      lua_rawseti(L_, -2, ++open_.back().items);
    return true;
  }

  bool big_integer(const std::string &digits) {
    if (!big_integers_) return false;
    lua_pushlstring(L_, digits.data(), digits.size());
    return finish_value();
  }

  lua_State *L_;
  bool big_integers_;
  std::vector<container> open_;  // the innermost one last
};

}  // namespace

bool push_json_text(lua_State *L, std::string_view text, bool big_integers) {
  // The parser would take a NUL byte for the end of the text.
  if (text.find('\0') != std::string_view::npos) return false;
  const int top = lua_gettop(L);
  luaL_checkstack(L, 8, "JSON");
  element_pusher elements(L, big_integers);
  if (json::sax_parse(text.begin(), text.end(), &elements)) return true;
  lua_settop(L, top);
  return false;
}

}  // namespace assay::lua
