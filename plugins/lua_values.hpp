// Values of JSON in Lua and back. Called by start_files.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include <lua.hpp>

#include "runtime/json.hpp"

namespace hactor::plugins {

/// Pushes the value; null is nil.
void push_value(lua_State* lua, const json& value);

/// The value at `index`: a table with keys 1, 2 .. is a list, another an object; what JSON does not
/// have (functions ..) is null.
json value_at(lua_State* lua, int index);

/// The text at `index`, numbers too; "" when it is none.
std::string text_at(lua_State* lua, int index);

} // namespace hactor::plugins
