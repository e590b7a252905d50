// What people are told of MPI programs whose tasks do not come together.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/mpi_meeting.hpp"

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("an MPI of which a fault is known is told by the number of its library") {
    auto fault = [](const std::string& file) {
      return known_mpi_fault(
          "7f00-7f01 r-xp 0 fe:00 1 /usr/lib/libc.so.6\n7f02-7f03 r-xp 0 fe:00 2 "
          "/opt/openmpi/lib/"
          + file + "\n7f04-7f05 rw-p 0 00:00 0\n");
    };
    for (auto* known :
         {"40.10.0", "40.10.1", "40.10.2", "40.10.3", "40.10.4", "40.20.0", "40.20.1"})
      CHECK_MESSAGE(!fault(std::string{"libmpi.so."} + known).empty(), known);
    CHECK(fault("libmpi.so.40.20.1").find("Open MPI 4.0.1:") != std::string::npos);
    CHECK(fault("libmpi.so.40.10.3").find("Open MPI 3.1.3:") != std::string::npos);
    for (auto* good :
         {"libmpi.so.40.10.5", "libmpi.so.40.20.2", "libmpi.so.40.20.10", "libmpi.so.40.10.40",
          "libmpi.so.40.00.4", "libmpi.so.40.30.4", "libmpi.so.12.1.1", "xlibmpi.so.40.20.1"})
      CHECK_MESSAGE(fault(good).empty(), good);
    CHECK(known_mpi_fault("").empty());
    CHECK_FALSE(known_mpi_fault("/x/libmpi.so.40.20.1").empty());
    CHECK(known_mpi_fault_of(0).empty());
  }

  TEST_CASE("ranks that have not come are named with those that wait for them") {
    auto text = [](const mpi_world& world, const std::set<uint32_t>& came,
                   const std::vector<uint32_t>& missing) {
      return missing_ranks_text({.world = world, .came = came}, missing, "n7");
    };
    CHECK(text({mpi_world::whole, 0, 6}, {0, 1, 3}, {2, 4, 5})
          == "on n7 ranks 0-1,3 of 6 called MPI_Init, and ranks 2,4-5 did not");
    CHECK(text({mpi_world::whole, 0, 2}, {0}, {1})
          == "on n7 rank 0 of 2 called MPI_Init, and rank 1 did not");
    CHECK(text({1, 4, 3}, {4, 6}, {5})
          == "on n7 ranks 0,2 of 3 of world 1 (from task 4 on) called MPI_Init, and rank 1 did "
             "not");
  }
}
