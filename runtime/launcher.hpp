// Which launcher started this process, and which MPI module serves it. Answered from the
// environment before anything of MPI runs, so that a rank of a launcher that hactor was not built
// for is an error that says so, and never one of N silent instances of size 1.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"

namespace hactor {

/// Reads one environment variable; nullptr when it is not set. Tests bring their own.
using environment = std::function<const char*(const char* name)>;

/// What the environment says about how this process was started.
struct launch {
  std::string module;   ///< The MPI module that is needed, e.g. "mpich"; "" for none.
  std::string variable; ///< The variable that gave it away, e.g. "PMI_RANK"; "" for none.
  std::string value;    ///< The value of that variable.
  uint32_t rank = 0;    ///< As far as the environment tells; MPI has the last word.
  uint32_t size = 1;    ///< 0: a launcher, but it does not tell how many ranks.
};

/// Finds the launcher. `forced` is the user's choice: "" to look, "none" for size 1 in any case, or
/// the name of a module. Errors: ec::launcher_missing (the marks of a launcher without any PMI that
/// a module could use), ec::bad_argument (a mark that is not a number).
caf::expected<launch> detect_launch(const environment& env, std::string_view forced = {});

/// Checks that the ranks that the module has met are as many as the launcher started. Errors:
/// ec::launcher_missing, naming both: each of them would be an instance of its own, unnoticed.
caf::error check_met(const launch& how, uint32_t met);

/// When the allocation around us ends (SLURM_JOB_END_TIME), in seconds since the epoch; 0: never,
/// or it is not known. What is no number, or has passed (an old environment), is not believed.
int64_t allocation_end_s(const environment& env, int64_t now_s);

/// The job of another resource manager in which this process runs: "slurm:ID" (SLURM_JOB_ID),
/// "lsf:ID" (LSB_JOBID) or "pbs:ID" (PBS_JOBID, without its server); "": none is known.
std::string allocation_job(const environment& env);

/// Folders in which modules are looked for, in this order: beside the program (../lib/hactor, as
/// installed and as built), then `installed`. `program` is the path of the running program.
std::vector<std::string> module_folders(std::string_view program, std::string_view installed = {});

/// The path of a module: the first folder that has hactor_mpi_<name>.so. Errors:
/// ec::launcher_missing, naming the variable, the module and the folders.
caf::expected<std::string> find_module(const launch& how, const std::vector<std::string>& folders);

/// The path of the running program (/proc/self/exe), "" when it cannot be read.
std::string own_program();

} // namespace hactor
