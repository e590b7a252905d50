// Dependencies that say which jobs they mean by a name, by copies of a job, or by the names of jobs
// that are submitted with them: what becomes of them, ids. Pure values. Callers:
// job_manager_requests, when jobs are taken in.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/job_manager_core.hpp"

namespace hactor {

using found_job = job_manager_core::found_job;

/// So many jobs may be meant by the dependencies of one jobspec.
inline constexpr size_t references_max = 10'000;

/// Those that a name stands for: the jobs of this name that have not ended, and what was submitted
/// together with them or after; when all have ended, what was submitted last. Of the copies among
/// them those that `wanted` names.
std::vector<job_id> choose_named(const std::vector<found_job>& all, const job_reference& wanted);

/// Those copies of `one` among `all` that `wanted` names.
std::vector<job_id> choose_copies(const std::vector<found_job>& all, const found_job& one,
                                  const job_reference& wanted);

/// The jobspec with these ids in the place of the words of its dependencies: `jobs_of` tells them,
/// or null for words that stay. An entry of several jobs becomes one for each, and keeps its words
/// as "of". Errors: ec::too_big.
caf::expected<job_spec>
resolve(const job_spec& spec,
        const std::function<const std::vector<job_id>*(const std::string& words)>& jobs_of);

/// An order of jobs in which each stands behind those that it waits for, `waits_for[i]` being the
/// places of these; else as it was. Errors: ec::bad_jobspec: some wait for each other; the sentence
/// names them by `name_of`.
caf::expected<std::vector<size_t>>
order_by_waits(const std::vector<std::vector<size_t>>& waits_for,
               const std::function<std::string(size_t)>& name_of);

/// The same for jobs of which some stay side by side, as the ids of an array do: `arrays[i]` is the
/// place of the first of those that `i` stands with, itself for others. Each array waits as a
/// whole, and within it jobs wait for those before them. Errors: ec::bad_jobspec.
caf::expected<std::vector<size_t>>
order_by_waits(const std::vector<std::vector<size_t>>& waits_for, const std::vector<size_t>& arrays,
               const std::function<std::string(size_t)>& name_of);

} // namespace hactor
