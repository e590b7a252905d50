// What a jobspec says about starting it: programs, environment, directory, standard streams,
// simulated execution. Made once per distinct jobspec on each rank that runs it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/job_files.hpp"
#include "actors/plugin_options.hpp"
#include "actors/spawner_protocol.hpp"
#include "actors/stage_in.hpp"
#include "actors/templates.hpp"
#include "graph/request.hpp"
#include "runtime/error.hpp"
#include "runtime/idset.hpp"
#include "runtime/json.hpp"

namespace hactor {

/// A program that runs beside the tasks of a node for as long as they do (-O coprocess).
struct coprocess {
  std::string name;
  std::vector<std::string> command; // with {{ }}
  std::string output;               // file template; "": the job's standard error
  std::optional<idset> nodes;       // of the job, by their place in R; none: all
};

/// What a job may use of a node's memory, by its shell's options.
struct memory_limits {
  int64_t node_bytes = 0; // 0: as much as it likes
  int64_t core_bytes = 0; // for each core that it has there; 0: likewise

  /// Where it has so many cores, in bytes: the lower of both limits; 0: as much as it likes.
  int64_t on(uint64_t cores) const {
    auto for_cores = core_bytes * static_cast<int64_t>(cores);
    return node_bytes > 0 && for_cores > 0 ? std::min(node_bytes, for_cores)
                                           : std::max(node_bytes, for_cores);
  }
};

struct launch_plan {
  std::string jobspec;     // the texts as they came, to be passed on
  std::string environment;
  std::vector<std::vector<std::string>> commands; // by entry of the jobspec's tasks
  std::string variables; // "K=V\0K=V\0", launcher variables removed
  std::string path;      // PATH of it
  std::string cwd;
  std::string name;
  std::string output, error, input; // file templates; "" : captured; input "": nothing
  bool input_attached = false; // stdin comes from whoever is attached; else it is empty
  std::optional<idset> input_tasks; // whose; none: of all
  bool terminal = false; // tasks have terminals of their own; their size at the start:
  uint16_t rows = 24, columns = 80;
  std::optional<idset> terminal_tasks = idset::range(0, 0); // whose; none: of all
  bool keep_terminal = true;  // what terminals showed is there for those who attach after the end
  bool append_output = false; // files keep what is in them
  int64_t output_limit = -1;  // bytes of each captured stream on a node; < 0: none
  int64_t input_limit = -1;   // bytes that whoever is attached may send; < 0: none
  double batch_timeout_s = 0; // captured output waits so long for more; 0: it does not
  std::vector<coprocess> coprocesses;
  double coprocess_kill_s = -1; // from SIGTERM to SIGKILL at their end; < 0: exec.kill_timeout
  double command_kill_s = 60;   // the same of commands within the job (hactor exec --jobid)
  double sysmon_s = 0;          // between looks at what the tasks use; 0: nobody asks
  bool sysmon_trace = false;    // each look is told of, not just what they come to
  bool own_groups = true;       // each task leads a process group
  double exit_timeout_s = 30;   // for the others once a task has ended; < 0: for ever
  double mpi_timeout_s = -1;    // for the others once a task has called MPI_Init; < 0: for ever
  std::vector<resource_limit> limits; // of each task; a soft limit above the hard one is cut to it
  memory_limits memory;               // that all tasks of a node may use
  int32_t oom_adjust = 0;             // oom_score_adj of the tasks; 0: the broker's
  bool hwloc_file = false;     // HWLOC_XMLFILE is a file with what this node has ...
  bool hwloc_restrict = false; // ... or rather with the job's part of it
  bool exit_on_error = false; // a task that fails ends the job
  bool stop_in_exec = false;  // tasks wait for SIGCONT, or a debugger, before their first step
  bool label = false;      // lines in files are preceded by their task
  bool unbuffered = false; // bytes are passed on at once, not by lines
  bool pmi = true;         // tasks of a job of several find each other by PMI-1 (MPICH)
  bool pmix = true;        // ... and by PMIx (Open MPI), where this hactor has it
  bool needs_pmix = false; // ... or the job fails
  bool world_each = false; // each program has an MPI_COMM_WORLD of its own
  bool verbose = false;    // where tasks run is printed
  bool has_cc = false;     // {cc} occurs somewhere in the jobspec or its environment
  bool has_tags = false;   // a command has {{ }} in it
  std::optional<stage_in> staging; // archives whose files are there before the tasks
  plugin_options plugins;  // to be loaded by its shells
  idset array;             // values of --cc, of which the job has one (job_spec.hpp)
  std::string compat;      // "slurm", "flux": tasks see the variables of that system too
  // Of a job that holds an instance: for so many tasks, as that system's variables have it; 0: as
  // many as it has slots.
  std::optional<uint32_t> compat_tasks;
  std::vector<archive_file> files; // that the job carries
  double simulated_s = -1; // < 0: real
  resource_request request;

  /// Do tasks of several nodes write one file, which the first node makes empty?
  bool shares_files() const;

  bool has_terminal(uint32_t task) const {
    return terminal && (!terminal_tasks || terminal_tasks->contains(task));
  }
};
using launch_plan_ptr = std::shared_ptr<const launch_plan>;

/// Errors: as parse_jobspec and compile_request; ec::bad_jobspec for bad options.
caf::expected<launch_plan_ptr> make_launch_plan(const std::string& jobspec,
                                                const std::string& environment);

/// Reads memory-limit and memory-limit-per-core. Errors: ec::bad_jobspec.
caf::expected<memory_limits> read_memory_limits(const json& shell_options);

/// Keeps the plans of the jobspecs in use. Not thread-safe.
class launch_plans {
public:
  caf::expected<launch_plan_ptr> get(const std::string& jobspec, const std::string& environment);

private:
  std::unordered_map<std::string, std::weak_ptr<const launch_plan>> plans_; // by jobspec
  std::vector<launch_plan_ptr> recent_; // kept although no job of theirs runs just now
  size_t next_recent_ = 0;
};

/// True for variables of launchers and of hactor itself, which must not reach a job
/// (doc/architecture.md, "What a task sees").
bool is_launcher_variable(std::string_view name);

} // namespace hactor
