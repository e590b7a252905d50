// What a jobspec asks of its shell (doc/shell-options.md), judged when it is submitted: values that
// cannot be meant, and names that nobody knows. Plain values. Callers: ingest (spec_reader),
// changes of jobspecs (job_update), commands that submit. launch_plan reads the same for the shell.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "graph/jobspec.hpp"
#include "graph/request.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// Refuses options whose values cannot be meant. `request`: of the same jobspec. Errors:
/// ec::bad_jobspec, naming the option and what is right.
caf::error check_shell_options(const jobspec& spec, const resource_request& request);

/// What is to be said of an option that does nothing here, by its name with dots; "" of one that
/// does something: "no option of the shell; did you mean exit-on-error?".
std::string doubt_shell_option(std::string_view name);

} // namespace hactor
