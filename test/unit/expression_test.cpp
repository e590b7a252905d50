// tools/expression: what --define computes.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "tools/expression.hpp"

using namespace hactor;
using namespace hactor::tools;

namespace {

std::string value(std::string_view code, const std::string& x = "7") {
  auto v = evaluate(code, x);
  if (v)
    return *v;
  CHECK(code_of(v.error()) == ec::bad_argument);
  return "! " + context_of(v.error());
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("expressions have Python's values") {
    struct {
      const char *code, *x, *expected;
    } table[] = {
        {"2**int(x)", "10", "1024"},
        {"2**-1", "", "0.5"},
        {"-2**2", "", "-4"},
        {"2**3**2", "", "512"},
        {"7//2 + 7%2*10", "", "13"},
        {"-7//2", "", "-4"},
        {"-7%3", "", "2"},
        {"7/2", "", "3.5"},
        {"4/2", "", "2.0"},
        {"(1+2)*3 - -1", "", "10"},
        {"1.5e1 + .5", "", "15.5"},
        {"x", "a b", "a b"},
        {"x + '-' + x", "a", "a-a"},
        {"x[0] + x[-1]", "abc", "ac"},
        {"x[1:] + x[:1] + x[:] + x[-2:-1]", "abc", "bcaabcb"},
        {"x[5:9]", "abc", ""},
        {"x.upper().lower()", "aBc", "abc"},
        {"x.replace('.in', '.out')", "a.in", "a.out"},
        {"x.split('-')[1]", "a-b-c", "b"},
        {"len(x.split('-'))", "a-b-c", "3"},
        {"len(x) * 2", "abc", "6"},
        {"' y '.strip()", "", "y"},
        {"basename(x) + dirname(x)", "/a/b", "b/a"},
        {"'big' if int(x) > 9 else 'small'", "12", "big"},
        {"'big' if int(x) > 9 else 'small'", "3", "small"},
        {"not x or 'b'", "a", "b"},
        {"x == 'a' and x.startswith('a')", "a", "1"},
        {"1 if x.endswith('z') else 0", "a", "0"},
        {"max(1, int(x), 2) + min(4, 3)", "9", "12"},
        {"round(2.6) + abs(-2)", "", "5"},
        {"round(2.345, 1)", "", "2.3"},
        {"int(2.9) + float('1')", "", "3.0"},
        {"str(int(x) + 1) + 'x'", "1", "2x"},
    };
    for (auto& t : table)
      CHECK_MESSAGE(value(t.code, t.x) == t.expected, t.code);
  }

  TEST_CASE("what cannot be computed says why") {
    struct {
      const char *code, *why;
    } table[] = {
        {"", "a value is missing"},
        {"1 +", "a value is missing"},
        {"(1", "')' is missing"},
        {"1 2", "what is this at '2'"},
        {"y", "'y' is not x, and no function"},
        {"y(1)", "there is no function y()"},
        {"x.y()", "there is no .y()"},
        {"'a", "a quote has no end"},
        {"x + 1", "a text is no number; int(x) makes one of it"},
        {"int('a')", "'a' is no whole number"},
        {"1/0", "a division by 0"},
        {"1%0", "a division by 0"},
        {"2**64", "a number is too large"},
        {"9223372036854775807 + 1", "a number is too large"},
        {"x[3]", "part 3 of 1"},
        {"5[0]", "a number has no parts"},
        {"x < 1", "a number and a text are compared"},
        {"1 if 2", "'else' is missing"},
        {"int()", "int() needs a value"},
        {"x.upper", "'(' is missing"},
    };
    for (auto& t : table)
      CHECK_MESSAGE(value(t.code).find(t.why) != std::string::npos, t.code, ": ", value(t.code));
    CHECK(value(std::string(500, '(')).find("nested too deeply") != std::string::npos);
    CHECK(value(std::string(500, '-') + "1") == "1");
    std::string powers = "1";
    for (int i = 0; i < 500; ++i)
      powers += "**1";
    CHECK(value(powers).find("nested too deeply") != std::string::npos);
  }
}
