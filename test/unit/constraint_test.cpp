// graph/constraint: the operators of RFC 31, per node.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/constraint.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace hactor;

namespace {

idset ids(std::string_view text) {
  auto parsed = idset::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

constraint compiled(const std::string& text) {
  auto value = parse_json(text);
  REQUIRE_MESSAGE(value, text);
  auto where = constraint::compile(*value, "c");
  REQUIRE_MESSAGE(where, text);
  return *where;
}

} // namespace

TEST_SUITE("unit") {

  // Nodes n0 .. n7: "gpu" on 0-3, "big" on 2-5.
  TEST_CASE("each operator matches the nodes that it says") {
    property_map properties{{"gpu", ids("0-3")}, {"big", ids("2-5")}, {"gpu@x", ids("7")}};
    struct row {
      const char* text;
      const char* ranks;
    };
    for (const auto& [text, ranks] :
         {row{"{}", "0-7"}, row{R"({"and":[]})", "0-7"}, row{R"({"or":[]})", "0-7"},
          row{R"({"not":[]})", ""}, row{R"({"properties":[]})", "0-7"},
          row{R"({"properties":["gpu"]})", "0-3"}, row{R"({"properties":["gpu","big"]})", "2-3"},
          row{R"({"properties":["gpu","^big"]})", "0-1"}, row{R"({"properties":["^gpu"]})", "4-7"},
          row{R"({"properties":["none"]})", ""}, row{R"({"properties":["^none"]})", "0-7"},
          row{R"({"properties":["gpu@x"]})", "7"}, row{R"({"hostlist":["n[1-2]","n5"]})", "1-2,5"},
          row{R"({"hostlist":[]})", ""}, row{R"({"hostlist":["m1"]})", ""},
          row{R"({"ranks":["0-1","6"]})", "0-1,6"}, row{R"({"ranks":[]})", ""},
          row{R"({"ranks":["9"]})", ""}, row{R"({"not":[{"ranks":["0-5"]}]})", "6-7"},
          row{R"({"not":[{"properties":["gpu"]},{"properties":["big"]}]})", "0-1,4-7"},
          row{R"({"and":[{"ranks":["0-4"]},{"hostlist":["n[3-7]"]}]})", "3-4"},
          row{R"({"or":[{"ranks":["0"]},{"hostlist":["n7"]}]})", "0,7"},
          row{R"({"or":[{"not":[{"or":[{"ranks":["0"]}]}]},{}]})", "0-7"},
          row{R"({"and":[{"or":[{"ranks":["1"]},{"ranks":["2"]}]},{"not":[{"ranks":["2"]}]}]})",
              "1"}}) {
      INFO(std::string{text});
      auto where = compiled(text);
      idset found;
      for (rank_t r = 0; r < 8; ++r)
        if (where.matches(r, "n" + std::to_string(r), properties))
          found.add(r);
      CHECK(found.to_string() == ranks);
    }
  }

  TEST_CASE("a node without a name matches no hostlist") {
    CHECK_FALSE(compiled(R"({"hostlist":["n1"]})").matches(1, "", {}));
    CHECK(compiled(R"({"not":[{"hostlist":["n1"]}]})").matches(1, "", {}));
  }

  TEST_CASE("what matches everything is trivial and has no text") {
    for (auto text : {"{}", R"({"and":[]})", R"({"or":[]})"}) {
      CHECK(compiled(text).trivial());
      CHECK(compiled(text).text().empty());
    }
    CHECK(constraint{}.trivial());
    CHECK(constraint{}.matches(5, "", {}));
    CHECK_FALSE(compiled(R"({"not":[]})").trivial());
    CHECK(compiled(R"({ "ranks": ["1"] })").text() == R"({"ranks":["1"]})");
  }

  TEST_CASE("what is no constraint is refused with its place") {
    struct row {
      const char* text;
      const char* starts;
      const char* says;
    };
    for (const auto& [text, starts, says] :
         {row{"[]", "c: ", "mapping with one of"}, row{"null", "c: ", "found null"},
          row{R"({"ranks":["1"],"and":[]})", "c: ", "one of"},
          row{R"({"host":["n1"]})", "c: ", "properties, hostlist, ranks, and, or, not"},
          row{R"({"ranks":"1"})", "c.ranks: ", "list"}, row{R"({"and":{}})", "c.and: ", "list"},
          row{R"({"and":[1]})", "c.and[0]: ", "mapping"},
          row{R"({"ranks":[1]})", "c.ranks[0]: ", "string"},
          row{R"({"ranks":["0","3-1"]})", "c.ranks[1]: ", "idset"},
          row{R"({"hostlist":["n[1"]})", "c.hostlist[0]: ", "hostlist"},
          row{R"({"properties":[""]})", "c.properties[0]: ", "property name"},
          row{R"({"properties":["^"]})", "c.properties[0]: ", "property name"},
          row{R"({"properties":["^^a"]})", "c.properties[0]: ", "property name"},
          row{R"({"properties":["a|b"]})", "c.properties[0]: ", "property name"},
          row{R"({"or":[{"not":[{"ranks":[{}]}]}]})", "c.or[0].not[0].ranks[0]: ", "string"}}) {
      INFO(std::string{text});
      auto value = parse_json(text);
      REQUIRE(value);
      auto where = constraint::compile(*value, "c");
      REQUIRE_FALSE(where);
      CHECK(code_of(where.error()) == ec::bad_jobspec);
      CHECK(render(where.error()).starts_with(starts));
      CHECK(render(where.error()).find(says) != std::string::npos);
    }
  }

  TEST_CASE("one job cannot bring more terms or hosts than the scheduler shall hold") {
    json names = json::array();
    for (size_t i = 0; i < constraint_terms_max; ++i)
      names.push_back("p" + std::to_string(i));
    CHECK(constraint::compile({{"properties", names}}, "c"));
    names.push_back("one more");
    auto where = constraint::compile({{"properties", names}}, "c");
    REQUIRE_FALSE(where);
    CHECK(render(where.error()).find("more than 1000 terms") != std::string::npos);
    json hosts = json::array();
    for (int i = 0; i < 3; ++i)
      hosts.push_back("n" + std::to_string(i) + "x[0-199999]");
    auto many = constraint::compile({{"hostlist", hosts}}, "c");
    REQUIRE_FALSE(many);
    CHECK(render(many.error()).starts_with("c.hostlist[1]: "));
    CHECK(render(many.error()).find("hosts") != std::string::npos);
  }

  TEST_CASE("property names leave out what the query language needs") {
    for (auto name : {"a", "gpu-v100", "a.b", "+queue", "x@y", "größe", "a b"})
      CHECK(is_property_name(name));
    for (auto name : {"", "!a", "a&", "a'b", "\"", "^a", "`", "a|b", "(", ")"})
      CHECK_FALSE(is_property_name(name));
  }

} // TEST_SUITE
