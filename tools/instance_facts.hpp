// What a listing says of the instance that a job holds: its jobs by state, how far it is, what of
// its resources is in use (the fields instance.* of flux-jobs(1)).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "tools/client.hpp"
#include "tools/columns.hpp"

namespace hactor::tools {

/// Jobs by state and by result, as `flux job stats` prints them, of the answer to "uptime".
json job_stats(const json& uptime);

/// {"stats": {"total": N, "pending": ..}, "progress": SHARE, "utilization": SHARE,
/// "gpu_utilization": SHARE, "resources": {"all": {"nnodes": N, "ncores": N, "ngpus": N}, ..}}; a
/// share of nothing is left out. Errors: the broker's; those of parse_rset.
caf::expected<json> instance_facts(client& broker);

/// Whether a table has a field of the instances that jobs hold, for which those are asked.
bool shows_instances(const table_format& format);

} // namespace hactor::tools
