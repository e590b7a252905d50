// See the header. PBS Pro writes `stime = Thu Nov 26 20:55:25 2026`, Torque `start_time = ...` and
// `Walltime.Remaining = 3540`; both `Resource_List.walltime = 01:00:00`, and fold long lines with a
// tab. LSF writes `1:30 L` (hours and minutes to the run limit), `1:30 E` by an estimate, or `-`.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/batch_end.hpp"

#include <charconv>
#include <cmath>
#include <ctime>

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

std::optional<int64_t> read_date(std::string_view text) {
  tm parts{};
  parts.tm_isdst = -1;
  auto zero_ended = std::string{text};
  const auto* rest = ::strptime(zero_ended.c_str(), "%a %b %d %H:%M:%S %Y", &parts);
  return rest == nullptr || *rest != '\0' ? std::nullopt : std::optional<int64_t>{::mktime(&parts)};
}

int64_t read_pbs(std::string_view answer, int64_t now_s) {
  if (auto left = read_count(listed(answer, "Walltime.Remaining")))
    return now_s + *left;
  auto limit = read_clock(listed(answer, "Resource_List.walltime"), 1);
  auto began = read_date(listed(answer, "stime"));
  if (!began)
    began = read_date(listed(answer, "start_time"));
  return limit && began ? *began + *limit : 0;
}

int64_t read_lsf(std::string_view answer, int64_t now_s) {
  auto text = trim(answer);
  if (text.ends_with('L'))
    text = trim(text.substr(0, text.size() - 1));
  auto left = read_clock(text, 60);
  return left ? now_s + *left : 0;
}

int64_t read_flux(std::string_view answer, int64_t now_s) {
  auto text = trim(answer);
  double left = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), left);
  auto known = error == std::errc{} && rest == text.data() + text.size() && left > 0
               && left < INT32_MAX; // it says "infinity" where there is no end
  return known ? now_s + static_cast<int64_t>(std::floor(left)) : 0;
}

} // namespace

std::optional<batch_question> find_batch_question(const environment& env) {
  if (auto job = value_of(env, "PBS_JOBID"); !job.empty())
    return batch_question{batch_kind::pbs, "PBS_JOBID=" + job, {"qstat", "-f", job}};
  if (auto job = value_of(env, "LSB_JOBID"); !job.empty()) {
    if (auto index = value_of(env, "LSB_JOBINDEX"); !index.empty() && index != "0")
      job += "[" + index + "]";
    return batch_question{
        batch_kind::lsf, "LSB_JOBID=" + job, {"bjobs", "-noheader", "-o", "time_left", job}};
  }
  // hactor tells its tasks such an id, too, for Open MPI.
  if (!value_of(env, "HACTOR_JOB_ID").empty())
    return std::nullopt;
  if (auto job = value_of(env, "FLUX_JOB_ID"); !job.empty())
    return batch_question{
        batch_kind::flux, "FLUX_JOB_ID=" + job, {"flux", "job", "timeleft", job}};
  if (auto job = value_of(env, "FLUX_ENCLOSING_ID"); !job.empty())
    return batch_question{
        batch_kind::flux, "FLUX_ENCLOSING_ID=" + job, {"flux", "job", "timeleft"}};
  return std::nullopt;
}

int64_t read_batch_end(batch_kind kind, std::string_view answer, int64_t now_s) {
  auto end_s = kind == batch_kind::pbs   ? read_pbs(answer, now_s)
               : kind == batch_kind::lsf ? read_lsf(answer, now_s)
                                         : read_flux(answer, now_s);
  return end_s > now_s ? end_s : 0;
}

int64_t batch_end_of_walltime(const environment& env, int64_t began_s, int64_t now_s) {
  auto limit = read_clock(value_of(env, "PBS_WALLTIME"), 1);
  auto end_s = limit ? began_s + *limit : 0;
  return end_s > now_s ? end_s : 0;
}

} // namespace hactor
