// runtime/json: parsing with places, getters with paths, writing whatever comes.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/json.hpp"

#include <random>

#include "runtime/limits.hpp"

#include <doctest/doctest.h>

using namespace hactor;

namespace {

std::string as_json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

json document() {
  auto parsed = parse_json(R"({"version": 1, "half": 0.5, "yes": true, "name": "x", "none": null,
    "big": 18446744073709551615, "tasks": [{"command": ["a", "b"]}],
    "system": {"deep": {"n": -7}}})");
  REQUIRE(parsed);
  return *parsed;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("broken JSON is refused with line and column") {
    struct row {
      const char* text;
      const char* place;
    };
    for (const auto& [text, place] :
         {row{"", "line 1, column 1"}, row{"{\"a\":}", "line 1, column 6"},
          row{"{\n  \"a\": 1,\n  oops\n}", "line 3, column 3"}, row{"[1, 2", "line 1, column 6"},
          row{"[1] x", "line 1, column 5"}, row{"[1e999]", "line 1, column"},
          row{"\"\xff\"", "line 1, column 2"}}) {
      INFO(std::string{text});
      auto parsed = parse_json(text);
      REQUIRE_FALSE(parsed);
      CHECK(code_of(parsed.error()) == ec::bad_json);
      INFO(render(parsed.error()));
      CHECK(render(parsed.error()).find(place) != std::string::npos);
      CHECK(render(parsed.error()).find("json.exception") == std::string::npos);
    }
  }

  TEST_CASE("nesting is bounded, so that no document overflows the stack") {
    auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(parse_json(nested(limits::json_depth_max)));
    auto parsed = parse_json(nested(limits::json_depth_max + 1));
    REQUIRE_FALSE(parsed);
    CHECK(code_of(parsed.error()) == ec::bad_json);
    CHECK_FALSE(parse_json(std::string(10'000'000, '[')));
    // Width is not depth.
    CHECK(parse_json("[[],[],{\"a\":[{}]},[]]"));
  }

  TEST_CASE("values are found by path") {
    auto j = document();
    CHECK(find_json(j, "") == &j);
    CHECK(*find_json(j, "tasks.0.command.1") == "b");
    CHECK(find_json(j, "tasks.1") == nullptr);
    CHECK(find_json(j, "tasks.x") == nullptr);
    CHECK(find_json(j, "version.x") == nullptr);
    CHECK(find_json(j, "nothing") == nullptr);
  }

  TEST_CASE("getters return values of their type") {
    auto j = document();
    CHECK(*get_int(j, "version") == 1);
    CHECK(*get_int(j, "system.deep.n") == -7);
    CHECK(*get_double(j, "half") == 0.5);
    CHECK(*get_double(j, "version") == 1);
    CHECK(*get_bool(j, "yes"));
    CHECK(*get_string(j, "tasks.0.command.0") == "a");
    CHECK((*get_array(j, "tasks"))->size() == 1);
    CHECK((*get_object(j, "system"))->contains("deep"));
    CHECK(*get_int_or(j, "absent", 5) == 5);
    CHECK(*get_int_or(j, "version", 5) == 1);
    CHECK(*get_double_or(j, "absent", 1.5) == 1.5);
    CHECK(*get_bool_or(j, "absent", true));
    CHECK(*get_string_or(j, "absent", "d") == "d");
    CHECK(*get_string_or(j, "name", "d") == "x");
  }

  TEST_CASE("a value of another type is an error that names the path and what was found") {
    auto j = document();
    json_where where{ec::bad_jobspec, "attributes"};
    auto number = get_int(j, "name", where);
    REQUIRE_FALSE(number);
    CHECK(code_of(number.error()) == ec::bad_jobspec);
    CHECK(render(number.error()) == R"(attributes.name: must be an integer, found a string ("x"))");
    CHECK(render(get_int(j, "absent").error()) == "absent: missing; it must be an integer");
    CHECK(code_of(get_int(j, "absent").error()) == ec::bad_argument);
    CHECK_FALSE(get_int(j, "half"));
    CHECK_FALSE(get_int(j, "big"));
    CHECK_FALSE(get_double(j, "name"));
    CHECK_FALSE(get_double(j, "absent"));
    CHECK_FALSE(get_bool(j, "version"));
    CHECK_FALSE(get_bool(j, "absent"));
    CHECK_FALSE(get_string(j, "none"));
    CHECK_FALSE(get_string(j, "absent"));
    CHECK_FALSE(get_array(j, "system"));
    CHECK_FALSE(get_array(j, "absent"));
    CHECK_FALSE(get_object(j, "tasks"));
    CHECK_FALSE(get_object(j, "absent"));
    CHECK_FALSE(get_int_or(j, "none", 1));
    CHECK_FALSE(get_double_or(j, "none", 1));
    CHECK_FALSE(get_bool_or(j, "none", true));
    CHECK_FALSE(get_string_or(j, "none", ""));
    CHECK(render(get_object(json(3), "").error())
          == "the document: must be an object, found an integer (3)");
  }

  TEST_CASE("every type of value has a name") {
    for (auto [text, name] : {std::pair{"null", "null"}, std::pair{"{}", "an object"},
                              std::pair{"[]", "an array"}, std::pair{"\"\"", "a string"},
                              std::pair{"true", "a boolean"}, std::pair{"1", "an integer"},
                              std::pair{"-1", "an integer"}, std::pair{"1.5", "a number"}})
      CHECK(json_type_name(*parse_json(text)) == name);
  }

  TEST_CASE("writing replaces bytes that are not UTF-8 instead of failing") {
    CHECK(dump(json("a\xff")) == "\"a\xEF\xBF\xBD\"");
    CHECK(dump(*parse_json("{\"b\": [1, 2], \"a\": null}")) == R"({"a":null,"b":[1,2]})");
    CHECK(dump_pretty(json{{"a", 1}}) == "{\n  \"a\": 1\n}");
  }

  TEST_CASE("strings are escaped as JSON asks") {
    CHECK(as_json("") == "\"\"");
    CHECK(as_json("plain") == "\"plain\"");
    CHECK(as_json("a\"b\\c\n\t\r\b\f\x01\x1f\x7f")
          == "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\\u001f\x7f\"");
    CHECK(as_json(std::string_view{"\0", 1}) == "\"\\u0000\"");
    CHECK(as_json("ƒ€😀") == "\"ƒ€😀\"");
  }

  TEST_CASE("invalid UTF-8 becomes U+FFFD") {
    const std::string mark = "\xEF\xBF\xBD";
    CHECK(as_json("\xff") == "\"" + mark + "\"");
    CHECK(as_json("a\x80z") == "\"a" + mark + "z\"");
    CHECK(as_json("\xC0\xAF") == "\"" + mark + mark + "\"");            // overlong
    CHECK(as_json("\xED\xA0\x80") == "\"" + mark + mark + mark + "\""); // surrogate
    CHECK(as_json("\xF4\x90\x80\x80").size() == 2 + 4 * mark.size());   // above U+10FFFF
    CHECK(as_json("\xE2\x82") == "\"" + mark + "\"");                   // cut off
    CHECK(as_json("\xE2\x82x") == "\"" + mark + "x\"");
  }

  TEST_CASE("the fast writer and the library agree on random bytes") {
    std::mt19937 random{1};
    for (int round = 0; round < 5000; ++round) {
      std::string text;
      auto size = random() % 24;
      for (size_t i = 0; i < size; ++i)
        text += static_cast<char>(round % 2 ? random() % 128 : random() % 256);
      auto parsed = parse_json(as_json(text));
      REQUIRE(parsed);
      CHECK(dump(*parsed) == as_json(text));
      if (round % 2)
        CHECK(parsed->get<std::string>() == text);
    }
  }

} // TEST_SUITE
