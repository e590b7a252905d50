// How a client and a broker prove to each other over TCP that both have the token of the instance's
// owner (tcp_key.hpp), before the first frame. Over a Unix socket the kernel says who one is.
//
//     client  "HACTORc1" nonce[32]
//     broker  "HACTORb1" nonce[32] identity[8] proof[32]
//     client  proof[32], and frames
//
// A proof is of both nonces, the identity and the role, so that neither an old one nor that of the
// other side is worth anything. Each side waits for so many bytes and no more: a stranger cannot
// make the broker hold anything. Plain state, no sockets: tcp_door.hpp and workflow/dial.cpp feed
// it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/tcp_key.hpp"

namespace hactor {

inline constexpr size_t greeting_hello_size = 8 + sizeof(tcp_nonce);
inline constexpr size_t greeting_answer_size = 8 + sizeof(tcp_nonce) + 8 + sizeof(tcp_proof);

/// Both ends give up on a greeting that takes longer: it is two ways of the network and no more.
inline constexpr int64_t greeting_ns_max = 10'000'000'000;

/// The broker's side of one connection.
class greeting_acceptor {
public:
  enum class step : uint8_t {
    more,     ///< So far it is right, and missing() bytes are to come.
    answer,   ///< answer() is to be sent, then missing() bytes are to come.
    accepted, ///< The client has the token; what comes next are frames.
    refused,  ///< It has not, or is no client of ours.
  };

  /// `own` is a new nonce; `identity` says to a client which instance answers.
  greeting_acceptor(const tcp_key& key, const tcp_nonce& own, uint64_t identity);

  /// The bytes to read next; 0 when it is over.
  size_t missing() const { return wanted_ - got_.size(); }

  /// Takes what has come. Requires: 1 to missing() bytes.
  step feed(std::string_view bytes);

  const std::string& answer() const { return answer_; }

private:
  step take_hello();
  step take_proof();

  tcp_key key_;
  tcp_nonce own_;
  uint64_t identity_;
  size_t wanted_ = greeting_hello_size;
  bool answered_ = false;
  std::string got_; // of the message that is coming
  std::string answer_;
  tcp_proof expected_{};
};

/// The client's side.
class greeting_caller {
public:
  /// `own` is a new nonce.
  greeting_caller(const tcp_key& key, const tcp_nonce& own) : key_(key), own_(own) {}

  /// What is sent first.
  std::string hello() const;

  /// What is sent upon the broker's answer, greeting_answer_size bytes. Errors: ec::network_failed
  /// (it is not hactor that answers), ec::not_permitted (it has another token).
  caf::expected<std::string> proof_for(std::string_view answer);

  /// Which instance has answered; after proof_for.
  uint64_t identity() const { return identity_; }

private:
  tcp_key key_;
  tcp_nonce own_;
  uint64_t identity_ = 0;
};

} // namespace hactor
