// runtime/varint: round trips and hostile input.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/varint.hpp"

#include <doctest/doctest.h>

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("varints are as short as their value and read back") {
    struct row {
      uint64_t value;
      size_t size;
    };
    for (auto [value, size] :
         {row{0, 1}, row{127, 1}, row{128, 2}, row{16383, 2}, row{16384, 3}, row{UINT32_MAX, 5},
          row{uint64_t{1} << 63, 10}, row{UINT64_MAX, 10}}) {
      std::string out = "x";
      append_varint(out, value);
      CHECK(out.size() == 1 + size);
      out += "rest";
      std::string_view in{out};
      in.remove_prefix(1);
      CHECK(*read_varint(in) == value);
      CHECK(in == "rest");
    }
  }

  TEST_CASE("signed numbers of small magnitude stay short") {
    CHECK(zigzag(0) == 0);
    CHECK(zigzag(-1) == 1);
    CHECK(zigzag(1) == 2);
    CHECK(zigzag(-2) == 3);
    for (int64_t value :
         {int64_t{0}, int64_t{-1}, int64_t{63}, int64_t{-64}, INT64_MAX, INT64_MIN}) {
      CHECK(unzigzag(zigzag(value)) == value);
      std::string out;
      append_signed_varint(out, value);
      std::string_view in{out};
      CHECK(*read_signed_varint(in) == value);
      CHECK(in.empty());
    }
  }

  TEST_CASE("a varint that is cut off or too long is refused and nothing is taken") {
    using namespace std::string_view_literals;
    for (auto text : {""sv, "\x80"sv, "\xff\xff"sv, "\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv,
                      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"sv,
                      "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"sv}) {
      auto in = text;
      CHECK_FALSE(read_varint(in));
      CHECK(in == text);
      CHECK_FALSE(read_signed_varint(in));
    }
  }

  TEST_CASE("bytes carry their length") {
    std::string out;
    append_bytes(out, "");
    append_bytes(out, "hello");
    append_bytes(out, std::string(300, 'x'));
    std::string_view in{out};
    CHECK(*read_bytes(in) == "");
    CHECK(*read_bytes(in) == "hello");
    CHECK(read_bytes(in)->size() == 300);
    CHECK(in.empty());
    CHECK_FALSE(read_bytes(in));
  }

  TEST_CASE("bytes shorter than their length are refused and nothing is taken") {
    std::string out;
    append_bytes(out, "hello");
    for (size_t size = 0; size < out.size(); ++size) {
      std::string_view in{out.data(), size};
      CHECK_FALSE(read_bytes(in));
      CHECK(in.size() == size);
    }
    std::string huge;
    append_varint(huge, UINT64_MAX);
    std::string_view in{huge};
    CHECK_FALSE(read_bytes(in));
  }

} // TEST_SUITE
