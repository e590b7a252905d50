// What a person writes after --dependency and --begin-time, as entries of a jobspec's dependencies
// (RFC 26). What the schemes mean, and which there are, is the instance's to say.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "runtime/duration.hpp"
#include "runtime/ids.hpp"
#include "tools/id_words.hpp"
#include "tools/submit_options.hpp"

namespace hactor::tools {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

std::vector<std::string> lower_words(std::string_view text) {
  std::vector<std::string> words{{}};
  for (char c : text)
    if (c != ' ')
      words.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    else if (!words.back().empty())
      words.emplace_back();
  if (words.back().empty())
    words.pop_back();
  return words;
}

/// Seconds of "2 hours", "1 day 30 minutes".
std::optional<double> parse_amounts(std::span<const std::string> words) {
  struct unit {
    std::string_view name;
    double seconds;
  };
  constexpr unit units[] = {
      {"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}, {"week", 7 * 86400}};
  if (words.empty() || words.size() % 2 != 0)
    return std::nullopt;
  double sum = 0;
  for (size_t i = 0; i < words.size(); i += 2) {
    unsigned count = 0;
    auto end = words[i].data() + words[i].size();
    auto [stop, code] = std::from_chars(words[i].data(), end, count);
    if (words[i] == "a" || words[i] == "an" || words[i] == "one") {
      count = 1;
      stop = end;
      code = {};
    }
    std::string_view name = words[i + 1];
    if (name.ends_with('s'))
      name.remove_suffix(1);
    auto found = std::ranges::find(units, name, &unit::name);
    if (code != std::errc{} || stop != end || found == std::end(units))
      return std::nullopt;
    sum += count * found->seconds;
  }
  return sum;
}

/// Seconds after midnight of "noon", "midnight", "6pm", "6:30pm", "18:30", "18:30:05".
std::optional<int> parse_clock(std::string text) {
  if (text == "noon" || text == "midnight")
    return text == "noon" ? 12 * 3600 : 0;
  bool pm = text.ends_with("pm");
  bool half = pm || text.ends_with("am");
  if (half)
    text.resize(text.size() - 2);
  for (auto* format : {"%H:%M:%S", "%H:%M", "%H"}) {
    std::tm parts{};
    auto* rest = ::strptime(text.c_str(), format, &parts);
    if (rest == nullptr || *rest != 0 || (!half && format[2] == 0))
      continue;
    if (half && (parts.tm_hour < 1 || parts.tm_hour > 12))
      return std::nullopt;
    auto hour = half ? parts.tm_hour % 12 + (pm ? 12 : 0) : parts.tm_hour;
    return hour * 3600 + parts.tm_min * 60 + parts.tm_sec;
  }
  return std::nullopt;
}

/// A time of day behind a date: "", "T18:00", " 18:00:05", " at 6pm".
std::optional<int> parse_clock_of_date(std::string_view text) {
  if (text.empty())
    return 0;
  if (text[0] != ' ' && text[0] != 'T')
    return std::nullopt;
  auto words = lower_words(text.substr(1));
  if (words.size() == 2 && words[0] == "at")
    words.erase(words.begin());
  return words.size() == 1 ? parse_clock(words[0]) : std::nullopt;
}

// The text as a date or a time of day in local time, or in UTC after a Z.
std::optional<double> parse_date(std::string text, double now) {
  bool utc = text.ends_with('Z');
  if (utc)
    text.pop_back();
  auto today = static_cast<std::time_t>(now);
  auto moment = [utc](std::tm parts) {
    parts.tm_isdst = -1;
    return static_cast<double>(utc ? ::timegm(&parts) : std::mktime(&parts));
  };
  // Without a day or a year it is the next one.
  for (auto* format :
       {"%Y-%m-%d", "%Y/%m/%d", "%b %d %Y", "%b %d, %Y", "%d %b %Y", "%b %d", "%d %b", ""}) {
    std::string_view form = format;
    std::tm parts{};
    if (form.find("%Y") == form.npos)
      utc ? ::gmtime_r(&today, &parts) : ::localtime_r(&today, &parts);
    auto* rest = ::strptime(text.c_str(), format, &parts);
    auto clock = rest == nullptr ? std::nullopt
                 : form.empty()  ? parse_clock(text)
                                 : parse_clock_of_date(rest);
    if (!clock)
      continue;
    parts.tm_hour = *clock / 3600;
    parts.tm_min = *clock / 60 % 60;
    parts.tm_sec = *clock % 60;
    auto at = moment(parts);
    if (at <= now && form.find("%Y") == form.npos) { // a day need not have 24 hours
      ++(form.empty() ? parts.tm_mday : parts.tm_year);
      at = moment(parts);
    }
    return at;
  }
  return std::nullopt;
}

/// Days from today to "today", "tomorrow" or the next day of that name.
std::optional<int> parse_day(std::string_view word, int weekday) {
  constexpr std::string_view names[] = {"sunday",   "monday", "tuesday", "wednesday",
                                        "thursday", "friday", "saturday"};
  if (word == "today" || word == "tomorrow")
    return word == "today" ? 0 : 1;
  for (int i = 0; i < 7; ++i)
    if (word == names[i] || word == names[i].substr(0, 3))
      return (i - weekday + 6) % 7 + 1;
  return std::nullopt;
}

// "in 2 hours", "tomorrow at noon", "6pm friday", "next monday"; in local time.
std::optional<double> parse_spoken(std::string_view text, double now) {
  auto words = lower_words(text);
  if (!words.empty() && words.front() == "in")
    words.erase(words.begin());
  else if (words.size() > 2 && words.back() == "now" && words[words.size() - 2] == "from")
    words.resize(words.size() - 2);
  if (auto wait = parse_amounts(words))
    return now + *wait;
  auto today = static_cast<std::time_t>(now);
  std::tm parts{};
  ::localtime_r(&today, &parts);
  std::optional<int> day, clock;
  for (auto& word : words) {
    if (word == "at" || word == "next" || word == "on")
      continue;
    auto as_day = parse_day(word, parts.tm_wday);
    auto as_clock = as_day ? std::nullopt : parse_clock(word);
    if ((!as_day && !as_clock) || (as_day && day) || (as_clock && clock))
      return std::nullopt;
    (as_day ? day : clock) = as_day ? as_day : as_clock;
  }
  if (!day && !clock)
    return std::nullopt;
  auto at = [&parts, seconds = clock.value_or(0)](int days) {
    auto p = parts;
    p.tm_mday += days;
    p.tm_hour = seconds / 3600;
    p.tm_min = seconds / 60 % 60;
    p.tm_sec = seconds % 60;
    p.tm_isdst = -1;
    return static_cast<double>(std::mktime(&p));
  };
  return day || at(0) > now ? at(day.value_or(0)) : at(1);
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

/// Where one of the characters stands next, but not between brackets: of copies, ID[1,3].
size_t find_outside(std::string_view text, std::string_view chars, size_t from) {
  size_t depth = 0;
  for (auto i = from; i < text.size(); ++i) {
    if (depth == 0 && chars.find(text[i]) != chars.npos)
      return i;
    depth += text[i] == '[';
    depth -= text[i] == ']' && depth > 0;
  }
  return text.size();
}

/// The jobs that a dependency is on. Slurm's "after:ID+MINUTES" is none of ours.
caf::expected<std::string> read_jobs(const std::string& value) {
  if (auto plus = value.find('+'); plus != value.npos && parse_job_id(value.substr(0, plus)))
    return bad(fmt::format("--dependency: '{}': there is no waiting for a time after a start; "
                           "right are after:{} and a 'sleep' at the beginning of the job, or "
                           "--begin-time",
                           value, value.substr(0, plus)));
  return reference_of("dependency", value);
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
    auto end = splits ? find_outside(rest, ":", start) : rest.size();
    if (end == start && scheme != "singleton")
      return bad(fmt::format("--dependency: '{}' has an empty value", text));
    json entry = extra;
    entry["scheme"] = scheme;
    auto value = rest.substr(start, end - start);
    if (splits || scheme.ends_with("same-node")) {
      auto of_jobs = read_jobs(value);
      if (!of_jobs)
        return std::move(of_jobs.error());
      value = std::move(*of_jobs);
    }
    entry["value"] = std::move(value);
    list.push_back(std::move(entry));
    start = end + 1;
  }
  return {};
}

} // namespace

namespace {

/// "1hour" and "90seconds" of Slurm's now+1hour as durations, 1h and 90s; "1week" as days.
std::string duration_of_words(std::string_view text) {
  auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  auto unit = text.substr(digits);
  if (unit.ends_with('s'))
    unit.remove_suffix(1);
  for (auto [name, letter] :
       {std::pair{"second", "s"}, {"minute", "m"}, {"hour", "h"}, {"day", "d"}})
    if (unit == name)
      return std::string{text.substr(0, digits)} + letter;
  uint32_t weeks = 0;
  if ((unit == "week" || unit == "w")
      && std::from_chars(text.data(), text.data() + digits, weeks).ec == std::errc{})
    return std::to_string(uint64_t{weeks} * 7) + "d";
  return std::string{text};
}

} // namespace

caf::expected<double> parse_moment(std::string_view text, double now) {
  auto fail = [&] {
    return bad(fmt::format("'{}' is not a time: right are e.g. +10m, in 2 hours, 18:00, "
                           "tomorrow at noon, friday 6pm, 2026-12-24T18:00, Dec 24 18:00, or "
                           "seconds since the epoch",
                           text));
  };
  if (text.starts_with("now"))
    text.remove_prefix(3);
  if (text.empty())
    return now;
  if (text.starts_with('+')) {
    auto wait = parse_fsd(duration_of_words(text.substr(1)));
    return wait && std::isfinite(*wait) ? caf::expected<double>{now + *wait} : fail();
  }
  double seconds = 0;
  auto [stop, failure] =
      std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
  if (failure == std::errc{} && stop == text.data() + text.size() && seconds >= 0
      && std::isfinite(seconds))
    return seconds;
  auto at = parse_date(std::string{text}, now);
  if (!at)
    at = parse_spoken(text, now);
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
    auto end = find_outside(text, ",?", start);
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
