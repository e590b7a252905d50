// tools/options: command lines by POSIX rules.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <string>
#include <vector>

#include "runtime/help_text.hpp"
#include "tools/command.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::tools;

namespace {

constexpr option_spec rows[] = {{'n', "ntasks", "N", "Tasks.", "--tasks"},
                                {'q', "queue", "NAME", "Queue.", "-p --partition"},
                                {0, "env", "RULE", "Environment."},
                                {'l', "label-io", nullptr, "Labels."},
                                {0, "quiet", nullptr, "Less."},
                                {'v', "verbose", nullptr, "More."}};

command make_command(bool follows, size_t min, size_t max) {
  return {"verb", "Group", "does", "[OPTIONS] WHAT", "Does.", rows, "", "", follows, min, max,
          nullptr};
}
const command follows = make_command(true, 1, any_number);
const command plain = make_command(false, 0, 2);

caf::expected<parsed_options> parse(const command& of, const std::vector<const char*>& words) {
  return parse_options(of, words);
}

std::string refusal(const command& of, const std::vector<const char*>& words) {
  auto o = parse(of, words);
  if (o)
    return "accepted";
  CHECK(code_of(o.error()) == ec::bad_argument);
  return render(o.error());
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("every way to write an option is read") {
    for (const auto& words : std::vector<std::vector<const char*>>{{"-n2", "cmd"},
                                                                   {"-n", "2", "cmd"},
                                                                   {"--ntasks=2", "cmd"},
                                                                   {"--ntasks", "2", "cmd"},
                                                                   {"--tasks=2", "cmd"},
                                                                   {"-lvn2", "cmd"},
                                                                   {"-lvn", "2", "cmd"},
                                                                   {"-n1", "-n2", "cmd"},
                                                                   {"-n2", "--", "cmd"}}) {
      auto o = parse(follows, words);
      REQUIRE(o);
      CHECK(o->value("ntasks") == "2");
      CHECK(o->operands == std::vector<std::string>{"cmd"});
    }
    auto o = parse(follows, {"-p", "a", "--partition=b", "-qc", "x"});
    REQUIRE(o);
    CHECK(o->all("queue") == std::vector<std::string>{"a", "b", "c"});
    CHECK(o->value("queue") == "c");
    CHECK(o->count("queue") == 3);
  }

  TEST_CASE("options end at the first operand, and the rest is the command's") {
    auto o = parse(follows, {"-l", "prog", "-n2", "--help", "--", "-x"});
    REQUIRE(o);
    CHECK(o->has("label-io"));
    CHECK_FALSE(o->has("ntasks"));
    CHECK_FALSE(o->help);
    CHECK(o->operands == std::vector<std::string>{"prog", "-n2", "--help", "--", "-x"});
    auto empty = parse(follows, {"--env=", "prog", "--out=", "--"});
    REQUIRE(empty);
    CHECK(empty->operands == std::vector<std::string>{"prog", "--out=", "--"});
    auto dash = parse(plain, {"-", "x"});
    REQUIRE(dash);
    CHECK(dash->operands == std::vector<std::string>{"-", "x"});
    auto after = parse(plain, {"--", "-n", "--"});
    REQUIRE(after);
    CHECK(after->after_separator);
    CHECK(after->operands == std::vector<std::string>{"-n", "--"});
  }

  TEST_CASE("values may be empty, look like options, and hold '='") {
    auto o = parse(follows, {"--env=-*", "--env", "-A", "--env=A=b=c", "--env=", "x"});
    REQUIRE(o);
    CHECK(o->all("env") == std::vector<std::string>{"-*", "-A", "A=b=c", ""});
    CHECK(o->value("queue", "none") == "none");
    CHECK(o->value("queue").empty());
    CHECK(parse(follows, {"-vvv", "x"})->count("verbose") == 3);
  }

  TEST_CASE("help wins over missing operands") {
    for (auto word : {"-h", "--help", "-lh"}) {
      auto o = parse(follows, {word});
      REQUIRE(o);
      CHECK(o->help);
    }
  }

  TEST_CASE("mistakes are named, with near names") {
    CHECK(refusal(follows, {"--ntask=2", "x"}).starts_with("unknown option '--ntask'; did you mean "
                                                           "--ntasks"));
    CHECK(refusal(follows, {"--nt=2", "x"}).starts_with("unknown option '--nt'")); // no shortcuts
    CHECK(refusal(follows, {"-z", "x"}) == "unknown option '-z'");
    CHECK(refusal(follows, {"-lz", "x"}).starts_with("unknown option '-z'"));
    CHECK(refusal(follows, {"--label-io=1", "x"}) == "option '--label-io' takes no value");
    CHECK(refusal(follows, {"-n"}) == "option '-n' needs a value (N)");
    CHECK(refusal(follows, {"--env"}) == "option '--env' needs a value (RULE)");
    CHECK(refusal(follows, {"--env", "--label-io", "x"})
          == "option '--env' needs a value (RULE), and '--label-io' is an option");
    CHECK(refusal(follows, {"-n", "--env=A", "x"})
          == "option '-n' needs a value (N), and '--env=A' is an option; -n is --ntasks");
    CHECK(refusal(follows, {"-q", "--label-io", "x"})
          == "option '-q' needs a value (NAME), and '--label-io' is an option; -q is --queue, "
             "--quiet has no letter");
    CHECK(refusal(follows, {"--env=--label-io", "x"}) == "accepted");
    CHECK(refusal(follows, {"--env", "--other", "x"}) == "accepted"); // no option of this command
    CHECK(refusal(follows, {"-n", "-1", "x"}) == "accepted");         // whoever reads it decides
    CHECK(refusal(follows, {"--=x", "x"}).starts_with("unknown option '--'"));
    CHECK(refusal(follows, {"-l"}).starts_with("an operand is missing; usage: hactor verb"));
    CHECK(refusal(plain, {"a", "b", "c"}).starts_with("operand 'c' is one too many"));
    CHECK(refusal(plain, {"a", "-n2"}).starts_with("option '-n2' comes too late"));
    CHECK(refusal(plain, {"a", "--ntasks=2"}).starts_with("option '--ntasks=2' comes too late"));
    CHECK(refusal(plain, {"a", "-5"}) == "accepted"); // no option of this command
    CHECK(refusal(plain, {"a", "--", "-n2"}) != "accepted"); // three operands
  }

  TEST_CASE("numbers are whole, within their range, and the option is named") {
    auto number = [](const char* word) {
      auto o = parse(follows, {word, "x"});
      REQUIRE(o);
      auto n = o->number("ntasks", 7, 1, 100);
      return n ? std::to_string(*n) : render(n.error());
    };
    CHECK(number("-n1") == "1");
    CHECK(number("-n100") == "100");
    CHECK(number("-l") == "7");
    for (auto word : {"-n0", "-n101", "-n-1", "-n1.5", "-nx", "-n1x", "--ntasks=", "-n 1",
                      "-n99999999999999999999"})
      CHECK(number(word).starts_with("--ntasks: '"));
    CHECK(number("-n0").ends_with("is not a whole number from 1 to 100"));
  }

  TEST_CASE("an option is spelled for people") {
    CHECK(spelling(rows[0]) == "-n, --ntasks=N");
    CHECK(spelling(rows[2]) == "--env=RULE");
    CHECK(spelling(rows[3]) == "-l, --label-io");
  }

} // TEST_SUITE
