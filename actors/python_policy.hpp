// Queue policies that a user has written in Python: a file instead of a library. The broker itself
// knows no Python; it loads the module that does when the first such policy is named. Caller:
// make_queue_policy.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "actors/python_order.hpp"
#include "runtime/error.hpp"

namespace hactor {

inline bool is_python_path(std::string_view path) { return path.ends_with(".py"); }

/// Runs the file anew each time. Errors: ec::bad_argument, naming the file and what is wrong with
/// it, with its line; that hactor was built without Python.
caf::expected<std::shared_ptr<python_order>> load_python_order(const std::string& path);

} // namespace hactor
