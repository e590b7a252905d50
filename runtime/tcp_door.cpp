// See tcp_door.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/tcp_door.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>

#include "runtime/clock.hpp"
#include "runtime/log.hpp"
#include "runtime/tcp_address.hpp"

namespace hactor {

namespace {

/// A client is a stranger for a few milliseconds: more of them at once are no clients.
constexpr size_t strangers_max = 64;

/// A client whose host has gone without a word is let go after this silence.
constexpr uint32_t silence_ms = 60'000;

} // namespace

class tcp_door::stranger final : public poller::handler {
public:
  stranger(tcp_door& d, int f, const tcp_key& key, uint64_t identity)
      : door(d), fd(f), greeting(key, make_nonce(), identity),
        until_ns(steady_ns() + greeting_ns_max) {}

  void on_ready(uint32_t) override { door.hear(*this); }

  tcp_door& door; // which unwatches us before it goes
  int fd;
  greeting_acceptor greeting;
  int64_t until_ns;
};

class tcp_door::clock final : public poller::handler {
public:
  explicit clock(tcp_door& d) : door_(d) {}
  void on_ready(uint32_t) override { door_.end_late(); }

private:
  tcp_door& door_;
};

caf::expected<std::shared_ptr<tcp_door>> tcp_door::make(poller& p, int bound_fd, const tcp_key& key,
                                                        uint64_t identity, accepted what) {
  std::shared_ptr<tcp_door> door{new tcp_door(p, bound_fd, key, identity, std::move(what))};
  if (door->clock_fd_ < 0)
    return make_errno_error(ec::system_failed, "timerfd_create", errno);
  if (::listen(bound_fd, SOMAXCONN) != 0)
    return make_errno_error(ec::network_failed, "listen", errno);
  if (auto watched = p.watch(door->clock_fd_, EPOLLIN, std::make_shared<clock>(*door)); !watched)
    return std::move(watched.error());
  if (auto watched = p.watch(bound_fd, EPOLLIN, door); !watched) {
    p.unwatch(door->clock_fd_);
    return std::move(watched.error());
  }
  return door;
}

tcp_door::tcp_door(poller& p, int fd, const tcp_key& key, uint64_t identity, accepted what)
    : poller_(p), fd_(fd), clock_fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      key_(key), identity_(identity), accepted_(std::move(what)) {}

tcp_door::~tcp_door() {
  for (auto& who : strangers_)
    ::close(who->fd);
  for (int fd : {fd_, clock_fd_})
    if (fd >= 0)
      ::close(fd);
}

void tcp_door::close() {
  if (fd_ < 0)
    return;
  auto self = shared_from_this();
  while (!strangers_.empty())
    forget(*strangers_.front(), true);
  for (int* fd : {&fd_, &clock_fd_}) {
    poller_.unwatch(*fd);
    ::close(*fd);
    *fd = -1;
  }
  accepted_ = nullptr;
}

void tcp_door::on_ready(uint32_t) {
  loop_.run(fd_, [this](int fd) { meet(fd); });
}

void tcp_door::meet(int fd) {
  if (strangers_.size() >= strangers_max)
    forget(*strangers_.front(), true);
  auto who = std::make_shared<stranger>(*this, fd, key_, identity_);
  if (!poller_.watch(fd, EPOLLIN, who)) {
    ::close(fd);
    return;
  }
  strangers_.push_back(std::move(who));
  set_clock();
}

/// Reads what the greeting waits for and not a byte more: what follows are frames.
void tcp_door::hear(stranger& who) {
  using step = greeting_acceptor::step;
  std::array<char, greeting_hello_size> bytes;
  auto got = ::recv(who.fd, bytes.data(), std::min(bytes.size(), who.greeting.missing()), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0)
    return forget(who, true);
  auto next = who.greeting.feed({bytes.data(), static_cast<size_t>(got)});
  if (next == step::answer) {
    auto& answer = who.greeting.answer();
    // A socket that nothing was sent by takes these few bytes at once.
    auto sent = ::send(who.fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != static_cast<ssize_t>(answer.size()))
      forget(who, true);
  } else if (next == step::refused) {
    // Once, twice, four times: who tries without end must not fill the log.
    if (std::has_single_bit(++refused_))
      log_notice("connector: who connects from {} has not the token of this instance ({} so far)",
                 peer_of(who.fd).host(), refused_);
    forget(who, true);
  } else if (next == step::accepted) {
    int fd = who.fd;
    forget(who, false);
    tune_tcp(fd, silence_ms);
    auto call = accepted_; // which may close us
    call(fd);
  }
}

void tcp_door::forget(stranger& who, bool hang_up) {
  auto at =
      std::find_if(strangers_.begin(), strangers_.end(), [&](auto& x) { return x.get() == &who; });
  auto keep = *at; // its handler may be running
  strangers_.erase(at);
  poller_.unwatch(who.fd);
  if (hang_up)
    ::close(who.fd);
  set_clock();
}

void tcp_door::end_late() {
  uint64_t rings = 0;
  (void)!::read(clock_fd_, &rings, sizeof rings);
  while (!strangers_.empty() && strangers_.front()->until_ns <= steady_ns())
    forget(*strangers_.front(), true);
  set_clock();
}

/// Rings when the first stranger's time is over; not at all without strangers.
void tcp_door::set_clock() {
  itimerspec when{};
  if (!strangers_.empty()) {
    auto left = std::max<int64_t>(strangers_.front()->until_ns - steady_ns(), 1);
    when.it_value = {left / 1'000'000'000, left % 1'000'000'000};
  }
  ::timerfd_settime(clock_fd_, 0, &when, nullptr);
}

} // namespace hactor
