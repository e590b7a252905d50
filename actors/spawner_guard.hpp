// The guard: the launcher's direct child, above the supervisor. A launcher that is in a hurry, or
// its user, ends its children with SIGKILL; what they had started would live on, since only a
// parent finds its orphans. So there are two that watch each other: when one is killed, the other
// ends every descendant of both.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>

namespace hactor {

struct guard_options {
  /// How long killed processes may take to vanish before we leave them.
  int64_t kill_wait_ms = 10000;
  /// As for the supervisor: return 0 when a signal ended it once the broker was ready. Then the
  /// launcher's SIGUSR1, hydra's way to say that another rank was lost, is passed over too; before
  /// that it ends all here.
  bool exit_zero_on_kill = false;
};

struct guarded_end {
  int code = 0;       ///< The exit code for this process.
  bool early = false; ///< A signal ended the broker or the supervisor before the broker was ready.
};

/// Forks a process that runs `supervise` and exits with its result, and passes SIGTERM, SIGINT,
/// SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 on to it. The exit code is that of `supervise`, 128+n if
/// signal n ended it, 71 if nothing could be forked. Then no descendant is left but children from
/// before. `supervise` gets a socket for supervisor_options::guard_fd, over which it is told of the
/// signals.
/// The child has a process group of its own, so that signals to the group of this one reach it
/// once; on a terminal it stays in the foreground. SIGPIPE and SIGTTOU are ignored in it.
/// Requires: a process with one thread. Leaves its signal mask and subreaper mark changed.
guarded_end run_guarded(const guard_options& options,
                        const std::function<int(int guard_fd)>& supervise);

} // namespace hactor
