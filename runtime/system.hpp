// The CAF actor system of one rank, on the transport: what design.md settles (sharing scheduler,
// few workers, no logger) and the middleman with our multiplexer.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>

#include <caf/actor_system_config.hpp>

#include "runtime/transport.hpp"

namespace hactor {

struct system_options {
  /// CAF's worker threads. hactor leaves the cores to its users.
  uint32_t workers = 2;
  /// Between heartbeats to each peer, and the silence after which it counts as dead; 0: none. For
  /// peers on other nodes: the death of one on this node is seen at once.
  uint32_t heartbeat_interval_ms = 0;
  uint32_t connection_timeout_ms = 0;
};

class system_config final : public caf::actor_system_config {
public:
  /// `register_types` adds the message types, error categories and actor types. The transport must
  /// outlive every actor system made of this.
  system_config(transport& t, const system_options& options,
                const std::function<void(caf::actor_system_config&)>& register_types);
};

/// The port on which every rank publishes the actor that peers meet first.
inline constexpr uint16_t broker_port = 1;

} // namespace hactor
