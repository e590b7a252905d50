// An instance whose brokers are the tasks of a job of another one (hactor start --boot=mpi).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>

#include "workflow/client.hpp"

namespace hactor {

/// What the lead of such an instance has to do with the one around. Used on main only.
class enclosing_instance {
public:
  /// Notes our URI beside the job that holds us, for as long as we live, so that whoever looks at
  /// it finds the way here, and follows what the job has. Does nothing where no instance is around
  /// this one. Blocks for a few seconds at most; when it fails that is logged. To be called before
  /// the script is started, which must not see what it reads.
  void tell(const std::string& uri);

  /// True when tell() has found one.
  bool is_there() const { return !job_.empty(); }

  /// Takes the note back, when this instance ends and its job may go on. Blocks for a second at
  /// most; that the job has ended is no failure.
  void leave();

  /// Readable when something came; -1: nothing will.
  int fd() const { return watch_ ? watch_->fd() : -1; }

  /// When the job ends, in seconds since 1970 (0: it has no limit), if that was told just now.
  /// Takes what is there, without waiting.
  std::optional<double> take_end();

private:
  void begin_watch();
  void end_watch(const workflow::frame& f);

  std::string job_; // that holds us
  std::optional<workflow::client> watch_; // the note is there as long as this is connected
  uint64_t watch_tag_ = 0;
};

} // namespace hactor
