// The option stage-in of a job's shell: archives (hactor archive) whose files each of its nodes
// gets before the first task. How it is asked for, and which command does it. Called by
// launch_plan.cpp and staging.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/error.hpp"
#include "runtime/json.hpp"

namespace hactor {

struct stage_in {
  std::string names = "main"; // of archives, joined by commas
  std::string pattern;        // which of their files; "": all
  std::string folder;         // "": the job's own (HACTOR_JOB_TMPDIR)
  bool once = false;          // it is the same on all nodes: the first puts the files there
};

/// Nothing when the job does not ask for it. Errors: ec::bad_jobspec, naming the option.
caf::expected<std::optional<stage_in>> read_stage_in(const json& options);

/// The names of its keys, with "stage-in." before them.
std::vector<std::string_view> stage_in_options();

/// The command that puts the files there. What is there already it leaves as it is: an earlier
/// attempt of the job may have put it there, or it is the user's own.
std::vector<std::string> stage_in_command(const stage_in& wanted, const std::string& program,
                                          const std::string& tmpdir, bool verbose);

/// Why it has failed, from what it has said in its standard error and how it has ended.
std::string stage_in_failure(std::string_view said, const std::string& how);

} // namespace hactor
