// tools/bulk_inputs: inputs, their combinations, templates.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <map>

#include <doctest/doctest.h>

#include "tools/bulk_inputs.hpp"

using namespace hactor;
using namespace hactor::tools;

namespace {

caf::expected<bulk_inputs> inputs(const std::vector<std::string>& operands,
                                  const std::string& separator = "\n") {
  static const std::map<std::string, std::string> files{
      {"-", "in 1\nin 2\n"}, {"f", "a\nb\n"}, {"w", " a  b\tc\n"}, {"s", "a;b;"}, {"e", ""}};
  return read_inputs(operands, separator,
                     [](const std::string& name) -> caf::expected<std::string> {
                       auto it = files.find(name);
                       if (it == files.end())
                         return make_error(ec::bad_argument, name + ": no such file");
                       return it->second;
                     });
}

/// All combinations, "a,b c,d".
std::string combined(const std::vector<std::string>& operands, const std::string& sep = "\n") {
  auto in = inputs(operands, sep);
  if (!in)
    return context_of(in.error());
  std::string all;
  std::vector<std::string_view> picked;
  for (uint64_t i = 0; i < in->count(); ++i) {
    in->pick(i, picked);
    all += all.empty() ? "" : " | ";
    for (size_t k = 0; k < picked.size(); ++k)
      all += (k == 0 ? "" : ",") + std::string{picked[k]};
  }
  return all;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("lists are combined, linked ones go along") {
    CHECK(combined({"echo", ":::", "1", "2", ":::", "3", "4"}) == "1,3 | 1,4 | 2,3 | 2,4");
    CHECK(combined({"echo", ":::", "1", "2", ":::+", "3", "4"}) == "1,3 | 2,4");
    CHECK(combined({"echo", ":::", "1", "2", "3", ":::+", "a", "b"}) == "1,a | 2,b | 3,a");
    CHECK(combined({":::", "1", "2", ":::+", "a", "b", ":::", "x", "y"})
          == "1,a,x | 1,a,y | 2,b,x | 2,b,y");
    CHECK(combined({"echo", "::::", "f"}) == "a | b");
    CHECK(combined({"echo", "::::", "f", "f", "::::+", "-"})
          == "a,in 1 | b,in 2 | a,in 1 | b,in 2");
    CHECK(combined({"echo"}) == "in 1 | in 2");
    CHECK(combined({"echo", "::::", "w"}, "none") == "a | b | c");
    CHECK(combined({"echo", "::::", "s"}, ";") == "a | b");
    CHECK(inputs({"a", "b", ":::", "c"})->command == std::vector<std::string>{"a", "b"});
  }

  TEST_CASE("what gives no inputs is refused") {
    CHECK(combined({"echo", ":::"}) == "no values after ':::'");
    CHECK(combined({"echo", "::::", "e"}) == "no values after '::::'");
    CHECK(combined({"echo", "::::", "gone"}) == "gone: no such file");
    CHECK(combined({"echo", ":::+", "1"})
          == "':::+' links its values with those of a list before it");
    CHECK(combined({"echo"}, "") == "--sep: must not be empty; 'none' cuts at blanks");
    auto much = inputs({":::", "1", "2"});
    for (int i = 0; i < 100; ++i)
      much->lists.push_back(much->lists.front());
    CHECK(much->count() >= uint64_t{1} << 40); // and no overflow
  }

  TEST_CASE("templates are filled as those of flux-bulksubmit") {
    bulk_template t;
    REQUIRE_FALSE(t.define("p2=2**int(x)"));
    REQUIRE_FALSE(t.define("up=x.upper()"));
    std::vector<std::string_view> in{"/d/e/f.tar.gz", "3"};
    struct {
      const char *text, *expected;
    } table[] = {
        {"plain", "plain"},
        {"{}", "/d/e/f.tar.gz"},
        {"{}:{}", "/d/e/f.tar.gz:3"},
        {"{1}{0}{1}", "3/d/e/f.tar.gz3"},
        {"{.%}", "/d/e/f.tar"},
        {"{./}", "f.tar.gz"},
        {"{0./%}", "f.tar"},
        {"{.//}", "/d/e"},
        {"{1.p2}-{1.up}", "8-3"},
        {"{seq}{seq1}", "45"},
        {"{{id}}.{1}", "{{id}}.3"},
        {"{cc} ${1} ${x} { echo; } {a,b} {1..3} {x}", "{cc} ${1} ${x} { echo; } {a,b} {1..3} {x}"},
        {"{", "{"},
    };
    for (auto& c : table) {
      auto filled = t.fill(c.text, in, 4);
      REQUIRE_MESSAGE(filled, c.text);
      CHECK(*filled == c.expected);
      CHECK(bulk_template::has_fields(c.text) == (std::string{c.text} != c.expected));
    }
    std::vector<std::string_view> hidden{"a/.profile"};
    CHECK(*t.fill("{.%}{./%}{.//}", {".x"}, 0) == ".x.x");
    CHECK(*t.fill("{./%}", hidden, 0) == ".profile");
  }

  TEST_CASE("a template that cannot be filled says why") {
    bulk_template t;
    REQUIRE_FALSE(t.define("n=int(x)"));
    auto why = [&](const char* text) {
      auto filled = t.fill(text, {"a"}, 0);
      return filled ? "filled" : context_of(filled.error());
    };
    CHECK(why("{1}") == "'{1}': there is 1 input lists, counted from 0");
    CHECK(why("{}{}{}") == "filled");
    CHECK(why("{.nope}") == "'{.nope}': no --define says what 'nope' is");
    CHECK(why("{.n}") == "--define=n: 'int(x)': 'a' is no whole number");
    CHECK(t.define("novalue"));
    CHECK(t.define("=1"));
    CHECK(t.define("a-b=1"));
  }
}
