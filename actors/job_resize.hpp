// Jobs whose instances get more nodes or give some back: what the job manager's actor does about
// it. The parent's scheduler is asked for room as for a job, the instance is told by way of the
// exec that leads the job.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "actors/job_manager.hpp"

namespace hactor {

caf::result<resize_reply> resize_job(job_manager_state& st, const resize_request& r);

} // namespace hactor
