// CAF's network backend over the wire: its `run` is the loop of the transport thread, which carries
// CAF's connections over messages between ranks and serves the poller's sockets. CAF's own
// protocol, proxies, monitors and remote lookup run over it unchanged. Ranks are hosts named
// "rank-K".
//
// CAF 0.17.6 loses messages when two nodes have several connections: two that connect to each other
// at once both close one as redundant, and not always the same. But all messages of a pair of ranks
// share one ordered channel and hold whole messages of CAF's protocol. So a connection that CAF
// closes is closed on our side only ("hung up"); what still comes in for it goes to another one of
// the same peer; and the peer hears of it when its last connection to us ends.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <caf/io/network/multiplexer.hpp>

#include "runtime/connection.hpp"
#include "runtime/guests.hpp"
#include "runtime/memory.hpp"
#include "runtime/spin_window.hpp"
#include "runtime/transport.hpp"

namespace hactor {

/// What the transport thread has done so far; read it after the actor system has ended.
struct transport_counts {
  uint64_t messages_sent = 0;
  uint64_t messages_received = 0;
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
  uint64_t sleeps = 0;
  uint64_t loops = 0;
  uint64_t rerouted = 0; ///< Messages for a connection that we had hung up.
  uint64_t dropped = 0;  ///< Messages for a connection that nobody knows.
};

class multiplexer final : public caf::io::network::multiplexer {
public:
  multiplexer(caf::actor_system* system, transport& t);
  ~multiplexer() override;

  /// The host name under which CAF dials a rank.
  static std::string host_of(rank_t r) { return "rank-" + std::to_string(r); }

  // -- CAF's interface ------------------------------------------------------------------------
  caf::expected<caf::io::scribe_ptr> new_tcp_scribe(const std::string& host,
                                                    uint16_t port) override;
  caf::expected<caf::io::doorman_ptr> new_tcp_doorman(uint16_t port, const char* in,
                                                      bool reuse) override;
  caf::io::scribe_ptr new_scribe(caf::io::network::native_socket) override;
  caf::io::doorman_ptr new_doorman(caf::io::network::native_socket) override;
  caf::io::datagram_servant_ptr new_datagram_servant(caf::io::network::native_socket) override;
  caf::io::datagram_servant_ptr
  new_datagram_servant_for_endpoint(caf::io::network::native_socket,
                                    const caf::io::network::ip_endpoint&) override;
  caf::expected<caf::io::datagram_servant_ptr> new_remote_udp_endpoint(const std::string&,
                                                                       uint16_t) override;
  caf::expected<caf::io::datagram_servant_ptr> new_local_udp_endpoint(uint16_t, const char*,
                                                                      bool) override;
  supervisor_ptr make_supervisor() override;
  bool try_run_once() override { return step(); }
  void run_once() override;
  void run() override;

  // -- for connections and listeners, on the transport thread -----------------------------------
  rank_t rank() const { return transport_.rank(); }
  void add(connection* c);
  void forget(connection& c);
  void hang_up(connection& c);
  void ship_later(connection* c) { dirty_.emplace_back(c); }
  void send(rank_t peer, wire_buffer bytes);
  void send_frame(rank_t peer, const frame& f);
  wire_buffer take_buffer() { return transport_.wire().take_buffer(); }
  void listen(uint16_t port, listener* l);
  void free_port(uint16_t port);

protected:
  void exec_later(caf::resumable* what) override;

private:
  bool step();
  bool run_queue();
  bool ship_dirty();
  bool receive();
  void idle();
  int64_t nap_ns();
  bool has_queued() const { return !local_.empty() || queued_.load() != 0; }
  void handle(wire_message& m);
  void on_connect(rank_t from, const frame& f);
  void on_data(const wire_message& m, const frame& f);
  void on_fin(const frame& f);
  void on_peer_lost(rank_t peer);
  connection_ptr stand_in(rank_t peer);
  void farewell();
  void say_goodbye();
  void pass_barrier(int64_t deadline);
  bool farewell_step();

  transport& transport_;
  size_t throughput_max_; // messages that an actor handles before others have their turn
  transport_counts counts_;

  std::mutex mutex_; // guards shared_, ports_ and next_port_
  std::vector<caf::resumable*> shared_;
  std::set<uint16_t> ports_;
  uint16_t next_port_ = 65535;
  std::atomic<uint32_t> queued_{0};
  std::atomic<int64_t> next_handle_{1};
  std::atomic<uint64_t> next_key_{1};

  // The rest belongs to the transport thread.
  std::vector<caf::resumable*> local_;
  std::vector<caf::resumable*> batch_;
  guests guests_;
  std::vector<connection_ptr> dirty_;
  std::unordered_map<uint64_t, connection_ptr> connections_; // by end_of
  std::unordered_map<uint16_t, listener_ptr> listeners_;
  std::vector<std::vector<frame>> hung_up_; // by peer: the fins that it has not been sent
  std::set<uint64_t> hung_up_ends_;
  std::vector<bool> spoken_to_;
  bool stopping_ = false;
  int64_t idle_since_ns_ = 0;
  spin_window local_spin_; // when all peers ring
  sleepers own_thread_;
  uint32_t looks_ = 0;
  uint32_t naps_ = 0;
};

} // namespace hactor
