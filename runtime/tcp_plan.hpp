// What the transport.* attributes say about an instance over TCP: which rank this broker is, how
// many there are, where they meet. Found out before the broker is forked, so that a host that is
// not in the list is a message and no instance.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/config.hpp"
#include "runtime/tcp_address.hpp"

namespace hactor {

struct tcp_plan {
  std::optional<uint32_t> rank;   ///< None: who can bind the meeting place is 0.
  uint32_t size = 1;              ///< Number of brokers.
  tcp_endpoint meeting;           ///< Where rank 0 listens.
  uint16_t own_port = 0;          ///< Where another rank would like to listen; 0: anywhere.
  std::vector<std::string> hosts; ///< By rank; empty when only the number is known.
  std::string own_host;           ///< For messages.
  std::string key_path;
  int64_t start_ns_max = 60'000'000'000; ///< How long to wait for the others.
  uint32_t silence_ms = 10'000;          ///< After which a peer counts as dead.
  int interrupt_fd = -1; ///< Readable: stop waiting for the others (a signalfd). -1: none.
};

/// Reads the attributes; may ask name services when this host is in the list under another name.
/// Errors: ec::bad_argument (attributes that are missing, or do not fit together; a host that is
/// not in the list: names both), ec::bad_hostlist, ec::too_big, ec::system_failed (the host file).
caf::expected<tcp_plan> plan_tcp(const config& c);

/// The hosts of transport.hosts: a hostlist, or, when it has a slash, a file with one on a line
/// ('#' begins a comment). Errors: ec::bad_hostlist, ec::too_big, ec::system_failed.
caf::expected<std::vector<std::string>> read_hosts(const std::string& text);

/// The place of this host in the list: by its name, with or without its domain, else as the entry
/// that `is_here` says has an address of this host. Errors: ec::bad_argument (not in the list, or
/// more than once).
caf::expected<uint32_t> find_place(const std::vector<std::string>& hosts, const std::string& own,
                                   const std::function<bool(const std::string&)>& is_here);

} // namespace hactor
