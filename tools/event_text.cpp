// See event_text.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/event_text.hpp"

#include <cmath>
#include <cstdio>
#include <ctime>

namespace hactor::tools {

namespace {

std::string printf_string(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof(buffer), format, value);
  return buffer;
}

// Splits at microseconds, so that .9999999 does not become the second 60.
std::pair<time_t, long> split(double timestamp) {
  auto us = std::llround(timestamp * 1e6);
  return {static_cast<time_t>(us / 1'000'000), static_cast<long>(us % 1'000'000)};
}

} // namespace

caf::expected<time_format> parse_time_format(std::string_view name) {
  constexpr std::string_view names[] = {"raw", "iso", "offset", "human"};
  for (size_t i = 0; i < std::size(names); ++i)
    if (name == names[i])
      return static_cast<time_format>(i);
  return make_error(ec::bad_argument, "time format '" + std::string{name}
                                        + "' is not raw, iso, offset or human");
}

std::string iso_time(double timestamp) {
  auto [seconds, us] = split(timestamp);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char day[32];
  std::strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts);
  char all[48];
  std::snprintf(all, sizeof(all), "%s.%06ldZ", day, us);
  return all;
}

std::string event_text::time(double timestamp) {
  bool is_first = first_ == 0;
  if (is_first)
    first_ = timestamp;
  auto since = timestamp - (is_first ? timestamp : previous_);
  previous_ = timestamp;
  switch (format_) {
    case time_format::raw:
      return printf_string("%.6f", timestamp);
    case time_format::iso:
      return iso_time(timestamp);
    case time_format::offset:
      return printf_string("%.6f", timestamp - first_);
    case time_format::human:
      break;
  }
  auto seconds = split(timestamp).first;
  if (seconds / 60 == minute_)
    return printf_string("[%+11.6f]", since);
  minute_ = seconds / 60;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char day[32];
  std::strftime(day, sizeof(day), "[%b%d %H:%M]", &parts);
  return day;
}

caf::expected<std::string> event_text::line(std::string_view json_line) {
  auto event = parse_json(json_line);
  if (!event)
    return std::move(event.error());
  auto timestamp = get_double(*event, "timestamp", {ec::bad_json});
  if (!timestamp)
    return std::move(timestamp.error());
  auto name = get_string(*event, "name", {ec::bad_json});
  if (!name)
    return std::move(name.error());
  auto text = time(*timestamp) + " " + *name;
  if (auto* context = find_json(*event, "context"); context && context->is_object())
    for (auto& [key, value] : context->items())
      text += " " + key + "=" + dump(value);
  return text;
}

} // namespace hactor::tools
