// The ends of jobs that were submitted just now: --wait, --watch, --progress and --jps of submit
// and bulksubmit.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "tools/session.hpp"

namespace hactor::tools {

/// What a progress line says; all that it needs, so that it can be tested.
struct progress_facts {
  size_t total = 0, ended = 0, failed = 0;
  double seconds = 0; ///< Since the first job was waited for.
  size_t width = 80;  ///< Columns of the terminal.
};

/// "CD:80 F:4 of 100 [=======>  ] 84% 123.4 jobs/s ETA 2m", no wider than the terminal.
std::string progress_line(const progress_facts& facts);

struct end_settings {
  bool watch = false;    ///< Prints what the jobs write.
  bool label = false;    ///< With the task's number in front of each line.
  bool progress = false; ///< Shows the progress line, where there is a terminal.
  bool jps = false;      ///< Says at the end how many jobs ended each second.
  std::vector<std::string> labels{}; ///< What stands before the task's number, by job; none: "".
};

/// Waits for the ends of the jobs, and says which have failed. Returns the largest exit code.
/// Errors: the connection's.
caf::expected<int> wait_for_ends(const invocation& call, client& broker,
                                 const std::vector<std::string>& ids, const end_settings& how);

/// What is left of a call once its jobs are submitted: waits by --wait-event, --wait and --watch.
caf::expected<int> after_submit(const invocation& call, client& broker,
                                const std::vector<std::string>& ids);

} // namespace hactor::tools
