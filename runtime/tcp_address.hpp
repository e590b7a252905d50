// Addresses and sockets of TCP: names become addresses here, and what the rest of the TCP wire gets
// are non-blocking descriptors.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"

namespace hactor {

/// A host (name or number) and a port.
struct tcp_endpoint {
  std::string host;
  uint16_t port = 0;

  /// "host:port", "[::1]:port".
  std::string text() const;
};

/// Reads "HOST:PORT" or "[ADDRESS]:PORT". Errors: ec::bad_argument.
caf::expected<tcp_endpoint> parse_endpoint(std::string_view text);

/// One address of a socket, of either family.
struct tcp_address {
  sockaddr_storage raw = {};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&raw); }
  bool is_loopback() const;
  bool is_wildcard() const;
  uint16_t port() const;

  /// Without the port; an IPv4 address in IPv6 clothes is written as IPv4.
  std::string host() const;
};

/// All addresses of a host, in the order in which they shall be tried. Blocks on name services.
/// Errors: ec::network_failed, naming the host.
caf::expected<std::vector<tcp_address>> resolve(const tcp_endpoint& where);

/// True when this host has the address.
bool is_local(const tcp_address& a);

/// A non-blocking socket that is bound, but does not listen yet: nobody is let in before there is a
/// key. `at` nullptr: every address of this host. Errors: ec::busy (the port is in use),
/// ec::network_failed.
caf::expected<int> bind_tcp(const tcp_address* at, uint16_t port);

/// The port to which a socket is bound.
uint16_t port_of(int fd);

/// The address at the other end of a connected socket; empty when there is none any more.
tcp_address peer_of(int fd);

/// Begins to connect; the descriptor is writable once that has worked or failed (SO_ERROR tells).
/// Errors: ec::network_failed.
caf::expected<int> begin_connect(const tcp_address& to);

/// Sends at once, and lets a silent end be noticed: what is not acknowledged within `silence_ms`,
/// and an idle connection whose other end does not answer for about as long, is an error.
void tune_tcp(int fd, uint32_t silence_ms);

} // namespace hactor
