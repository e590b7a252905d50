// The only wrapper of the JSON library: its exceptions end here, as errors that say where. A path
// names a value inside another: keys and array positions joined by dots, "tasks.0.command".
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "runtime/error.hpp"

namespace hactor {

using json = nlohmann::json;

/// Reads one JSON document. Errors: ec::bad_json with line and column (also for nesting deeper
/// than limits json_depth_max and numbers that no double holds).
caf::expected<json> parse_json(std::string_view text);

/// Writes compact JSON; bytes that are not UTF-8 become U+FFFD. Never throws.
std::string dump(const json& value);

/// The same, indented by `indent` blanks for people.
std::string dump_pretty(const json& value, int indent = 2);

/// Appends `text` as a JSON string with its quotes, as `dump` would write it. For hot paths that
/// build JSON without a tree.
void append_json_string(std::string& out, std::string_view text);

/// What a getter's error starts with and which code it has.
struct json_where {
  ec code = ec::bad_argument;
  std::string_view prefix = {}; ///< Path of the value searched in, e.g. "attributes.system".
};

/// Returns the value at `path`, or null when there is none. "" is `at` itself.
const json* find_json(const json& at, std::string_view path);

/// Returns "an integer", "a string", "null" ...: what messages call a value's type.
std::string_view json_type_name(const json& value);

/// The value at `path`, which must exist and have the type. Integers may be written without a
/// fraction only; a double may be written as an integer. Errors: where.code, naming the path, what
/// was found and what would be right. Pointers live as long as `at`.
caf::expected<int64_t> get_int(const json& at, std::string_view path, json_where where = {});
caf::expected<double> get_double(const json& at, std::string_view path, json_where where = {});
caf::expected<bool> get_bool(const json& at, std::string_view path, json_where where = {});
caf::expected<std::string> get_string(const json& at, std::string_view path, json_where where = {});
caf::expected<const json*> get_array(const json& at, std::string_view path, json_where where = {});
caf::expected<const json*> get_object(const json& at, std::string_view path, json_where where = {});

/// The same with `fallback` for a value that is absent; one of another type (null too) is an error.
caf::expected<int64_t> get_int_or(const json& at, std::string_view path, int64_t fallback,
                                  json_where where = {});
caf::expected<double> get_double_or(const json& at, std::string_view path, double fallback,
                                    json_where where = {});
caf::expected<bool> get_bool_or(const json& at, std::string_view path, bool fallback,
                                json_where where = {});
caf::expected<std::string> get_string_or(const json& at, std::string_view path,
                                         std::string_view fallback, json_where where = {});

} // namespace hactor
