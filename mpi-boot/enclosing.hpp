// An instance whose brokers are the tasks of a job of another one (hactor start --boot=mpi).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

namespace hactor {

/// Notes the URI beside the job that holds us, so that whoever looks at it finds the way here. Does
/// nothing where no instance is around this one. Blocks for a few seconds at most; when it fails
/// that is logged. To be called before the script is started, which must not see what it reads.
/// Returns the URI of the instance around, "" where there is none.
std::string tell_enclosing(const std::string& uri);

/// Takes the note back, when this instance ends and its job may go on. `around`: what
/// tell_enclosing returned. Blocks for a second at most; that the job has ended is no failure.
void leave_enclosing(const std::string& around);

} // namespace hactor
