// Integers in as few bytes as they need (LEB128, seven bits a byte, low bits first), for records on
// disk and on sockets. Reading never looks past the end of its input.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hactor {

/// Bytes of the longest varint.
inline constexpr size_t varint_bytes_max = 10;

/// Appends `value` to `out` in 1 to 10 bytes.
void append_varint(std::string& out, uint64_t value);

/// Reads a varint off the front of `in`. Returns nullopt, and leaves `in` alone, when it ends too
/// early or holds more than 64 bits.
std::optional<uint64_t> read_varint(std::string_view& in);

/// Maps signed to unsigned so that small magnitudes stay short: 0, -1, 1, -2 -> 0, 1, 2, 3.
constexpr uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

constexpr int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

/// The same for signed numbers, in zigzag form.
void append_signed_varint(std::string& out, int64_t value);
std::optional<int64_t> read_signed_varint(std::string_view& in);

/// Bytes with their length in front. Reading returns a view into `in`, or nullopt (and leaves `in`
/// alone) when fewer bytes follow than the length says.
void append_bytes(std::string& out, std::string_view bytes);
std::optional<std::string_view> read_bytes(std::string_view& in);

} // namespace hactor
