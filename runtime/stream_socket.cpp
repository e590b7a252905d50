// See stream_socket.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/stream_socket.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace hactor {

namespace {

/// Read per turn, so that one busy client does not keep the transport thread from the others.
constexpr size_t read_size = size_t{256} << 10;

/// A payload of so much is read to where it stays, not by way of the buffer that all frames share.
constexpr size_t large_size = read_size / 4;

/// What epoll says of a peer that sends nothing more; the last is to be asked for.
constexpr uint32_t peer_gone = EPOLLHUP | EPOLLERR | EPOLLRDHUP;

/// Queued bytes that were sent are cut off in steps of at least this size.
constexpr size_t compact_size = size_t{64} << 10;

void put_header(char* to, uint32_t size, uint8_t kind, uint64_t tag) {
  for (int i = 0; i < 4; ++i)
    to[i] = static_cast<char>(size >> (8 * i));
  to[4] = static_cast<char>(kind);
  for (int i = 0; i < 8; ++i)
    to[5 + i] = static_cast<char>(tag >> (8 * i));
}

uint64_t get_number(const char* from, int bytes) {
  uint64_t result = 0;
  for (int i = bytes; i-- > 0;)
    result = result << 8 | static_cast<uint8_t>(from[i]);
  return result;
}

} // namespace

std::shared_ptr<stream_socket> stream_socket::make(poller& p, int fd, callbacks what) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return std::shared_ptr<stream_socket>{new stream_socket(p, fd, std::move(what))};
}

stream_socket::stream_socket(poller& p, int fd, callbacks what)
  : poller_(p), fd_(fd), callbacks_(std::move(what)) {}

stream_socket::~stream_socket() {
  ::close(fd_);
}

caf::expected<void> stream_socket::start() {
  std::lock_guard guard{mutex_};
  HACTOR_CHECK(!watched_);
  interest_ = (paused_ ? EPOLLRDHUP : EPOLLIN) | (out_.size() > out_begin_ ? EPOLLOUT : 0u);
  auto result = poller_.watch(fd_, interest_, shared_from_this());
  watched_ = static_cast<bool>(result);
  return result;
}

// Requires: mutex_ is held.
void stream_socket::update_interest() {
  uint32_t wanted = (paused_ ? EPOLLRDHUP : EPOLLIN) | (out_.size() > out_begin_ ? EPOLLOUT : 0u);
  if (!watched_ || wanted == interest_ || is_closed())
    return;
  interest_ = wanted;
  // It can only fail when the transport thread has just ended the socket.
  (void)poller_.modify(fd_, wanted);
}

// Requires: mutex_ is held, nothing is queued. Queues what the socket does not take. Returns false
// when the peer is gone.
bool stream_socket::write_now(const char* header, std::string_view payload) {
  std::array<iovec, 2> parts{iovec{const_cast<char*>(header), frame_header_size},
                             iovec{const_cast<char*>(payload.data()), payload.size()}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  ssize_t sent = 0;
  do
    sent = sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EAGAIN)
    return false;
  auto done = static_cast<size_t>(std::max<ssize_t>(sent, 0));
  if (done < frame_header_size) {
    out_.append(header + done, frame_header_size - done);
    done = frame_header_size;
  }
  out_.append(payload.substr(done - frame_header_size));
  return true;
}

bool stream_socket::send(uint8_t kind, uint64_t tag, std::string_view payload) {
  HACTOR_CHECK(payload.size() <= frame_payload_size_max);
  std::array<char, frame_header_size> header;
  put_header(header.data(), static_cast<uint32_t>(payload.size()), kind, tag);
  std::lock_guard guard{mutex_};
  if (is_closed() || finishing_)
    return false;
  bool alive = true;
  if (out_.size() > out_begin_) {
    out_.append(header.data(), header.size());
    out_.append(payload);
  } else {
    alive = write_now(header.data(), payload);
  }
  queued_.store(out_.size() - out_begin_, std::memory_order_relaxed);
  update_interest();
  if (!alive) {
    // What the peer sent before it left is still to be read; then the end of file ends us.
    poller_.post([self = shared_from_this()] {
      self->read_some();
      if (!self->is_paused()) // else it is found when reading goes on
        self->end(make_error(ec::disconnected, "the peer has closed the socket"), true);
    });
  }
  return alive;
}

bool stream_socket::is_behind(size_t bytes) {
  if (queued_bytes() <= bytes)
    return false;
  std::lock_guard guard{mutex_};
  if (out_.size() - out_begin_ <= bytes || is_closed())
    return false; // taken meanwhile; or nobody will ever take it
  behind_ = true;
  drained_bytes_ = bytes / 2;
  return true;
}

void stream_socket::drain() {
  bool broken = false;
  bool drained = false;
  bool finished = false;
  {
    std::lock_guard guard{mutex_};
    while (out_.size() > out_begin_) {
      auto sent = ::send(fd_, out_.data() + out_begin_, out_.size() - out_begin_,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EINTR)
        continue;
      broken = sent < 0 && errno != EAGAIN;
      if (sent <= 0)
        break;
      out_begin_ += static_cast<size_t>(sent);
    }
    if (out_begin_ == out_.size()) {
      out_.clear();
      out_begin_ = 0;
      if (out_.capacity() > compact_size)
        out_.shrink_to_fit();
      finished = finishing_;
    } else if (out_begin_ >= compact_size && out_begin_ * 2 >= out_.size()) {
      out_.erase(0, out_begin_);
      out_begin_ = 0;
    }
    auto left = out_.size() - out_begin_;
    queued_.store(left, std::memory_order_relaxed);
    drained = behind_ && left <= drained_bytes_ && !broken;
    behind_ = behind_ && !drained;
    update_interest();
  }
  if (drained && callbacks_.on_drained)
    callbacks_.on_drained();
  if (broken)
    end(make_error(ec::disconnected, "the peer has closed the socket"), true);
  else if (finished)
    end({}, false);
}

void stream_socket::on_ready(uint32_t events) {
  auto guard = shared_from_this();
  if ((events & EPOLLOUT) != 0 && !is_closed())
    drain();
  if ((events & EPOLLIN) != 0 && !is_closed())
    read_some();
  else if ((events & peer_gone) != 0 && !is_closed()) {
    // Paused, and the peer is gone: level triggering would report it without end.
    bool paused = false;
    {
      std::lock_guard lock{mutex_};
      paused = paused_;
      if (paused) {
        poller_.unwatch(fd_);
        watched_ = false;
        hung_up_ = true;
      }
    }
    if (!paused)
      read_some();
    else if (callbacks_.on_hung_up)
      callbacks_.on_hung_up();
  }
}

void stream_socket::read_some() {
  size_t total = 0;
  // Paused: an end that were found now would come before the frames that wait in `in_`.
  while (!is_closed() && total < read_size && !is_paused()) {
    size_t room = 0;
    auto got = receive(room);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && errno == EAGAIN)
      return;
    if (got <= 0) {
      end(make_error(ec::disconnected, "the peer has closed the socket"), true);
      return;
    }
    total += static_cast<size_t>(got);
    parse();
    if (static_cast<size_t>(got) < room)
      return; // the socket is empty, most likely; if not, epoll says so
  }
}

/// As recv(), of at most `room` bytes.
ssize_t stream_socket::receive(size_t& room) {
  if (is_within_large()) {
    // Room for as much as has come, not for what a header says: who sends only that may be many.
    if (large_.got == large_.payload.size())
      large_.payload.resize(std::min(large_.size, 2 * std::max(large_.got, read_size / 4)));
    room = large_.payload.size() - large_.got;
    auto got = recv(fd_, large_.payload.data() + large_.got, room, MSG_DONTWAIT);
    large_.got += static_cast<size_t>(std::max<ssize_t>(got, 0));
    return got;
  }
  if (in_begin_ > 0 && in_begin_ * 2 >= in_.size()) {
    in_.erase(0, in_begin_);
    in_begin_ = 0;
  }
  auto size = in_.size();
  room = read_size / 4;
  in_.resize(size + room);
  auto got = recv(fd_, in_.data() + size, room, MSG_DONTWAIT);
  in_.resize(size + static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return got;
}

// Hands over all whole frames, until reading is paused.
void stream_socket::parse() {
  if (parsing_)
    return; // resumed by a callback: the loop below goes on
  parsing_ = true;
  while (!is_closed() && !is_paused() && hand_over_next()) {
  }
  if (in_begin_ == in_.size()) {
    in_.clear();
    in_begin_ = 0;
  }
  parsing_ = false;
}

/// False: the next frame is not there as a whole.
bool stream_socket::hand_over_next() {
  frame next;
  if (large_.size > 0) {
    if (is_within_large())
      return false;
    next = std::exchange(large_, {});
  } else {
    if (in_.size() - in_begin_ < frame_header_size)
      return false;
    auto header = in_.data() + in_begin_;
    auto size = get_number(header, 4);
    if (size > frame_payload_size_max) {
      end(make_error(ec::too_big, "a frame of " + std::to_string(size) + " bytes; at most "
                                    + std::to_string(frame_payload_size_max)),
          true);
      return false;
    }
    next.kind = static_cast<uint8_t>(header[4]);
    next.tag = get_number(header + 5, 8);
    auto there = std::min<size_t>(in_.size() - in_begin_ - frame_header_size, size);
    if (there < size && size < large_size)
      return false;
    next.payload = in_.substr(in_begin_ + frame_header_size, there);
    in_begin_ += frame_header_size + there;
    if (there < size) {
      next.size = size;
      next.got = there;
      large_ = std::move(next);
      return false;
    }
  }
  if (callbacks_.on_frame)
    callbacks_.on_frame(next.kind, next.tag, std::move(next.payload));
  return true;
}

bool stream_socket::is_paused() {
  std::lock_guard guard{mutex_};
  return paused_;
}

void stream_socket::pause_reading() {
  std::lock_guard guard{mutex_};
  paused_ = true;
  update_interest();
}

void stream_socket::resume_reading() {
  {
    std::lock_guard guard{mutex_};
    if (!paused_)
      return;
    paused_ = false;
  }
  poller_.post([self = shared_from_this()] { self->go_on(); });
}

// What was read before the pause comes first; only then may the socket speak again.
void stream_socket::go_on() {
  parse();
  if (is_closed())
    return;
  caf::expected<void> watching = caf::unit;
  {
    std::lock_guard guard{mutex_};
    if (hung_up_ && !paused_) { // what the peer left behind may take several turns to read
      hung_up_ = false;
      interest_ = EPOLLIN;
      watching = poller_.watch(fd_, interest_, shared_from_this());
      watched_ = static_cast<bool>(watching);
    }
    update_interest();
  }
  if (!watching)
    end(watching.error(), true);
  else
    read_some();
}

void stream_socket::close() {
  if (!is_closed())
    poller_.post([self = shared_from_this()] { self->end({}, false); });
}

void stream_socket::finish() {
  {
    std::lock_guard guard{mutex_};
    finishing_ = true;
    if (out_.size() > out_begin_)
      return; // drain() closes
  }
  close();
}

// On the transport thread.
void stream_socket::end(const caf::error& why, bool tell) {
  {
    std::lock_guard guard{mutex_};
    if (closed_.exchange(true))
      return;
    poller_.unwatch(fd_);
    shutdown(fd_, SHUT_RDWR); // the descriptor itself lives as long as we do
    out_.clear();
    out_begin_ = 0;
    queued_.store(0);
  }
  callbacks what;
  std::swap(what, callbacks_); // what they hold is released, and no call follows
  if (tell && what.on_closed)
    what.on_closed(why);
}

} // namespace hactor
