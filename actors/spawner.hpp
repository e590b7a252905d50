// The supervisor: the parent of a node's broker and tasks, with one thread and no MPI. It forks the
// broker, spawns and reaps all tasks of this node for it, and outlives it, so that nothing of the
// instance is left on the node and a lost broker need not end the MPI job (doc/architecture.md, "A
// lost rank"). Above it is the guard (spawner_guard.hpp), which the launcher started.
//
// Promises:
// - A task ends with the supervisor (death signal). What it left in its own process group is
//   killed when it exits, if its request says so.
// - Every descendant, daemons with sessions of their own too, is ended before run_supervisor
//   returns: SIGTERM, a grace, SIGKILL; also after the broker was killed with -9.
// - What the process had as children before run_supervisor is left alone.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>

namespace hactor {

struct supervisor_options {
  /// From SIGTERM to SIGKILL for what is left when the broker ends.
  int64_t term_grace_ms = 5000;
  /// How long killed processes may take to vanish (a hung file system) before we leave them.
  int64_t kill_wait_ms = 10000;
  /// Return 0 when a signal ended the broker once it was ready: under MPICH's mpiexec
  /// -disable-auto-cleanup the other ranks then go on.
  bool exit_zero_on_kill = false;
  /// A socket to the guard, which hears there that the broker is ready, and passes on the signals
  /// that it gets, a byte each. It reads as closed once the guard has gone: then all is
  /// killed. -1: there is no guard.
  int guard_fd = -1;
};

/// Forks the broker, which runs `broker_main` with its end of the spawner's socket (for
/// spawner_client) and exits with its result; then spawns, reaps and forwards SIGTERM, SIGINT,
/// SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 to the broker until it has ended. Under a guard those of a
/// terminal come from the guard alone. Returns the exit code for the process: the broker's, 128+n
/// if signal n ended it, 71 if there was no broker to start.
/// A task's signals to the supervisor (`kill $PPID`) are ignored, but for SIGUSR1 and those of the
/// instance's own command, which is known by the supervisor's descriptors that it was given. Under
/// a guard, and while tasks are here, so are those of a process that has gone before it could be
/// seen whose it was.
/// The broker leads a process group of its own, so that it gets only what is forwarded. It dies
/// with the supervisor until spawner_client::watch() is called.
/// Requires: a process with one thread. Leaves its signal mask, dispositions, subreaper mark and
/// descriptor limit changed: the caller is expected to exit with the result.
int run_supervisor(const supervisor_options& options,
                   const std::function<int(int spawner_fd)>& broker_main);

} // namespace hactor
