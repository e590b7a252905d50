// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/record.hpp"

#include <bit>

#include <xxhash.h>

#include "store/bytes.hpp"

namespace hactor {

namespace {

constexpr size_t check_bytes = 4;
constexpr size_t chunk_head_bytes = check_bytes + sizeof(uint32_t); // check, count

uint32_t check_of(std::string_view bytes, uint64_t key) {
  return static_cast<uint32_t>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), key));
}

caf::error corrupt(std::string what) { return make_error(ec::store_corrupt, std::move(what)); }

constexpr uint8_t labelled_flag = 0x40, unused_flag = 0x80;

bool is_labelled(const job_record& r) { return r.ended && r.label != 0 && !r.events.empty(); }

// Record flags: bit 0 ended, bits 1-5 the result, bit 6 a label follows, bit 7 is 0.
uint8_t flags_of(const job_record& r) {
  return static_cast<uint8_t>((r.ended ? 1 : 0) | (static_cast<uint8_t>(r.result) << 1)
                              | (is_labelled(r) ? labelled_flag : 0));
}

/// Of times, which may be anything: it wraps.
int64_t difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

bool take_head(std::string_view& in, record_head& h, job_result& result) {
  uint8_t flags = 0;
  if (!bytes::take_fixed(in, flags) || (flags & unused_flag) != 0)
    return false;
  h.ended = (flags & 1) != 0;
  const auto bits = static_cast<uint8_t>((flags & ~labelled_flag) >> 1);
  if (std::popcount(bits) > 1)
    return false;
  result = static_cast<job_result>(bits);
  if (!bytes::take_fixed(in, h.spec.high) || !bytes::take_fixed(in, h.spec.low)
      || !bytes::take_zigzag(in, h.t_end_ns) || !bytes::take_varint(in, h.first_sequence))
    return false;
  if ((flags & labelled_flag) == 0)
    return true;
  int64_t since_submit = 0;
  if (!bytes::take_fixed(in, h.label) || !bytes::take_zigzag(in, since_submit))
    return false;
  h.t_submit_ns = difference(h.t_end_ns, since_submit);
  return true;
}

} // namespace

spec_hash hash_of_spec(std::string_view text) {
  const auto h = XXH3_128bits(text.data(), text.size());
  return {h.high64, h.low64};
}

void encode_record(std::string& out, const job_record& r, uint64_t first_sequence) {
  const auto start = out.size();
  char buffer[1 + 16 + 8 + 5 * varint_bytes_max];
  char* p = buffer;
  p = bytes::put_fixed(p, flags_of(r));
  p = bytes::put_fixed(p, r.spec.high);
  p = bytes::put_fixed(p, r.spec.low);
  p = bytes::put_zigzag(p, r.t_end_ns);
  p = bytes::put_varint(p, first_sequence);
  if (is_labelled(r)) {
    p = bytes::put_fixed(p, r.label);
    p = bytes::put_zigzag(p, difference(r.t_end_ns, r.events.front().t_ns));
  }
  p = bytes::put_zigzag(p, r.cc);
  p = bytes::put_varint(p, r.rset.size());
  out.append(buffer, static_cast<size_t>(p - buffer));
  out += r.rset;
  p = bytes::put_varint(buffer, r.extra.size());
  out.append(buffer, static_cast<size_t>(p - buffer));
  out += r.extra;
  p = bytes::put_varint(buffer, r.events.size());
  out.append(buffer, static_cast<size_t>(p - buffer));
  int64_t previous_ns = r.t_end_ns; // the first difference is the job's length, hence short
  for (const auto& e : r.events)
    encode_event(out, e, &previous_ns, false);
  const auto check = check_of(std::string_view{out}.substr(start), r.id.value);
  p = bytes::put_fixed(buffer, check);
  out.append(buffer, check_bytes);
}

caf::error decode_record(std::string_view in, job_id id, bool with_events, job_record& r) {
  const auto fail = [&](const char* what) {
    return corrupt("record of job " + to_string(id) + ": " + what);
  };
  if (in.size() < check_bytes)
    return fail("cut short");
  auto body = in.substr(0, in.size() - check_bytes);
  auto tail = in.substr(body.size());
  uint32_t check = 0;
  bytes::take_fixed(tail, check);
  if (check != check_of(body, id.value))
    return fail("its check does not match");
  record_head head;
  std::string_view rset, extra;
  uint64_t count = 0;
  if (!take_head(body, head, r.result) || !bytes::take_zigzag(body, r.cc)
      || !bytes::take_text(body, rset) || !bytes::take_text(body, extra)
      || !bytes::take_varint(body, count))
    return fail("malformed");
  r.id = id;
  r.spec = head.spec;
  r.ended = head.ended;
  r.t_end_ns = head.t_end_ns;
  r.first_sequence = head.first_sequence;
  r.label = head.label;
  r.rset.assign(rset);
  r.extra.assign(extra);
  r.events.clear();
  if (!with_events)
    return {};
  int64_t previous_ns = r.t_end_ns;
  for (uint64_t i = 0; i < count; ++i) {
    job_event e;
    e.id = id;
    if (auto err = decode_event(body, e, &previous_ns, false))
      return fail("an event is malformed");
    r.events.push_back(std::move(e));
  }
  return body.empty() ? caf::error{} : fail("bytes after its end");
}

caf::error decode_record_head(std::string_view in, record_head& h) {
  job_result result;
  if (!take_head(in, h, result))
    return corrupt("record: malformed head");
  return {};
}

void encode_chunks(std::string& out, std::vector<chunk_extent>& chunks, uint64_t sequence,
                   const std::vector<job_event>& events) {
  chunk_extent chunk;
  int64_t previous_ns = 0;
  const auto begin = [&] {
    chunk = {sequence, 0, out.size(), 0};
    out.append(chunk_head_bytes, '\0');
    previous_ns = 0;
  };
  const auto end = [&](size_t end_offset) {
    chunk.size = end_offset - chunk.offset;
    auto* head = out.data() + chunk.offset;
    bytes::put_fixed(head + check_bytes, chunk.count);
    const std::string_view covered{head + check_bytes, chunk.size - check_bytes};
    bytes::put_fixed(head, check_of(covered, chunk.sequence));
    chunks.push_back(chunk);
  };
  if (events.empty())
    return;
  begin();
  for (const auto& e : events) {
    const auto before = out.size();
    encode_event(out, e, &previous_ns, true);
    if (out.size() - chunk.offset > chunk_bytes_max && chunk.count > 0) {
      out.resize(before);
      end(before);
      begin();
      encode_event(out, e, &previous_ns, true);
    }
    ++chunk.count;
    ++sequence;
  }
  end(out.size());
}

caf::expected<uint32_t> check_chunk(std::string_view chunk, uint64_t sequence) {
  uint32_t check = 0, count = 0;
  auto in = chunk;
  if (!bytes::take_fixed(in, check) || check != check_of(in, sequence)
      || !bytes::take_fixed(in, count) || count == 0)
    return corrupt("log: the check of the chunk at event " + std::to_string(sequence)
                   + " does not match");
  return count;
}

caf::error decode_chunk(std::string_view chunk, uint64_t sequence, uint64_t since,
                        const std::function<bool(uint64_t, const job_event&)>& f, uint64_t* next,
                        bool* stopped) {
  auto count = check_chunk(chunk, sequence);
  if (!count)
    return std::move(count.error());
  chunk.remove_prefix(chunk_head_bytes);
  int64_t previous_ns = 0;
  job_event e; // one for all: its text keeps its memory
  for (uint32_t i = 0; i < *count; ++i, ++sequence) {
    if (auto err = decode_event(chunk, e, &previous_ns, true))
      return err;
    *next = sequence + 1;
    if (sequence >= since && !f(sequence, e)) {
      *stopped = true;
      return {};
    }
  }
  return {};
}

} // namespace hactor
