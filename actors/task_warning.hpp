// How a task has ended, in the words that people see; and where these are among the warnings of a
// job_report, which brokers add up: shells write them, exec keeps the worst of a job, the job
// manager makes an exception that ends nothing of it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hactor {

/// Returns e.g. "task 2 (host n1): killed by signal 11 (Segmentation fault)".
std::string task_warning(uint32_t task, const std::string& host, int wait_status);

struct split_warning {
  std::string_view of_task; ///< With which they begin; "" when they begin with others.
  std::string_view others;  ///< Those begin with a host, and no host is called "task 2".
};
split_warning split_warnings(std::string_view warnings);

/// Adds the warnings of a part of a job: of those of tasks one is kept, at the front, the first or
/// that of the part whose status `is_worse`; of what was lost, all.
void add_warnings(std::string& sum, std::string_view part, bool is_worse);

} // namespace hactor
