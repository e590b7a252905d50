// Until when a batch system other than Slurm, which says it in the environment, lets us run: what
// is asked, and what the answer means. Pure; mpi-boot/batch_system asks.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/launcher.hpp"

namespace hactor {

enum class batch_kind : uint8_t { pbs, lsf, flux };

struct batch_question {
  batch_kind kind = batch_kind::pbs;
  std::string variable; ///< That shows the allocation, e.g. "PBS_JOBID=12.server".
  std::vector<std::string> command;
};

/// What to ask in the allocation that the environment shows: `qstat -f` in a job of PBS or Torque,
/// `bjobs` of LSF, `flux job timeleft` of Flux. Nothing: there is none of these.
std::optional<batch_question> find_batch_question(const environment& env);

/// When the allocation ends by that answer, in seconds since the epoch; 0: it does not say, or says
/// that it never does, or a time that has passed.
int64_t read_batch_end(batch_kind kind, std::string_view answer, int64_t now_s);

/// The same by PBS_WALLTIME (Torque), where qstat does not tell. `began_s`: of the job's session.
int64_t batch_end_of_walltime(const environment& env, int64_t began_s, int64_t now_s);

} // namespace hactor
