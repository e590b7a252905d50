// graph/document: JSON and YAML with their bounds and positions.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/document.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace hactor;

namespace {

constexpr size_t much = size_t{1} << 20;

std::string text_of(std::string_view document) {
  auto value = parse_document(document, much, "doc");
  if (!value)
    return to_string(code_of(value.error())) + ": " + render(value.error());
  return dump(*value);
}

std::string repeat(std::string_view what, size_t n) {
  std::string all;
  for (size_t i = 0; i < n; ++i)
    all += what;
  return all;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("documents in JSON, in YAML and in YAML's flow style are read") {
    struct row {
      const char* text;
      const char* json;
    };
    for (const auto& [text, wanted] :
         {row{"{\"a\": [1, -2, 2.5, true, null, \"x\"]}", "{\"a\":[1,-2,2.5,true,null,\"x\"]}"},
          row{"a: 1\nb:\n  - x\n  - y: z\n", "{\"a\":1,\"b\":[\"x\",{\"y\":\"z\"}]}"},
          row{"{a: 1, b: [x, y]}", "{\"a\":1,\"b\":[\"x\",\"y\"]}"},
          row{"--- \na: 1\n...\n", "{\"a\":1}"}, row{"- 1\n- 2\n", "[1,2]"}, row{"7", "7"},
          row{"text", "\"text\""}, row{"\"quoted 7\"", "\"quoted 7\""},
          row{"a: |\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\"}"},
          row{"a: >\n  one\n  two\n", "{\"a\":\"one two\\n\"}"},
          row{"a: # comment\n  b", "{\"a\":\"b\"}"}, row{"a:", "{\"a\":null}"},
          row{" \n\t[1]", "[1]"}, row{"\"\\u00e9\"", "\"é\""}}) {
      INFO(std::string{text});
      CHECK(text_of(text) == wanted);
    }
  }

  TEST_CASE("plain scalars follow the core schema of YAML 1.2") {
    struct row {
      const char* text;
      const char* json;
    };
    for (const auto& [text, wanted] :
         {row{"~", "null"}, row{"null", "null"}, row{"NULL", "null"}, row{"true", "true"},
          row{"False", "false"}, row{"yes", "\"yes\""}, row{"no", "\"no\""}, row{"on", "\"on\""},
          row{"0", "0"}, row{"+12", "12"}, row{"-12", "-12"}, row{"007", "7"}, row{"0x1F", "31"},
          row{"0o17", "15"}, row{"0x", "\"0x\""}, row{"0xg", "\"0xg\""}, row{"1.5", "1.5"},
          row{"-1.5e3", "-1500.0"}, row{".5", "0.5"}, row{"1.2.3", "\"1.2.3\""},
          row{"1:30", "\"1:30\""}, row{"12:34:56", "\"12:34:56\""}, row{"1_000", "\"1_000\""},
          row{".", "\".\""}, row{"+", "\"+\""}, row{"-x", "\"-x\""}, row{".inf", "\".inf\""},
          row{"nan", "\"nan\""}, row{"1e999", "\"1e999\""}, row{"+-5", "\"+-5\""},
          row{"18446744073709551615", "18446744073709551615"}, row{"'7'", "\"7\""},
          row{"!!str 7", "\"7\""}, row{"!!int 7", "7"}, row{"! 7", "\"7\""}}) {
      INFO(std::string{text});
      CHECK(text_of("a: " + std::string{text}) == "{\"a\":" + std::string{wanted} + "}");
    }
  }

  TEST_CASE("what cannot be read is named with its place") {
    struct row {
      std::string text;
      const char* says;
    };
    for (const auto& [text, says] :
         {row{"", "bad_json: doc: empty"}, row{"# nothing", "empty"},
          row{"{\"a\": ]", "doc: line 1, column 7"}, row{"[1,\n 2,\n }", "line 3, column"},
          row{"{\"a\": 1, \"a\": 2}", "the key \"a\" occurs twice"},
          row{"a: 1\na: 2\n", "line 2, column 1: the key \"a\" occurs twice"},
          row{"a: 1\n---\nb: 2\n", "a second document"}, row{"a: [1\nb: 2", "line"},
          row{"[1] x", "line 1"}, row{"? [a]\n: b\n", "keys must be text"},
          row{"a: *b\n", "line 1"}, row{"a: &x [*x]\n", "inside of its own anchor"},
          row{"a: !mine 1\n", "the tag \"!mine\" is not known"},
          row{"a: !!set {b: c}\n", "is not known"},
          row{"<<: {a: 1}\n", "merge keys (<<) are not supported"},
          row{"a: \xff\n", ""}, row{"\"\xc0\x80\"", ""}, row{"\"\xed\xa0\x80\"", ""},
          row{"{\"a\": \"\xff\"}", "line 1"}, row{"\tbad: 1\n", "line 1"}}) {
      INFO(text);
      auto shown = text_of(text);
      CHECK(shown.starts_with("bad_json: doc: "));
      CHECK(shown.find(says) != std::string::npos);
    }
  }

  TEST_CASE("size is judged before anything is parsed") {
    auto text = "\"" + std::string(100, 'x') + "\"";
    CHECK(parse_document(text, text.size(), "doc"));
    auto refused = parse_document(std::string(1000, '['), 999, "doc");
    REQUIRE_FALSE(refused);
    CHECK(code_of(refused.error()) == ec::too_big);
    CHECK(render(refused.error()) == "doc: 1000 bytes; at most 999 bytes are taken");
  }

  TEST_CASE("nesting has an end in JSON, in YAML and through aliases") {
    auto deep = [](size_t n) { return repeat("[", n) + repeat("]", n); };
    CHECK(text_of(deep(document_depth_max)) == deep(document_depth_max));
    CHECK(text_of(deep(document_depth_max + 1)).find("nested deeper than 64") != std::string::npos);
    CHECK(text_of("a: " + deep(document_depth_max)).find("nested deeper") != std::string::npos);
    auto half = "- &x " + deep(40) + "\n- " + repeat("[", 30) + "*x" + repeat("]", 30) + "\n";
    CHECK(text_of(half).find("nested deeper") != std::string::npos);
    // Far beyond what a parser's own stack would bear.
    CHECK(text_of(repeat("[", 100'000)).find("nested deeper") != std::string::npos);
    CHECK(text_of(repeat("{\"a\":", 100'000)).find("nested deeper") != std::string::npos);
    CHECK(text_of(repeat("- ", 100'000)).starts_with("bad_json"));
    CHECK(text_of(repeat("{a: ", 100'000)).starts_with("bad_json"));
  }

  TEST_CASE("anchors are copied, and cannot multiply without end") {
    CHECK(text_of("a: &x {k: [1, 2]}\nb: *x\nc: &y 7\nd: *y\ne: &z\nf: *z\n")
          == "{\"a\":{\"k\":[1,2]},\"b\":{\"k\":[1,2]},\"c\":7,\"d\":7,\"e\":null,\"f\":null}");
    CHECK(text_of("- &x 1\n- &x 2\n- *x\n") == "[1,2,2]"); // the last definition counts
    std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
      auto below = "*a" + std::to_string(i - 1);
      auto name = "a" + std::to_string(i);
      laughs += name + ": &" + name + " [" + below + repeat(", " + below, 9) + "]\n";
    }
    auto shown = text_of(laughs);
    CHECK(shown.starts_with("bad_json"));
    CHECK((shown.find("expands to more than 64 MiB") != std::string::npos
           || shown.find("too much text under anchors") != std::string::npos));
  }

  TEST_CASE("a brief is short and cut between characters") {
    CHECK(brief("two") == "\"two\"");
    CHECK(brief(json::array({1, 2})) == "[1,2]");
    auto cut = brief(std::string(200, 'x'));
    CHECK(cut == "\"" + std::string(59, 'x') + "...");
    for (size_t before = 0; before < 4; ++before) {
      auto text = brief(std::string(before, 'x') + repeat("€", 50));
      CHECK(json::parse(text.substr(0, text.size() - 3) + "\"").is_string());
    }
    CHECK(brief(json(std::vector<int>(61, 1))) == "a long list");
    json big;
    for (int i = 0; i < 61; ++i)
      big[std::to_string(i)] = i;
    CHECK(brief(big) == "a big mapping");
  }

} // TEST_SUITE
