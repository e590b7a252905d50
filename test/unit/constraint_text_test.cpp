// tools/constraint_text: the query language of --requires.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/constraint_text.hpp"

#include <string>

#include "graph/constraint.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::tools;

TEST_SUITE("unit") {

  TEST_CASE("queries become constraint objects that the instance accepts") {
    struct row {
      const char* text;
      const char* json;
    };
    for (const auto& [text, wanted] :
         {row{"gpu", R"({"properties":["gpu"]})"}, row{"a,b", R"({"properties":["a","b"]})"},
          row{"^gpu", R"({"properties":["^gpu"]})"}, row{"property:a", R"({"properties":["a"]})"},
          row{"properties:a,^b", R"({"properties":["a","^b"]})"},
          row{"-slow", R"({"not":[{"properties":["slow"]}]})"},
          row{"not slow", R"({"not":[{"properties":["slow"]}]})"},
          row{"not not a", R"({"not":[{"not":[{"properties":["a"]}]}]})"},
          row{"-host:n1", R"({"not":[{"hostlist":["n1"]}]})"},
          row{"host:n[1-3]", R"({"hostlist":["n[1-3]"]})"},
          row{"hosts:a,b", R"({"hostlist":["a,b"]})"},
          row{"hostlist:a", R"({"hostlist":["a"]})"}, row{"rank:0-3", R"({"ranks":["0-3"]})"},
          row{"ranks:7", R"({"ranks":["7"]})"},
          row{"a b", R"({"and":[{"properties":["a"]},{"properties":["b"]}]})"},
          row{"a&b", R"({"and":[{"properties":["a"]},{"properties":["b"]}]})"},
          row{"a && b and c",
              R"({"and":[{"properties":["a"]},{"properties":["b"]},{"properties":["c"]}]})"},
          row{"a|b", R"({"or":[{"properties":["a"]},{"properties":["b"]}]})"},
          row{"a||b or c",
              R"({"or":[{"properties":["a"]},{"properties":["b"]},{"properties":["c"]}]})"},
          row{"a&b|c", R"({"or":[{"and":[{"properties":["a"]},{"properties":["b"]}]},)"
                       R"({"properties":["c"]}]})"},
          row{"a&(b|c)", R"({"and":[{"properties":["a"]},{"or":[{"properties":["b"]},)"
                         R"({"properties":["c"]}]}]})"},
          row{"not (a b)", R"({"not":[{"and":[{"properties":["a"]},{"properties":["b"]}]}]})"},
          row{"((a))", R"({"properties":["a"]})"}, row{"  a  ", R"({"properties":["a"]})"},
          row{"'and'", R"({"properties":["and"]})"}, row{"\"a b\"", R"({"properties":["a b"]})"},
          row{"host:'n1'", R"({"hostlist":["n1"]})"}, row{"order", R"({"properties":["order"]})"},
          row{"android&notebook",
              R"({"and":[{"properties":["android"]},{"properties":["notebook"]}]})"}}) {
      INFO(std::string{text});
      auto value = parse_constraint(text);
      REQUIRE(value);
      CHECK(dump(*value) == wanted);
      CHECK(constraint::compile(*value, "c"));
    }
  }

  TEST_CASE("what is no query is refused with the reason and an example") {
    std::string deep(100, '(');
    struct row {
      std::string text;
      const char* says;
    };
    for (const auto& [text, says] :
         {row{"", "a term is missing at the end"}, row{"   ", "a term is missing at the end"},
          row{"a&", "missing at the end"}, row{"a or", "missing at the end"},
          row{"not", "missing at the end"}, row{"|a", "a term is missing before '|'"},
          row{"a & | b", "a term is missing before '|'"}, row{"(a", "')' is missing"},
          row{"a)", "')' is not expected here"}, row{"()", "missing before ')'"},
          row{"rank:x", "idset"}, row{"rank:3-1", ""}, row{"host:", "nothing after ':'"},
          row{"colour:red", "'colour' is not one of host, rank, properties"},
          row{"a,,b", "an empty property"}, row{"a,", "an empty property"},
          row{",a", "an empty property"}, row{deep + "a", "nested too deeply"},
          row{"'open", "quote"}, row{"''", "a term is empty"},
          row{"a '' b", "a term is empty"}, row{"-(a)", "write 'not'"}}) {
      INFO(text);
      auto value = parse_constraint(text);
      REQUIRE_FALSE(value);
      CHECK(code_of(value.error()) == ec::bad_argument);
      auto shown = render(value.error());
      CAPTURE(shown);
      CHECK(shown.starts_with("--requires: "));
      CHECK(shown.find(says) != std::string::npos);
    }
    std::string negations;
    for (int i = 0; i < 100'000; ++i)
      negations += "not ";
    CHECK_FALSE(parse_constraint(negations + "a"));
  }

} // TEST_SUITE
