// Who ends when jobs use more of a node's memory than they may: a limit is that of a job, and, when
// the job holds an instance, of all that runs in it, to any depth. Of one rank; plain C++. Caller:
// actors/memory_guard.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hactor {

/// What the tasks of one job use here.
struct memory_use {
  std::string path;            // "A/B/C": job C, in the instance that B holds in that of A
  std::vector<int64_t> limits; // bytes, of A, A/B and A/B/C; 0: none
  int64_t bytes = 0;
};

/// A job that has to end.
struct memory_excess {
  size_t job = 0;    // its place among those that were given
  std::string whose; // path of the job whose limit it is: its own, or one around it
  int64_t used = 0;  // of that limit, by the job and all others that it binds
  int64_t limit = 0;
};

/// Innermost limits first. Where one is exceeded by the tasks of its job alone, such as the script
/// of an instance, that job ends, and with it what is in it. Else the job within whose tasks use
/// most, of equals the last, then the next, until the rest is within the limit. Each job at most
/// once. O(jobs x depth x (1 + those that end)).
std::vector<memory_excess> find_excess(const std::vector<memory_use>& jobs);

/// What its exception says: how much was used, and what is allowed.
std::string excess_text(const memory_use& job, const memory_excess& e);

} // namespace hactor
