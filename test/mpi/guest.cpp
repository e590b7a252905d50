// An MPI program as users have it, built by each MPI's own wrapper: collectives over all ranks,
// then an end as the first operand says: well, or by one rank with MPI_Abort, a signal, or no
// MPI_Finalize; or none at all, until somebody ends it. "greet" has all ranks sleep a second
// between two barriers, and rank 0 tell of it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <mpi.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <unistd.h>

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0;
  int size = 1;
  int sum = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int i = 0; i < 10; ++i) {
    int mine = rank + 1;
    MPI_Allreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Barrier(MPI_COMM_WORLD);
  }
  std::printf("rank %d of %d: sum %d\n", rank, size, sum);
  std::fflush(stdout);
  std::string end = argc > 1 ? argv[1] : "";
  if (rank == 1 && end == "abort")
    MPI_Abort(MPI_COMM_WORLD, 7);
  if (rank == 1 && end == "signal")
    std::raise(SIGKILL);
  if (rank == 1 && end == "exit")
    std::_Exit(3);
  while (end == "stay")
    ::pause();
  auto begun = MPI_Wtime();
  if (end == "greet")
    ::sleep(1);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0 && end == "greet")
    std::printf("%d ranks slept for %d s\n", size, static_cast<int>(MPI_Wtime() - begun));
  MPI_Finalize();
  return 0;
}
