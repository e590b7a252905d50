// Jobs as a client sends them: job_spec to the text of a submission (doc/client-protocol.md). The
// jobs of an ensemble differ in their commands only, so what one has in common with the one before
// is not made again. Caller: instance.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/error.hpp"
#include "workflow/environment.hpp"
#include "workflow/workflow.hpp"

namespace hactor::workflow {

class job_writer {
public:
  /// What jobs inherit: this process's environment and folder.
  job_writer(environment_map own, std::string cwd) : own_{std::move(own)}, cwd_{std::move(cwd)} {}

  /// Appends a member of the list `jobs` of a submit request. Errors: ec::bad_argument, saying what
  /// of the job is wrong and what would be right; `out` is then not to be used.
  caf::error append(std::string& out, const job_spec& job);

private:
  caf::error prepare(const job_spec& job);
  struct written_environment {
    std::string text;
    std::vector<std::string> allowed; // of launchers, and yet for the tasks
  };
  caf::expected<written_environment> environment_text(const std::vector<std::string>& rules,
                                                      uint64_t cores_per_task);

  environment_map own_;
  std::string cwd_;
  /// By their rules, and the cores of each task.
  std::map<std::pair<std::vector<std::string>, uint64_t>, written_environment> environments_;
  job_spec like_;      // the last job without its command ...
  std::string before_; // ... and the text on both sides of the command
  std::string behind_;
};

} // namespace hactor::workflow
