// Keys of the key-value store: names joined by dots, "a.b.c"; "." is the root directory. Dots at
// the ends, and several in a row, count as none and as one.
// Callers: store/kvs*.cpp, tools/cmd_kvs*.cpp, actors/client_kvs.cpp, actors/kvs_core.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"
#include "runtime/ids.hpp"

namespace hactor {

/// The names of a key, none for the root. Errors: ec::bad_argument (empty, not UTF-8, a name or the
/// whole longer than limits of kvs_types.hpp).
caf::expected<std::vector<std::string>> parse_kvs_key(std::string_view key);

/// The key in its one form.
std::string join_kvs_key(const std::vector<std::string>& names);

/// Errors: ec::bad_argument, when no namespace can have this name.
caf::error check_kvs_space(std::string_view name);

/// The namespace of a job, which is made by the first that writes to it and goes with the job.
inline constexpr std::string_view kvs_job_space_prefix = "job-";
std::string kvs_space_of(job_id id);

} // namespace hactor
