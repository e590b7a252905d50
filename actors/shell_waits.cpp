// What a job waits for on one node, as its shell knows it. A part of shell.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/shell_waits.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "actors/job_waits.hpp"
#include "actors/kill_steps.hpp"
#include "actors/shell_helpers.hpp"
#include "actors/stalled_process.hpp"
#include "runtime/clock.hpp"

namespace hactor {

namespace {

/// Processes that are named because they do not go on.
constexpr size_t stalled_max = 8;

class shell_waits {
public:
  explicit shell_waits(const shell_state& st) : st_{st}, now_ns_{steady_ns()} {}

  job_waits_reply tell() {
    if (st_.core.all_ended())
      tell_end();
    else if (st_.staging && st_.staging->waits_for_others)
      add("the other nodes to have their files (stage-in)");
    else if (st_.staging)
      add("its files to be put there (stage-in)", {}, st_.staging->deadline_ns, "the job fails");
    else if (st_.unbegun && st_.room)
      add(fmt::format("until other tasks here have ended: its own may need {} file descriptors of "
                      "the broker, which may have {} (ulimit -n)",
                      st_.room->need(), st_.context->room->limit()));
    else if (st_.unbegun)
      add("its plugins to prepare the tasks", {}, st_.plugins->core.deadline_ns(), "the job fails");
    else
      tell_tasks();
    if (st_.context->gate->closed())
      add("the disk, which does not keep up with the output of tasks here");
    return {std::move(all_), {}};
  }

private:
  /// `at_ns`: when that is over; 0: never.
  void add(std::string reason, idset tasks = {}, int64_t at_ns = 0, std::string then = {}) {
    auto left = at_ns == 0 ? -1 : std::max<int64_t>(at_ns - now_ns_, 0);
    all_.push_back({"shell", std::move(reason), std::move(tasks), -1, left,
                    left < 0 ? "" : std::move(then), idset::single(st_.context->rank)});
  }

  void tell_tasks() {
    idset starting, running;
    for (size_t i = 0; i < st_.tokens.size(); ++i)
      if (st_.tokens[i] != 0)
        (st_.pids[i] == 0 ? starting : running).add(st_.ranks[i]);
    if (!starting.empty())
      add("to be started", starting);
    if (!running.empty())
      tell_running(running);
    for (auto& m : st_.meetings) {
      idset tasks;
      for (auto task : missing_ranks(st_, m))
        tasks.add(task);
      if (tasks.empty() || st_.terminating != 0)
        continue;
      auto told = m.note_ns != 0 && (m.end_ns == 0 || m.note_ns < m.end_ns);
      add("to come to MPI_Init, where others are", tasks, told ? m.note_ns : m.end_ns,
          told            ? "the job's standard error names them"
          : m.end_ns != 0 ? "the job fails (mpi-timeout)"
                          : "");
    }
  }

  void tell_running(const idset& running) {
    if (st_.terminating == 1)
      add("to end after SIGTERM", running, st_.kill_look_ns, "SIGKILL");
    else if (st_.terminating > 1)
      add(fmt::format("to die of SIGKILL ({} so far)", st_.terminating - 1), running,
          st_.kill_look_ns,
          wait_for_kill(st_.terminating, st_.context->kills_max, st_.context->kill_timeout_s)
              ? "SIGKILL again"
              : "the node is drained");
    else if (st_.exit_deadline_ns != 0)
      add("to end: another has", running, st_.exit_deadline_ns, "the job fails (exit-timeout)");
    else
      add("to end", running);
    size_t told = 0;
    for (size_t i = 0; i < st_.tokens.size() && told < stalled_max; ++i) {
      if (st_.tokens[i] == 0 || st_.pids[i] == 0)
        continue;
      for (auto& p : stalled_below(st_.pids[i], stalled_max - told)) {
        ++told;
        add(fmt::format("to go on: process {} ({}) {}", p.pid, p.name, p.how),
            idset::single(st_.ranks[i]));
      }
    }
  }

  void tell_end() {
    int64_t kill_ns = 0;
    for (auto& [number, h] : st_.helpers)
      kill_ns = std::max(kill_ns, h.kill_ns);
    if (!st_.helpers.empty())
      add("coprocesses and commands beside the tasks to end", {}, kill_ns, "SIGKILL");
    else if (st_.plugins && !st_.plugins->core.is_over())
      tell_plugins();
    else if (st_.staging)
      add("the process that put its files there (stage-in) to die of SIGKILL");
    else if (st_.sealing)
      add("its output to be on the disk");
    else
      add("the files in its folder to be removed");
  }

  void tell_plugins() {
    auto deadline_ns = st_.plugins->core.deadline_ns();
    if (deadline_ns != 0)
      add("its plugins to be done", {}, deadline_ns, "the job fails");
    else
      add("the process of its plugins to die of SIGKILL");
  }

  const shell_state& st_;
  int64_t now_ns_;
  std::vector<job_wait> all_;
};

} // namespace

job_waits_reply waits_of(const shell_state& st) { return shell_waits{st}.tell(); }

} // namespace hactor
