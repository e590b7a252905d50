// The folders of jobs below this rank's run folder (HACTOR_JOB_TMPDIR): made before a job's first
// task here, removed with all that is in them after its last. Made and removed through the open
// folder above them: two calls of some microseconds, and no path is walked. Caller: shell.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "actors/owned_fd.hpp"
#include "runtime/error.hpp"
#include "runtime/ids.hpp"

namespace hactor {

class job_folders {
public:
  /// Makes and opens `folder`. Errors: ec::store_failed.
  static caf::expected<job_folders> open(const std::string& folder);

  /// Where the job's folder is.
  std::string path(job_id id) const { return folder_ + "/" + to_string(id); }

  /// Makes the job's folder, mode 0700. Errors: ec::exec_failed.
  caf::error make(job_id id) const;

  /// Removes the job's folder if nothing is in it. False: something is, remove_all() must do it.
  bool remove_empty(job_id id) const;

  /// Removes the job's folder with everything in it; may take as long as there is much. Never
  /// fails; what cannot be removed is logged, and goes with the run folder.
  void remove_all(job_id id) const;

private:
  std::string folder_;
  owned_fd fd_;
};

} // namespace hactor
