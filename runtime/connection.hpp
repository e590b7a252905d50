// The two ends of CAF's network seam over ranks: a connection (CAF's scribe: the byte stream to one
// rank) and a listener (CAF's doorman: a port of this rank). Made by the multiplexer.
//
// CAF makes connections on any thread, but all else happens on the transport thread: so they
// register with the multiplexer at their first use there.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include <caf/io/doorman.hpp>
#include <caf/io/scribe.hpp>

#include "runtime/frame.hpp"
#include "runtime/ids.hpp"

namespace hactor {

class multiplexer;

class connection final : public caf::io::scribe {
public:
  connection(multiplexer& m, int64_t handle, rank_t peer, uint64_t key, bool initiator,
             uint16_t port);

  void configure_read(caf::io::receive_policy::config how) override;
  void ack_writes(bool enable) override { acknowledge_ = enable; }
  std::vector<char>& wr_buf() override;
  std::vector<char>& rd_buf() override { return read_; }
  void flush() override;
  void graceful_shutdown() override;
  std::string addr() const override;
  uint16_t port() const override { return port_; }
  void add_to_loop() override;
  void remove_from_loop() override { active_ = false; }

  /// Sends what was written as one message.
  void ship();

  /// Takes `size` bytes that came for this connection. Returns how many it could not take, because
  /// CAF closed it in the middle.
  size_t feed(const char* bytes, size_t size);

  /// Makes the connection known to the multiplexer, and to the peer if we opened it.
  void enroll();

  /// The other end is gone: tells CAF.
  void fail();

  rank_t peer() const { return peer_; }
  uint64_t key() const { return key_; }
  bool is_initiator() const { return initiator_; }
  bool is_closed() const { return closed_; }

  /// CAF has heard from the peer here, so that it maps this connection to the peer's node.
  void set_known() { known_ = true; }
  /// True when bytes that came for another connection of this peer may be fed here.
  bool can_stand_in() const { return known_ && !closed_ && read_.empty() && !detached(); }

private:
  multiplexer& multiplexer_;
  rank_t peer_;
  uint64_t key_;
  bool initiator_;
  uint16_t port_;
  bool enrolled_ = false;
  bool known_ = false;
  bool dirty_ = false;  // in the multiplexer's list of what to ship
  bool closed_ = false;
  bool active_ = true;  // CAF accepts data
  bool acknowledge_ = false;
  caf::io::receive_policy_flag policy_ = caf::io::receive_policy_flag::at_most;
  size_t read_max_ = 1024;
  wire_buffer written_;       // begins with room for the frame, so that nothing is copied
  std::vector<char> read_;    // what CAF has not consumed yet
  std::vector<char> stashed_; // what came while CAF did not accept data
};

using connection_ptr = caf::intrusive_ptr<connection>;

class listener final : public caf::io::doorman {
public:
  listener(multiplexer& m, int64_t handle, uint16_t port);

  bool new_connection() override;
  void graceful_shutdown() override;
  void launch() override;
  std::string addr() const override;
  uint16_t port() const override { return port_; }
  void add_to_loop() override;
  void remove_from_loop() override;

  /// A peer has opened `who`: hands it to CAF. Returns false when CAF refuses.
  bool accept(connection_ptr who);

private:
  multiplexer& multiplexer_;
  uint16_t port_;
  connection_ptr arriving_;
};

using listener_ptr = caf::intrusive_ptr<listener>;

} // namespace hactor
