// workflow/frame: bytes to frames and back.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/frame.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::workflow;

TEST_SUITE("unit") {

  TEST_CASE("frames come out as they went in, however the bytes are cut") {
    std::string bytes;
    append_frame(bytes, frame_kind::request, 0x0102030405060708, "hello");
    CHECK(bytes == std::string("\x05\0\0\0\x01\x08\x07\x06\x05\x04\x03\x02\x01hello", 18));
    append_frame(bytes, frame_kind::input, 7, "");
    append_frame(bytes, frame_kind::lines, 8, std::string(100'000, 'x'));
    for (size_t step : {size_t{1}, size_t{13}, size_t{14}, size_t{4096}, bytes.size()}) {
      frame_decoder decoder;
      std::vector<frame> found;
      for (size_t at = 0; at < bytes.size(); at += step) {
        decoder.feed(std::string_view{bytes}.substr(at, step));
        for (auto f = decoder.next(); *f; f = decoder.next())
          found.push_back(std::move(**f));
      }
      REQUIRE(found.size() == 3);
      CHECK(found[0].kind == frame_kind::request);
      CHECK(found[0].tag == 0x0102030405060708);
      CHECK(found[0].payload == "hello");
      CHECK(found[1].kind == frame_kind::input);
      CHECK(found[1].payload.empty());
      CHECK(found[2].payload.size() == 100'000);
    }
  }

  TEST_CASE("a stream that is not ours is an error, before its bytes are waited for") {
    for (char kind : {'\0', '\x0b', '\xff'}) {
      frame_decoder decoder;
      decoder.feed(std::string("\0\0\0\0", 4) + kind + std::string(8, '\0'));
      auto f = decoder.next();
      REQUIRE_FALSE(f);
      CHECK(code_of(f.error()) == ec::bad_json);
    }
    frame_decoder decoder;
    decoder.feed(std::string("HTTP/1.1 400 Bad Request"));
    auto f = decoder.next();
    REQUIRE_FALSE(f);
    CHECK(code_of(f.error()) == ec::too_big);
  }

  TEST_CASE("output payloads are read, and short ones are none") {
    auto part = write_output(0x01020304, 2, "text");
    auto read = read_output(part);
    REQUIRE(read);
    CHECK(read->task == 0x01020304);
    CHECK(read->stream == 2);
    CHECK(read->bytes == "text");
    CHECK(read_output(write_output(1, 1, ""))->bytes.empty());
    for (size_t n = 0; n < 5; ++n)
      CHECK_FALSE(read_output(part.substr(0, n)));
    CHECK(write_input(all_tasks, "ab") == "\xff\xff\xff\xff" "ab");
  }

} // TEST_SUITE
