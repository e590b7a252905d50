// The folders of jobs below this rank's run folder (HACTOR_JOB_TMPDIR): there before a job's first
// task, removed with all that is in them after its last. Making and removing one costs a disk's
// file system 200 us, a third of a short job; so one that its job has not touched goes to the next.
// Caller: shell.cpp, from several threads.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <time.h>

#include "actors/owned_fd.hpp"
#include "runtime/error.hpp"

namespace hactor {

class job_folders {
public:
  /// Makes and opens `folder`, below which they lie. Errors: ec::store_failed.
  static caf::expected<std::shared_ptr<job_folders>> open(const std::string& folder);

  /// A folder: empty, of mode 0700, nobody else's.
  struct slot {
    std::string path;
    std::string name;   // its last part
    timespec changed{}; // when it was made
  };

  /// Errors: ec::exec_failed, naming the folder and why.
  caf::expected<slot> take();

  /// Gives an untouched folder to the next job, and removes an empty one. False: there is something
  /// in it, remove_all() must follow.
  bool give_back(const slot& s);

  /// Removes the folder with everything in it; may take as long as there is much. Never fails; what
  /// cannot be removed is logged, and goes with the run folder.
  void remove_all(const slot& s) const;

private:
  bool is_untouched(const slot& s) const;

  std::string folder_;
  owned_fd fd_;
  std::mutex mutex_; // guards what follows
  std::vector<slot> free_;
  uint64_t last_ = 0;
};

} // namespace hactor
