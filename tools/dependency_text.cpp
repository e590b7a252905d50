// What a person writes after --dependency and --begin-time, as entries of a jobspec's dependencies
// (RFC 26). What the schemes mean, and which there are, is the instance's to say.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <charconv>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

#include "runtime/duration.hpp"
#include "tools/submit_options.hpp"

namespace hactor::tools {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

// The text as a date or a time of day in local time, or in UTC after a Z.
std::optional<double> parse_date(std::string text, double now) {
  bool utc = text.ends_with('Z');
  if (utc)
    text.pop_back();
  auto today = static_cast<std::time_t>(now);
  for (auto* format : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
                       "%Y-%m-%d", "%H:%M:%S", "%H:%M"}) {
    bool daily = format[1] == 'H';
    std::tm parts{};
    if (daily)
      utc ? ::gmtime_r(&today, &parts) : ::localtime_r(&today, &parts);
    parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
    parts.tm_isdst = -1;
    auto* rest = ::strptime(text.c_str(), format, &parts);
    if (rest == nullptr || *rest != 0)
      continue;
    auto at = static_cast<double>(utc ? ::timegm(&parts) : std::mktime(&parts));
    if (daily && at <= now) { // tomorrow, which need not have 24 hours
      ++parts.tm_mday;
      parts.tm_isdst = -1;
      at = static_cast<double>(utc ? ::timegm(&parts) : std::mktime(&parts));
    }
    return at;
  }
  return std::nullopt;
}

std::string seconds_text(double at) {
  return at == std::floor(at) ? fmt::format("{:.0f}", at) : fmt::format("{:.3f}", at);
}

// The rest of "scheme:value?key=val&key=val" after the '?': further keys of the entry.
bool add_keys(json& extra, std::string_view query) {
  for (size_t start = 0; start <= query.size();) {
    auto end = std::min(query.find('&', start), query.size());
    auto equals = query.find('=', start);
    if (equals >= end || equals == start)
      return false;
    extra[std::string{query.substr(start, equals - start)}] =
        std::string{query.substr(equals + 1, end - equals - 1)};
    start = end + 1;
  }
  return true;
}

// "afterok:1:2" is two dependencies for Slurm's users; other schemes keep what follows the colon.
caf::error add_dependency(json& list, std::string_view text, const json& extra, double now) {
  auto colon = std::min(text.find(':'), text.size());
  auto scheme = std::string{text.substr(0, colon)};
  auto rest = std::string{colon < text.size() ? text.substr(colon + 1) : std::string_view{}};
  if (scheme.empty() || (rest.empty() && scheme != "singleton"))
    return bad(fmt::format("--dependency: '{}' is not SCHEME:VALUE, e.g. afterok:ID", text));
  if (scheme == "begin-time") {
    auto at = parse_moment(rest, now);
    if (!at)
      return std::move(at.error());
    rest = seconds_text(*at);
  }
  bool splits = scheme.starts_with("after");
  for (size_t start = 0; start <= rest.size();) {
    auto end = splits ? std::min(rest.find(':', start), rest.size()) : rest.size();
    if (end == start && scheme != "singleton")
      return bad(fmt::format("--dependency: '{}' has an empty value", text));
    json entry = extra;
    entry["scheme"] = scheme;
    entry["value"] = rest.substr(start, end - start);
    list.push_back(std::move(entry));
    start = end + 1;
  }
  return {};
}

} // namespace

caf::expected<double> parse_moment(std::string_view text, double now) {
  auto fail = [&] {
    return bad(fmt::format("'{}' is not a time: right are e.g. +10m, 18:00, tomorrow, "
                           "2026-12-24T18:00, or seconds since the epoch",
                           text));
  };
  if (text.starts_with("now"))
    text.remove_prefix(3);
  if (text.empty())
    return now;
  if (text.starts_with('+')) {
    auto wait = parse_fsd(text.substr(1));
    return wait && std::isfinite(*wait) ? caf::expected<double>{now + *wait} : fail();
  }
  double seconds = 0;
  auto [stop, failure] =
      std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
  if (failure == std::errc{} && stop == text.data() + text.size() && seconds >= 0
      && std::isfinite(seconds))
    return seconds;
  auto named = text == "midnight" || text == "tomorrow" ? std::string{"00:00"}
               : text == "noon"                         ? std::string{"12:00"}
                                                        : std::string{text};
  auto at = parse_date(named, now);
  return at && *at >= 0 && std::isfinite(*at) ? caf::expected<double>{*at} : fail();
}

caf::error add_dependencies(json& list, std::string_view text, double now) {
  struct part {
    std::string_view text;
    json extra = json::object();
  };
  std::vector<part> parts{{}};
  bool all = false, any = false;
  for (size_t start = 0; start <= text.size();) {
    auto end = std::min(text.find_first_of(",?", start), text.size());
    auto word = text.substr(start, end - start);
    // After '?' comes an alternative, or a query as in a URI: "key=val&key=val".
    if (start > 0 && text[start - 1] == '?' && word.find('=') < word.find(':')) {
      if (!add_keys(parts.back().extra, word))
        return bad(fmt::format("--dependency: '{}': '{}' is not KEY=VALUE pairs", text, word));
    } else if (start == 0) {
      parts.back().text = word;
    } else {
      (text[start - 1] == '?' ? any : all) = true;
      parts.push_back({word});
    }
    start = end + 1;
  }
  if (all && any)
    return bad(fmt::format("--dependency: '{}' joins by ',' (all) and by '?' (one of them): give "
                           "the option once for each that must hold",
                           text));
  auto group = std::to_string(list.size());
  for (auto& p : parts) {
    if (any)
      p.extra["any"] = group;
    if (auto e = add_dependency(list, p.text, p.extra, now))
      return e;
  }
  return {};
}

} // namespace hactor::tools
