// See the header. Open MPI's faults: its issue 6730 (the component that speaks with Flux gives up
// PMI too early in 3.1.0 to 3.1.4, 4.0.0 and 4.0.1).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/mpi_meeting.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "runtime/idset.hpp"

namespace hactor {

namespace {

struct faulty {
  std::string_view file, version;
};

// Libtool's numbers of libmpi: 40.10.N is Open MPI 3.1.N, 40.20.N is 4.0.N.
constexpr std::array faulty_files{
  faulty{"/libmpi.so.40.10.0", "3.1.0"}, faulty{"/libmpi.so.40.10.1", "3.1.1"},
  faulty{"/libmpi.so.40.10.2", "3.1.2"}, faulty{"/libmpi.so.40.10.3", "3.1.3"},
  faulty{"/libmpi.so.40.10.4", "3.1.4"}, faulty{"/libmpi.so.40.20.0", "4.0.0"},
  faulty{"/libmpi.so.40.20.1", "4.0.1"},
};

/// Programs that a task's script calls, one in the other: more are not looked at.
constexpr int depth_max = 6;

std::string read_text(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::string ranks_text(const idset& ranks) {
  return (ranks.size() == 1 ? "rank " : "ranks ") + ranks.to_string();
}

} // namespace

std::string known_mpi_fault(std::string_view maps) {
  for (auto& f : faulty_files) {
    auto at = maps.find(f.file);
    if (at == maps.npos)
      continue;
    auto next = at + f.file.size();
    if (next < maps.size() && maps[next] != '\n' && maps[next] != ' ')
      continue; // a longer number
    return fmt::format("the tasks use Open MPI {}: in the versions 3.1.0 to 3.1.4, 4.0.0 and 4.0.1 "
                       "MPI_Init may hang or crash under a resource manager that is not its own "
                       "(Open MPI's issue 6730). 3.0.x, 3.1.5 and 4.0.2 or later have it mended",
                       f.version);
  }
  return {};
}

std::string known_mpi_fault_of(pid_t pid) {
  for (int depth = 0; pid > 0 && depth < depth_max; ++depth) {
    auto folder = "/proc/" + std::to_string(pid);
    if (auto fault = known_mpi_fault(read_text(folder + "/maps")); !fault.empty())
      return fault;
    auto children = read_text(folder + "/task/" + std::to_string(pid) + "/children");
    pid = static_cast<pid_t>(std::atoi(children.c_str()));
  }
  return {};
}

std::string missing_ranks_text(const mpi_meeting& m, const std::vector<uint32_t>& missing,
                               const std::string& host) {
  auto& world = m.world;
  idset here, away;
  for (auto task : m.came)
    here.add(task - world.first);
  for (auto task : missing)
    away.add(task - world.first);
  auto whose = world.number == mpi_world::whole
                   ? std::string{}
                   : fmt::format(" of world {} (from task {} on)", world.number, world.first);
  return fmt::format("on {} {} of {}{} called MPI_Init, and {} did not", host, ranks_text(here),
                     world.size, whose, ranks_text(away));
}

} // namespace hactor
