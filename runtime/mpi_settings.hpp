// Which variables are a launcher's, and which a person's settings of an MPI, although they begin as
// its launcher's do.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string_view>

namespace hactor {

/// True for what people set to tune an MPI or its mpirun, e.g. OMPI_MCA_btl: it reaches jobs. False
/// for what its launcher tells its children by such names.
bool is_mpi_setting(std::string_view name);

/// True for what launchers, hactor's among them, tell the processes that they start. It is of one
/// job and must not reach another.
bool is_launchers(std::string_view name);

/// The shell option of a job that names those that are to reach its tasks all the same.
inline constexpr const char* env_allow_option = "env-allow";

/// True for what hactor itself sets for each task: nobody else's value of it can reach one.
bool is_set_for_tasks(std::string_view name);

} // namespace hactor
