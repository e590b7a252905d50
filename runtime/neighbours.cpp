// See neighbours.hpp.
//
// Each rank binds a datagram socket to an abstract address that the kernel picks, tells the address
// to all, and sends its descriptors to every rank of its node. Only senders of our own user count.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/neighbours.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "runtime/clock.hpp"
#include "runtime/packed.hpp"

namespace hactor {

namespace {

/// How long to wait for the bells of the node: every rank of it is in the same function by then.
constexpr int64_t meeting_ns_max = 10'000'000'000;

constexpr size_t fds_per_rank = 3; // memory and event of the bell, pidfd

struct greeting {
  uint64_t magic = 0x6c6c65622d616821; // "!ha-bell"
  uint64_t rank = 0;
};

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string{name.data()} : "localhost";
}

/// Equal on ranks that share a kernel, a host name and the abstract addresses of sockets.
std::string node_key(const std::string& host) {
  std::string boot;
  std::getline(std::ifstream{"/proc/sys/kernel/random/boot_id"}, boot);
  struct stat ns {};
  auto inode = stat("/proc/self/ns/net", &ns) == 0 ? ns.st_ino : 0;
  return boot + "/" + std::to_string(inode) + "/" + host;
}

sockaddr_un address_of(const std::string& name, socklen_t& length) {
  sockaddr_un result{};
  result.sun_family = AF_UNIX;
  std::memcpy(result.sun_path, name.data(), std::min(name.size(), sizeof result.sun_path));
  length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  return result;
}

/// A bound socket and its abstract name (which begins with a zero byte).
struct meeting_point {
  int fd = -1;
  std::string name;

  meeting_point() = default;
  meeting_point(const meeting_point&) = delete;
  meeting_point& operator=(const meeting_point&) = delete;
  ~meeting_point() {
    if (fd >= 0)
      close(fd);
  }

  bool open() {
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socklen_t length = sizeof(sa_family_t);
    int on = 1;
    if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0
        || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
      return false;
    length = sizeof address;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
      return false;
    name.assign(address.sun_path, length - offsetof(sockaddr_un, sun_path));
    return true;
  }
};

/// True once the greeting is in the peer's queue; false while that is full.
bool greet(const meeting_point& from, const std::string& to, uint32_t rank,
           const std::array<int, fds_per_rank>& fds) {
  greeting hello;
  hello.rank = rank;
  iovec part{&hello, sizeof hello};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)] = {};
  socklen_t length = 0;
  auto address = address_of(to, length);
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fds);
  std::memcpy(CMSG_DATA(header), fds.data(), sizeof fds);
  return sendmsg(from.fd, &message, MSG_NOSIGNAL) >= 0;
}

/// What one datagram carried.
struct received {
  greeting hello;
  std::vector<int> fds;
  bool trusted = false; // whole, and of our own user
};

bool take_greeting(const meeting_point& at, received& out) {
  out = {};
  iovec part{&out.hello, sizeof out.hello};
  alignas(cmsghdr) char control[256] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto size = recvmsg(at.fd, &message, MSG_CMSG_CLOEXEC);
  if (size < 0)
    return false;
  bool own_user = false;
  for (auto h = CMSG_FIRSTHDR(&message); h != nullptr; h = CMSG_NXTHDR(&message, h)) {
    if (h->cmsg_level != SOL_SOCKET)
      continue;
    if (h->cmsg_type == SCM_RIGHTS) {
      out.fds.resize((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      std::memcpy(out.fds.data(), CMSG_DATA(h), out.fds.size() * sizeof(int));
    } else if (h->cmsg_type == SCM_CREDENTIALS) {
      ucred who{};
      std::memcpy(&who, CMSG_DATA(h), sizeof who);
      own_user = who.uid == geteuid();
    }
  }
  out.trusted = own_user && size == sizeof out.hello && out.hello.magic == greeting{}.magic
                && out.fds.size() == fds_per_rank && (message.msg_flags & MSG_CTRUNC) == 0;
  return true;
}

/// Keeps what a peer sent, or closes it when it is not what we wait for.
bool accept_greeting(received& from, std::vector<neighbour>& all) {
  if (from.trusted && from.hello.rank < all.size()) {
    auto& peer = all[from.hello.rank];
    if (peer.same_node && !peer.ring) {
      if (auto b = bell::adopt(from.fds[0], from.fds[1]))
        peer.ring = std::move(*b);
      peer.pidfd = from.fds[2];
      return true;
    }
  }
  for (int fd : from.fds)
    close(fd);
  return false;
}

/// Sends our descriptors to the neighbours and takes theirs, until all is done or time is up.
void exchange(const meeting_point& at, uint32_t rank, const std::vector<std::string>& names,
              const std::array<int, fds_per_rank>& fds, std::vector<neighbour>& all) {
  std::vector<uint32_t> to_greet;
  for (uint32_t r = 0; r < all.size(); ++r)
    if (all[r].same_node)
      to_greet.push_back(r);
  auto missing = to_greet.size();
  auto deadline = steady_ns() + meeting_ns_max;
  while ((!to_greet.empty() || missing > 0) && steady_ns() < deadline) {
    std::erase_if(to_greet, [&](uint32_t r) { return greet(at, names[r], rank, fds); });
    received next;
    while (take_greeting(at, next))
      if (accept_greeting(next, all))
        --missing;
    pollfd ready{at.fd, POLLIN, 0};
    // A full queue of a peer cannot be polled for: look again soon.
    if (missing > 0 || !to_greet.empty())
      ::poll(&ready, 1, to_greet.empty() ? 100 : 1);
  }
}

/// What a rank tells all others; its name may hold any byte.
struct place {
  std::string node; // as node_key
  std::string host;
  std::string name;

  template <class Archive>
  void serialize(Archive& a) {
    a(node, host, name);
  }
};

/// Everybody's `mine`, by rank.
template <class T>
caf::expected<std::vector<T>> exchange_values(wire& w, const T& mine) {
  std::vector<std::string> all;
  if (auto error = w.allgather(pack(mine), all); !error.empty())
    return make_error(failure_code(w), error);
  std::vector<T> result;
  for (auto& bytes : all) {
    auto value = unpack<T>(bytes);
    if (!value)
      return std::move(value.error());
    result.push_back(std::move(*value));
  }
  return result;
}

/// Tells all ranks whose bells we hold, and learns who holds ours.
caf::error compare(wire& w, std::vector<neighbour>& all) {
  std::vector<uint32_t> mine;
  for (uint32_t r = 0; r < all.size(); ++r)
    if (all[r].ring)
      mine.push_back(r);
  auto held = exchange_values(w, mine);
  if (!held)
    return std::move(held.error());
  for (uint32_t r = 0; r < all.size(); ++r)
    all[r].rings_us = std::ranges::find((*held)[r], w.rank()) != (*held)[r].end();
  return caf::none;
}

} // namespace

caf::expected<std::vector<neighbour>> meet_neighbours(wire& w, const bell& own) {
  std::vector<neighbour> result(w.size());
  auto host = host_name();
  meeting_point here;
  if (!here.open())
    return make_errno_error(ec::system_failed, "a socket for the doorbells", errno);
  auto key = node_key(host);
  auto places = exchange_values(w, place{key, host, here.name});
  if (!places)
    return std::move(places.error());
  std::vector<std::string> names(w.size());
  for (uint32_t r = 0; r < w.size(); ++r) {
    auto& there = (*places)[r];
    result[r].host = there.host;
    result[r].same_node = r != w.rank() && there.node == key;
    names[r] = there.name;
  }
  int self = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  if (self < 0)
    return make_errno_error(ec::system_failed, "pidfd_open of ourselves", errno);
  exchange(here, w.rank(), names, {own.memory_fd(), own.event_fd(), self}, result);
  close(self);
  if (auto failed = compare(w, result))
    return failed;
  return result;
}

} // namespace hactor
