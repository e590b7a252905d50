// Jobs within jobs, when a broker is lost: what runs here of an instance over the grant of a job
// ends before the job itself is said to be gone from here, since the job manager of that instance
// may be the one that was lost. Of one rank; plain C++. Callers: actors/exec_instances.cpp, the
// simulator.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/exec_core.hpp"
#include "runtime/ids.hpp"
#include "runtime/idset.hpp"

namespace hactor {

/// True when the job is one of those that the path of an instance, "A/B", names.
bool is_on_path(const std::string& path, job_id job);

class inner_jobs {
public:
  /// A job whose turn to be settled has come (exec_core::settle).
  struct outer {
    job_id job;
    uint32_t attempt = 1;
    idset lost;
  };

  /// A job lost a broker: returns the jobs that run here in an instance over its grant, which end
  /// first. Empty: none, and the job itself can be settled at once.
  std::vector<job_id> begin_settle(job_id job, uint32_t attempt, const idset& lost,
                                   const std::unordered_map<job_id, job_origin_ptr>& origins);

  /// Nothing of the job runs here any more: returns those around it that waited for it alone.
  std::vector<outer> on_gone(job_id job);

  /// The job is launched here; after a settled attempt of it this is the next one.
  void on_launch(job_id job, uint32_t attempt);

  /// True for the path of an instance whose job, or one around it, was settled here.
  bool is_dead(const std::string& path) const;

private:
  struct settling {
    outer what;
    std::set<job_id> due;
  };
  std::map<job_id, settling> settling_;
  std::map<job_id, uint32_t> dead_; // settled here: which attempt
};

} // namespace hactor
