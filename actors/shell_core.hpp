// The tasks of one job on one node: what each is started with, and when all have started or ended.
// Called by actors/shell.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/binding.hpp"
#include "actors/launch_plan.hpp"
#include "actors/messages.hpp"
#include "actors/mpi_world.hpp"

namespace hactor {

/// One task of this node.
struct shell_task {
  uint32_t task_rank = 0; // in the job
  uint32_t local_id = 0;  // on its node of R
  uint32_t entry = 0;     // of the jobspec's tasks
  uint32_t node = 0;      // entry of R
  std::vector<std::string> argv;
  std::string variables; // "K=V\0": the plan's and the task's own
  idset cpus;            // OS numbers; empty: not bound
  std::vector<std::string> patterns{}; // of output, error, input; empty: the plan's
  std::string note{};    // a line about where it runs, when that was asked
};

/// The file of -O hwloc.xmlfile, in the job's folder.
inline constexpr auto topology_name = "hwloc.xml";

/// What this node runs of a job.
struct shell_work {
  std::vector<shell_task> tasks;
  uint32_t size = 0;            // tasks of the whole job
  std::vector<mpi_world> worlds; // of the whole job; empty when its tasks do not meet
  std::vector<uint32_t> places;  // by task rank: its host, counted from 0; empty without PMI-1
  std::vector<rank_t> brokers;   // by task rank; empty without PMIx when there is one world
  bool pmix = false;
  std::string cwd;
  std::string variables; // with which those of each task begin
  template_values names; // for output files; task and node are set per task
  std::string beside;    // what coprocesses and stage-in see; empty when there is none
};

/// What of PMIx is the same for all jobs of this rank.
struct pmix_place {
  std::string spaces;                              // what the names of all jobs begin with
  std::shared_ptr<const std::vector<std::string>> hosts; // by broker
};

/// Where a job runs, as the shell sees it.
struct shell_place {
  std::string uri;         // HACTOR_URI for the tasks
  std::string tmpdir;      // HACTOR_JOB_TMPDIR
  uint32_t instance_level = 0;
  std::string instance{}; // path of the nested instance whose job it is; "": the outermost
  int64_t now_ns = 0;     // wall clock, for the end of a time limit
  std::shared_ptr<const machine_cpus> machine{}; // null: resources are pretended
  idset within{}; // CPUs that the instance of the job may use here; empty: all
  uint32_t brokers = 1; // of the instance
  std::optional<pmix_place> pmix{};              // nothing: this hactor was built without it
};

/// Lays out the tasks that the entries of R (by index) run. Errors: as layout() and bind_tasks().
caf::expected<shell_work> plan_shell(const launch_plan& plan, const launch_item& item,
                                     const std::vector<uint32_t>& entries,
                                     const shell_place& place);

/// What PMIx calls a world of the job. Whoever knows it may take part in it, so it is not to be
/// guessed.
std::string pmix_space(const pmix_place& place, job_id id, const mpi_world& world);

/// What the tasks of a world may ask about it. Requires: the work has PMIx.
pmix_job describe_pmix(const shell_work& work, const mpi_world& world, const shell_place& place,
                       job_id id);

/// Adds where the tasks find their PMIx server.
void set_pmix_server(shell_work& work, uint16_t port);

/// Counts starts and ends.
class shell_core {
public:
  explicit shell_core(job_id id = {}, uint32_t tasks = 0) : tasks_{tasks} { report_.id = id; }

  void on_started() { ++started_; }
  /// Errors of errno: ENOENT of the command is 127, other failures 126 (POSIX shells); 0 when
  /// `what` says all. `why`: what is said in place of the error's own text; "": nothing is.
  void on_failed(const std::string& host, const std::string& what, int error, bool of_command,
                 const std::string& why = {});
  void on_exited(int wait_status, const usage& used);
  /// Keeps how the first task of this node has ended, and of those that were not to end so the
  /// first and the first with the greatest wait status.
  void note_end(std::string how, int wait_status, bool is_bad);
  /// The shell runs, and its tasks are to be started.
  void on_init(int64_t now_ns) { report_.init_ns = now_ns; }
  /// When and how a task has ended; the first is kept.
  void note_exit(const task_end& e) {
    if (report_.first_exit.t_ns == 0)
      report_.first_exit = e;
  }
  const std::string& first_end() const { return first_end_; }
  /// The greatest wait status of the tasks that have ended, or that of why it cannot go on.
  int32_t status() const { return report_.status; }
  /// The job cannot go on; `wait_status` is its end.
  void on_broken(const std::string& host, const std::string& what, int wait_status);
  /// The same, but for how tasks have ended by themselves, if that is as bad. Requires: none was
  /// told to end.
  void break_off(const std::string& host, std::string what, int wait_status);
  /// Tasks that have not started never will.
  void abandon() { started_ = ended_ = tasks_; }
  void add_output(rank_t rank, uint64_t address) { report_.outputs.emplace_back(rank, address); }
  void on_lost(const std::string& host, const std::string& what) {
    report_.warning += (report_.warning.empty() ? "" : "; ") + host + ": " + what;
  }

  bool all_started() const { return started_ == tasks_; }
  bool all_ended() const { return ended_ == tasks_; }
  /// What exec is to be told now.
  job_report report(bool ended) const;

private:
  uint32_t tasks_;
  uint32_t started_ = 0;
  uint32_t ended_ = 0;
  std::string first_end_; // "task 2 (host n1): exited with 3"
  std::string first_bad_; // likewise
  std::string worst_end_; // likewise
  int worst_status_ = 0;  // of this one
  job_report report_;
};

} // namespace hactor
