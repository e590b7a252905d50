// The environment that a job is submitted with: this process's own, less what launchers left in
// it, changed by --env rules.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"

namespace hactor::workflow {

using environment_map = std::map<std::string, std::string>;

/// Reads NAME=VALUE strings, as in environ; entries without '=' are left out.
environment_map read_environment(const char* const* entries);

/// Applies rules in order to `own` less its launcher variables:
///   VAR=VAL    sets; $VAR and ${VAR} in VAL are replaced, $$ is a dollar sign
///   VAR        takes it from `own`, launcher variables too, if it is not set yet
///   PATTERN    the same for all that match (glob, or a regular expression between slashes), but
///              launcher variables
///   -PATTERN   removes all that match
///   +PATTERN   takes all that match from `own`, launcher variables too
///   ^FILE      reads rules from a file, one a line; '#' begins a comment line
/// What hactor sets for each task itself is refused as VAR=VAL and otherwise left out.
/// Errors: ec::bad_argument naming the rule (an empty name, an unreadable file, a bad expression).
caf::expected<environment_map> job_environment(const environment_map& own,
                                               const std::vector<std::string>& rules);

/// The launcher variables that the rules let in: the job must name them (env_allow_option).
std::vector<std::string> allowed_names(const environment_map& variables);

} // namespace hactor::workflow
