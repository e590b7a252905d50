// Bytes of the store's own formats: varints through a raw cursor, so that an event is encoded with
// no call per byte (runtime/varint.hpp appends to a string, which is too slow for this path), and
// fixed little-endian integers. Readers never look past the end and say false instead.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "runtime/varint.hpp"

namespace hactor::bytes {

// Fixed integers are copied as they lie in memory; LMDB files are not portable across byte orders
// either.
static_assert(std::endian::native == std::endian::little, "the store's formats are little-endian");

/// Difference modulo 2^64, so that no pair of times overflows; `wrapping_add` undoes it.
inline int64_t wrapping_subtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

inline int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

/// Writes `v` at `p` and returns the place behind it. Requires: varint_bytes_max bytes of room.
inline char* put_varint(char* p, uint64_t v) {
  while (v >= 0x80) {
    *p++ = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  *p++ = static_cast<char>(v);
  return p;
}

inline char* put_zigzag(char* p, int64_t v) { return put_varint(p, zigzag(v)); }

template <class Byte, class T>
Byte* put_fixed(Byte* p, T v) {
  std::memcpy(p, &v, sizeof v);
  return p + sizeof v;
}

/// Reads a varint from the front of `in` and removes it; false when `in` ends within it or it has
/// more than 64 bits.
inline bool take_varint(std::string_view& in, uint64_t& v) {
  uint64_t result = 0;
  for (size_t i = 0; i < in.size() && i < varint_bytes_max; ++i) {
    const auto byte = static_cast<unsigned char>(in[i]);
    if (i == varint_bytes_max - 1 && byte > 1)
      return false;
    result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      v = result;
      in.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

inline bool take_zigzag(std::string_view& in, int64_t& v) {
  uint64_t raw = 0;
  if (!take_varint(in, raw))
    return false;
  v = unzigzag(raw);
  return true;
}

template <class T>
bool take_fixed(std::string_view& in, T& v) {
  if (in.size() < sizeof v)
    return false;
  std::memcpy(&v, in.data(), sizeof v);
  in.remove_prefix(sizeof v);
  return true;
}

/// Reads a length and that many bytes; `text` views into `in`'s memory.
inline bool take_text(std::string_view& in, std::string_view& text) {
  uint64_t size = 0;
  if (!take_varint(in, size) || size > in.size())
    return false;
  text = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

} // namespace hactor::bytes
