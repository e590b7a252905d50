// SHELL: the actor around shell_core, one per job per node while it runs. It hands its tasks to the
// task host, passes their output on to OUTPUT (or to the user's file), and sees to it that a job
// that is to end does end: the signal, a grace, SIGKILL.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/descriptor_room.hpp"
#include "actors/exec_core.hpp"
#include "actors/interfaces.hpp"
#include "actors/job_folders.hpp"
#include "actors/mpi_meeting.hpp"
#include "actors/mpi_worlds.hpp"
#include "actors/output_files.hpp"
#include "actors/pmix_host.hpp"
#include "actors/shell_core.hpp"
#include "actors/shell_plugins.hpp"
#include "actors/task_host.hpp"
#include "runtime/limits.hpp"

namespace hactor {

/// What all shells of a rank share.
struct shell_context {
  rank_t rank = 0;
  std::string host;
  shell_place place;
  double kill_timeout_s = limits::kill_timeout_s;
  int kills_max = 8;   // of wait_for_kill; then a job's processes count as unkillable
  int64_t output_limit = -1; // bytes of a captured stream whose job says nothing; < 0: none
  broker_actor broker; // knows the way to the resources, for a node with such processes
  double stage_in_timeout_s = 30 * 60; // for a node to have its files; 0: for ever
  double mpi_patience_s = 60; // until it is told which ranks have not come to MPI_Init; 0: never
  std::chrono::nanoseconds release_delay = std::chrono::seconds{1}; // of exec_core
  std::shared_ptr<task_host> tasks;
  std::shared_ptr<descriptor_room> room; // for their descriptors
  std::chrono::nanoseconds room_look = std::chrono::milliseconds{500}; // between looks for it
  std::shared_ptr<output_gate> gate;
  output_actor output;
  memory_guard_actor memory;
  std::shared_ptr<job_folders> folders;
  std::shared_ptr<pmix_host> pmix; // null: this hactor was built without it
  plugin_place plugins;
  std::string program; // hactor; "": it is not beside us
};

/// A program beside the tasks: a coprocess, or a client's command.
struct shell_helper {
  uint64_t token = 0;     // of the task host
  std::string name;       // of a coprocess; "": it is a command
  caf::actor_addr client; // whose command it is, and which
  uint64_t tag = 0;
  std::chrono::nanoseconds patience{}; // from SIGTERM to SIGKILL
  int64_t kill_ns = 0;                 // steady clock; 0: the tasks have not ended
};

/// What was seen of the tasks so far (-O sysmon).
struct shell_looks {
  int64_t began_ns = 0, last_ns = 0;
  int64_t last_cpu_us = 0;
  int64_t peak_bytes = 0;
};

/// Files that are put there before the job begins (-O stage-in).
struct shell_staging {
  uint64_t token = 0;            // of the task host; 0: the process has ended
  std::string said{};            // by it
  bool waits_for_others = false; // whose files are not all there yet
  int64_t began_ns = 0;          // steady clock, as what follows
  int64_t deadline_ns = 0;       // of the process; 0: none
  int64_t look_ns = 0;           // when that is looked at next; 0: never again
};

struct shell_state {
  static inline const char* name = "shell";
  using pointer = shell_actor::stateful_pointer<shell_state>;

  std::shared_ptr<const shell_context> context;
  exec_actor exec;
  job_id id;
  std::string instance; // path of its instance
  std::vector<int64_t> memory_limits; // of memory_member; empty: nobody need watch
  launch_plan_ptr plan;
  launch_order order;                 // once the tasks are started, or never will be
  std::vector<uint32_t> entries_of_r; // that are this broker's; likewise
  std::unique_ptr<shell_staging> staging; // null: nothing is waited for
  std::unique_ptr<shell_plugins> plugins; // null: the job has none here
  // Until its files are there, plugins have prepared it, and there is room.
  std::optional<shell_unbegun> unbegun;
  std::unique_ptr<descriptor_room::share> room; // null: was not asked for yet, or is given back
  int64_t room_look_ns = 0; // when it is looked for next; steady clock; 0: by others
  shell_core core;
  std::vector<uint64_t> tokens; // of the task host, by local task; 0: did not start or has ended
  std::vector<pid_t> pids;      // by local task; 0: has not started
  std::vector<uint32_t> ranks;  // task rank by local task
  std::vector<uint32_t> entries; // of the jobspec's tasks, by local task
  std::vector<std::string> programs; // likewise, where their names are made of templates
  output_files files;
  std::map<std::pair<uint32_t, int>, std::string> labelled; // by task rank and stream: its file
  std::set<std::string> complained;                         // files that could not be written
  std::optional<job_folders::slot> folder;                  // HACTOR_JOB_TMPDIR
  int64_t output_limit = -1;       // bytes of each captured stream; < 0: none
  int64_t captured[2] = {0, 0};    // of standard output and error so far
  int64_t input_bytes = 0;         // that were sent to the job so far
  bool input_over = false;         // more than input.limit
  size_t input_kept = 0;           // bytes of it for guest.input; more than its limit: it was cut
  std::vector<output_append> held; // waits for output.batch-timeout
  size_t held_bytes = 0;
  bool held_armed = false;
  std::map<uint32_t, shell_helper> helpers; // by numbers beyond those of the tasks
  uint32_t helpers_made = 0;
  bool ending_helpers = false;
  std::unique_ptr<shell_looks> looks;
  uint32_t size = 0;            // tasks of the whole job
  int64_t exit_deadline_ns = 0; // steady clock, of tasks that others have left; 0: none
  int64_t exit_look_ns = 0;     // when it is looked at next; 0: never again
  uint64_t signals_sent = 0;    // to the tasks, by their numbers
  bool wrote = false;      // OUTPUT has bytes of ours
  bool told_start = false;
  bool spread = false; // others of the job are elsewhere: exec is to know when all here ended
  bool told_exit = false, told_exits = false; // that the first has; all
  int32_t told_status = 0;                    // and with which wait status
  bool sealing = false;    // OUTPUT was asked to end our output, which may wait for a full disk
  bool cancelled = false;  // by a person, not by its time limit: what waits may be given up
  bool killed = false;     // ... who has no more patience
  bool leaving = false;    // processes that do not die, as soon as the node is drained
  mpi_worlds worlds; // of the tasks that may be MPI programs
  std::vector<mpi_meeting> meetings; // of these
  int terminating = 0;     // steps of the way to SIGKILL taken so far
  int64_t kill_look_ns = 0; // when the next is due; steady clock
};

shell_actor::behavior_type shell(shell_state::pointer self,
                                 std::shared_ptr<const shell_context> context, exec_actor exec,
                                 launch_order order, std::vector<uint32_t> entries);

} // namespace hactor
