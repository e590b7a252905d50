// tools/columns: formats in the manner of Python's, and the tables they make.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/columns.hpp"

#include <cstdlib>
#include <ctime>
#include <map>

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::tools;

namespace {

constexpr field_name fields[] = {{"id", "JOBID"}, {"name", "NAME"}, {"time", "TIME"},
                                 {"annotations.*", ""}};

using row = std::map<std::string, std::string>;

std::string table(const char* text, const std::vector<row>& rows, size_t width_max = 0,
                  bool header = true) {
  auto format = parse_format(text, fields);
  if (!format)
    return render(format.error());
  return render_table(
    *format, fields, rows.size(),
    [&](size_t i, const std::string& field) {
      auto found = rows[i].find(field);
      return found == rows[i].end() ? "" : found->second;
    },
    {header, width_max});
}

/// One cell of one row, between bars.
std::string cell(const char* spec, const char* value) {
  auto text = "|{name" + std::string{spec} + "}|";
  return table(text.c_str(), {{{"name", value}}}, 0, false);
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("fill, alignment, width and precision are Python's") {
    struct line {
      const char* spec;
      const char* value;
      const char* wanted;
    };
    for (const auto& [spec, value, wanted] :
         {line{"", "abc", "|abc|\n"}, line{":", "abc", "|abc|\n"}, line{":5", "abc", "|abc  |\n"},
          line{":<5", "abc", "|abc  |\n"}, line{":>5", "abc", "|  abc|\n"},
          line{":^6", "abc", "| abc  |\n"}, line{":*^7", "abc", "|**abc**|\n"},
          line{":->5s", "abc", "|--abc|\n"}, line{":2", "abc", "|abc|\n"},
          line{":.2", "abc", "|ab|\n"}, line{":5.2", "abc", "|ab   |\n"},
          line{":5.2+", "abc", "|a+   |\n"}, line{":.3+", "abc", "|abc|\n"},
          line{":.0+", "abc", "||\n"}, line{":>5h", "", "|    -|\n"}, line{":5", "", "|     |\n"},
          line{":.2f", "3.14159", "|3.14|\n"}, line{":8.1f", "2", "|2.0     |\n"},
          line{":.4", "a\nb\x1b[31m", "|a\\nb|\n"},
          line{"", "\x1b[31m\t\xc2\x9b", "|\\x1b[31m\\t\\x9b|\n"},
          line{":.1f", "text", "|text|\n"}, line{":f", "1.5", "|1.500000|\n"},
          line{":4d", "7", "|7   |\n"}, line{":4", "äöü", "|äöü |\n"},
          line{":.2", "äöü", "|äö|\n"}, line{":.2+", "äöü", "|ä+|\n"},
          line{":>>4", "a", "|>>>a|\n"},
          line{":04", "7", "|0007|\n"}, line{":0<4", "7", "|7000|\n"}}) {
      INFO(spec, " of ", value);
      CHECK(cell(spec, value) == wanted);
    }
  }

  TEST_CASE("conversions turn numbers into times and durations") {
    setenv("TZ", "UTC", 1);
    tzset();
    CHECK(cell("!D", "1763867890") == "|2025-11-23T03:18:10|\n");
    CHECK(cell("!d", "1763867890") == "|Nov23 03:18|\n");
    CHECK(cell("!d:%H:%M:%S", "1763867890") == "|03:18:10|\n");
    CHECK(cell("!d:%b%d::>8", "1763867890") == "|   Nov23|\n");
    CHECK(cell("!d:%b%d::>8h", "") == "|       -|\n");
    CHECK(cell("!d:>12", "1763867890") == "| Nov23 03:18|\n");
    CHECK(cell("!F", "90") == "|1.5m|\n");
    CHECK(cell("!H", "3725.4") == "|1:02:05|\n");
    CHECK(cell("!F:>6h", "") == "|     -|\n");
    for (auto text : {"", "text", "nan", "inf", "1e300", "-1e300"})
      for (char c : {'D', 'd', 'F', 'H'})
        CHECK(convert(c, text) == text);
  }

  TEST_CASE("headers, literal text and braces") {
    CHECK(table("{id:>5} {name}", {{{"id", "1"}, {"name", "a"}}}) == "JOBID NAME\n    1 a\n");
    CHECK(table("{id:>3}|", {{{"id", "1"}}}) == "JOB|\n  1|\n"); // a title is cut to its width
    CHECK(table("{{{id}}} end", {{{"id", "1"}}}) == "{JOBID} end\n{1} end\n");
    CHECK(table("{annotations.a.b}", {{{"annotations.a.b", "x"}}}) == "ANNOTATIONS.A.B\nx\n");
    CHECK(table("{id}", {}) == "JOBID\n");
    CHECK(table("{id}", {}, 0, false).empty());
    CHECK(table("{id:8}", {{{"id", "1"}}}) == "JOBID\n1\n"); // no blanks at the end
  }

  TEST_CASE("columns are dropped when empty and widened when asked") {
    std::vector<row> rows{{{"id", "1"}}, {{"id", "22"}, {"name", "longer"}}};
    CHECK(table("?:{time:4} {id}", rows) == " JOBID\n 1\n 22\n");
    CHECK(table("{id} ?:{time:4}", rows) == "JOBID\n1\n22\n");
    CHECK(table("+:{name:2}|", rows) == "NAME  |\n      |\nlonger|\n");
    CHECK(table("+:{name:.2}|", rows) == "NAME  |\n      |\nlonger|\n");
    CHECK(table("?+:{time:2}{id}", rows) == "JOBID\n1\n22\n");
    CHECK(table("?+:{name:2}|", rows) == "NAME  |\n      |\nlonger|\n");
    CHECK(table("?:{name:2h}|", {{{"id", "1"}}}) == "|\n|\n"); // a dash is no value
  }

  TEST_CASE("rows are sorted by numbers and texts, up and down, stably") {
    std::vector<row> rows{{{"id", "10"}, {"name", "b"}}, {{"id", "9"}, {"name", "a"}},
                          {{"id", "x"}, {"name", "b"}},  {{"id", "2"}, {"name", "a"}},
                          {{"id", ""}, {"name", "b"}},   {{"id", "nan"}, {"name", "b"}},
                          {{"id", "1a"}, {"name", "a"}}};
    auto ids = [&](const char* sort) {
      auto text = table((std::string{sort} + "{id}").c_str(), rows, 0, false);
      for (auto& c : text)
        c = c == '\n' ? ' ' : c;
      return text;
    };
    CHECK(ids("sort:id ") == "2 9 10  1a nan x ");
    CHECK(ids("sort:-id ") == "x nan 1a  10 9 2 ");
    CHECK(ids("sort:name,-id ") == "1a 9 2 x nan  10 ");
    CHECK(ids("") == "10 9 x 2  nan 1a ");
  }

  TEST_CASE("lines are cut to the terminal by characters") {
    CHECK(table("{name:6}{id}", {{{"id", "123"}, {"name", "äöü"}}}, 8) == "NAME  JO\näöü   12\n");
  }

  TEST_CASE("formats that mean nothing are refused") {
    for (const auto& [text, says] :
         {std::pair{"", "no field in it"}, std::pair{"text", "no field in it"},
          std::pair{"{id", "'{' without '}'"}, std::pair{"id}", "'}' without '{'"},
          std::pair{"{idd}", "unknown field 'idd'; did you mean id"},
          std::pair{"{}", "unknown field ''"}, std::pair{"{id!x}", "conversion '!x'"},
          std::pair{"{id!}", "conversion '!'"}, std::pair{"{id:q}", "'q' in 'q'"},
          std::pair{"{id:.}", "precision in '.'"}, std::pair{"{id:99999}", "width in '99999'"},
          std::pair{"{id:5.2.1}", "'.'"}, std::pair{"sort:nix {id}", "unknown field 'nix'"},
          std::pair{"sort:id,,id {id}", "unknown field ''"}}) {
      INFO(text);
      auto format = parse_format(text, fields);
      REQUIRE_FALSE(format);
      CHECK(code_of(format.error()) == ec::bad_argument);
      CHECK(render(format.error()).find(says) != std::string::npos);
    }
  }

} // TEST_SUITE
