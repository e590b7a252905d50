// See varint.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/varint.hpp"

#include <algorithm>

namespace hactor {

void append_varint(std::string& out, uint64_t value) {
  char bytes[varint_bytes_max];
  size_t count = 0;
  while (value >= 0x80) {
    bytes[count++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes[count++] = static_cast<char>(value);
  out.append(bytes, count);
}

std::optional<uint64_t> read_varint(std::string_view& in) {
  uint64_t value = 0;
  auto limit = std::min(in.size(), varint_bytes_max);
  for (size_t i = 0; i < limit; ++i) {
    auto byte = static_cast<uint8_t>(in[i]);
    if (i + 1 == varint_bytes_max && byte > 1) // the tenth byte holds bit 63 only
      return std::nullopt;
    value |= uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80) {
      in.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

void append_signed_varint(std::string& out, int64_t value) { append_varint(out, zigzag(value)); }

std::optional<int64_t> read_signed_varint(std::string_view& in) {
  auto value = read_varint(in);
  if (!value)
    return std::nullopt;
  return unzigzag(*value);
}

void append_bytes(std::string& out, std::string_view bytes) {
  append_varint(out, bytes.size());
  out += bytes;
}

std::optional<std::string_view> read_bytes(std::string_view& in) {
  auto rest = in;
  auto size = read_varint(rest);
  if (!size || *size > rest.size())
    return std::nullopt;
  auto bytes = rest.substr(0, *size);
  in = rest.substr(*size);
  return bytes;
}

} // namespace hactor
