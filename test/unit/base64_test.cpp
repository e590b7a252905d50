// runtime/base64: bytes as text and back.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "runtime/base64.hpp"

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("bytes become text as in RFC 4648, and text bytes") {
    struct {
      const char *bytes, *text;
    } table[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"},
                 {"\xff\xfe\xfd", "//79"}};
    for (auto& t : table) {
      CHECK(encode_base64(t.bytes) == t.text);
      CHECK(decode_base64(t.text) == std::string{t.bytes});
    }
    std::string all;
    for (int i = 0; i < 256; ++i)
      all += static_cast<char>(i);
    CHECK(decode_base64(encode_base64(all)) == all);
  }

  TEST_CASE("what is not base64 is refused") {
    for (auto text : {"Z", "Zg=", "Zg", "Z===", "Zm9v!Zm9", "=m9v", "Zg==Zm9v", "Zm 9"})
      CHECK_FALSE(decode_base64(text));
  }
}
