// Files that a job carries in its jobspec (attributes.system.files, RFC 37), and that its shell
// makes again in the job's folder on each of its nodes before the first task: batch's script,
// --add-file. Callers: job_spec (checks), launch_plan, shell.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "runtime/error.hpp"
#include "runtime/json.hpp"
#include "store/archive.hpp"

namespace hactor {

/// Reads an archive whose content stands in it. Errors: ec::bad_jobspec, naming the path.
caf::expected<std::vector<archive_file>> read_job_files(const json& files);

/// Makes the files below `folder`. Errors: ec::exec_failed, naming the file; what was made before
/// stays.
caf::error write_job_files(const std::vector<archive_file>& files, const std::string& folder);

} // namespace hactor
