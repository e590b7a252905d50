// A listening TCP socket on the poller, for clients. Who connects is a stranger until it has proved
// that it has the owner's token (client_greeting.hpp); strangers are few, have little time, and
// when too many wait the one that has waited longest goes, which is not a client of ours.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>

#include "runtime/accept_loop.hpp"
#include "runtime/client_greeting.hpp"
#include "runtime/poller.hpp"

namespace hactor {

class tcp_door final : public poller::handler, public std::enable_shared_from_this<tcp_door> {
public:
  /// Is called on the transport thread, and owns the descriptor from then on.
  using accepted = std::function<void(int fd)>;

  /// Listens at a bound socket (bind_tcp), which it owns also when it fails. Errors:
  /// ec::network_failed, ec::system_failed.
  static caf::expected<std::shared_ptr<tcp_door>> make(poller& p, int bound_fd, const tcp_key& key,
                                                       uint64_t identity, accepted what);
  ~tcp_door() override;

  /// Stops listening and turns strangers away. From the transport thread, or when that has ended.
  void close();

  void on_ready(uint32_t events) override;

private:
  class stranger;
  class clock;
  using strangers = std::list<std::shared_ptr<stranger>>;

  tcp_door(poller& p, int fd, const tcp_key& key, uint64_t identity, accepted what);
  void meet(int fd);
  void hear(stranger& who);
  void forget(stranger& who, bool hang_up);
  void end_late();
  void set_clock();

  poller& poller_;
  int fd_;
  int clock_fd_;
  tcp_key key_;
  uint64_t identity_;
  accepted accepted_;
  accept_loop loop_;
  strangers strangers_; // by arrival
  uint64_t refused_ = 0;
};

} // namespace hactor
