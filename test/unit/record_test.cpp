// The byte forms of records and chunks, whole and damaged.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <limits>

#include "store/bytes.hpp"
#include "store/record.hpp"
#include "store_builders.hpp"

using namespace hactor;
using namespace hactor::test;

TEST_SUITE("unit") {

  TEST_CASE("bytes: a varint written through the cursor is read again, and not from fewer bytes") {
    random_source r{1};
    for (int i = 0; i < 20'000; ++i) {
      const uint64_t v = r() >> below(r, 64);
      char buffer[varint_bytes_max];
      const auto size = static_cast<size_t>(bytes::put_varint(buffer, v) - buffer);
      std::string same;
      append_varint(same, v);
      CHECK(same == std::string_view{buffer, size});
      std::string_view in{buffer, size}, cut{buffer, size - 1};
      uint64_t got = 0;
      REQUIRE(bytes::take_varint(in, got));
      CHECK(got == v);
      CHECK(in.empty());
      CHECK(!bytes::take_varint(cut, got));
    }
    std::string_view too_long{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10};
    uint64_t got = 0;
    CHECK(!bytes::take_varint(too_long, got));
  }

  TEST_CASE("equal specs have equal hashes, others do not") {
    CHECK(hash_of_spec("{}") == hash_of_spec("{}"));
    CHECK(hash_of_spec("{}") != hash_of_spec("{ }"));
    CHECK(hash_of_spec("") != spec_hash{});
  }

  TEST_CASE("what encode_record writes, decode_record reads") {
    random_source r{7};
    for (int i = 0; i < 3000; ++i) {
      const auto x = any_record(r);
      std::string out;
      encode_record(out, x, x.first_sequence);
      job_record got;
      REQUIRE(!decode_record(out, x.id, true, got));
      CHECK(got == x);
      auto brief = x;
      brief.events.clear();
      REQUIRE(!decode_record(out, x.id, false, got));
      CHECK(got == brief);
      record_head head;
      REQUIRE(!decode_record_head(out, head));
      CHECK(head.spec == x.spec);
      CHECK(head.ended == x.ended);
      CHECK(head.t_end_ns == x.t_end_ns);
      CHECK(head.first_sequence == x.first_sequence);
    }
  }

  TEST_CASE("a record under another id, with a changed bit, or cut, is refused") {
    random_source r{8};
    const auto x = any_record(r);
    std::string out;
    encode_record(out, x, 3);
    job_record got;
    CHECK(code_of(decode_record(out, {x.id.value + 1}, true, got)) == ec::store_corrupt);
    for (size_t i = 0; i < out.size(); ++i) {
      auto bad = out;
      bad[i] = static_cast<char>(bad[i] ^ (1 << below(r, 8)));
      CHECK(code_of(decode_record(bad, x.id, true, got)) == ec::store_corrupt);
      CHECK(code_of(decode_record(out.substr(0, i), x.id, true, got)) == ec::store_corrupt);
    }
  }

  TEST_CASE("random bytes never break the record and chunk decoders") {
    random_source r{9};
    for (int i = 0; i < 20'000; ++i) {
      const auto noise = any_text(r, 80);
      job_record got;
      record_head head;
      decode_record(noise, {1}, true, got);
      decode_record_head(noise, head);
      uint64_t next = 0;
      bool stopped = false;
      decode_chunk(
          noise, 1, 1, [](uint64_t, const job_event&) { return true; }, &next, &stopped);
    }
  }

  TEST_CASE("chunks hold all events in order and fit two to a page") {
    random_source r{10};
    std::vector<job_event> sent;
    for (int i = 0; i < 3000; ++i)
      sent.push_back(any_event(r, i == 1500 ? 10'000 : 40)); // one alone is larger than a chunk
    std::string out;
    std::vector<chunk_extent> chunks;
    encode_chunks(out, chunks, 100, sent);
    uint64_t expected = 100;
    std::vector<job_event> got;
    for (const auto& c : chunks) {
      CHECK(c.sequence == expected);
      CHECK((c.size <= chunk_bytes_max || c.count == 1));
      uint64_t next = 0;
      bool stopped = false;
      REQUIRE(!decode_chunk(
          std::string_view{out}.substr(c.offset, c.size), c.sequence, 0,
          [&](uint64_t seq, const job_event& e) {
            CHECK(seq == 100 + got.size());
            got.push_back(e);
            return true;
          },
          &next, &stopped));
      expected = c.sequence + c.count;
      CHECK(next == expected);
    }
    CHECK(got == sent);
    CHECK(chunks.size() > 10);
  }

  TEST_CASE("a chunk under another number or with a changed bit is refused whole") {
    std::string out;
    std::vector<chunk_extent> chunks;
    encode_chunks(out, chunks, 5, events(10));
    REQUIRE(chunks.size() == 1);
    CHECK(*check_chunk(out, 5) == 10);
    CHECK(!check_chunk(out, 6));
    for (size_t i = 0; i < out.size(); ++i) {
      auto bad = out;
      bad[i] = static_cast<char>(bad[i] ^ 4);
      CHECK(!check_chunk(bad, 5));
    }
    CHECK(!check_chunk(std::string(64, '\0'), 0));
    CHECK(!check_chunk("", 0));
  }

  TEST_CASE("decode_chunk begins at `since` and stops when told") {
    std::string out;
    std::vector<chunk_extent> chunks;
    encode_chunks(out, chunks, 5, events(10));
    std::vector<uint64_t> seen;
    uint64_t next = 0;
    bool stopped = false;
    const auto take = [&](uint64_t seq, const job_event&) {
      seen.push_back(seq);
      return seq < 9;
    };
    REQUIRE(!decode_chunk(out, 5, 7, take, &next, &stopped));
    CHECK(seen == std::vector<uint64_t>{7, 8, 9});
    CHECK(stopped);
  }

} // TEST_SUITE
