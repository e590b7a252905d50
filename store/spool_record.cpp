// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/spool_record.hpp"

#include <limits>

#include <xxhash.h>

#include "store/bytes.hpp"

namespace hactor {

namespace {

constexpr uint16_t magic = 0x4853; // "SH"
constexpr size_t check_bytes = 4;

// The check of head (behind the check itself) and bytes, which need not be adjacent in memory.
uint32_t check_of(std::string_view head, std::string_view bytes) {
  const auto seed = XXH3_64bits(head.data(), head.size());
  return static_cast<uint32_t>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed));
}

} // namespace

void encode_spool_record(std::string& out, const spool_record& r) {
  char head[spool_head_bytes];
  char* p = head + check_bytes;
  p = bytes::put_fixed(p, static_cast<uint32_t>(r.bytes.size()));
  p = bytes::put_fixed(p, r.id.value);
  p = bytes::put_fixed(p, r.task);
  p = bytes::put_fixed(p, r.stream);
  p = bytes::put_fixed(p, static_cast<uint8_t>(r.kind));
  bytes::put_fixed(p, magic);
  bytes::put_fixed(head, check_of({head + check_bytes, sizeof head - check_bytes}, r.bytes));
  out.append(head, sizeof head);
  out += r.bytes;
}

bool take_spool_record(std::string_view& in, spool_record& r) {
  if (in.size() < spool_head_bytes)
    return false;
  auto head = in.substr(0, spool_head_bytes);
  uint32_t check = 0, size = 0;
  uint8_t kind = 0;
  uint16_t found_magic = 0;
  bytes::take_fixed(head, check);
  const auto covered = head;
  bytes::take_fixed(head, size);
  bytes::take_fixed(head, r.id.value);
  bytes::take_fixed(head, r.task);
  bytes::take_fixed(head, r.stream);
  bytes::take_fixed(head, kind);
  bytes::take_fixed(head, found_magic);
  if (found_magic != magic || size > in.size() - spool_head_bytes)
    return false;
  r.bytes = in.substr(spool_head_bytes, size);
  r.kind = static_cast<spool_kind>(kind);
  if (check != check_of(covered, r.bytes))
    return false;
  in.remove_prefix(spool_head_bytes + size);
  return true;
}

void encode_spool_index(std::string& out, const std::vector<spool_part>& index) {
  append_varint(out, index.size());
  uint64_t previous = 0; // offsets ascend within a segment, mostly
  for (const auto& part : index) {
    append_varint(out, part.task);
    append_varint(out, part.stream);
    append_varint(out, part.extent.segment);
    append_signed_varint(out, bytes::wrapping_subtract(static_cast<int64_t>(part.extent.offset),
                                                       static_cast<int64_t>(previous)));
    append_varint(out, part.extent.size);
    previous = part.extent.offset;
  }
}

bool decode_spool_index(std::string_view in, std::vector<spool_part>& index) {
  constexpr uint64_t max32 = std::numeric_limits<uint32_t>::max();
  uint64_t count = 0, previous = 0;
  index.clear();
  if (!bytes::take_varint(in, count))
    return false;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t task = 0, stream = 0, segment = 0, size = 0;
    int64_t difference = 0;
    if (!bytes::take_varint(in, task) || !bytes::take_varint(in, stream)
        || !bytes::take_varint(in, segment) || !bytes::take_zigzag(in, difference)
        || !bytes::take_varint(in, size) || task > max32 || stream > 255 || segment > max32
        || size > max32)
      return false;
    previous =
        static_cast<uint64_t>(bytes::wrapping_add(static_cast<int64_t>(previous), difference));
    index.push_back({static_cast<uint32_t>(task),
                     static_cast<uint8_t>(stream),
                     {static_cast<uint32_t>(segment), previous, static_cast<uint32_t>(size)}});
  }
  return in.empty();
}

void add_part(std::vector<spool_part>& index, const spool_part& part) {
  if (part.extent.size == 0)
    return;
  if (!index.empty()) {
    auto& last = index.back();
    if (last.task == part.task && last.stream == part.stream
        && last.extent.segment == part.extent.segment
        && last.extent.offset + last.extent.size == part.extent.offset
        && part.extent.size <= std::numeric_limits<uint32_t>::max() - last.extent.size) {
      last.extent.size += part.extent.size;
      return;
    }
  }
  index.push_back(part);
}

} // namespace hactor
