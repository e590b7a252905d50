// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/job_set.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

namespace hactor::tools {

caf::expected<job_set> job_set::parse(std::string_view text) {
  auto bad = [&] {
    return make_error(ec::bad_json, fmt::format("'{}' is no list of jobs", text.substr(0, 80)));
  };
  job_set jobs;
  auto* at = text.data();
  auto* end = at + text.size();
  while (at != end) {
    uint64_t first = 0;
    auto read = std::from_chars(at, end, first);
    auto last = first;
    if (read.ec == std::errc{} && read.ptr != end && *read.ptr == '-')
      read = std::from_chars(read.ptr + 1, end, last);
    if (read.ec != std::errc{} || last < first || last == UINT64_MAX)
      return bad();
    jobs.add({first, last + 1});
    at = read.ptr;
    if (at != end && (*at++ != ',' || at == end))
      return bad();
  }
  return jobs;
}

std::string job_set::to_string() const {
  std::string text;
  for (auto& [first, end] : ends_) {
    text += fmt::format("{}{}", text.empty() ? "" : ",", first);
    if (end - first > 1)
      text += fmt::format("-{}", end - 1);
  }
  return text;
}

void job_set::add(job_range range) {
  if (range.first >= range.end)
    return;
  // All that it touches become one.
  auto it = ends_.upper_bound(range.first);
  if (it != ends_.begin() && std::prev(it)->second >= range.first)
    --it;
  while (it != ends_.end() && it->first <= range.end) {
    range.first = std::min(range.first, it->first);
    range.end = std::max(range.end, it->second);
    size_ -= it->second - it->first;
    it = ends_.erase(it);
  }
  ends_.emplace_hint(it, range.first, range.end);
  size_ += range.end - range.first;
}

void job_set::subtract(job_range range) {
  if (range.first >= range.end)
    return;
  auto it = ends_.upper_bound(range.first);
  if (it != ends_.begin() && std::prev(it)->second > range.first)
    --it;
  while (it != ends_.end() && it->first < range.end) {
    auto [first, end] = *it;
    it = ends_.erase(it);
    size_ -= end - first;
    if (first < range.first)
      add({first, range.first});
    if (end > range.end)
      add({range.end, end});
  }
}

job_set& job_set::operator+=(const job_set& other) {
  for (auto& [first, end] : other.ends_)
    add({first, end});
  return *this;
}

job_set& job_set::operator-=(const job_set& other) {
  for (auto& [first, end] : other.ends_)
    subtract({first, end});
  return *this;
}

job_set operator&(const job_set& a, const job_set& b) {
  job_set both;
  for (auto& [first, end] : a.ends_) {
    auto it = b.ends_.upper_bound(first);
    if (it != b.ends_.begin())
      --it;
    for (; it != b.ends_.end() && it->first < end; ++it)
      both.add({std::max(first, it->first), std::min(end, it->second)});
  }
  return both;
}

job_set job_set::take_first(uint64_t n) {
  job_set taken;
  while (n > 0 && !empty()) {
    auto [first, end] = *ends_.begin();
    job_range part{first, first + std::min(n, end - first)};
    taken.add(part);
    subtract(part);
    n -= part.end - part.first;
  }
  return taken;
}

bool job_set::contains(uint64_t job) const {
  auto it = ends_.upper_bound(job);
  return it != ends_.begin() && std::prev(it)->second > job;
}

} // namespace hactor::tools
