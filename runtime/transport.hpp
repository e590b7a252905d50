// The transport of one rank: the wire to the other ranks, the poller, the bells and the watch over
// the peers' lives. Made by main before the actor system, outlives it, and is closed after it.
//
//   auto how   = detect_launch(env);                 // which MPI, if any
//   auto w     = load_wire(find_module(...)) or make_null_wire();
//   auto t     = transport::open(std::move(w), {});  // collective
//   t->on_peer_lost(f);
//   { system_config cfg{*t, ...}; caf::actor_system sys{cfg}; ... }   // says goodbye at its end
//   if (!t->close()) _exit(status);                  // a peer died: MPI_Finalize would hang
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/ids.hpp"
#include "runtime/neighbours.hpp"
#include "runtime/poller.hpp"
#include "runtime/wire.hpp"

namespace hactor {

struct transport_options {
  /// How long the end of the actor system waits for the other ranks to end theirs.
  int64_t goodbye_ns_max = 5'000'000'000;
  /// How long an idle thread with peers on other nodes sleeps between two looks.
  int64_t remote_nap_ns_max = 1'000'000;
  /// How long it looks without sleeping once there is nothing to do, for peers on other nodes.
  int64_t remote_spin_ns = 20'000;
  /// The most of it when all peers ring a bell, and the node has a core for each of its ranks.
  int64_t local_spin_ns = 150'000;
};

class transport {
public:
  /// Meets the other ranks. Collective. Errors: ec::mpi_failed, ec::network_failed,
  /// ec::system_failed.
  static caf::expected<std::unique_ptr<transport>> open(std::unique_ptr<hactor::wire> w,
                                                        transport_options options);
  transport(const transport&) = delete;
  transport& operator=(const transport&) = delete;
  ~transport();

  rank_t rank() const { return rank_; }
  uint32_t size() const { return size_; }
  const transport_options& options() const { return options_; }
  hactor::wire& wire() { return *wire_; }
  hactor::poller& poller() { return *poller_; }

  const std::string& host_of(rank_t r) const { return peers_[r].host; }
  bool same_node(rank_t r) const { return r == rank_ || peers_[r].same_node; }
  /// All ranks of this node, ascending, with our own; and our place among them.
  std::vector<rank_t> node_ranks() const;
  uint32_t node_index() const;

  /// True when every peer rings our bell, or the wire wakes us: nobody has to be polled for.
  bool all_ring() const { return all_ring_ || wire_->wake_fd() >= 0; }

  /// True when all peers are on this node: their deaths are seen at once, and no heart need beat.
  bool all_near() const { return all_ring_; }

  /// Adds a listener, called on the transport thread once for each peer that dies (not for those
  /// that said goodbye). Requires: the actor system does not run yet.
  void on_peer_lost(std::function<void(rank_t)> listener);

  /// Declares a peer dead, as heartbeats find out. From every thread; no effect when it is known.
  void mark_lost(rank_t peer);
  bool is_lost(rank_t peer) const { return lost_[peer].load(std::memory_order_acquire); }
  uint32_t lost_count() const { return lost_count_.load(); }

  /// True when all ranks said goodbye to each other: MPI can be ended.
  bool clean_shutdown() const { return clean_; }

  /// Ends MPI if that is safe. False: leave with _exit. Requires: no actor system runs.
  bool close();

  // -- for the multiplexer, on the transport thread -------------------------------------------

  /// Sends and rings the peer. Nothing is sent to the dead.
  void send(rank_t peer, wire_buffer bytes);
  void send_synchronously(rank_t peer, wire_buffer bytes);

  /// The peer has said goodbye: its end is no loss from now on.
  void note_goodbye(rank_t peer) { left_[peer] = true; }
  bool has_left(rank_t peer) const { return left_[peer]; }

  void set_clean() { clean_ = true; }

  /// The multiplexer hears of a death before all others. nullptr: no more.
  void set_multiplexer_listener(std::function<void(rank_t)> listener);

private:
  transport(std::unique_ptr<hactor::wire> w, std::unique_ptr<hactor::poller> p,
            transport_options options);
  caf::expected<void> watch_lives();
  void lose(rank_t peer);
  void ring(rank_t peer);

  std::unique_ptr<hactor::wire> wire_;
  std::unique_ptr<hactor::poller> poller_;
  transport_options options_;
  rank_t rank_;
  uint32_t size_;
  std::vector<neighbour> peers_;
  bool all_ring_ = true; // with their bells
  std::vector<std::function<void(rank_t)>> listeners_;
  std::function<void(rank_t)> multiplexer_listener_;
  std::vector<std::atomic<bool>> lost_;
  std::atomic<uint32_t> lost_count_{0};
  std::vector<bool> left_; // transport thread only
  bool clean_ = false;
  bool closed_ = false;
};

} // namespace hactor
