// An instance whose brokers are the tasks of a job of another one (hactor start --boot=mpi).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

namespace hactor {

/// Notes the URI beside the job that holds us, so that whoever looks at it finds the way here. Does
/// nothing where no instance is around this one. Blocks for a few seconds at most; when it fails
/// that is logged. To be called before the script is started, which must not see what it reads.
void tell_enclosing(const std::string& uri);

} // namespace hactor
