// Files that a job carries in its jobspec (attributes.system.files, RFC 37), and that its shell
// makes again in the job's folder on each of its nodes before the first task: batch's script,
// --add-file. Callers: job_spec (checks), launch_plan, shell.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "runtime/error.hpp"
#include "runtime/json.hpp"

namespace hactor {

struct job_file {
  std::string path;  ///< Below the folder; without "." and "..".
  uint32_t mode = 0; ///< st_mode; a regular file, a folder or a symbolic link.
  std::string data;  ///< Content, or where the link leads.
};

/// Reads a map of paths to files, or a list of them. Errors: ec::bad_jobspec, naming the path.
caf::expected<std::vector<job_file>> read_job_files(const json& files);

/// Makes the files below `folder`. Requires: nobody else writes there. Errors: ec::exec_failed,
/// naming the file; what was made before stays.
caf::error write_job_files(const std::vector<job_file>& files, const std::string& folder);

} // namespace hactor
