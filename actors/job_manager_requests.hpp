// What clients and ingest ask of the job manager, one function a request; called by its behaviour.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "actors/job_manager.hpp"

namespace hactor {

caf::result<submit_reply> accept_jobs(job_manager_state& st, accept_request& r);
caf::result<count_reply> raise_on_jobs(job_manager_state& st, const raise_request& r);
caf::result<count_reply> kill_jobs(job_manager_state& st, const kill_request& r);
caf::result<count_reply> add_memo(job_manager_state& st, const memo_request& r);
caf::result<count_reply> update_jobs(job_manager_state& st, const update_request& r);
caf::result<count_reply> set_urgency(job_manager_state& st, const urgency_request& r);
caf::result<list_reply> list_jobs(job_manager_state& st, const list_request& r);
caf::result<job_reply> show_job(job_manager_state& st, const job_request& r);
caf::result<follow_reply> follow_jobs(job_manager_state& st, follow_request r);
caf::result<reap_reply> reap_jobs(job_manager_state& st, const reap_request& r);
caf::result<count_reply> purge_jobs(job_manager_state& st, purge_request& r);
caf::result<job_waits_reply> tell_waits(job_manager_state& st, const job_waits_request& r);
caf::result<done> drain_jobs(job_manager_state& st);
void unfollow_job(job_manager_state& st, const unfollow& u);

} // namespace hactor
