// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/mpi_world.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace hactor {

std::vector<mpi_world> worlds_of(const job_layout& where, bool each) {
  auto& starts = where.starts;
  if (!each || starts.size() < 2)
    return {{mpi_world::whole, 0, where.ntasks}};
  std::vector<mpi_world> worlds;
  for (size_t i = 0; i < starts.size(); ++i) {
    auto end = i + 1 < starts.size() ? starts[i + 1] : where.ntasks;
    if (end > starts[i]) // else none of the slots that it may have were granted
      worlds.push_back({static_cast<int32_t>(i), starts[i], end - starts[i]});
  }
  if (worlds.size() == 1)
    worlds.front().number = mpi_world::whole; // nobody is in another
  return worlds;
}

const mpi_world& world_of(const std::vector<mpi_world>& worlds, uint32_t task) {
  auto behind =
      std::upper_bound(worlds.begin(), worlds.end(), task,
                       [](uint32_t t, const mpi_world& world) { return t < world.first; });
  return *(behind - 1);
}

std::string suffix_of(const mpi_world& world) {
  return world.number == mpi_world::whole ? "" : "." + std::to_string(world.number);
}

std::string rank_text(const mpi_world& world, uint32_t rank) {
  return world.number == mpi_world::whole
             ? fmt::format("rank {}", rank)
             : fmt::format("rank {} of world {} (task {})", rank, world.number,
                           world.first + rank);
}

} // namespace hactor
