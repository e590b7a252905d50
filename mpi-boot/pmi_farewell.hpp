// The last word to a PMI-1 launcher for a broker that could not say it: after a rank was lost the
// others leave MPI without MPI_Finalize, and hydra would count that as a failure of each of them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

namespace hactor {

/// Says `finalize` (PMI-1, RFC 13) on the descriptor that PMI_FD names, if it is there and the
/// broker did not do so; waits for the answer at most 0.2 s. Called by the supervisor when its
/// broker has ended.
void say_pmi_finalize();

} // namespace hactor
