// The inside of the TCP wire: its links, its one epoll set, and the meeting at the start.
//
// - A rank dials a link of its own to a peer when it first sends to it; what it accepted it only
//   receives from. So nobody has to agree on who dials, and each direction has one order. The
//   exception is the lead: the link by which a rank joined carries both directions.
// - What has been read is queued in the order of its reading, ends of peers among it: a peer is
//   reported as lost only after all that it sent has been taken. Sockets are read only when that
//   queue is empty.
// - Whoever is lost for the lead is lost for all: the lead tells them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/tcp_link.hpp"
#include "runtime/tcp_wire.hpp"

namespace hactor {

class tcp_wire final : public wire, public tcp_link_owner {
public:
  explicit tcp_wire(tcp_plan plan);
  ~tcp_wire() override;

  /// Finds out who is the lead, and meets all. Errors: as open_tcp_wire.
  caf::error open();

  // -- the wire -------------------------------------------------------------------------------
  uint32_t rank() const override { return rank_; }
  uint32_t size() const override { return plan_.size; }
  std::string_view name() const override { return "tcp"; }
  std::string allgather(const std::string& mine, std::vector<std::string>& all) override;
  bool send(uint32_t peer, wire_buffer bytes) override;
  bool send_synchronously(uint32_t peer, wire_buffer bytes) override;
  bool try_receive(wire_message& out) override;
  bool progress() override { return true; }
  bool has_pending() const override;
  void abandon(uint32_t peer) override;
  bool barrier_begin() override;
  bool barrier_done() override;
  void close() override;
  wire_buffer take_buffer() override;
  void give_buffer(wire_buffer bytes) override;
  std::string last_error() const override { return failure_; }
  int wake_fd() const override { return epoll_fd_; }
  void on_peer_lost(std::function<void(uint32_t, const std::string&)> listener) override {
    lost_ = std::move(listener);
  }

  // -- for the links ----------------------------------------------------------------------------
  const tcp_key& key() const override { return key_; }
  bool on_open(tcp_link& l) override;
  void on_frame(tcp_link& l, tcp_frame kind, wire_buffer bytes) override;
  void on_changed(tcp_link& l) override;
  std::span<char> scratch() override { return scratch_; }

private:
  struct peer {
    std::string host; // where it listens, as a number; empty on the lead's host
    uint16_t port = 0;
    std::string name;        // for messages
    tcp_link* out = nullptr; // what we send on
    bool lost = false;
    bool arrived = false; // lead: it is at the barrier
  };
  struct link_entry {
    std::unique_ptr<tcp_link> link;
    std::optional<uint32_t> rank; // whose it is, once that is known
    uint32_t watched = 0;         // what epoll watches for
    int64_t deadline_ns = 0;      // for its challenge; 0: it is open
  };
  struct arrival { // with `is_end` the peer has ended, and `bytes` say why
    uint32_t peer;
    wire_buffer bytes;
    uint64_t confirm_on = 0; // the link that waits for it; 0: none
    bool is_end = false;
  };
  struct join_end { // follower: how a try to join ended
    std::string why;
    bool hopeless;
  };
  struct joiner { // lead: a link that asked to be a rank
    uint64_t link;
    std::optional<uint32_t> rank;
    uint16_t port;
    std::string host;
    std::string name;
  };

  // Descriptors and links: tcp_wire.cpp.
  caf::error open_epoll();
  caf::error start_listening(int fd);
  void turn(int timeout_ms);
  void accept_some();
  void drop_oldest_stranger();
  void drop_overdue();
  void set_timer();
  void wait_at_most(link_entry& e, int64_t deadline_ns);
  tcp_link* add_link(int fd, bool dialled, tcp_purpose purpose);
  tcp_link* link_to(uint32_t peer);
  void forget_link(tcp_link& l);
  void link_ended(tcp_link& l, const link_entry& e);
  bool is_expected_end(uint32_t peer) const;
  void lose(uint32_t peer, const std::string& why);
  void on_message(tcp_link& l, uint32_t from, wire_buffer bytes, bool confirm);
  bool queue_message(uint32_t peer, tcp_frame kind, wire_buffer bytes);
  void note_stranger(const tcp_link& l);
  std::string name_of(uint32_t peer) const;

  // The meeting, and what goes by way of the lead: tcp_meeting.cpp.
  caf::error meet();
  bool someone_leads() const;
  bool wait_until(const std::function<bool()>& done, int64_t deadline_ns);
  void nap(int ms);
  caf::expected<int> bind_meeting_place();
  caf::error lead(int fd);
  std::string who_is_missing() const;
  void on_join(tcp_link& l, const wire_buffer& bytes);
  std::string refusal(uint32_t wanted_size, std::optional<uint32_t> wanted) const;
  void seat_all();
  void send_tables();
  void refuse_all(const std::string& why);
  caf::error follow();
  bool get_key(const tcp_address& at, int64_t& deadline_ns, std::string& why);
  uint64_t join_at(const tcp_address& at, int64_t deadline_ns);
  caf::error take_seat(uint64_t link, int64_t deadline_ns);
  bool read_table(const wire_buffer& bytes);
  void on_lead_frame(tcp_link& l, tcp_frame kind, wire_buffer bytes);
  void on_follower_frame(tcp_link& l, uint32_t from, tcp_frame kind, wire_buffer bytes);
  std::string gather_at_lead(const std::string& mine, std::vector<std::string>& all);
  std::string gather_by_lead(const std::string& mine, std::vector<std::string>& all);

  tcp_plan plan_;
  tcp_key key_{};
  tcp_instance instance_{};
  uint32_t rank_ = 0;
  std::vector<peer> peers_;
  std::string lead_host_; // the address by which we reached the lead
  bool leads_ = false;
  bool complete_ = false; // all ranks are known

  int epoll_fd_ = -1;
  int timer_fd_ = -1;
  int listen_fd_ = -1;
  bool accepting_ = false;
  bool interrupted_ = false;
  uint64_t next_id_ = 1;
  std::unordered_map<uint64_t, link_entry> links_;
  std::vector<std::unique_ptr<tcp_link>> ended_; // freed after the turn in which they ended
  std::set<std::pair<int64_t, uint64_t>> deadlines_;
  std::deque<uint64_t> strangers_; // accepted, and not open yet; oldest first
  uint64_t strangers_turned_away_ = 0;

  std::deque<arrival> inbox_;
  std::vector<wire_buffer> pool_;
  std::vector<char> scratch_;
  std::function<void(uint32_t, const std::string&)> lost_;
  std::string failure_; // why no collective call can work any more

  std::vector<joiner> joiners_;
  std::optional<join_end> join_end_;
  std::string refused_; // follower: the lead's word
  std::optional<std::string> spread_;
  std::vector<std::optional<std::string>> gathered_;
  bool ending_ = false;
  bool released_ = false;
};

} // namespace hactor
