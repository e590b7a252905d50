// Output files that several jobs of one submission share: their name names neither the job nor its
// index. Such a file is emptied once, at the submit, and all of them append to it. Caller: ingest.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/json.hpp"

namespace hactor {

/// Has the jobs of a canonical jobspec append to the files that they share. `name`: of the jobs.
/// Returns the names of the files that are to be emptied: those that are known before the jobs
/// start, with a whole path; what names a task or a node is not. Nothing when no file is shared,
/// or what is in the files is to stay anyhow.
std::optional<std::vector<std::string>> share_output(json& jobspec, const std::string& name);

} // namespace hactor
