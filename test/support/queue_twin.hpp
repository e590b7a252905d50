// The rules of queue policies in plain loops, on nodes of equal cores: every job is looked at, one
// by one, and every core has a list of times. What scheduler_core decides must be what this
// decides.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace hactor::test {

struct twin_job {
  uint64_t id = 0;
  uint32_t nodes = 1;
  uint32_t cores = 1; // on each
  int64_t duration = 0;
  uint32_t priority = 16;
  int64_t t_submit = 0;
};

struct twin_policy {
  uint32_t depth = 32;
  uint32_t reservations = 0;
  bool stop = true;
  bool once = false; // no second pass when the depth was reached
};

class queue_twin {
public:
  queue_twin(uint32_t nodes, uint32_t cores, twin_policy policy)
      : policy_{policy}, spans_(nodes, std::vector<std::vector<span>>(cores)) {}

  void submit(const twin_job& j) {
    waiting.push_back(j);
    std::sort(waiting.begin(), waiting.end(), [](const twin_job& a, const twin_job& b) {
      return std::tuple{-int64_t{a.priority}, a.t_submit, a.id}
             < std::tuple{-int64_t{b.priority}, b.t_submit, b.id};
    });
  }
  void withdraw(uint64_t id) {
    release(id);
    std::erase_if(waiting, [&](const twin_job& j) { return j.id == id; });
  }
  void finish(uint64_t id) { release(id); }

  /// The ids that start, in order.
  std::vector<uint64_t> pass(int64_t now) {
    std::vector<uint64_t> started;
    while (look(now, started) && !policy_.once) {
    }
    return started;
  }

  std::vector<twin_job> waiting;
  std::map<uint64_t, int64_t> promised;                                 // start times
  std::map<uint64_t, std::map<uint32_t, std::vector<uint32_t>>> placed; // node -> cores

private:
  static constexpr int64_t forever = std::numeric_limits<int64_t>::max();

  struct span {
    uint64_t job;
    int64_t begin, end;
    bool allocated;
  };

  void release(uint64_t id) {
    for (auto& node : spans_)
      for (auto& core : node)
        std::erase_if(core, [&](const span& s) { return s.job == id; });
  }

  static int64_t end_of(const twin_job& j, int64_t at) {
    return j.duration == 0 ? forever : at + j.duration;
  }

  bool place(const twin_job& j, int64_t at, bool now, bool allocate) {
    auto end = end_of(j, at);
    std::map<uint32_t, std::vector<uint32_t>> chosen;
    for (uint32_t n = 0; n < spans_.size() && chosen.size() < j.nodes; ++n) {
      std::vector<uint32_t> free;
      for (uint32_t c = 0; c < spans_[n].size() && free.size() < j.cores; ++c)
        if (std::none_of(spans_[n][c].begin(), spans_[n][c].end(), [&](const span& s) {
              return (s.begin < end && at < s.end) || (now && s.allocated);
            }))
          free.push_back(c);
      if (free.size() == j.cores)
        chosen[n] = free;
    }
    if (chosen.size() < j.nodes)
      return false;
    for (auto& [n, cores] : chosen)
      for (auto c : cores)
        spans_[n][c].push_back({j.id, at, end, allocate});
    if (allocate)
      placed[j.id] = chosen;
    return true;
  }

  std::optional<int64_t> reserve(const twin_job& j, int64_t now) {
    std::vector<int64_t> times{now + 1};
    for (auto& node : spans_)
      for (auto& core : node)
        for (auto& s : core)
          if (s.end > now + 1 && s.end != forever)
            times.push_back(s.end);
    std::sort(times.begin(), times.end());
    for (auto t : times)
      if (place(j, t, false, false))
        return t;
    return {};
  }

  /// True: the depth was reached, and something has started.
  bool look(int64_t now, std::vector<uint64_t>& started) {
    for (auto& [id, at] : promised)
      release(id);
    promised.clear();
    uint32_t seen = 0;
    bool any = false;
    std::set<std::tuple<uint32_t, uint32_t, int64_t>> parked;
    for (auto j : std::vector<twin_job>{waiting}) {
      if (j.priority == 0)
        break;
      if (seen == policy_.depth)
        return any;
      if (place(j, now, true, true)) {
        ++seen;
        any = true;
        started.push_back(j.id);
        std::erase_if(waiting, [&](const twin_job& w) { return w.id == j.id; });
        continue;
      }
      // What fits at no known time does not count, nor does what is just like it.
      auto shape = std::tuple{j.nodes, j.cores, j.duration};
      if (promised.size() < policy_.reservations && !parked.contains(shape)) {
        if (auto at = reserve(j, now))
          promised[j.id] = *at;
        else
          parked.insert(shape);
      }
      seen += !parked.contains(shape);
      if (policy_.stop)
        return false;
    }
    return false;
  }

  twin_policy policy_;
  std::vector<std::vector<std::vector<span>>> spans_;
};

} // namespace hactor::test
