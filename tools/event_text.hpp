// Events (RFC 18) as lines for a person.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "runtime/json.hpp"

namespace hactor::tools {

enum class time_format : uint8_t { raw, iso, offset, human };

/// Reads "raw", "iso", "offset" or "human". Errors: ec::bad_argument.
caf::expected<time_format> parse_time_format(std::string_view name);

/// Renders the events of one log in order: offsets count from its first event, "human" writes the
/// minute when it changes and the seconds since the event before otherwise.
class event_text {
public:
  explicit event_text(time_format format) : format_(format) {}

  /// Returns "TIME NAME key=json ..." for a line of the log. Errors: ec::bad_json.
  caf::expected<std::string> line(std::string_view json_line);

private:
  std::string time(double timestamp);

  time_format format_;
  double first_ = 0;
  double previous_ = 0;
  long minute_ = -1;
};

/// Seconds since the epoch as "2026-11-23T03:18:00.123456Z", in UTC.
std::string iso_time(double timestamp);

} // namespace hactor::tools
