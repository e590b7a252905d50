// The small log of jobs that an instance leaves behind when nobody has asked for a state directory:
// a file of JSON lines in the user's own folder, the latest end first, each line a job as 'hactor
// job list' prints it, and at the end a line that says what is not in it. What --dump and 'hactor
// job list' write is read likewise (tools/job_log_reader.hpp). Callers: hactor-start at its end,
// 'hactor jobs --from last'.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "actors/job_spec.hpp"
#include "store/journal.hpp"

namespace hactor {

/// Jobs of one log: it has 60 MB at most, and is written within some seconds.
inline constexpr size_t job_log_jobs_max = 100'000;

/// hactor/jobs in XDG_STATE_HOME, or in ~/.local/state; "": neither is known.
std::string job_log_folder();

/// Of the log of an instance that ends now: names are in the order of the ends.
std::string job_log_name(int64_t now_ns, const std::string& instance);

/// Writes the ended jobs of `store` to FOLDER/NAME.jsonl, the `jobs_max` that ended last; removes
/// all but the `keep` logs of the folder whose names come last, and what those who were killed left
/// half done. Other files of the folder stay. Makes the folder, for its owner alone. Returns the
/// path, "" when there was no job. Memory: that of one job. Requires: keep is at least 1, a name of
/// job_log_name. Errors: ec::store_failed, ec::system_failed (names the path).
caf::expected<std::string> write_job_log(const journal& store, spec_cache& specs,
                                         const std::string& folder, const std::string& name,
                                         size_t keep, size_t jobs_max = job_log_jobs_max);

/// The log of the folder whose name comes last. Errors: ec::unknown_key (there is none).
caf::expected<std::string> last_job_log(const std::string& folder);

} // namespace hactor
