// See tcp_wire_impl.hpp: descriptors, links, and the calls of a running broker.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/tcp_wire.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>

#include <fmt/format.h>

#include "runtime/clock.hpp"
#include "runtime/log.hpp"
#include "runtime/tcp_wire_impl.hpp"

namespace hactor {

namespace {

/// In an epoll event, in place of a link's id.
constexpr uint64_t listen_mark = ~uint64_t{0};
constexpr uint64_t timer_mark = ~uint64_t{1};
constexpr uint64_t interrupt_mark = ~uint64_t{2};

/// Connections that have not shown the key yet. One more, and the oldest goes.
constexpr size_t strangers_max = 1024;

/// How long a stranger may take to show the key, and a peer to let us in: the second may be in a
/// part of its start in which it does not look.
constexpr int64_t stranger_ns_max = 5'000'000'000;
constexpr int64_t dial_ns_max = 30'000'000'000;

/// After which accepting is tried again when there was no descriptor for it.
constexpr int64_t accept_again_ns = 100'000'000;

constexpr size_t scratch_size = size_t{128} << 10;

/// Buffers kept for reuse, and the largest that is kept: a burst must not hold its memory.
constexpr size_t pool_buffers_max = 64;
constexpr size_t pool_buffer_size_max = 1u << 20;

/// Descriptors that a broker needs beside those for its peers.
constexpr rlim_t other_descriptors = 256;

/// A peer may have one link each way; tasks do not inherit this, the spawner makes them.
void allow_descriptors(uint32_t size) {
  rlimit limit{};
  auto wanted = other_descriptors + 2 * rlim_t{size};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
    return;
  limit.rlim_cur = std::min(limit.rlim_max, wanted);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace

caf::expected<std::unique_ptr<wire>> open_tcp_wire(const tcp_plan& plan) {
  auto result = std::make_unique<tcp_wire>(plan);
  if (auto failed = result->open())
    return failed;
  return std::unique_ptr<wire>{std::move(result)};
}

tcp_wire::tcp_wire(tcp_plan plan)
  : plan_(std::move(plan)), peers_(plan_.size), scratch_(scratch_size) {}

tcp_wire::~tcp_wire() {
  close();
  if (timer_fd_ >= 0)
    ::close(timer_fd_);
  if (epoll_fd_ >= 0)
    ::close(epoll_fd_);
}

caf::error tcp_wire::open_epoll() {
  allow_descriptors(plan_.size);
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  timer_fd_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = timer_mark;
  if (epoll_fd_ < 0 || timer_fd_ < 0
      || ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, timer_fd_, &event) != 0)
    return make_errno_error(ec::system_failed, "descriptors for the network", errno);
  event.data.u64 = interrupt_mark;
  if (plan_.interrupt_fd >= 0
      && ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, plan_.interrupt_fd, &event) != 0)
    return make_errno_error(ec::system_failed, "the signals' descriptor", errno);
  return caf::none;
}

caf::error tcp_wire::start_listening(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = listen_mark;
  if (::listen(fd, SOMAXCONN) == 0 && ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0) {
    listen_fd_ = fd;
    accepting_ = true;
    return caf::none;
  }
  auto problem = errno;
  auto port = port_of(fd);
  ::close(fd);
  return make_errno_error(problem == EADDRINUSE ? ec::busy : ec::network_failed,
                          fmt::format("listening at port {}", port), problem);
}

// -- what epoll tells ----------------------------------------------------------------------------

void tcp_wire::turn(int timeout_ms) {
  std::array<epoll_event, 64> events;
  int count = ::epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), timeout_ms);
  for (int i = 0; i < count; ++i) {
    auto& x = events[static_cast<size_t>(i)];
    if (x.data.u64 == listen_mark)
      accept_some();
    else if (x.data.u64 == timer_mark)
      drop_overdue();
    else if (x.data.u64 == interrupt_mark)
      interrupted_ = true;
    else if (auto l = links_.find(x.data.u64); l != links_.end())
      l->second.link->on_ready(x.events);
  }
  ended_.clear();
}

void tcp_wire::accept_some() {
  constexpr int at_once = 64;
  for (int i = 0; i < at_once; ++i) {
    int fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      tune_tcp(fd, plan_.silence_ms);
      auto* l = add_link(fd, false, tcp_purpose::talk);
      wait_at_most(links_[l->id()], steady_ns() + stranger_ns_max);
      strangers_.push_back(l->id());
      if (strangers_.size() > strangers_max)
        drop_oldest_stranger();
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // It would be ready for ever: look away for a moment.
      ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, listen_fd_, nullptr);
      accepting_ = false;
      deadlines_.insert({steady_ns() + accept_again_ns, listen_mark});
      set_timer();
    }
    if (errno == EAGAIN || !accepting_)
      return;
  }
}

void tcp_wire::drop_oldest_stranger() {
  auto& l = *links_[strangers_.front()].link;
  l.close();
  forget_link(l);
}

void tcp_wire::drop_overdue() {
  uint64_t ticks = 0;
  (void)!::read(timer_fd_, &ticks, sizeof ticks);
  auto now = steady_ns();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    auto id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    if (id == listen_mark) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = listen_mark;
      accepting_ = ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, listen_fd_, &event) == 0;
      continue;
    }
    auto i = links_.find(id);
    if (i == links_.end())
      continue;
    auto& l = *i->second.link;
    auto whose = i->second.rank;
    l.close();
    forget_link(l);
    if (whose)
      lose(*whose, fmt::format("it did not answer a connection within {} s",
                               dial_ns_max / 1'000'000'000));
  }
  set_timer();
}

void tcp_wire::set_timer() {
  itimerspec at{};
  if (!deadlines_.empty()) {
    auto ns = deadlines_.begin()->first;
    at.it_value = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  }
  ::timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &at, nullptr);
}

void tcp_wire::wait_at_most(link_entry& e, int64_t deadline_ns) {
  deadlines_.erase({e.deadline_ns, e.link->id()});
  e.deadline_ns = deadline_ns;
  if (deadline_ns == 0)
    return; // the timer rings once too often, which costs less than to set it each time
  deadlines_.insert({deadline_ns, e.link->id()});
  if (deadlines_.begin()->second == e.link->id())
    set_timer();
}

// -- links ---------------------------------------------------------------------------------------

tcp_link* tcp_wire::add_link(int fd, bool dialled, tcp_purpose purpose) {
  auto id = next_id_++;
  auto& e = links_[id];
  e.link = std::make_unique<tcp_link>(*this, id, fd, dialled, purpose, instance_, rank_);
  e.watched = e.link->interest();
  epoll_event event{};
  event.events = e.watched;
  event.data.u64 = id;
  // It can only fail for want of memory; the link's deadline then ends it.
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
  return e.link.get();
}

tcp_link* tcp_wire::link_to(uint32_t to) {
  auto& p = peers_[to];
  if (p.out != nullptr)
    return p.out;
  std::string why;
  auto found = resolve({p.host.empty() ? lead_host_ : p.host, p.port}); // a number: never waits
  if (found) {
    auto fd = begin_connect(found->front());
    if (fd) {
      tune_tcp(*fd, plan_.silence_ms);
      p.out = add_link(*fd, true, tcp_purpose::talk);
      auto& e = links_[p.out->id()];
      e.rank = to;
      wait_at_most(e, steady_ns() + dial_ns_max);
      return p.out;
    }
    why = context_of(fd.error());
  } else {
    why = context_of(found.error());
  }
  lose(to, why);
  return nullptr;
}

/// Takes a link that is closed out of all tables; it is freed after this turn.
void tcp_wire::forget_link(tcp_link& l) {
  auto i = links_.find(l.id());
  if (i == links_.end())
    return;
  wait_at_most(i->second, 0);
  std::erase(strangers_, l.id());
  for (auto& p : peers_)
    if (p.out == &l)
      p.out = nullptr;
  ended_.push_back(std::move(i->second.link));
  links_.erase(i);
}

void tcp_wire::on_changed(tcp_link& l) {
  auto i = links_.find(l.id());
  if (i == links_.end())
    return;
  auto& e = i->second;
  if (l.fd() < 0) {
    link_entry copy;
    copy.rank = e.rank;
    copy.deadline_ns = e.deadline_ns;
    forget_link(l);
    link_ended(l, copy);
    return;
  }
  if (auto wanted = l.interest(); wanted != e.watched) {
    e.watched = wanted;
    epoll_event event{};
    event.events = wanted;
    event.data.u64 = l.id();
    ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, l.fd(), &event);
  }
}

void tcp_wire::link_ended(tcp_link& l, const link_entry& e) {
  std::erase_if(joiners_, [&](auto& j) { return !complete_ && j.link == l.id(); });
  if (!e.rank) {
    if (l.dialled())
      join_end_ = {l.why(), l.is_hopeless()};
    else if (e.deadline_ns != 0)
      note_stranger(l);
    return;
  }
  if (!is_expected_end(*e.rank))
    lose(*e.rank, (e.deadline_ns != 0 ? "no connection: " : "") + l.why());
}

/// Strangers may come in any number: the first ones are told of, then fewer and fewer.
void tcp_wire::note_stranger(const tcp_link& l) {
  auto n = ++strangers_turned_away_;
  if (n <= 8 || std::has_single_bit(n))
    log_warning("network: a connection was turned away: {} ({} so far)", l.why(), n);
}

bool tcp_wire::on_open(tcp_link& l) {
  auto& e = links_[l.id()];
  wait_at_most(e, 0);
  if (l.dialled())
    return true;
  std::erase(strangers_, l.id());
  if (l.purpose() == tcp_purpose::join)
    return leads_; // what it asks for is answered, also when it comes too late
  auto from = l.claimed_rank();
  if (l.purpose() != tcp_purpose::talk || !complete_ || l.claimed_instance() != instance_
      || from >= size() || from == rank_ || peers_[from].lost)
    return false;
  e.rank = from;
  return true;
}

// -- who lives -----------------------------------------------------------------------------------

std::string tcp_wire::name_of(uint32_t r) const {
  return fmt::format("rank {} ({})", r, peers_[r].name);
}

/// At the end all connections end, in an order that nobody knows.
bool tcp_wire::is_expected_end(uint32_t r) const {
  if (peers_[r].lost)
    return true;
  if (!ending_)
    return false;
  return rank_ == 0 ? peers_[r].arrived : r != 0 || released_;
}

void tcp_wire::lose(uint32_t r, const std::string& why) {
  auto& p = peers_[r];
  if (std::exchange(p.lost, true))
    return;
  if (failure_.empty())
    failure_ = fmt::format("{} went away: {}", name_of(r), why);
  inbox_.push_back({r, {why.begin(), why.end()}, 0, true});
}

void tcp_wire::abandon(uint32_t r) {
  peers_[r].lost = true;
  std::vector<uint64_t> of_it;
  for (auto& [id, e] : links_)
    if (e.rank == r)
      of_it.push_back(id);
  for (auto id : of_it) {
    auto& l = *links_[id].link;
    l.close();
    forget_link(l);
  }
  if (rank_ != 0)
    return;
  auto text = std::to_string(r);
  for (uint32_t other = 1; other < size(); ++other)
    if (!peers_[other].lost && peers_[other].out != nullptr)
      peers_[other].out->send(tcp_frame::lost, {text.begin(), text.end()});
}

// -- messages ------------------------------------------------------------------------------------

bool tcp_wire::queue_message(uint32_t to, tcp_frame kind, wire_buffer bytes) {
  if (peers_[to].lost)
    return true;
  if (auto* l = link_to(to))
    l->send(kind, std::move(bytes));
  return true;
}

bool tcp_wire::send(uint32_t to, wire_buffer bytes) {
  return queue_message(to, tcp_frame::message, std::move(bytes));
}

bool tcp_wire::send_synchronously(uint32_t to, wire_buffer bytes) {
  return queue_message(to, tcp_frame::message_to_confirm, std::move(bytes));
}

bool tcp_wire::has_pending() const {
  return std::ranges::any_of(links_, [](auto& x) {
    return x.second.rank && (x.second.link->has_queued() || x.second.link->unconfirmed() > 0);
  });
}

void tcp_wire::on_frame(tcp_link& l, tcp_frame kind, wire_buffer bytes) {
  auto whose = links_[l.id()].rank;
  if (!whose && kind == tcp_frame::join && !l.dialled())
    on_join(l, bytes);
  else if (!whose && l.dialled())
    on_lead_frame(l, kind, std::move(bytes));
  else if (!whose)
    l.close_when_sent(); // it has the key, and breaks the rules
  else if (kind == tcp_frame::message || kind == tcp_frame::message_to_confirm)
    on_message(l, *whose, std::move(bytes), kind == tcp_frame::message_to_confirm);
  else if (*whose == 0 && l.dialled())
    on_lead_frame(l, kind, std::move(bytes));
  else
    on_follower_frame(l, *whose, kind, std::move(bytes));
}

void tcp_wire::on_message(tcp_link& l, uint32_t from, wire_buffer bytes, bool confirm) {
  inbox_.push_back({from, std::move(bytes), confirm ? l.id() : 0, false});
}

bool tcp_wire::try_receive(wire_message& out) {
  if (inbox_.empty())
    turn(0);
  while (!inbox_.empty()) {
    auto next = std::move(inbox_.front());
    inbox_.pop_front();
    if (next.is_end) {
      if (lost_)
        lost_(next.peer, {next.bytes.begin(), next.bytes.end()});
      continue;
    }
    if (auto i = links_.find(next.confirm_on); i != links_.end())
      i->second.link->send(tcp_frame::confirmed, {});
    out.peer = next.peer;
    out.bytes = std::move(next.bytes);
    return true;
  }
  return false;
}

wire_buffer tcp_wire::take_buffer() {
  if (pool_.empty())
    return {};
  auto result = std::move(pool_.back());
  pool_.pop_back();
  return result;
}

void tcp_wire::give_buffer(wire_buffer bytes) {
  if (pool_.size() >= pool_buffers_max || bytes.capacity() > pool_buffer_size_max
      || bytes.capacity() == 0)
    return;
  bytes.clear();
  pool_.push_back(std::move(bytes));
}

void tcp_wire::close() {
  if (listen_fd_ >= 0)
    ::close(listen_fd_);
  listen_fd_ = -1;
  for (auto& p : peers_)
    p.out = nullptr;
  links_.clear();
  ended_.clear();
}

} // namespace hactor
