// Whose input an attachment to a job that somebody else may have made is, and whether it is a
// person's at a terminal of the job's. Caller: job attach.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "tools/attach.hpp"

namespace hactor::tools {

/// What of --stdin-ranks can be said without an instance. Errors: ec::bad_argument.
caf::error read_input_tasks(const parsed_options& options, attach_settings& settings);

/// Sets what depends on the job: input goes to a job that takes some when ours is a pipe or a file,
/// and the keys of our terminal to one that has a terminal, unless --read-only is given.
/// Errors: ec::bad_argument when the job has not the tasks of --stdin-ranks.
caf::error choose_input(const parsed_options& options, client& broker, const std::string& id,
                        attach_settings& settings);

} // namespace hactor::tools
