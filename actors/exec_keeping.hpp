// What an exec remembers for a while of messages that may come too early or twice. Bounded. Pure.
// Caller: exec.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/messages.hpp"

namespace hactor {

/// Requests of MPI programs' servers (PMIx) to a shell of which this rank has not heard yet: the
/// launch goes down a tree, and they come straight from a rank that has had it already. For jobs
/// that never come, or have ended, they are forgotten when there are many.
class early_requests {
public:
  static constexpr size_t kept_max = 4096; // a node's tasks and those that ask for each at once

  void keep(const modex_request& r) {
    kept_[r.id].emplace_back(++last_, r);
    order_.emplace_back(last_, r.id);
    if (order_.size() > kept_max)
      drop_oldest();
  }

  /// Those for the job, in the order in which they came. Costs nothing for a job without, which is
  /// nearly every one that starts.
  std::vector<modex_request> take(job_id id) {
    std::vector<modex_request> taken;
    auto it = kept_.find(id);
    if (it == kept_.end())
      return taken;
    for (auto& [number, r] : it->second)
      taken.push_back(std::move(r));
    kept_.erase(it);
    return taken;
  }

private:
  void drop_oldest() {
    auto [number, id] = order_.front();
    order_.pop_front();
    auto it = kept_.find(id);
    if (it == kept_.end() || it->second.front().first != number)
      return; // it was taken
    it->second.pop_front();
    if (it->second.empty())
      kept_.erase(it);
  }

  uint64_t last_ = 0;
  std::unordered_map<job_id, std::deque<std::pair<uint64_t, modex_request>>> kept_;
  std::deque<std::pair<uint64_t, job_id>> order_; // by number; what was taken is still in it
};

/// The commands that came here: one is sent again when a rank is lost that may not have passed it
/// on, also to those that have it.
template <class Key>
class seen_commands {
public:
  static constexpr size_t kept_max = 4096; // beyond so many later ones nobody sends it again

  /// False when it was here before.
  bool add(const Key& key) {
    if (!keys_.insert(key).second)
      return false;
    order_.push_back(key);
    if (order_.size() > kept_max) {
      keys_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }

private:
  std::set<Key> keys_;
  std::deque<Key> order_;
};

} // namespace hactor
