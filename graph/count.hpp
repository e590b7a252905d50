// How many of a thing a request asks for: the three forms of RFC 14 (an integer, a set, a range
// with a step), with the range strings of RFC 45.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "graph/document.hpp"
#include "runtime/error.hpp"
#include "runtime/idset.hpp"

namespace hactor {

/// Largest count of one vertex that is taken; a typing mistake beyond it is named, not multiplied.
inline constexpr uint64_t count_max = (uint64_t{1} << 31) - 1;

/// The sequence min, f(min), f(f(min)), ... up to max, where f applies `op` with `operand`.
struct count_range {
  uint64_t min = 1;
  uint64_t max = 0;     ///< 0: unbounded.
  char op = '+';        ///< '+', '*' or '^'.
  uint64_t operand = 1; ///< >= 1; >= 2 for '*' and '^'.

  friend bool operator==(const count_range&, const count_range&) = default;
};

/// Integer: exactly so many. Set and range: the largest acceptable number that is available.
using count_spec = std::variant<uint64_t, idset, count_range>;

/// Reads the JSON form of a count. Errors: ec::bad_jobspec, starting with `path`.
caf::expected<count_spec> parse_count(const json& value, const std::string& path);

/// Reads a range string, min-max[:operand[:operator]] or min+[...], or an idset; brackets allowed.
/// Nothing if the text is neither, or says something that RFC 14 excludes.
std::optional<count_spec> parse_count_text(std::string_view text);

/// The canonical JSON form: an integer, an idset in text, or a mapping.
json to_json(const count_spec& count);

/// For messages: "4", "1,2,4", "2-16:2:*", "3+".
std::string to_string(const count_spec& count);

/// The smallest acceptable number.
uint64_t least(const count_spec& count);

/// The largest acceptable number <= `available`; nothing if even the least is more. O(steps) for
/// '*' and '^', which grow fast; O(1) else.
std::optional<uint64_t> largest_within(const count_spec& count, uint64_t available);

/// The one acceptable number, if there is only one.
std::optional<uint64_t> exact(const count_spec& count);

} // namespace hactor
