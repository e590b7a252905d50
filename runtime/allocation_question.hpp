// Until when the batch system around an instance lets it run: what is asked, and what the answer
// means. Pure; mpi-boot/allocation asks.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/launcher.hpp"

namespace hactor {

enum class batch_kind : uint8_t { slurm, pbs, lsf, flux };

struct allocation_question {
  batch_kind kind = batch_kind::slurm;
  std::string variable; ///< That shows the allocation, e.g. "PBS_JOBID=12.server".
  std::vector<std::string> command;
  std::string setting; ///< A variable that the command must have, "NAME=VALUE"; "": none.

  /// How far two answers may lie apart though the end is the same, in seconds: all but
  /// Slurm tell what is left, LSF in minutes.
  int64_t grain_s() const;
};

/// What to ask in the allocation that the environment shows: `squeue` of Slurm, where
/// SLURM_JOB_END_TIME says that there is an end; `qstat -f` in a job of PBS or Torque, `bjobs` of
/// LSF, `flux job timeleft` of Flux. Nothing: there is none of these.
std::optional<allocation_question> find_allocation_question(const environment& env);

/// When the allocation ends by that answer, in seconds since the epoch; 0: it has no end. None: it
/// does not say, or says a time that has passed.
std::optional<int64_t> read_allocation_end(batch_kind kind, std::string_view answer, int64_t now_s);

/// The same by PBS_WALLTIME (Torque), where qstat does not tell; 0: that is not there either.
/// `began_s`: of the job's session.
int64_t allocation_end_of_walltime(const environment& env, int64_t began_s, int64_t now_s);

} // namespace hactor
