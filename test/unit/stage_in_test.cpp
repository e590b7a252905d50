// actors/stage_in: the option of the shell.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/stage_in.hpp"

using namespace hactor;

namespace {

constexpr auto none = std::string::npos;

std::optional<stage_in> read(const char* options) {
  auto wanted = read_stage_in(*parse_json(options));
  REQUIRE_MESSAGE(wanted, render(wanted.error()));
  return *wanted;
}

std::string refusal(const char* options) {
  auto wanted = read_stage_in(*parse_json(options));
  if (wanted)
    return "accepted";
  CHECK(code_of(wanted.error()) == ec::bad_jobspec);
  return context_of(wanted.error());
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("who asks for stage-in gets what is asked for") {
    CHECK_FALSE(read("{}"));
    CHECK_FALSE(read(R"({"stage-in": 0})"));
    for (auto* all : {R"({"stage-in": 1})", R"({"stage-in": true})", R"({"stage-in": {}})"}) {
      CHECK(read(all)->names == "main");
      CHECK(read(all)->folder == "");
    }
    CHECK(read(R"({"stage-in": {"names": "a,b"}})")->names == "a,b");
    CHECK(read(R"({"stage-in": {"names": ["a", "b"]}})")->names == "a,b");
    CHECK(read(R"({"stage-in": {"pattern": "*.dat"}})")->pattern == "*.dat");
    struct {
      const char* said;
      const char* folder;
      bool once;
    } rows[] = {{"/x", "/x", false},     {"local:/x", "/x", false}, {"global:/x", "/x", true},
                {"x/a:b", "x/a:b", false}, {"local:x", "x", false}};
    for (auto& row : rows) {
      auto wanted = read(dump({{"stage-in", {{"destination", row.said}}}}).c_str());
      CHECK(wanted->folder == row.folder);
      CHECK(wanted->once == row.once);
    }
  }

  TEST_CASE("what cannot be meant is refused, with what is right") {
    CHECK(refusal(R"({"stage-in": "main"})").find("stage-in: must be 1, or a mapping") != none);
    for (auto* names : {R"("")", R"("a,,b")", R"("a b")", R"("a,b_blobs")", "7", "[]", "[1]"}) {
      CAPTURE(names);
      auto text = std::string{R"({"stage-in": {"names": )"} + names + "}}";
      CHECK(refusal(text.c_str()).find("stage-in.names: must be names of archives") != none);
    }
    for (auto* folder : {R"("")", R"("wrong:/x")", R"("global:")", "7"}) {
      CAPTURE(folder);
      auto text = std::string{R"({"stage-in": {"destination": )"} + folder + "}}";
      CHECK(refusal(text.c_str()).find("stage-in.destination: must be") != none);
    }
    CHECK(refusal(R"({"stage-in": {"pattern": ""}})").find("stage-in.pattern: must be") != none);
    CHECK(refusal(R"({"stage-in": {"name": "a"}})")
              .starts_with("attributes.system.shell.options.stage-in.name: is none of names, "
                           "pattern and destination; did you mean stage-in.names"));
  }

  TEST_CASE("one command does it") {
    using words = std::vector<std::string>;
    CHECK(stage_in_command({}, "/bin/hactor", "/tmp/j", false)
          == words{"/bin/hactor", "archive", "extract", "--name=main", "--directory=/tmp/j"});
    CHECK(stage_in_command({"a,b", "-x", "/y", true}, "h", "/tmp/j", true)
          == words{"h", "archive", "extract", "--name=a,b", "--directory=/y", "--verbose", "--",
                   "-x"});
  }

  TEST_CASE("why it has failed is what it has said last") {
    CHECK(stage_in_failure("hactor-archive-extract: archive 'x': does not exist\n", "ended")
          == "stage-in: archive 'x': does not exist");
    CHECK(stage_in_failure("a\nb\nhactor-archive-extract: no\n", "ended") == "stage-in: no");
    CHECK(stage_in_failure("hactor-archive-extract: f: is there already; --overwrite replaces it\n",
                           "ended")
          == "stage-in: f: is there already");
    CHECK(stage_in_failure("a\n", "was ended by signal 9") == "stage-in was ended by signal 9");
  }
}
