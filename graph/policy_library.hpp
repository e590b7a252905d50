// Policies that a user has written: shared libraries with the entry point of policy.h. They stay
// loaded until the process ends. Callers: whoever is given a policy's name that is a path.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "graph/match_policy.hpp"
#include "graph/policy.h"
#include "runtime/error.hpp"

namespace hactor {

/// True when a policy's name is meant as the path of a library: it has a slash.
inline bool is_policy_path(std::string_view name) {
  return name.find('/') != std::string_view::npos;
}

/// Loads it, or finds it loaded. Errors: ec::bad_argument, naming the file and what is wrong with
/// it (cut off, cannot be loaded, no entry point, another version, or it threw).
caf::expected<const hactor_policy_set*> load_policies(const std::string& path);

/// The match policy of a library, or one of hactor's own by its name (match_policy.hpp). Errors:
/// as load_policies and make_match_policy; ec::bad_argument when the library has none.
caf::expected<std::shared_ptr<const match_policy>> choose_match_policy(const std::string& name);

/// For a log: what a library has thrown. Requires: called in a handler.
std::string what_was_thrown();

} // namespace hactor
