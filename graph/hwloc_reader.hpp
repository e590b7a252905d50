// A resource graph of one machine, from hwloc's XML (lstopo's, or runtime/hardware.hpp's of the
// machine at hand): a cluster made up, in it the machine and its parts, named as Fluxion names
// them.
//
//   allowlist name   type      basename  id and size
//   cluster          is kept always
//   node             node      host's    the last digits of the host's name, as its name is
//   group, numanode, socket, core, pu    hwloc's logical index
//   L1cache, L2cache, L3cache  cache     hwloc's logical index; size in KiB
//   gpu              gpu       gpu       the number in cudaN, rsmiN, openclPdN
//   storage          storage   storage   hwloc's logical index; size in GB; property LinuxDeviceID
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "graph/resource_graph.hpp"
#include "runtime/error.hpp"
#include "runtime/limits.hpp"

namespace hactor {

struct hwloc_options {
  /// The kinds to keep, in capitals or not; empty: all. What is below others hangs below the
  /// nearest that is kept.
  std::vector<std::string> allowlist;
  int32_t rank = -1; ///< Of the machine and all in it.
  size_t vertices_max = limits::graph_vertices_max;
};

/// One card that several drivers show (cuda0, opencl0d0) is one gpu; two cards that their drivers
/// number alike are two, and the later gets a number that no driver names. Errors, starting with
/// "hwloc": ec::bad_argument (not hwloc's XML; an unknown name in the allowlist; a storage without
/// size), ec::too_big.
caf::expected<resource_graph> read_hwloc(std::string_view text, const hwloc_options& options = {});

} // namespace hactor
