// Who shares this node, and what is needed of them: a bell to ring them with, and a descriptor that
// tells of their death. Both travel once, at start, as descriptors over unnamed sockets, so that it
// works across containers and leaves no name behind. Called by transport.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/bell.hpp"
#include "runtime/error.hpp"
#include "runtime/wire.hpp"

namespace hactor {

/// What we hold of one other rank.
struct neighbour {
  std::string host;           ///< Its host's name.
  bool same_node = false;     ///< It runs on this node.
  bool rings_us = false;      ///< It holds our bell; the others have to be polled for.
  std::shared_ptr<bell> ring; ///< nullptr: it has to poll for us.
  int pidfd = -1;             ///< Readable once it is dead; owned by the transport. -1: none.
};

/// Meets all ranks: one entry per rank, by rank; our own entry has only the host. Collective.
/// A rank on this node whose bell does not arrive in time is polled for, as if it were elsewhere.
/// Errors: failure_code(w), ec::system_failed.
caf::expected<std::vector<neighbour>> meet_neighbours(wire& w, const bell& own);

} // namespace hactor
