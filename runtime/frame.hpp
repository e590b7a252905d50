// What precedes the bytes of every message between two ranks. CAF's own protocol (BASP) runs over
// virtual connections: a connection is a pair of byte streams between two ranks, made by a
// `connect` to a port and ended by a `fin`. All ranks of an instance have one byte order.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <cstring>

#include "runtime/wire.hpp"

namespace hactor {

enum class frame_kind : uint32_t {
  connect = 1, ///< The sender opens a connection to `port`.
  data,        ///< Bytes of a connection follow.
  fin,         ///< A connection has ended, or was refused.
  goodbye,     ///< The sender's actor system has ended.
};

struct frame {
  frame_kind kind = frame_kind::data;
  uint16_t port = 0;
  uint8_t to_initiator = 0; ///< 1: for the end that opened the connection, 0: for the other.
  uint8_t unused = 0;
  uint64_t key = 0; ///< Names the connection: the initiator's rank << 40 | its counter.
};
static_assert(sizeof(frame) == 16);

/// The name of one end of a connection; both ends may be on one rank.
inline uint64_t end_of(uint64_t key, bool initiator) {
  return key << 1 | uint64_t{initiator};
}

inline frame read_frame(const wire_buffer& from) {
  frame result;
  std::memcpy(&result, from.data(), sizeof result);
  return result;
}

inline void write_frame(wire_buffer& to, const frame& f) {
  if (to.size() < sizeof f)
    to.resize(sizeof f);
  std::memcpy(to.data(), &f, sizeof f);
}

} // namespace hactor
