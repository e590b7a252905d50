// Jobs out of a file of JSON lines: the log that an instance has left (actors/job_log.hpp), or what
// --dump and 'hactor job list' have written.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "actors/messages.hpp"
#include "runtime/json.hpp"

namespace hactor::tools {

struct job_log {
  json jobs = json::array(); // as they are in the file, in its order
  std::string left_out;      // what is not in the file, as a sentence; "": nothing
};

/// The jobs of a file that a request means. Memory: that of those. Errors: ec::system_failed,
/// ec::bad_json (names the line), ec::unknown_job (an id that is not there); as read_constraint;
/// ec::too_big (the constraint compared too often).
caf::expected<job_log> read_job_log(const std::string& path, const list_request& request);

} // namespace hactor::tools
