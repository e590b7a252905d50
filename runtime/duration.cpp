// See duration.hpp. Numbers are read with from_chars: no locale, no hex, no "nan".
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/duration.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include <fmt/format.h>

namespace hactor {

namespace {

struct unit_row {
  std::string_view name;
  double seconds;
};

constexpr std::array<unit_row, 5> units{{
    {"ms", 1e-3},
    {"s", 1},
    {"m", 60},
    {"h", 3600},
    {"d", 86400},
}};

constexpr std::string_view limit_examples =
    "right are e.g. 30 (minutes), 90s, 1.5h, 2d, 30:00 (min:s), 1:30:00, 1-12 (days-hours), "
    "1-12:00:00, infinity";

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

bool is_infinity(std::string_view text) {
  return equals_ignoring_case(text, "inf") || equals_ignoring_case(text, "infinity");
}

struct number_and_rest {
  double number;
  std::string_view rest;
};

// A decimal number >= 0 at the front of `text`.
std::optional<number_and_rest> split_number(std::string_view text) {
  if (text.empty() || !((text[0] >= '0' && text[0] <= '9') || text[0] == '.'))
    return std::nullopt;
  double number = 0;
  auto end = text.data() + text.size();
  auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc{} || !std::isfinite(number))
    return std::nullopt;
  return number_and_rest{number, {stop, static_cast<size_t>(end - stop)}};
}

std::optional<double> unit_seconds(std::string_view name) {
  for (const auto& row : units)
    if (row.name == name)
      return row.seconds;
  return std::nullopt;
}

// Digits only; fits an exact double.
std::optional<double> whole_number(std::string_view text) {
  uint64_t value = 0;
  auto end = text.data() + text.size();
  auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (text.empty() || failure != std::errc{} || stop != end || value > (uint64_t{1} << 53))
    return std::nullopt;
  return static_cast<double>(value);
}

std::optional<std::vector<double>> colon_fields(std::string_view text) {
  std::vector<double> fields;
  for (;;) {
    auto colon = text.find(':');
    auto field = whole_number(text.substr(0, colon));
    if (!field)
      return std::nullopt;
    fields.push_back(*field);
    if (colon == std::string_view::npos)
      return fields;
    text.remove_prefix(colon + 1);
  }
}

// D-H, D-H:M, D-H:M:S, M:S, H:M:S.
std::optional<double> slurm_seconds(std::string_view text) {
  auto dash = text.find('-');
  if (dash == std::string_view::npos) {
    auto fields = colon_fields(text);
    if (!fields)
      return std::nullopt;
    const auto& f = *fields;
    if (f.size() == 2)
      return f[0] * 60 + f[1];
    if (f.size() == 3)
      return f[0] * 3600 + f[1] * 60 + f[2];
    return std::nullopt;
  }
  auto days = whole_number(text.substr(0, dash));
  auto fields = colon_fields(text.substr(dash + 1));
  if (!days || !fields || fields->size() > 3)
    return std::nullopt;
  fields->resize(3);
  const auto& f = *fields;
  return *days * 86400 + f[0] * 3600 + f[1] * 60 + f[2];
}

caf::error limit_error(std::string_view text) {
  return make_error(ec::bad_duration,
                    fmt::format("'{}' is not a time limit: {}", text, limit_examples));
}

} // namespace

caf::expected<double> parse_fsd(std::string_view text) {
  if (is_infinity(text))
    return HUGE_VAL;
  auto fail = [&](std::string_view why) {
    return make_error(ec::bad_duration,
                      fmt::format("'{}' is not a duration: {}; right are e.g. 90 (seconds), 250ms, "
                                  "1.5h, 2d, infinity",
                                  text, why));
  };
  auto parts = split_number(text);
  if (!parts)
    return fail("it must start with a number >= 0");
  if (parts->rest.empty())
    return parts->number;
  auto unit = unit_seconds(parts->rest);
  if (!unit)
    return fail(fmt::format("'{}' is no unit (ms, s, m, h, d)", parts->rest));
  auto seconds = parts->number * *unit;
  if (!std::isfinite(seconds))
    return fail("it is too long");
  return seconds;
}

std::string format_fsd(double seconds) {
  if (std::isnan(seconds))
    return "nan";
  if (seconds < 0)
    return fmt::format("-{}", format_fsd(-seconds));
  if (std::isinf(seconds))
    return "infinity";
  if (seconds == 0)
    return "0s";
  // {:.4g} would turn to exponents from 10,000 on, which only days can reach.
  if (seconds < 1e-3)
    return fmt::format("{:.4g}ms", seconds * 1e3);
  if (seconds < 10)
    return fmt::format("{:g}s", std::round(seconds * 1e3) / 1e3);
  if (seconds < 60)
    return fmt::format("{:.4g}s", seconds);
  if (seconds < 3600)
    return fmt::format("{:.4g}m", seconds / 60);
  if (seconds < 86400)
    return fmt::format("{:.4g}h", seconds / 3600);
  auto days = seconds / 86400;
  return days < 1000 ? fmt::format("{:.4g}d", days) : fmt::format("{:.0f}d", days);
}

caf::expected<double> parse_time_limit(std::string_view text) {
  if (is_infinity(text) || equals_ignoring_case(text, "unlimited"))
    return HUGE_VAL;
  // An exponent such as 1e-3 holds a dash too, so plain numbers go first.
  if (auto parts = split_number(text)) {
    auto unit = parts->rest.empty() ? std::optional{60.0} : unit_seconds(parts->rest);
    if (unit && std::isfinite(parts->number * *unit))
      return parts->number * *unit;
  }
  if (auto seconds = slurm_seconds(text))
    return *seconds;
  return limit_error(text);
}

} // namespace hactor
