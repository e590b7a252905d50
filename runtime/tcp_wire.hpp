// The wire over TCP: for hosts that no MPI launcher joins, for nodes that come and go, and where
// the loss of a node must never end the others. doc/transport.md has the whole picture.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <memory>

#include "runtime/tcp_plan.hpp"
#include "runtime/wire.hpp"

namespace hactor {

/// Meets the other brokers and returns when all are there. Blocks, at most about start_ns_max of
/// the plan. The lead makes the key when there is none. Errors: ec::timed_out (says who is missing,
/// or that the lead does not answer), ec::network_failed (refused, and why), ec::busy (the lead's
/// port is in use), ec::cancelled (the plan's interrupt), ec::not_permitted, ec::unknown_key,
/// ec::bad_argument (the key; a wildcard as meeting place), ec::system_failed.
caf::expected<std::unique_ptr<wire>> open_tcp_wire(const tcp_plan& plan);

} // namespace hactor
