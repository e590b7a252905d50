// See transport.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/transport.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/log.hpp"

namespace hactor {

namespace {

/// A pidfd is readable once its process has ended; that happens once.
class life_watch final : public poller::handler {
public:
  life_watch(poller& p, int pidfd, std::function<void()> ended)
    : poller_(p), pidfd_(pidfd), ended_(std::move(ended)) {}
  ~life_watch() override { close(pidfd_); }

  void on_ready(uint32_t) override {
    poller_.unwatch(pidfd_);
    ended_();
  }

private:
  poller& poller_;
  int pidfd_;
  std::function<void()> ended_;
};

/// The wire has something for us: that the loop turns is all it takes.
class wire_watch final : public poller::handler {
public:
  void on_ready(uint32_t) override {}
};

} // namespace

caf::expected<std::unique_ptr<transport>> transport::open(std::unique_ptr<hactor::wire> w,
                                                          transport_options options) {
  auto p = poller::make();
  if (!p)
    return p.error();
  std::unique_ptr<transport> result{new transport(std::move(w), std::move(*p), options)};
  auto peers = meet_neighbours(*result->wire_, *result->poller_->own_bell());
  if (!peers)
    return peers.error();
  result->peers_ = std::move(*peers);
  for (rank_t r = 0; r < result->size_; ++r)
    if (r != result->rank_ && !result->peers_[r].rings_us)
      result->all_ring_ = false;
  if (auto watched = result->watch_lives(); !watched)
    return watched.error();
  auto* t = result.get();
  t->wire_->on_peer_lost([t](rank_t peer, const std::string& why) {
    if (!t->left_[peer] && !t->is_lost(peer))
      log_warning("network: rank {} on {}: {}", peer, t->host_of(peer), why);
    t->mark_lost(peer);
  });
  if (int fd = t->wire_->wake_fd(); fd >= 0)
    if (auto watched = t->poller_->watch(fd, EPOLLIN, std::make_shared<wire_watch>()); !watched)
      return watched.error();
  return {std::move(result)};
}

transport::transport(std::unique_ptr<hactor::wire> w, std::unique_ptr<hactor::poller> p,
                     transport_options options)
  : wire_(std::move(w)),
    poller_(std::move(p)),
    options_(options),
    rank_(wire_->rank()),
    size_(wire_->size()),
    lost_(size_),
    left_(size_, false) {}

transport::~transport() {
  close();
}

caf::expected<void> transport::watch_lives() {
  for (rank_t r = 0; r < size_; ++r) {
    int pidfd = peers_[r].pidfd;
    if (pidfd < 0)
      continue;
    // A wire that notices ends itself knows, at the end of the instance, which are in order.
    if (wire_->wake_fd() >= 0) {
      ::close(pidfd);
      continue;
    }
    auto watch = std::make_shared<life_watch>(*poller_, pidfd, [this, r] { lose(r); });
    if (auto watched = poller_->watch(pidfd, EPOLLIN, std::move(watch)); !watched)
      return watched.error();
  }
  return caf::unit;
}

std::vector<rank_t> transport::node_ranks() const {
  std::vector<rank_t> result;
  for (rank_t r = 0; r < size_; ++r)
    if (same_node(r))
      result.push_back(r);
  return result;
}

uint32_t transport::node_index() const {
  auto ranks = node_ranks();
  return static_cast<uint32_t>(std::ranges::find(ranks, rank_) - ranks.begin());
}

void transport::on_peer_lost(std::function<void(rank_t)> listener) {
  listeners_.push_back(std::move(listener));
}

void transport::set_multiplexer_listener(std::function<void(rank_t)> listener) {
  multiplexer_listener_ = std::move(listener);
}

void transport::mark_lost(rank_t peer) {
  HACTOR_CHECK(peer < size_ && peer != rank_);
  if (!is_lost(peer))
    poller_->post([this, peer] { lose(peer); });
}

void transport::lose(rank_t peer) {
  if (lost_[peer].exchange(true))
    return;
  lost_count_.fetch_add(1);
  wire_->abandon(peer);
  if (multiplexer_listener_)
    multiplexer_listener_(peer);
  if (left_[peer])
    return;
  for (auto& f : listeners_)
    f(peer);
}

void transport::send(rank_t peer, wire_buffer bytes) {
  if (is_lost(peer))
    return;
  if (!wire_->send(peer, std::move(bytes))) {
    mark_lost(peer);
    return;
  }
  ring(peer);
}

void transport::send_synchronously(rank_t peer, wire_buffer bytes) {
  if (is_lost(peer))
    return;
  if (!wire_->send_synchronously(peer, std::move(bytes))) {
    mark_lost(peer);
    return;
  }
  ring(peer);
}

void transport::ring(rank_t peer) {
  if (auto& b = peers_[peer].ring; b && wire_->wake_fd() < 0)
    b->ring();
}

bool transport::close() {
  if (!closed_ && wire_->wake_fd() >= 0)
    poller_->unwatch(wire_->wake_fd());
  if (!closed_ && clean_)
    wire_->close();
  closed_ = true;
  return clean_;
}

} // namespace hactor
