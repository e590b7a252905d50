// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/pmix_front.hpp"

#include <algorithm>
#include <cerrno>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace hactor {

namespace {

/// A client's first message has some hundred bytes; what is longer and names no job is no client.
constexpr size_t name_bytes_max = 4096;

constexpr std::string_view space_prefix = "hactor-";
constexpr size_t secret_digits = 16; // hexadecimal, behind the prefix

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

} // namespace

std::string_view find_space(std::string_view bytes) {
  for (size_t at = 0; (at = bytes.find(space_prefix, at)) != bytes.npos; ++at) {
    auto name = bytes.substr(at);
    auto end = name.find('\0');
    auto secret = name.substr(std::min(space_prefix.size(), name.size()), secret_digits);
    if (end == name.npos || end <= space_prefix.size() + secret_digits
        || !std::all_of(secret.begin(), secret.end(), is_hex))
      continue;
    return name.substr(0, end);
  }
  return {};
}

pmix_front::pmix_front(int door, uint16_t port, std::function<void(const std::string&)> knocked)
    : epoll_{::epoll_create1(EPOLL_CLOEXEC)}, decided_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      door_{door}, port_{port}, knocked_{std::move(knocked)} {
  add(door_, EPOLLIN);
  add(decided_, EPOLLIN);
}

void pmix_front::add(int fd, uint32_t events) {
  epoll_event e{};
  e.events = events;
  e.data.fd = fd;
  if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &e) != 0)
    (void)::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e);
}

void pmix_front::decide(const std::string& space, bool known) {
  {
    std::lock_guard guard{mutex_};
    decisions_.emplace_back(space, known);
  }
  (void)::eventfd_write(decided_, 1);
}

void pmix_front::take_decisions() {
  eventfd_t count = 0;
  (void)::eventfd_read(decided_, &count);
  std::vector<std::pair<std::string, bool>> all;
  {
    std::lock_guard guard{mutex_};
    all.swap(decisions_);
  }
  for (auto& [space, known] : all) {
    if (known)
      known_.insert(space);
    else
      known_.erase(space);
    auto node = waiting_.extract(space);
    if (node.empty())
      continue;
    for (auto fd : node.mapped()) {
      if (known)
        join(fd);
      else
        ::close(fd);
    }
  }
}

void pmix_front::run() {
  for (;;) {
    epoll_event events[64];
    auto n = ::epoll_wait(epoll_, events, 64, -1);
    for (int i = 0; i < n; ++i)
      on_event(events[i].data.fd, events[i].events);
  }
}

void pmix_front::on_event(int fd, uint32_t events) {
  if (fd == door_)
    return accept_all();
  if (fd == decided_)
    return take_decisions();
  if (nameless_.count(fd) != 0)
    return read_name(fd);
  auto it = links_.find(fd);
  if (it == links_.end())
    return; // was closed by an event before this one
  auto l = it->second;
  if ((events & EPOLLOUT) != 0)
    flush(l, fd == l->ends[1]);
  if ((events & ~EPOLLOUT) != 0 && links_.count(fd) != 0)
    pass(l, fd == l->ends[1]);
}

void pmix_front::accept_all() {
  for (int fd; (fd = ::accept4(door_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
    nameless_.insert(fd);
    add(fd, EPOLLIN | EPOLLET); // told of every new byte, since none is taken
  }
}

void pmix_front::read_name(int fd) {
  char bytes[name_bytes_max];
  auto n = ::recv(fd, bytes, sizeof bytes, MSG_PEEK);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  std::string space{find_space({bytes, static_cast<size_t>(std::max<ssize_t>(n, 0))})};
  if (space.empty() && n > 0 && static_cast<size_t>(n) < sizeof bytes)
    return;
  nameless_.erase(fd);
  (void)::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  if (space.empty()) {
    ::close(fd);
    return;
  }
  if (known_.count(space) != 0)
    return join(fd);
  auto& all = waiting_[space];
  all.push_back(fd);
  if (all.size() == 1)
    knocked_(space);
}

void pmix_front::join(int fd) {
  auto l = std::make_shared<link>();
  l->ends[0] = fd;
  l->ends[1] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port_);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(l->ends[1], reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) {
    ::close(l->ends[0]);
    ::close(l->ends[1]);
    return;
  }
  ::fcntl(l->ends[1], F_SETFL, O_NONBLOCK);
  for (auto end : l->ends) {
    int on = 1;
    (void)::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    links_[end] = l;
    add(end, EPOLLIN);
  }
}

void pmix_front::pass(const std::shared_ptr<link>& l, int from) {
  auto& rest = l->rest[1 - from];
  if (!rest.empty())
    return; // the other end has not taken what came before
  char bytes[64 << 10];
  auto n = ::recv(l->ends[from], bytes, sizeof bytes, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0)
    return close_link(l);
  rest.assign(bytes, static_cast<size_t>(n));
  flush(l, 1 - from);
}

void pmix_front::flush(const std::shared_ptr<link>& l, int to) {
  auto& rest = l->rest[to];
  if (!rest.empty()) {
    auto n = ::send(l->ends[to], rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
      return close_link(l);
    rest.erase(0, static_cast<size_t>(std::max<ssize_t>(n, 0)));
  }
  for (int end : {0, 1})
    add(l->ends[end],
        (l->rest[1 - end].empty() ? EPOLLIN : 0u) | (l->rest[end].empty() ? 0u : EPOLLOUT));
}

void pmix_front::close_link(const std::shared_ptr<link>& l) {
  for (auto end : l->ends) {
    links_.erase(end);
    ::close(end);
  }
}

} // namespace hactor
