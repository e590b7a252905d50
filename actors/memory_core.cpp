// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/memory_core.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include <fmt/format.h>

namespace hactor {

namespace {

/// The jobs that one limit binds.
struct bound {
  int64_t limit = 0;
  size_t own = SIZE_MAX;      // the job whose limit it is, when its tasks run here
  std::vector<size_t> within; // the others
};

/// Deepest first, then by path.
struct inner_first {
  bool operator()(std::string_view a, std::string_view b) const {
    auto depth = [](std::string_view path) { return std::count(path.begin(), path.end(), '/'); };
    return depth(a) != depth(b) ? depth(a) > depth(b) : a < b;
  }
};
using bounds = std::map<std::string, bound, inner_first>;

bounds bounds_of(const std::vector<memory_use>& jobs) {
  bounds all;
  for (size_t i = 0; i < jobs.size(); ++i) {
    auto& job = jobs[i];
    size_t end = 0;
    for (auto limit : job.limits) {
      end = std::min(job.path.find('/', end), job.path.size());
      if (limit > 0) {
        auto& b = all[job.path.substr(0, end)];
        b.limit = limit;
        if (end == job.path.size())
          b.own = i;
        else
          b.within.push_back(i);
      }
      ++end;
    }
  }
  return all;
}

int64_t mb_up(int64_t bytes) { return (bytes + (1 << 20) - 1) >> 20; }
int64_t mb_down(int64_t bytes) { return bytes >> 20; }

} // namespace

std::vector<memory_excess> find_excess(const std::vector<memory_use>& jobs) {
  std::vector<memory_excess> result;
  std::vector<int64_t> left; // by job, of those that do not end
  for (auto& job : jobs)
    left.push_back(job.bytes);
  auto end = [&](size_t ends) {
    for (size_t i = 0; i < jobs.size(); ++i)
      if (i == ends || jobs[i].path.starts_with(jobs[ends].path + "/"))
        left[i] = 0;
  };
  for (auto& [path, b] : bounds_of(jobs)) {
    auto sum = [&, own = b.own, &within = b.within] {
      auto bytes = own == SIZE_MAX ? 0 : left[own];
      for (auto i : within)
        bytes += left[i];
      return bytes;
    };
    if (b.own != SIZE_MAX && left[b.own] > b.limit) {
      result.push_back({b.own, path, left[b.own], b.limit});
      end(b.own);
    }
    for (auto used = sum(); sum() > b.limit;) {
      auto most = b.within.front(); // there is one: the own tasks are within the limit
      for (auto i : b.within)
        if (left[i] >= left[most])
          most = i;
      result.push_back({most, path, used, b.limit});
      end(most);
    }
  }
  return result;
}

std::string excess_text(const memory_use& job, const memory_excess& e) {
  if (e.whose == job.path)
    return fmt::format("the tasks on this node used {} MB of memory, and may use {} MB",
                       mb_up(e.used), mb_down(e.limit));
  return fmt::format("the tasks on this node used {} MB of memory, of {} MB that all jobs in "
                     "instance {} used there; these may use {} MB together",
                     mb_up(job.bytes), mb_up(e.used), e.whose, mb_down(e.limit));
}

} // namespace hactor
