// Frames and descriptors over the socket; see spawner_protocol.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/spawner_protocol.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace hactor {

namespace {

constexpr size_t fds_per_message_max = 253; // SCM_MAX_FD of Linux
constexpr size_t read_size = 64u << 10;

size_t padded(size_t size) { return (size + 7) & ~size_t{7}; }

bool holds_nul(std::string_view text) { return text.find('\0') != text.npos; }

template <class T>
void append_array(std::string& out, const std::vector<T>& items) {
  out.append(reinterpret_cast<const char*>(items.data()), items.size() * sizeof(T));
}

/// Takes `count` items off the front of [at, end). Returns false if they are not there.
template <class T>
bool take_array(const char*& at, const char* end, uint32_t count, std::vector<T>& out) {
  if (count > static_cast<size_t>(end - at) / sizeof(T))
    return false;
  out.resize(count);
  if (count > 0)
    std::memcpy(out.data(), at, count * sizeof(T));
  at += count * sizeof(T);
  return true;
}

caf::error check(const spawn_request& r) {
  if (r.argv.empty() || r.argv[0].empty())
    return make_error(ec::bad_argument, "spawn: no command");
  for (const auto& arg : r.argv)
    if (holds_nul(arg))
      return make_error(ec::bad_argument, "spawn: an argument holds a NUL byte");
  if (holds_nul(r.cwd))
    return make_error(ec::bad_argument, "spawn: the working directory holds a NUL byte");
  if (!r.environment.empty() && r.environment.back() != '\0')
    return make_error(ec::bad_argument, "spawn: the environment does not end with a NUL byte");
  if (r.fds.size() > spawn_fds_max)
    return make_error(ec::too_big, "spawn: " + std::to_string(r.fds.size())
                                       + " descriptors, at most " + std::to_string(spawn_fds_max));
  for (const auto& fd : r.fds)
    if (!fd)
      return make_error(ec::bad_argument, "spawn: a passed descriptor is not open");
  for (const auto& m : r.fd_map) {
    auto passed = m.source == fd_source::passed;
    if (m.child_fd < 0 || m.value < 0 || (passed && size_t(m.value) >= r.fds.size()))
      return make_error(ec::bad_argument,
                        "spawn: no such descriptor to map to " + std::to_string(m.child_fd));
    auto same = [&](const fd_mapping& other) { return other.child_fd == m.child_fd; };
    if (std::count_if(r.fd_map.begin(), r.fd_map.end(), same) != 1)
      return make_error(ec::bad_argument,
                        "spawn: descriptor " + std::to_string(m.child_fd) + " is mapped twice");
  }
  return caf::none;
}

} // namespace

void spawn_request::pass(int child_fd, owned_fd fd) {
  fd_map.push_back({child_fd, fd_source::passed, static_cast<int32_t>(fds.size())});
  fds.push_back(std::move(fd));
}

void spawn_request::inherit(int child_fd, int supervisor_fd) {
  fd_map.push_back({child_fd, fd_source::inherited, supervisor_fd});
}

void spawn_request::set_env(std::string_view name, std::string_view value) {
  environment.append(name).append("=").append(value).push_back('\0');
}

std::string_view to_string(spawn_step step) {
  constexpr std::string_view names[] = {"fork", "group",   "limit",   "cpus", "fd",
                                        "cwd",  "command", "request", "stop", "oom.adjust"};
  auto index = static_cast<size_t>(step);
  return index < std::size(names) ? names[index] : "unknown";
}

caf::expected<std::string> encode_spawn(const spawn_request& r) {
  if (auto problem = check(r))
    return problem;
  size_t size = sizeof(frame_header) + sizeof(spawn_head) + r.environment.size() + r.cwd.size() + 9
                + r.fd_map.size() * sizeof(fd_mapping) + r.limits.size() * sizeof(resource_limit)
                + r.cpus.size() * sizeof(int32_t);
  for (const auto& arg : r.argv)
    size += arg.size() + 1;
  if (size > spawn_frame_size_max)
    return make_error(ec::too_big, "spawn: arguments and environment have " + std::to_string(size)
                                       + " bytes, at most " + std::to_string(spawn_frame_size_max));
  frame_header header{0, spawner_op::spawn, static_cast<uint16_t>(r.fds.size()), r.token};
  spawn_head head{r.group,
                  r.kill_group_on_exit,
                  r.stop_in_exec,
                  r.oom_adjust,
                  static_cast<uint32_t>(r.fd_map.size()),
                  static_cast<uint32_t>(r.limits.size()),
                  static_cast<uint32_t>(r.cpus.size()),
                  static_cast<uint32_t>(r.argv.size())};
  std::string out;
  out.reserve(padded(size));
  out.append(reinterpret_cast<const char*>(&header), sizeof header);
  out.append(reinterpret_cast<const char*>(&head), sizeof head);
  append_array(out, r.fd_map);
  append_array(out, r.limits);
  append_array(out, r.cpus);
  out.append(r.cwd).push_back('\0');
  for (const auto& arg : r.argv)
    out.append(arg).push_back('\0');
  out += r.environment;
  // The padding is of NUL bytes, which read as empty strings after the environment.
  out.resize(padded(out.size()), '\0');
  header.size = static_cast<uint32_t>(out.size());
  std::memcpy(out.data(), &header, sizeof header);
  return out;
}

caf::error decode_spawn(char* frame, size_t size, spawn_view& out) {
  auto bad = [] { return make_error(ec::bad_argument, "spawner: a spawn frame is cut short"); };
  if (!read_body(frame, size, out.head))
    return bad();
  const char* at = frame + sizeof(frame_header) + sizeof(spawn_head);
  const char* end = frame + size;
  if (!take_array(at, end, out.head.fd_map_count, out.fd_map)
      || !take_array(at, end, out.head.limit_count, out.limits)
      || !take_array(at, end, out.head.cpu_count, out.cpus))
    return bad();
  auto next_string = [&]() -> char* {
    auto* nul = static_cast<const char*>(std::memchr(at, '\0', static_cast<size_t>(end - at)));
    if (nul == nullptr)
      return nullptr;
    auto* text = frame + (at - frame);
    at = nul + 1;
    return text;
  };
  out.cwd = next_string();
  if (out.cwd == nullptr || out.head.arg_count == 0)
    return bad();
  out.argv.clear();
  out.envp.clear();
  for (uint32_t i = 0; i < out.head.arg_count; ++i) {
    out.argv.push_back(next_string());
    if (out.argv.back() == nullptr)
      return bad();
  }
  out.argv.push_back(nullptr);
  while (at != end) {
    auto* text = next_string();
    if (text == nullptr)
      return bad();
    if (*text != '\0')
      out.envp.push_back(text);
  }
  out.envp.push_back(nullptr);
  return caf::none;
}

void append_frame(std::string& out, spawner_op op, uint64_t token, const void* body, size_t size) {
  frame_header header{static_cast<uint32_t>(padded(sizeof(frame_header) + size)), op, 0, token};
  auto begin = out.size();
  out.append(reinterpret_cast<const char*>(&header), sizeof header);
  out.append(static_cast<const char*>(body), size);
  out.resize(begin + header.size, '\0');
}

bool read_body(const char* frame, size_t frame_size, void* body, size_t size) {
  if (frame_size < sizeof(frame_header) + size)
    return false;
  std::memcpy(body, frame + sizeof(frame_header), size);
  return true;
}

void frame_reader::make_room() {
  size_t wanted = read_size;
  if (end_ - begin_ >= sizeof(frame_header)) {
    frame_header header;
    std::memcpy(&header, buffer_.data() + begin_, sizeof header);
    wanted = std::max<size_t>(wanted, header.size);
  }
  if (begin_ == end_)
    begin_ = end_ = 0;
  if (buffer_.size() - begin_ >= wanted && end_ < buffer_.size())
    return;
  if (begin_ != end_)
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (buffer_.size() < wanted + read_size)
    buffer_.resize(wanted + read_size);
}

transfer frame_reader::receive(int socket) {
  if (broken_)
    return transfer::closed;
  make_room();
  iovec piece{buffer_.data() + end_, buffer_.size() - end_};
  alignas(cmsghdr) char control[CMSG_SPACE(fds_per_message_max * sizeof(int))];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n = 0;
  do
    n = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK ? transfer::blocked : transfer::closed;
  if (n == 0)
    return transfer::closed;
  for (auto* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
      continue;
    for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, reinterpret_cast<char*>(c) + at, sizeof fd);
      fds_.emplace_back(fd);
    }
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0) { // our table is full: whose are missing is unknown
    broken_ = true;
    return transfer::closed;
  }
  end_ += static_cast<size_t>(n);
  return transfer::done;
}

char* frame_reader::next(frame_header& header, std::vector<owned_fd>& fds) {
  fds.clear();
  if (broken_ || end_ - begin_ < sizeof header)
    return nullptr;
  std::memcpy(&header, buffer_.data() + begin_, sizeof header);
  if (header.size < sizeof header || header.size > spawn_frame_size_max + 8
      || header.size % 8 != 0) {
    broken_ = true;
    return nullptr;
  }
  if (end_ - begin_ < header.size)
    return nullptr;
  if (fds_.size() < header.fd_count) {
    broken_ = true;
    return nullptr;
  }
  for (uint16_t i = 0; i < header.fd_count; ++i) {
    fds.push_back(std::move(fds_.front()));
    fds_.pop_front();
  }
  auto* frame = buffer_.data() + begin_;
  begin_ += header.size;
  return frame;
}

transfer send_frames(int socket, const std::vector<iovec>& pieces, const std::vector<int>& fds,
                     size_t& sent) {
  sent = 0;
  alignas(cmsghdr) char control[CMSG_SPACE(fds_per_message_max * sizeof(int))];
  HACTOR_CHECK(fds.size() <= fds_per_message_max);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data()); // sendmsg only reads them
  message.msg_iovlen = pieces.size();
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    std::memset(control, 0, message.msg_controllen);
    auto* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(c), fds.data(), fds.size() * sizeof(int));
  }
  ssize_t n = 0;
  do
    n = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n >= 0) {
    sent = static_cast<size_t>(n);
    return transfer::done;
  }
  // ETOOMANYREFS: this user has too many descriptors in flight; the receivers are taking them.
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ETOOMANYREFS || errno == ENOBUFS)
    return transfer::blocked;
  return transfer::closed;
}

} // namespace hactor
