// What names an instance: a URI, or the id or name under which it has left a note.
//
//     local:///PATH-OF-A-SOCKET[/A/B]          on this machine
//     tcp://HOST:PORT[/A/B]                    over the network, with the owner's token
//     ssh://[USER@]HOST[:PORT]/PATH[/A/B]      through ssh to that machine
//     ID[/A/B]                                 by its note (instance_note.hpp)
//
// A/B are the ids of jobs: the instance in job B of the one in job A of the one that is named.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/tcp_address.hpp"

namespace hactor::workflow {

struct instance_address {
  enum class way : uint8_t { local, tcp, ssh, note };

  way by = way::local;
  std::string socket; ///< local: its path. ssh: the path there, with the ids behind it.
  tcp_endpoint where; ///< tcp.
  std::string login;  ///< ssh: HOST or USER@HOST.
  uint16_t port = 0;  ///< ssh; 0: what ssh takes.
  std::string note;   ///< note: an id, the beginning of one, or a name.
  std::string inside; ///< "A/B"; "": the instance itself. Not for ssh, where the other side splits.
};

/// Reads what HACTOR_URI may be; looks for the socket to tell its path from ids. Errors:
/// ec::bad_argument.
caf::expected<instance_address> parse_address(std::string_view text);

} // namespace hactor::workflow
