// One TCP connection between two brokers: the challenge at its begin, then frames both ways. Who
// dials says who it is; both show that they have the key before anything else is taken. Never
// blocks; what the socket does not take at once is queued.
//
//   dialler  -> hello   {magic, version, purpose, nonce}
//   acceptor -> answer  {magic, version, nonce, proof over both nonces and the purpose}
//   dialler  -> claim   {instance, rank, proof over both nonces and all that it said}
//   both     -> frames  {size, kind} and `size` bytes
//
// A stranger costs a descriptor and one object of fixed size until it has shown the key, or until
// its owner's deadline.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <array>
#include <deque>
#include <span>
#include <string>

#include "runtime/tcp_key.hpp"
#include "runtime/wire.hpp"

namespace hactor {

/// Raised with every change of what is said on a connection.
inline constexpr uint32_t tcp_version = 1;

/// Names one instance, so that brokers of two instances with one key do not talk to each other.
using tcp_instance = std::array<uint8_t, 16>;

enum class tcp_purpose : uint32_t {
  join = 1, ///< To take part in an instance that is just starting.
  talk,     ///< From a rank of a running one.
};

enum class tcp_frame : uint32_t {
  message = 1,
  message_to_confirm, ///< A message that is answered with `confirmed` once it has been taken.
  confirmed,
  join,     ///< To the lead: the wish to be a rank.
  refused,  ///< From the lead: why not. Text.
  table,    ///< From the lead: your rank, and where all others are.
  gather,   ///< To the lead: my part of an allgather.
  spread,   ///< From the lead: all parts.
  arrived,  ///< To the lead: I am at the barrier.
  released, ///< From the lead: all are.
  lost,     ///< From the lead: this rank is dead.
};

struct tcp_frame_head {
  uint32_t size = 0; // of what follows
  tcp_frame kind = tcp_frame::message;
};
static_assert(sizeof(tcp_frame_head) == 8);

/// The largest frame: the largest message of a connection (connection.cpp) and some.
inline constexpr uint32_t tcp_frame_size_max = (1u << 28) + 1024;

class tcp_link;

/// Whose links they are: the wire.
class tcp_link_owner {
public:
  virtual ~tcp_link_owner() = default;

  virtual const tcp_key& key() const = 0;

  /// The other end has shown the key; from here on it may send frames. False: close it.
  virtual bool on_open(tcp_link& l) = 0;

  /// A whole frame. May close the link.
  virtual void on_frame(tcp_link& l, tcp_frame kind, wire_buffer bytes) = 0;

  /// The link wants to be told of other events than before, or has ended (fd() < 0). Once for an
  /// end, and the last call; not after close().
  virtual void on_changed(tcp_link& l) = 0;

  virtual wire_buffer take_buffer() = 0;
  virtual void give_buffer(wire_buffer bytes) = 0;

  /// Room for what is read, shared by all links.
  virtual std::span<char> scratch() = 0;
};

class tcp_link {
public:
  /// Takes over a socket. Of a dialler it is connecting, and the claim is what it will say.
  tcp_link(tcp_link_owner& owner, uint64_t id, int fd, bool dialled, tcp_purpose purpose,
           const tcp_instance& instance, uint32_t rank);
  tcp_link(const tcp_link&) = delete;
  tcp_link& operator=(const tcp_link&) = delete;
  ~tcp_link();

  uint64_t id() const { return id_; }
  int fd() const { return fd_; }
  bool is_open() const { return state_ == state::open; }
  bool dialled() const { return dialled_; }
  tcp_purpose purpose() const { return purpose_; }

  /// What was claimed by who dialled; to be trusted once open.
  uint32_t claimed_rank() const { return claim_.rank; }
  const tcp_instance& claimed_instance() const { return claim_.instance; }

  /// Why it has ended; and whether another try could not end otherwise (a wrong key).
  const std::string& why() const { return why_; }
  bool is_hopeless() const { return hopeless_; }

  /// What epoll shall watch for.
  uint32_t interest() const;

  void on_ready(uint32_t events);

  /// Queues a frame and sends what the socket takes. Also before the link is open.
  void send(tcp_frame kind, wire_buffer bytes);

  bool has_queued() const { return !out_.empty(); }
  uint32_t unconfirmed() const { return unconfirmed_; }

  /// Closes at once, without a call of the owner; or once all is sent.
  void close();
  void close_when_sent();

private:
  enum class state : uint8_t { connecting, greeted, listening, answered, open, closed };

  struct hello {
    uint64_t magic;
    uint32_t version;
    tcp_purpose purpose;
    tcp_nonce nonce;
  };
  struct answer {
    uint64_t magic;
    uint32_t version;
    uint32_t unused;
    tcp_nonce nonce;
    tcp_proof proof;
  };
  struct claim {
    tcp_instance instance;
    uint32_t rank;
    uint32_t unused;
    tcp_proof proof;
  };
  static_assert(sizeof(hello) == 48 && sizeof(answer) == 80 && sizeof(claim) == 56);

  struct outgoing {
    tcp_frame_head head;
    wire_buffer bytes;
  };

  void connected();
  void shake_hands();
  void take_hello();
  void take_answer();
  void take_claim();
  std::string claimed_text() const;
  bool send_raw(const void* bytes, size_t size);
  void opened();
  void flush();
  void drop_sent(size_t sent);
  void read_frames();
  void take_bytes(const char* from, size_t size);
  void deliver();
  void end(std::string why, bool hopeless = false);
  size_t greeting_size() const;

  tcp_link_owner& owner_;
  uint64_t id_;
  int fd_;
  bool dialled_;
  state state_;
  tcp_purpose purpose_;
  claim claim_{};
  tcp_nonce own_nonce_;
  tcp_nonce other_nonce_{};
  bool hopeless_ = false;
  bool closing_ = false;
  std::string why_;

  std::array<char, sizeof(answer)> greeting_; // the other end's hello, answer or claim
  size_t greeted_ = 0;                        // bytes of it

  std::deque<outgoing> out_;
  size_t out_sent_ = 0; // of the first one, with its head
  uint32_t unconfirmed_ = 0;
  tcp_frame_head head_;
  size_t head_size_ = 0; // bytes of it
  wire_buffer body_;
  size_t body_size_ = 0;
};

} // namespace hactor
