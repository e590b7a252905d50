// An MPI program as users have it, built by each MPI's own wrapper: collectives over all ranks,
// then an end as the first operand says: well, or by one rank with MPI_Abort, a signal, or no
// MPI_Finalize; or none at all, until somebody ends it. "greet SECONDS" has all ranks sleep between
// two barriers, and rank 0 tell where it is, how many they are, and when they began and ended.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <mpi.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
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
  auto seconds = end == "greet" && argc > 2 ? std::atoi(argv[2]) : 0;
  auto begun = std::time(nullptr);
  ::sleep(static_cast<unsigned>(seconds));
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0 && end == "greet") {
    char host[MPI_MAX_PROCESSOR_NAME] = "";
    int length = 0;
    MPI_Get_processor_name(host, &length);
    std::printf("host %s: %d ranks, from %lld to %lld\n", host, size,
                static_cast<long long>(begun), static_cast<long long>(std::time(nullptr)));
  }
  MPI_Finalize();
  return 0;
}
