// See tcp_link.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/tcp_link.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace hactor {

namespace {

constexpr uint64_t magic = 0x70637472'6f746361; // "actortcp"

/// Read per turn, so that one busy peer does not keep the thread from the others.
constexpr size_t read_size_max = size_t{4} << 20;

/// Frames that one call sends.
constexpr size_t frames_per_call = 16;

std::string text_of(int problem) { return std::strerror(problem); }

} // namespace

tcp_link::tcp_link(tcp_link_owner& owner, uint64_t id, int fd, bool dialled, tcp_purpose purpose,
                   const tcp_instance& instance, uint32_t rank)
  : owner_(owner),
    id_(id),
    fd_(fd),
    dialled_(dialled),
    state_(dialled ? state::connecting : state::listening),
    purpose_(purpose),
    own_nonce_(make_nonce()) {
  claim_.instance = instance;
  claim_.rank = rank;
}

tcp_link::~tcp_link() {
  close();
}

uint32_t tcp_link::interest() const {
  if (state_ == state::connecting)
    return EPOLLOUT;
  return EPOLLIN | (is_open() && has_queued() ? uint32_t{EPOLLOUT} : 0u);
}

void tcp_link::close() {
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = -1;
  state_ = state::closed;
}

void tcp_link::close_when_sent() {
  closing_ = true;
  if (!has_queued())
    end("closed");
}

void tcp_link::end(std::string why, bool hopeless) {
  if (fd_ < 0)
    return;
  why_ = std::move(why);
  hopeless_ = hopeless;
  close();
  owner_.on_changed(*this);
}

void tcp_link::on_ready(uint32_t events) {
  if (state_ == state::connecting) {
    connected();
    return;
  }
  if ((events & EPOLLOUT) != 0)
    flush();
  if (fd_ < 0 || (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
    return;
  if (is_open())
    read_frames();
  else
    shake_hands();
}

// -- the challenge -------------------------------------------------------------------------------

bool tcp_link::send_raw(const void* bytes, size_t size) {
  // The first words on a socket, less than any socket's buffer: they go whole or not at all.
  if (::send(fd_, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(size))
    return true;
  end(text_of(errno));
  return false;
}

void tcp_link::connected() {
  int problem = 0;
  socklen_t size = sizeof problem;
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
    problem = errno;
  if (problem != 0) {
    end(text_of(problem));
    return;
  }
  hello mine{magic, tcp_version, purpose_, own_nonce_};
  state_ = state::greeted;
  if (send_raw(&mine, sizeof mine))
    owner_.on_changed(*this);
}

size_t tcp_link::greeting_size() const {
  return state_ == state::greeted     ? sizeof(answer)
         : state_ == state::listening ? sizeof(hello)
                                      : sizeof(claim);
}

void tcp_link::shake_hands() {
  auto wanted = greeting_size();
  auto got = ::recv(fd_, greeting_.data() + greeted_, wanted - greeted_, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0) {
    end(got == 0 ? "it closed the connection before it was accepted" : text_of(errno));
    return;
  }
  greeted_ += static_cast<size_t>(got);
  if (greeted_ < wanted)
    return;
  greeted_ = 0;
  if (state_ == state::greeted)
    take_answer();
  else if (state_ == state::listening)
    take_hello();
  else
    take_claim();
}

void tcp_link::take_hello() {
  hello theirs;
  std::memcpy(&theirs, greeting_.data(), sizeof theirs);
  if (theirs.magic != magic) {
    end("it does not speak hactor's protocol");
    return;
  }
  purpose_ = theirs.purpose;
  other_nonce_ = theirs.nonce;
  std::string said{reinterpret_cast<const char*>(&purpose_), sizeof purpose_};
  answer mine{magic, tcp_version, 0, own_nonce_,
              prove(owner_.key(), "acceptor", other_nonce_, own_nonce_, said)};
  state_ = state::answered;
  if (!send_raw(&mine, sizeof mine))
    return;
  if (theirs.version != tcp_version)
    end(fmt::format("it speaks version {} of the protocol, this is {}", theirs.version,
                    tcp_version));
}

void tcp_link::take_answer() {
  answer theirs;
  std::memcpy(&theirs, greeting_.data(), sizeof theirs);
  if (theirs.magic != magic) {
    end("what listens there does not speak hactor's protocol", true);
    return;
  }
  if (theirs.version != tcp_version) {
    end(fmt::format("it speaks version {} of the protocol, this is {}", theirs.version,
                    tcp_version),
        true);
    return;
  }
  other_nonce_ = theirs.nonce;
  std::string said{reinterpret_cast<const char*>(&purpose_), sizeof purpose_};
  if (!same_proof(theirs.proof, prove(owner_.key(), "acceptor", own_nonce_, other_nonce_, said))) {
    end("it has another key", true);
    return;
  }
  claim_.proof = prove(owner_.key(), "dialler", own_nonce_, other_nonce_, claimed_text());
  if (send_raw(&claim_, sizeof claim_))
    opened();
}

void tcp_link::take_claim() {
  std::memcpy(&claim_, greeting_.data(), sizeof claim_);
  auto wanted = prove(owner_.key(), "dialler", other_nonce_, own_nonce_, claimed_text());
  if (!same_proof(claim_.proof, wanted)) {
    end("it has another key");
    return;
  }
  opened();
}

std::string tcp_link::claimed_text() const {
  std::string text{reinterpret_cast<const char*>(&purpose_), sizeof purpose_};
  return text.append(reinterpret_cast<const char*>(&claim_), offsetof(claim, proof));
}

void tcp_link::opened() {
  state_ = state::open;
  if (!owner_.on_open(*this)) {
    end("refused");
    return;
  }
  flush();
  if (fd_ >= 0)
    owner_.on_changed(*this);
}

// -- frames --------------------------------------------------------------------------------------

void tcp_link::send(tcp_frame kind, wire_buffer bytes) {
  if (fd_ < 0)
    return;
  HACTOR_CHECK(bytes.size() <= tcp_frame_size_max);
  unconfirmed_ += kind == tcp_frame::message_to_confirm;
  auto was_idle = out_.empty();
  out_.push_back({{static_cast<uint32_t>(bytes.size()), kind}, std::move(bytes)});
  if (!is_open() || !was_idle)
    return;
  flush();
  if (has_queued())
    owner_.on_changed(*this);
}

void tcp_link::flush() {
  auto had = has_queued();
  while (is_open() && has_queued()) {
    std::array<iovec, 2 * frames_per_call> parts;
    size_t count = 0;
    size_t total = 0;
    auto skip = out_sent_;
    auto add = [&](void* from, size_t size) {
      auto skipped = std::min(skip, size);
      skip -= skipped;
      if (size > skipped)
        parts[count++] = {static_cast<char*>(from) + skipped, size - skipped};
      total += size - skipped;
    };
    for (size_t i = 0; i < std::min(out_.size(), frames_per_call); ++i) {
      add(&out_[i].head, sizeof out_[i].head);
      add(out_[i].bytes.data(), out_[i].bytes.size());
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    auto sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0 && errno != EAGAIN) {
      // What the peer sent before it left is still to be read; then the end of file ends us.
      if (errno != EPIPE && errno != ECONNRESET)
        end(text_of(errno));
      return;
    }
    if (sent > 0)
      drop_sent(static_cast<size_t>(sent));
    if (static_cast<size_t>(std::max<ssize_t>(sent, 0)) < total)
      return;
  }
  if (had && closing_ && is_open())
    end("closed");
  else if (had && is_open())
    owner_.on_changed(*this);
}

void tcp_link::drop_sent(size_t sent) {
  out_sent_ += sent;
  while (!out_.empty() && out_sent_ >= sizeof(tcp_frame_head) + out_.front().bytes.size()) {
    out_sent_ -= sizeof(tcp_frame_head) + out_.front().bytes.size();
    owner_.give_buffer(std::move(out_.front().bytes));
    out_.pop_front();
  }
}

void tcp_link::read_frames() {
  auto room = owner_.scratch();
  for (size_t budget = read_size_max; budget > 0 && is_open();) {
    // A large rest goes where it belongs at once.
    auto missing = head_size_ == sizeof head_ ? body_.size() - body_size_ : 0;
    auto direct = missing >= room.size();
    auto* to = direct ? body_.data() + body_size_ : room.data();
    auto wanted = direct ? missing : room.size();
    auto got = ::recv(fd_, to, wanted, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && errno == EAGAIN)
      return;
    if (got <= 0) {
      end(got == 0 ? "it closed the connection" : text_of(errno));
      return;
    }
    auto size = static_cast<size_t>(got);
    budget -= std::min(budget, size);
    if (direct) {
      body_size_ += size;
      if (body_size_ == body_.size())
        deliver();
    } else {
      take_bytes(to, size);
    }
    if (size < wanted)
      return;
  }
}

void tcp_link::take_bytes(const char* from, size_t size) {
  while (size > 0 && is_open()) {
    if (head_size_ < sizeof head_) {
      auto part = std::min(size, sizeof head_ - head_size_);
      std::memcpy(reinterpret_cast<char*>(&head_) + head_size_, from, part);
      head_size_ += part;
      from += part;
      size -= part;
      if (head_size_ < sizeof head_)
        return;
      if (head_.size > tcp_frame_size_max) {
        end(fmt::format("it sent a frame of {} bytes, the most is {}", head_.size,
                        tcp_frame_size_max));
        return;
      }
      body_ = owner_.take_buffer();
      body_.resize(head_.size);
      body_size_ = 0;
    }
    auto part = std::min(size, body_.size() - body_size_);
    if (part > 0) // an empty buffer may have no memory at all
      std::memcpy(body_.data() + body_size_, from, part);
    body_size_ += part;
    from += part;
    size -= part;
    if (body_size_ == body_.size())
      deliver();
  }
}

void tcp_link::deliver() {
  auto kind = head_.kind;
  head_size_ = 0;
  body_size_ = 0;
  if (kind != tcp_frame::confirmed) {
    owner_.on_frame(*this, kind, std::exchange(body_, {}));
  } else if (unconfirmed_ == 0) {
    end("it confirmed what it was never sent");
  } else {
    --unconfirmed_;
    owner_.give_buffer(std::exchange(body_, {}));
  }
}

} // namespace hactor
