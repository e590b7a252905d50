// Where the job ids of a broker come from: all instances that take jobs on it share one source, so
// that no id occurs twice in a system, whatever the depth of the instance. Safe from every thread.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <mutex>
#include <vector>

#include "runtime/ids.hpp"

namespace hactor {

class id_source {
public:
  /// `epoch_ns`: of the outermost instance, what FLUIDs count from. `last_ms`: the newest FLUID
  /// time that this rank may have used before (restart), 0 for none.
  id_source(rank_t rank, int64_t epoch_ns, uint64_t last_ms)
    : epoch_ns_{epoch_ns}, ids_{rank, last_ms} {}

  /// A fresh id. `now_ns`: the wall clock.
  job_id next(int64_t now_ns) {
    std::lock_guard guard{mutex_};
    return ids_.next(static_cast<uint64_t>((now_ns - epoch_ns_) / 1'000'000));
  }

  /// So many, one directly after another (neighbour_of), at the end of `to`.
  void next(int64_t now_ns, uint64_t count, std::vector<job_id>& to) {
    std::lock_guard guard{mutex_};
    for (uint64_t i = 0; i < count; ++i)
      to.push_back(ids_.next(static_cast<uint64_t>((now_ns - epoch_ns_) / 1'000'000)));
  }

private:
  std::mutex mutex_;
  int64_t epoch_ns_;
  fluid_generator ids_;
};

} // namespace hactor
