// How the owner finds this instance from elsewhere, and gets in: the note that the lead broker
// leaves (workflow/instance_note.hpp), and with connector.tcp a socket that other machines reach.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/owned_fd.hpp"
#include "runtime/config.hpp"
#include "runtime/tcp_door.hpp"

namespace hactor {

/// What the note tells of the instance.
struct presence_facts {
  std::string uri;
  int64_t identity = 0;
  int64_t started_ns = 0;
  std::vector<std::string> hosts; // of the brokers
  std::vector<std::string> command;
  std::string within; // job of another manager around the instance (allocation_job)
};

class presence {
public:
  /// Binds the socket that connector.tcp asks for and gets the token; the attribute has the address
  /// from then on. Nobody is let in yet. Errors: ec::bad_argument (a wrong address or name),
  /// ec::busy (the port is in use), ec::network_failed, ec::not_permitted (others may read the
  /// token), ec::system_failed.
  caf::error prepare(config& attributes, const std::string& host);

  /// Lets clients in who have the token; does nothing without connector.tcp. Errors:
  /// ec::network_failed, ec::system_failed.
  caf::error listen(poller& p, int64_t identity, tcp_door::accepted what);

  /// Writes the note, and a link to it in the run folder, by which remove_run_folder finds it. That
  /// it cannot is said in a line of the log and no more.
  void announce(const config& attributes, const presence_facts& facts, const std::string& run);

  /// Removes the note, and lets nobody in any more.
  void withdraw(poller& p);

private:
  owned_fd bound_;
  std::shared_ptr<tcp_door> door_;
  tcp_key token_{};
  std::string token_path_;
  std::string note_;
  std::string uri_;
};

} // namespace hactor
