// What an exec remembers for a while of messages that may come too early or twice. Bounded. Pure.
// Caller: exec.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <deque>
#include <set>
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
    kept_.push_back(r);
    if (kept_.size() > kept_max)
      kept_.pop_front();
  }

  /// Those for the job, in the order in which they came.
  std::vector<modex_request> take(job_id id) {
    std::vector<modex_request> taken;
    for (auto& r : kept_)
      if (r.id == id)
        taken.push_back(r);
    if (!taken.empty())
      std::erase_if(kept_, [id](const modex_request& r) { return r.id == id; });
    return taken;
  }

private:
  std::deque<modex_request> kept_;
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
