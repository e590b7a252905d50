// Reads JSON or YAML text into one JSON value, with every bound that untrusted text needs: bytes,
// nesting, and the size to which YAML aliases expand. Called by the parsers of this folder, and by
// who bounds what is added later. Errors name line and column (both from 1).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/error.hpp"
#include "runtime/json.hpp"

namespace hactor {

/// Nesting of lists and mappings. A jobspec of a real machine has about 20 levels; code that walks
/// documents recursively relies on it.
inline constexpr size_t document_depth_max = 64;

/// Bytes that a document may take once YAML aliases are expanded; ends "billion laughs" early.
inline constexpr size_t document_expanded_bytes_max = size_t{64} << 20;

/// Reads one JSON or YAML document of at most `bytes_max` bytes. Text that starts with '{' or '['
/// is read as JSON first. Plain YAML scalars follow the core schema of YAML 1.2 ("yes" is text).
/// Errors: ec::too_big (before anything is parsed), ec::bad_json (syntax, duplicate keys, nesting,
/// expansion, invalid UTF-8; `what` and the position are named).
caf::expected<json> parse_document(std::string_view text, size_t bytes_max, std::string_view what);

/// Levels of lists and mappings; 0: it is neither.
size_t depth_of(const json& value);

/// Renders a value for an error message, cut after about 60 characters: `"two"`, `[1,2,...`.
std::string brief(const json& value);

} // namespace hactor
