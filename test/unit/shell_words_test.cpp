// tools/shell_words: words by the shell's quoting.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "tools/shell_words.hpp"

using namespace hactor;
using namespace hactor::tools;

namespace {

std::string words(std::string_view text, bool triple = false) {
  auto split = split_words(text, triple);
  if (!split)
    return context_of(split.error());
  std::string all;
  for (auto& w : *split)
    all += std::to_string(w.line) + "<" + w.text + ">";
  return all;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("text is split as a shell splits it") {
    struct {
      const char *text, *expected;
    } table[] = {
        {"", ""},
        {"  a\tb ", "0<a>0<b>"},
        {"a # no b", "0<a>"},
        {"a#b", "0<a#b>"},
        {"'a b' \"c d\"e", "0<a b>0<c de>"},
        {"'a\"b' \"a'b\"", "0<a\"b>0<a'b>"},
        {"'' \"\"", "0<>0<>"},
        {R"(a\ b \# "\$x \" \n")", R"(0<a b>0<#>0<$x " \n>)"},
        {"a\nb # c\n d", "0<a>1<b>2<d>"},
        {"a\\\nb c\\\n d", "0<ab>1<c>2<d>"},
        {"--x=\"a b\"", "0<--x=a b>"},
    };
    for (auto& t : table)
      CHECK(words(t.text) == t.expected);
  }

  TEST_CASE("triple quotes go over lines, and what all lines begin with is left out") {
    CHECK(words("a='''It's a \"job\"'''", true) == "0<a=It's a \"job\">");
    CHECK(words(" x=\"\"\"\n [c]\n   i\n \"\"\"\n y", true) == "0<x=[c]\n  i\n>4<y>");
    CHECK(words("'''a b'''") == "0<a b>"); // three quotes of the plain kind
  }

  TEST_CASE("what has no end is told of with its line") {
    CHECK(words("a\n'b\nc'") == "line 2: the quote ' has no end");
    CHECK(words("\"x") == "line 1: the quote \" has no end");
    CHECK(words("a\\") == "line 1: a backslash has nothing after it");
    CHECK(words("\n\n'''x\n", true) == "line 3: the quotes ''' have no end");
  }
}
