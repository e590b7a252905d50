// The attributes of an instance: every setting that a person can give with -S name=value or look at
// with getattr. One table for all layers: whoever needs a setting adds a row to attributes.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace hactor {

/// What a value must look like. flag: true|false|yes|no|on|off|1|0; duration: RFC 23; choice: one
/// of the row's words.
enum class attribute_type : uint8_t { text, integer, number, flag, duration, choice };

/// One row of the table.
struct attribute {
  std::string_view name;
  attribute_type type = attribute_type::text;
  std::string_view default_value;
  std::string_view meaning;      ///< One sentence, for people.
  std::string_view choices = {}; ///< "a|b|c", for attribute_type::choice.
  double minimum = -std::numeric_limits<double>::infinity(); ///< Of numbers and durations (s).
  double maximum = std::numeric_limits<double>::infinity();
  bool read_only = false; ///< Set by the broker alone.
};

/// All rows, sorted by name.
std::span<const attribute> attribute_table();

/// Returns the row of this name, or null. O(log rows).
const attribute* find_attribute(std::string_view name);

} // namespace hactor
