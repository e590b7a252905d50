// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/allocation_end.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string>

namespace hactor {

/// Soon before the end, so that jobs get the time that was added, and at the last moment of it.
void allocation_end::arm(int64_t now_s) {
  next_s_ = now_s + look_s;
  if (end_s_ != 0)
    for (auto at : {end_s_ - 60, end_s_ - 10, end_s_ - 2, end_s_ + grace_s})
      if (at > now_s)
        next_s_ = std::min(next_s_, at);
}

std::optional<int64_t> allocation_end::on_answer(int64_t now_s, std::optional<int64_t> answer) {
  auto is_news = answer && *answer != end_s_ && (*answer == 0 || *answer > now_s);
  auto outlived = end_s_ != 0 && now_s >= end_s_ + grace_s;
  if (is_news)
    end_s_ = *answer;
  else if (outlived)
    end_s_ = 0;
  arm(now_s);
  return is_news || outlived ? std::optional{end_s_} : std::nullopt;
}

std::optional<int64_t> parse_allocation_end(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
    text.remove_suffix(1);
  for (auto* none : {"NONE", "None", "N/A", "Unknown", "UNLIMITED"})
    if (text == none)
      return 0;
  int64_t seconds = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc{} && rest == text.data() + text.size())
    return seconds > 0 ? std::optional{seconds} : std::nullopt;
  std::tm local{};
  local.tm_isdst = -1;
  std::string line{text};
  auto* end = ::strptime(line.c_str(), "%Y-%m-%dT%H:%M:%S", &local);
  if (end == nullptr || *end != '\0')
    return std::nullopt;
  auto at = std::mktime(&local);
  return at > 0 ? std::optional<int64_t>{at} : std::nullopt;
}

} // namespace hactor
