// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "plugins/lua_values.hpp"

#include "runtime/limits.hpp"

namespace hactor::plugins {

namespace {

json table_at(lua_State* lua, int index, size_t depth);

json value_within(lua_State* lua, int index, size_t depth) {
  switch (lua_type(lua, index)) {
  case LUA_TBOOLEAN:
    return lua_toboolean(lua, index) != 0;
  case LUA_TNUMBER:
    if (lua_isinteger(lua, index))
      return static_cast<int64_t>(lua_tointeger(lua, index));
    return static_cast<double>(lua_tonumber(lua, index));
  case LUA_TSTRING:
    return text_at(lua, index);
  case LUA_TTABLE: // one within itself has no end
    return depth < limits::json_depth_max ? table_at(lua, index, depth + 1) : json{};
  default:
    return {};
  }
}

json table_at(lua_State* lua, int index, size_t depth) {
  index = lua_absindex(lua, index);
  if (lua_checkstack(lua, 4) == 0)
    return {};
  if (auto size = lua_rawlen(lua, index); size > 0) {
    auto list = json::array();
    for (lua_Unsigned i = 1; i <= size; ++i) {
      lua_rawgeti(lua, index, static_cast<lua_Integer>(i));
      list.push_back(value_within(lua, -1, depth));
      lua_pop(lua, 1);
    }
    return list;
  }
  auto object = json::object();
  lua_pushnil(lua);
  while (lua_next(lua, index) != 0) {
    lua_pushvalue(lua, -2); // a number that is made a text in place would confuse lua_next
    object[text_at(lua, -1)] = value_within(lua, -2, depth);
    lua_pop(lua, 2);
  }
  return object;
}

} // namespace

void push_value(lua_State* lua, const json& value) {
  if (lua_checkstack(lua, 4) == 0)
    return lua_pushnil(lua);
  if (value.is_boolean()) {
    lua_pushboolean(lua, value.get<bool>());
  } else if (value.is_number_integer()) {
    lua_pushinteger(lua, value.get<lua_Integer>());
  } else if (value.is_number()) {
    lua_pushnumber(lua, value.get<lua_Number>());
  } else if (value.is_string()) {
    auto& text = value.get_ref<const std::string&>();
    lua_pushlstring(lua, text.data(), text.size());
  } else if (value.is_array()) {
    lua_createtable(lua, static_cast<int>(value.size()), 0);
    lua_Integer i = 0;
    for (auto& one : value) {
      push_value(lua, one);
      lua_rawseti(lua, -2, ++i);
    }
  } else if (value.is_object()) {
    lua_createtable(lua, 0, static_cast<int>(value.size()));
    for (auto& [key, one] : value.items()) {
      lua_pushlstring(lua, key.data(), key.size());
      push_value(lua, one);
      lua_rawset(lua, -3);
    }
  } else {
    lua_pushnil(lua);
  }
}

json value_at(lua_State* lua, int index) { return value_within(lua, index, 0); }

std::string text_at(lua_State* lua, int index) {
  size_t size = 0;
  auto* text = lua_tolstring(lua, index, &size);
  return text == nullptr ? std::string{} : std::string{text, size};
}

} // namespace hactor::plugins
