// connect_socket of client.hpp, and dial.hpp: the ways to an instance.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/dial.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/clock.hpp"
#include "workflow/address.hpp"
#include "workflow/client.hpp"
#include "workflow/ssh_way.hpp"

namespace hactor::workflow {

namespace {

/// Without a sign of life from the broker's host for so long, the connection is broken.
constexpr uint32_t silence_ms = 60'000;

/// A socket that is being connected, within a time.
class dialled_socket {
public:
  dialled_socket(int fd, int64_t until_ns, std::string where)
      : fd_(fd), until_ns_(until_ns), where_(std::move(where)) {}
  dialled_socket(const dialled_socket&) = delete;
  dialled_socket& operator=(const dialled_socket&) = delete;
  ~dialled_socket() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  caf::error finish_connect() {
    if (auto late = wait(POLLOUT))
      return late;
    int problem = 0;
    socklen_t size = sizeof problem;
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
      problem = errno;
    if (problem == ECONNREFUSED)
      return make_error(ec::no_instance, "no instance listens at " + where_
                                             + ": it has ended, or was started without "
                                               "connector.tcp");
    return problem == 0 ? caf::error{} : make_errno_error(ec::network_failed, where_, problem);
  }

  caf::error send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0 && errno != EINTR && errno != EAGAIN)
        return make_errno_error(ec::no_instance, where_, errno);
      if (n >= 0)
        bytes.remove_prefix(static_cast<size_t>(n));
      else if (auto late = wait(POLLOUT))
        return late;
    }
    return {};
  }

  caf::expected<std::string> receive(size_t size) {
    std::string bytes(size, '\0');
    for (size_t got = 0; got < size;) {
      if (auto late = wait(POLLIN))
        return late;
      auto n = ::recv(fd_, bytes.data() + got, size - got, 0);
      if (n == 0)
        return make_error(ec::no_instance, where_
                                               + ": closed the connection; no instance, or it "
                                                 "is ending");
      if (n < 0 && errno != EINTR && errno != EAGAIN)
        return make_errno_error(ec::no_instance, where_, errno);
      got += static_cast<size_t>(std::max<ssize_t>(n, 0));
    }
    return bytes;
  }

  /// From here on it waits for what it sends and gets.
  int release_blocking() {
    tune_tcp(fd_, silence_ms);
    ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) & ~O_NONBLOCK);
    return std::exchange(fd_, -1);
  }

private:
  caf::error wait(short events) {
    while (true) {
      auto left_ms = (until_ns_ - steady_ns() + 999'999) / 1'000'000;
      pollfd p{fd_, events, 0};
      auto ready = left_ms <= 0 ? 0 : ::poll(&p, 1, static_cast<int>(left_ms));
      if (ready > 0)
        return {};
      if (ready == 0)
        return make_error(ec::timed_out, where_ + ": does not answer");
      if (errno != EINTR)
        return make_errno_error(ec::system_failed, "poll", errno);
    }
  }

  int fd_;
  int64_t until_ns_;
  std::string where_;
};

caf::expected<tcp_key> load_token(const tcp_call& call) {
  auto path = call.token.empty() ? token_file(call.where) : call.token;
  if (path.empty())
    return make_error(ec::unknown_key, "no token: HOME is not set; HACTOR_TOKEN_FILE says where "
                                       "that of the instance is");
  auto key = load_key(path);
  if (!key && code_of(key.error()) == ec::unknown_key)
    return make_error(ec::unknown_key, "no token: " + path
                                           + " is not there; copy that of the instance's machine "
                                             "there with mode 0600, or set HACTOR_TOKEN_FILE");
  return key;
}

caf::expected<int> call_at(const tcp_call& call, const tcp_address& at, const tcp_key& key,
                           int64_t until_ns) {
  auto fd = begin_connect(at);
  if (!fd)
    return fd;
  auto shown = call.where.text();
  dialled_socket s{*fd, until_ns, shown};
  if (auto failed = s.finish_connect())
    return failed;
  greeting_caller greeting{key, make_nonce()};
  if (auto failed = s.send(greeting.hello()))
    return failed;
  auto answer = s.receive(greeting_answer_size);
  if (!answer)
    return std::move(answer.error());
  auto proof = greeting.proof_for(*answer);
  if (!proof)
    return make_error(
        code_of(proof.error()),
        shown + ": " + render(proof.error())
            + (code_of(proof.error()) == ec::not_permitted
                   ? " than " + (call.token.empty() ? token_file(call.where) : call.token)
                   : ""));
  if (!call.identity.empty() && call.identity != std::to_string(greeting.identity()))
    return make_error(ec::no_instance, shown + ": another instance listens there now");
  if (auto failed = s.send(*proof))
    return failed;
  return s.release_blocking();
}

caf::expected<int> connect_local(const std::string& path, std::string_view uri) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path))
    return make_error(ec::bad_argument, "HACTOR_URI names a socket path of "
                                            + std::to_string(path.size()) + " bytes; 1 to "
                                            + std::to_string(sizeof(address.sun_path) - 1)
                                            + " are possible");
  std::memcpy(address.sun_path, path.data(), path.size());
  auto fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return make_errno_error(ec::system_failed, "socket", errno);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    auto code = errno;
    ::close(fd);
    std::string text = "no instance answers at " + std::string{uri} + ": " + std::strerror(code);
    if (code == ENOENT || code == ECONNREFUSED)
      text += "; it has ended: unset HACTOR_URI or set it to that of a running instance";
    return make_error(ec::no_instance, text);
  }
  // A folder of /tmp that an instance has left may have been made anew by somebody.
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0
      && (peer.uid == ::geteuid() || peer.uid == 0))
    return fd;
  ::close(fd);
  return make_error(ec::not_permitted,
                    std::string{uri} + ": the process that listens there is user "
                        + std::to_string(peer.uid) + "'s, not yours");
}

/// By a note: here by its socket, else by TCP if it listens, else by ssh.
caf::expected<int> connect_noted(const instance_address& a) {
  auto note = find_note(a.note);
  if (!note)
    return std::move(note.error());
  if (is_gone(*note))
    return make_error(ec::no_instance, "instance " + note->id
                                           + " has ended without taking its "
                                             "note away: 'hactor ps --clean' does");
  if (is_here(*note))
    return connect_local(note->uri.substr(std::string_view{"local://"}.size()), note->uri);
  if (note->tcp.empty()) {
    auto there = parse_address(ssh_way_to(*note));
    if (!there)
      return std::move(there.error());
    return connect_by_ssh(*there);
  }
  auto fd = connect_by_tcp(*note, greeting_ns_max);
  if (!fd && code_of(fd.error()) != ec::no_instance)
    return make_error(code_of(fd.error()),
                      render(fd.error()) + "; by ssh it is HACTOR_URI=" + ssh_way_to(*note));
  return fd;
}

caf::expected<int> connect_by(const instance_address& a, std::string_view uri) {
  switch (a.by) {
  case instance_address::way::tcp:
    return connect_by_tcp({a.where, {}, {}});
  case instance_address::way::ssh:
    return connect_by_ssh(a);
  case instance_address::way::note:
    return connect_noted(a);
  default:
    return connect_local(a.socket, uri);
  }
}

} // namespace

std::string token_file(const tcp_endpoint& where) {
  if (auto* said = std::getenv("HACTOR_TOKEN_FILE"); said != nullptr && *said != '\0')
    return said;
  if (auto note = find_note_of(where.text()); note && !note->token.empty())
    return note->token;
  return default_key_path();
}

caf::expected<int> connect_by_tcp(const tcp_call& call) {
  auto key = load_token(call);
  if (!key)
    return std::move(key.error());
  auto all = resolve(call.where);
  if (!all)
    return std::move(all.error());
  auto until_ns = steady_ns() + call.patience_ns;
  caf::expected<int> last = make_error(ec::network_failed, call.where.text());
  auto left = static_cast<int64_t>(all->size());
  for (auto& at : *all) { // each has its share of the time: the first may be one that is silent
    auto now_ns = steady_ns();
    last = call_at(call, at, *key, now_ns + (until_ns - now_ns) / left--);
    if (last || code_of(last.error()) == ec::not_permitted)
      break;
  }
  return last;
}

caf::expected<int> connect_by_tcp(const instance_note& note, int64_t patience_ns) {
  auto where = parse_endpoint(note.tcp);
  if (!where)
    return std::move(where.error());
  tcp_call call{std::move(*where), {}, note.identity, patience_ns};
  if (auto* said = std::getenv("HACTOR_TOKEN_FILE"); said == nullptr || *said == '\0')
    call.token = note.token;
  return connect_by_tcp(call);
}

caf::expected<int> connect_socket(std::string_view uri) {
  auto where = parse_address(uri);
  if (!where)
    return std::move(where.error());
  auto fd = connect_by(*where, uri);
  auto by_ssh = where->by == instance_address::way::ssh;
  if (!fd || where->inside.empty() || by_ssh)
    return fd;
  std::string enter; // a socket that is new takes a frame as small as this at once
  append_frame(enter, frame_kind::enter, 0, where->inside);
  if (::send(*fd, enter.data(), enter.size(), MSG_NOSIGNAL) < 0) {
    auto problem = errno;
    ::close(*fd);
    return make_errno_error(ec::no_instance, uri, problem);
  }
  return fd;
}

} // namespace hactor::workflow
