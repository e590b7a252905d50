// runtime/json_scan: what it passes is what parse_json reads, and what is unusual it refuses.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/json_scan.hpp"

#include "runtime/json.hpp"
#include "text_mutation.hpp"

#include <doctest/doctest.h>

using namespace hactor;

namespace {

bool passes(std::string_view text) {
  json_scan scan{text};
  return scan.value() && scan.at_end();
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("ordinary JSON is passed") {
    for (auto* text :
         {"{}", "[]", " [ 1 , -2.5, 0, 123456789012345 ] ",
          R"({"a":{"b":[true,false,null]},"c":""})", R"("x\"\\\/\b\f\n\r\t\u0041\u001b")",
          "\"\xC3\xA9\xF0\x9F\x98\x80\"", "\t\r\n7\n"})
      CHECK_MESSAGE(passes(text), text);
  }

  TEST_CASE("what is no JSON is refused") {
    for (auto* text : {"",
                       "{",
                       "}",
                       "[1,]",
                       "[,1]",
                       R"({"a":1,})",
                       R"({"a"})",
                       R"({a:1})",
                       "[1 2]",
                       "01",
                       "1.",
                       ".5",
                       "-",
                       "+1",
                       "tru",
                       "nulll",
                       "'a'",
                       "\"a",
                       "\"\\x\"",
                       "\"\\u12\"",
                       "\"\x01\"",
                       "\"\xFF\"",
                       "{} {}",
                       "[]x",
                       "{\"a\":1 \"b\":2}"})
      CHECK_MESSAGE(!passes(text), text);
  }

  TEST_CASE("what could mean something else to another reader is refused") {
    std::string wide = "{", deep;
    for (int i = 0; i < 101; ++i)
      wide += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
    deep.append(600, '[').append(600, ']');
    for (auto& text :
         {std::string{R"({"a":1,"a":2})"}, std::string{R"({"b":{"a":1,"a":1}})"},
          std::string{R"({"\u0061":1})"}, std::string{R"("\ud83d\ude00")"}, std::string{"1e400"},
          std::string{"1e1"}, std::string{"1234567890123456"}, wide + "}", deep}) {
      CHECK_MESSAGE(!passes(text), text);
    }
  }

  TEST_CASE("equal keys of different objects are no duplicates") {
    CHECK(passes(R"({"a":{"a":{"a":1},"b":2},"b":[{"a":1},{"a":1}]})"));
  }

  TEST_CASE("slices of members and elements are the text between them") {
    json_scan scan{R"({"x": [1, {"y":2}], "z" :"w"})"};
    std::vector<std::string> found;
    CHECK(scan.members([&](std::string_view key) {
      scan.next();
      auto begin = scan.at();
      auto ok = scan.value();
      found.push_back(std::string{key} + "=" + std::string{scan.since(begin)});
      return ok;
    }));
    CHECK(scan.at_end());
    CHECK(found == std::vector<std::string>{R"(x=[1, {"y":2}])", R"(z="w")"});
  }

  TEST_CASE("bytes that were passed before are known again") {
    json_scan scan{R"([{"a":1}, {"a":1}, {"a":12}])"};
    std::vector<bool> again;
    std::string_view before;
    CHECK(scan.elements([&] {
      again.push_back(scan.again(before));
      if (again.back())
        return true;
      auto begin = scan.at();
      auto ok = scan.value();
      before = scan.since(begin);
      return ok;
    }));
    CHECK(again == std::vector<bool>{false, true, false});
  }

  TEST_CASE("whatever is passed, the parser reads, and each key is there once") {
    std::mt19937 random{20260};
    const std::string texts[] = {R"({"a":[1,-2.5,{"b":"c\n","d":null}],"e":{"f":true},"g":""})",
                                 R"([{"type":"slot","count":1,"with":[{"type":"core"}]},"x y"])"};
    size_t passed = 0;
    for (int i = 0; i < 20'000; ++i) {
      auto text = test::mutate(texts[i % 2], random);
      if (!passes(text))
        continue;
      ++passed;
      auto parsed = parse_json(text);
      REQUIRE_MESSAGE(parsed, text);
      // Read as its dump, it is the same value: nothing of it was lost on the way.
      auto again = parse_json(dump(*parsed));
      REQUIRE_MESSAGE(again, text);
      CHECK(*again == *parsed);
    }
    CHECK(passed > 1000);
  }
}
