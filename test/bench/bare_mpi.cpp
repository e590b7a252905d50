// The bounds that an MPI sets, built by that MPI's own wrapper: a program that only starts and ends
// it; with "pingpong", the round trip of 8 bytes between two ranks, "name value" on stdout.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include <mpi.h>

namespace {

void ping_pong(int rank) {
  constexpr int count = 20'000;
  std::vector<double> us;
  char bytes[8] = {};
  for (int i = 0; i < count; ++i) {
    auto begin = MPI_Wtime();
    if (rank == 0)
      MPI_Send(bytes, sizeof bytes, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
    MPI_Recv(bytes, sizeof bytes, MPI_BYTE, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (rank == 1)
      MPI_Send(bytes, sizeof bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
    us.push_back((MPI_Wtime() - begin) * 1e6);
  }
  std::sort(us.begin(), us.end());
  if (rank == 0)
    std::printf("raw_mpi_us %.3f\n", us[us.size() / 2]);
}

} // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (argc > 1 && std::strcmp(argv[1], "pingpong") == 0 && rank < 2)
    ping_pong(rank);
  MPI_Finalize();
  return 0;
}
