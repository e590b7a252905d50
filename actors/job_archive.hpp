// Jobs out of a journal: what its records say of ended jobs, and its log of those that had not
// ended. Callers: the archive, the restart, 'hactor jobs --from'.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "actors/job_constraint.hpp"
#include "actors/job_manager_core.hpp"
#include "actors/job_spec.hpp"
#include "store/journal.hpp"

namespace hactor {

/// The job_spec of a stored jobspec. Errors: ec::unknown_key, ec::store_corrupt.
caf::expected<job_spec_ptr> load_spec(const journal& store, spec_cache& specs,
                                      const spec_hash& hash);

/// Puts the jobs that have not ended into `core`, as they were. Logs what is damaged.
/// Errors: ec::store_failed, ec::store_corrupt.
caf::error restore_active(const journal& store, spec_cache& specs, job_manager_core& core);

/// What is known of all jobs of a journal without reading any whole.
struct stored_jobs {
  uint64_t last_id_ms = 0; // the latest fluid_ms among them
  std::map<job_result, uint64_t> ended;
};
/// Errors: ec::store_failed. O(jobs).
caf::expected<stored_jobs> count_stored(const journal& store);

/// The same as restore_active for a restart: a core of its own, which counts those that have ended.
/// These are labelled (label_ended) if an older hactor has written them. Errors: of both.
caf::expected<std::shared_ptr<job_manager_core>> restore_jobs(journal& store, spec_cache& specs,
                                                              const stored_jobs& stored);

/// What a record of an ended job says.
struct folded_record {
  job_fold fold;
  rset resources;
  job_report end;
};
folded_record fold_record(const job_record& record);

/// Ended jobs that match, latest end first. Errors: ec::unknown_job (an id without a record),
/// ec::store_failed; as read_constraint; ec::too_big: the constraint compared too often. What is
/// wrong with one of many ids is said of it alone when the request skips what is unknown.
caf::expected<list_reply> list_ended(const journal& store, spec_cache& specs,
                                     const list_request& request);

/// Ended jobs of a name. O(those, and arrays of that name). Errors: ec::store_failed.
caf::expected<named_reply> find_named(const journal& store, spec_cache& specs,
                                      const named_request& request);
array_reply find_array(const journal& store, spec_cache& specs, const array_request& request);

/// Labels the ended jobs of a journal that an older hactor has written, once: find_named knows them
/// by that. O(ended jobs). Errors: as journal::commit.
caf::error label_ended(journal& store, spec_cache& specs);

/// All of an ended job. Errors: ec::unknown_job, ec::store_failed, ec::store_corrupt.
caf::expected<job_reply> whole_ended(const journal& store, spec_cache& specs, job_id id);

/// All that has happened to ended jobs, one by one; a job that cannot be read has the error.
follow_reply tell_ended(const journal& store, spec_cache& specs, const follow_request& request);

/// The jobs of an instance that is gone, in the order of a listing. Those that had not ended are
/// shown as its log leaves them. Errors: as list_ended.
caf::expected<std::vector<job_summary>> list_stored(const journal& store, spec_cache& specs,
                                                    const list_request& request);

} // namespace hactor
