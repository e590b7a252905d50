// See tcp_address.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/tcp_address.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include <fmt/format.h>

namespace hactor {

namespace {

const sockaddr_in& v4(const tcp_address& a) { return reinterpret_cast<const sockaddr_in&>(a.raw); }

const sockaddr_in6& v6(const tcp_address& a) {
  return reinterpret_cast<const sockaddr_in6&>(a.raw);
}

/// The address alone, IPv4 in IPv6 clothes as IPv4: equal for the same address.
std::string bits_of(const tcp_address& a) {
  auto part = [](const auto& x, size_t from, size_t n) {
    return std::string{reinterpret_cast<const char*>(&x) + from, n};
  };
  if (a.raw.ss_family == AF_INET)
    return part(v4(a).sin_addr, 0, 4);
  auto& address = v6(a).sin6_addr;
  return IN6_IS_ADDR_V4MAPPED(&address) ? part(address, 12, 4) : part(address, 0, 16);
}

tcp_address wildcard(int family, uint16_t port) {
  tcp_address result;
  result.raw.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(result.raw).sin6_port = htons(port);
    result.size = sizeof(sockaddr_in6);
  } else {
    reinterpret_cast<sockaddr_in&>(result.raw).sin_port = htons(port);
    result.size = sizeof(sockaddr_in);
  }
  return result;
}

/// Returns the descriptor, or -errno.
int try_bind(const tcp_address& at) {
  int fd = ::socket(at.raw.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -errno;
  int on = 1;
  int off = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (at.raw.ss_family == AF_INET6)
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd, at.get(), at.size) == 0)
    return fd;
  int problem = errno;
  ::close(fd);
  return -problem;
}

} // namespace

std::string tcp_endpoint::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

caf::expected<tcp_endpoint> parse_endpoint(std::string_view text) {
  auto wrong = [text] {
    return make_error(ec::bad_argument,
                      fmt::format("'{}' must be HOST:PORT with a port from 1 to 65535, e.g. "
                                  "node1:8787 or [fd00::1]:8787", text));
  };
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return wrong();
  tcp_endpoint result;
  auto host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return wrong();
  auto end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data() + colon + 1, end, result.port);
  if (host.empty() || error != std::errc{} || rest != end || result.port == 0)
    return wrong();
  result.host = host;
  return result;
}

bool tcp_address::is_loopback() const {
  auto bits = bits_of(*this);
  if (bits.size() == 4)
    return bits[0] == 127;
  return IN6_IS_ADDR_LOOPBACK(&v6(*this).sin6_addr);
}

bool tcp_address::is_wildcard() const {
  auto bits = bits_of(*this);
  return std::ranges::all_of(bits, [](char c) { return c == 0; });
}

uint16_t tcp_address::port() const {
  return ntohs(raw.ss_family == AF_INET6 ? v6(*this).sin6_port : v4(*this).sin_port);
}

std::string tcp_address::host() const {
  auto bits = bits_of(*this);
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(bits.size() == 4 ? AF_INET : AF_INET6, bits.data(), text.data(), text.size());
  return text.data();
}

caf::expected<std::vector<tcp_address>> resolve(const tcp_endpoint& where) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  auto service = std::to_string(where.port);
  int code = ::getaddrinfo(where.host.c_str(), service.c_str(), &wanted, &found);
  if (code != 0)
    return make_error(ec::network_failed,
                      fmt::format("host '{}': {}", where.host, ::gai_strerror(code)));
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, &::freeaddrinfo};
  std::vector<tcp_address> result;
  for (auto* x = found; x != nullptr; x = x->ai_next) {
    tcp_address a;
    a.size = x->ai_addrlen;
    std::memcpy(&a.raw, x->ai_addr, x->ai_addrlen);
    result.push_back(a);
  }
  return result;
}

bool is_local(const tcp_address& a) {
  if (a.is_loopback())
    return true;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0)
    return false;
  std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{all, &::freeifaddrs};
  for (auto* x = all; x != nullptr; x = x->ifa_next) {
    auto family = x->ifa_addr != nullptr ? x->ifa_addr->sa_family : AF_UNSPEC;
    if (family != AF_INET && family != AF_INET6)
      continue;
    tcp_address own;
    own.size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::memcpy(&own.raw, x->ifa_addr, own.size);
    if (bits_of(own) == bits_of(a))
      return true;
  }
  return false;
}

caf::expected<int> bind_tcp(const tcp_address* at, uint16_t port) {
  int fd = at != nullptr ? try_bind(*at) : try_bind(wildcard(AF_INET6, port));
  if (at == nullptr && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL))
    fd = try_bind(wildcard(AF_INET, port)); // a kernel without IPv6
  if (fd >= 0)
    return fd;
  return make_errno_error(fd == -EADDRINUSE ? ec::busy : ec::network_failed,
                          fmt::format("port {}", at != nullptr ? at->port() : port), -fd);
}

uint16_t port_of(int fd) {
  tcp_address a;
  a.size = sizeof a.raw;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&a.raw), &a.size) != 0)
    return 0;
  return a.port();
}

tcp_address peer_of(int fd) {
  tcp_address a;
  a.size = sizeof a.raw;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&a.raw), &a.size) != 0)
    return {};
  return a;
}

caf::expected<int> begin_connect(const tcp_address& to) {
  int fd = ::socket(to.raw.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return make_errno_error(ec::network_failed, "socket", errno);
  if (::connect(fd, to.get(), to.size) == 0 || errno == EINPROGRESS)
    return fd;
  int problem = errno;
  ::close(fd);
  return make_errno_error(ec::network_failed, "connect", problem);
}

void tune_tcp(int fd, uint32_t silence_ms) {
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof silence_ms);
  // Four parts: one of silence, then three questions.
  int part_s = std::max(1, static_cast<int>(silence_ms / 4000));
  int questions = 3;
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &part_s, sizeof part_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &part_s, sizeof part_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &questions, sizeof questions);
}

} // namespace hactor
