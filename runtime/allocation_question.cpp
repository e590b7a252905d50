// See the header. Slurm writes seconds (SLURM_TIME_FORMAT=%s), else a local time as
// 2026-11-26T20:00:00, or a word for none. PBS Pro writes `stime = Thu Nov 26 20:55:25 2026`,
// Torque `start_time = ...` and `Walltime.Remaining = 3540`; both `Resource_List.walltime =
// 01:00:00`, and fold long lines with a tab. LSF writes `1:30 L` (hours and minutes to the run
// limit), `1:30 E` by an estimate, or `-`.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/allocation_question.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <initializer_list>

namespace hactor {

namespace {

std::string value_of(const environment& env, const char* name) {
  const auto* text = env(name);
  return text == nullptr ? "" : text;
}

std::string_view trim(std::string_view text) {
  constexpr auto blank = " \t\r\n";
  auto first = text.find_first_not_of(blank);
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(blank) + 1 - first);
}

std::optional<int64_t> read_count(std::string_view text) {
  int64_t value = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  auto whole = error == std::errc{} && rest == text.data() + text.size();
  return whole && value >= 0 && value < INT32_MAX ? std::optional{value} : std::nullopt;
}

/// "90", "1:30", "1:00:00", "2:00:00:00": the last is of `unit` seconds.
std::optional<int64_t> read_clock(std::string_view text, int64_t unit) {
  constexpr int64_t steps[] = {60, 60, 24, 0};
  int64_t total = 0, step = 0;
  for (auto at = unit == 60 ? 1 : 0; !text.empty(); unit *= step, ++at) {
    auto colon = text.rfind(':');
    auto part = read_count(colon == text.npos ? text : text.substr(colon + 1));
    if (!part || at > 3)
      return std::nullopt;
    total += *part * unit;
    step = steps[at];
    text = colon == text.npos ? "" : text.substr(0, colon);
  }
  return step == 0 && total == 0 ? std::nullopt : std::optional{total};
}

/// `KEY = VALUE` in the listing of qstat -f.
std::string_view listed(std::string_view listing, std::string_view key) {
  for (size_t at = 0; at < listing.size();) {
    auto end = std::min(listing.find('\n', at), listing.size());
    auto line = trim(listing.substr(at, end - at));
    if (line.starts_with(key) && trim(line.substr(key.size())).starts_with('='))
      return trim(line.substr(line.find('=') + 1));
    at = end + 1;
  }
  return {};
}

std::optional<int64_t> read_date(std::string_view text, const char* form) {
  tm parts{};
  parts.tm_isdst = -1;
  auto zero_ended = std::string{text};
  const auto* rest = ::strptime(zero_ended.c_str(), form, &parts);
  auto at = rest == nullptr || *rest != '\0' ? -1 : ::mktime(&parts);
  return at > 0 ? std::optional<int64_t>{at} : std::nullopt;
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

std::optional<int64_t> read_slurm_line(std::string_view text) {
  if (is_one_of(text, {"NONE", "None", "N/A", "Unknown", "UNLIMITED"}))
    return 0;
  int64_t seconds = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc{} && rest == text.data() + text.size())
    return seconds;
  return read_date(text, "%Y-%m-%dT%H:%M:%S");
}

/// A heterogeneous job has a line for each component: the first to end is our end.
std::optional<int64_t> read_slurm(std::string_view text) {
  int64_t first = 0;
  for (size_t at = 0; at <= text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    auto one = read_slurm_line(trim(text.substr(at, end - at)));
    if (!one)
      return std::nullopt;
    if (*one != 0 && (first == 0 || *one < first))
      first = *one;
    at = end + 1;
  }
  return first;
}

std::optional<int64_t> read_pbs(std::string_view answer, int64_t now_s) {
  if (auto left = read_count(listed(answer, "Walltime.Remaining")))
    return now_s + *left;
  constexpr auto form = "%a %b %d %H:%M:%S %Y";
  auto limit = read_clock(listed(answer, "Resource_List.walltime"), 1);
  auto began = read_date(listed(answer, "stime"), form);
  if (!began)
    began = read_date(listed(answer, "start_time"), form);
  return limit && began ? std::optional{*began + *limit} : std::nullopt;
}

std::optional<int64_t> read_lsf(std::string_view text, int64_t now_s) {
  if (text == "-")
    return 0;
  if (text.ends_with('L'))
    text = trim(text.substr(0, text.size() - 1));
  auto left = read_clock(text, 60);
  return left ? std::optional{now_s + *left} : std::nullopt;
}

std::optional<int64_t> read_flux(std::string_view text, int64_t now_s) {
  if (is_one_of(text, {"infinity", "inf"}))
    return 0;
  double left = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), left);
  auto known = error == std::errc{} && rest == text.data() + text.size() && left < INT32_MAX;
  return known ? std::optional{now_s + static_cast<int64_t>(std::floor(left))} : std::nullopt;
}

std::optional<int64_t> read_any(batch_kind kind, std::string_view answer, int64_t now_s) {
  switch (kind) {
  case batch_kind::slurm:
    return read_slurm(trim(answer));
  case batch_kind::pbs:
    return read_pbs(answer, now_s);
  case batch_kind::lsf:
    return read_lsf(trim(answer), now_s);
  case batch_kind::flux:
    return read_flux(trim(answer), now_s);
  }
  return std::nullopt;
}

} // namespace

int64_t allocation_question::grain_s() const {
  switch (kind) {
  case batch_kind::slurm:
    return 0;
  case batch_kind::pbs:
    return 60; // Torque's Walltime.Remaining is as old as the last word of its pbs_mom
  case batch_kind::lsf:
    return 120;
  case batch_kind::flux:
    return 2;
  }
  return 0;
}

std::optional<allocation_question> find_allocation_question(const environment& env) {
  if (auto end = value_of(env, "SLURM_JOB_END_TIME"); !end.empty()) {
    auto job = value_of(env, "SLURM_JOB_ID");
    // One task of an array has the array's own number, by which all of them would answer.
    if (auto index = value_of(env, "SLURM_ARRAY_TASK_ID"); !index.empty())
      job = value_of(env, "SLURM_ARRAY_JOB_ID") + "_" + index;
    return allocation_question{batch_kind::slurm,
                               job.empty() ? "SLURM_JOB_END_TIME=" + end : "SLURM_JOB_ID=" + job,
                               {"squeue", "-h", "-j", job, "-o", "%e"},
                               "SLURM_TIME_FORMAT=%s"};
  }
  if (auto job = value_of(env, "PBS_JOBID"); !job.empty())
    return allocation_question{batch_kind::pbs, "PBS_JOBID=" + job, {"qstat", "-f", job}, {}};
  if (auto job = value_of(env, "LSB_JOBID"); !job.empty()) {
    if (auto index = value_of(env, "LSB_JOBINDEX"); !index.empty() && index != "0")
      job += "[" + index + "]";
    return allocation_question{
        batch_kind::lsf, "LSB_JOBID=" + job, {"bjobs", "-noheader", "-o", "time_left", job}, {}};
  }
  // hactor tells its tasks such an id, too, for Open MPI.
  if (!value_of(env, "HACTOR_JOB_ID").empty())
    return std::nullopt;
  if (auto job = value_of(env, "FLUX_JOB_ID"); !job.empty())
    return allocation_question{
        batch_kind::flux, "FLUX_JOB_ID=" + job, {"flux", "job", "timeleft", job}, {}};
  if (auto job = value_of(env, "FLUX_ENCLOSING_ID"); !job.empty())
    return allocation_question{
        batch_kind::flux, "FLUX_ENCLOSING_ID=" + job, {"flux", "job", "timeleft"}, {}};
  return std::nullopt;
}

std::optional<int64_t> read_allocation_end(batch_kind kind, std::string_view answer,
                                           int64_t now_s) {
  auto end_s = read_any(kind, answer, now_s);
  return end_s && (*end_s == 0 || *end_s > now_s) ? end_s : std::nullopt;
}

int64_t allocation_end_of_walltime(const environment& env, int64_t began_s, int64_t now_s) {
  auto limit = read_clock(value_of(env, "PBS_WALLTIME"), 1);
  auto end_s = limit ? began_s + *limit : 0;
  return end_s > now_s ? end_s : 0;
}

} // namespace hactor
