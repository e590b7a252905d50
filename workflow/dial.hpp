// Connections to instances over TCP, for who wants to say how long that may take.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "runtime/client_greeting.hpp"
#include "runtime/tcp_address.hpp"
#include "workflow/instance_note.hpp"

namespace hactor::workflow {

struct tcp_call {
  tcp_endpoint where;
  std::string token;    ///< File; "": as token_file says.
  std::string identity; ///< Of the instance that is meant; "": whichever listens there.
  int64_t patience_ns = greeting_ns_max;
};

/// Which token is meant when nothing else is said: $HACTOR_TOKEN_FILE, or the one of our note of
/// the instance there, or ~/.config/hactor/key; "" without a home.
std::string token_file(const tcp_endpoint& where);

/// A blocking socket on which both ends have proved that they have the token. Errors:
/// ec::network_failed (no such host, no way to it), ec::no_instance (nobody listens there, or
/// another instance), ec::timed_out, ec::not_permitted (another token, or one that others may
/// read), ec::unknown_key (no token).
caf::expected<int> connect_by_tcp(const tcp_call& call);

/// The same to the instance that has left the note, by the token that it names unless
/// HACTOR_TOKEN_FILE does. Requires: it listens.
caf::expected<int> connect_by_tcp(const instance_note& note, int64_t patience_ns);

} // namespace hactor::workflow
