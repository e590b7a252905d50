// How the spawner makes one process: everything that needs memory is prepared before vfork(), so
// that the child, which runs in its parent's memory, makes system calls only. Faster than fork by
// the page tables it does not copy, and able to do what posix_spawn cannot (death signal, limits,
// affinity, PATH of the job). Its error comes back through the shared memory.
// Requires a process with one thread.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/types.h>

#include "actors/spawner_protocol.hpp"

namespace hactor {

/// What every child of this supervisor gets, whatever its request says.
struct child_defaults {
  pid_t supervisor = 0;             ///< Our pid: a child whose parent is another must not start.
  int null_fd = -1;                 ///< /dev/null, open for reading and writing, above 2.
  std::vector<int> ignored_signals; ///< Signals that this process ignores and children must not.
  bool restore_open_files = false;  ///< Whether we have raised our own limit ...
  rlimit open_files{};              ///< ... from this, which children get back.
};

/// What became of a spawn: a pid, or a step and its errno.
struct spawn_outcome {
  pid_t pid = -1; ///< -1: failed, and no process is left.
  spawn_step step = spawn_step::fork;
  int errno_value = 0;
};

/// Starts processes; keeps its buffers from one to the next.
class child_starter {
public:
  explicit child_starter(child_defaults defaults) : defaults_(std::move(defaults)) {}

  /// Starts the process of `view` with the descriptors `fds`. Returns when it runs its program or
  /// has failed to. The spawn_view must not change meanwhile. `group`: of its job, which it joins
  /// if it is to; 0: it leads that of its job.
  spawn_outcome start(spawn_view& view, const std::vector<owned_fd>& fds, pid_t group = 0);

private:
  struct fd_move {
    int source;
    int target;
  };
  bool prepare_fds(const spawn_view& view, const std::vector<owned_fd>& fds);
  void prepare_paths(const spawn_view& view);
  bool prepare_cpus(const spawn_view& view);
  void prepare_oom(const spawn_view& view);

  [[noreturn]] void run_child(const spawn_view& view);
  [[noreturn]] void give_up(spawn_step step, int errno_value);
  void become_task(const spawn_view& view);
  bool enter_group(spawn_group group);
  void place_fds();
  void adjust_oom();
  void execute(const spawn_view& view);
  pid_t fork_child(const spawn_view& view);

  child_defaults defaults_;
  std::vector<fd_move> moves_;
  int highest_target_ = 2;
  std::string path_text_;
  std::vector<size_t> path_offsets_;
  std::vector<char*> shell_argv_; ///< For a script without "#!": sh, the path, the arguments.
  std::vector<unsigned long> cpu_mask_;
  pid_t group_ = 0;
  std::string oom_text_; ///< For oom_score_adj; empty: it stays.
  // Written by the child in our memory: volatile, since no path that returns here writes them.
  volatile spawn_step failed_step_ = spawn_step::fork;
  volatile int failed_errno_ = 0;
};

} // namespace hactor
