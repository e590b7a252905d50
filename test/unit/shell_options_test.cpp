// Options of the shell, judged at the submit.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/shell_options.hpp"
#include "actors/spec_reader.hpp"
#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

/// What ingest says of a job with these options.
std::string refused(const json& options, uint32_t slots = 1) {
  spec_text s;
  s.options = options;
  s.slots = slots;
  auto specs = std::make_shared<spec_cache>();
  auto spec = spec_reader{specs, 0}.read(s.text());
  return spec ? std::string{} : context_of(spec.error());
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("values that cannot be meant are refused when the job is submitted") {
    struct {
      json options;
      const char* says;
    } rows[] = {
        {{{"output", {{"mode", "bogus"}}}}, "output.mode: must be truncate or append"},
        {{{"exit-timeout", "soon"}}, "exit-timeout: must be a duration"},
        {{{"mpi-timeout", -1}}, "mpi-timeout: must be a duration"},
        {{{"rlimit", {{"nothing", 1}}}}, "rlimit.nothing: must be the name of a limit"},
        {{{"oom", {{"adjust", 2000}}}}, "oom.adjust: must be -1000 to 1000"},
        {{{"pmi", "fast"}}, "pmi: must be"},
        {{{"sysmon", {{"period", "1us"}}}}, "sysmon.period: must be a duration"},
        {{{"coprocess", {{"a", 1}}}}, "coprocess.a: must be an object with a command"},
        {{{"nosetpgrp", "x"}}, "nosetpgrp: must be a number"},
        {{{"pty", {{"rows", 0}}}}, "pty.rows: must be 1 to 65535"},
        {{{"pty", {{"ranks", 77}}}}, "pty.ranks: names task 77; the job has 2, counted from 0"},
        {{{"env-allow", "PMI_RANK"}}, "env-allow: hactor sets PMI_RANK itself"},
        {{{"signal", "x"}}, "signal: must be 1, or a mapping"},
        {{{"worlds", "two"}}, "worlds: must be one (MPI_COMM_WORLD for all programs of the job)"},
        {{{"worlds", 2}}, "worlds: must be a string"},
        {{{"stage-in", {{"destination", "wrong:/x"}}}}, "stage-in.destination: must begin with"},
        {{{"stage-in", {{"name", "a"}}}}, "stage-in.name: is none of names, pattern"},
    };
    for (auto& row : rows) {
      CAPTURE(row.says);
      CHECK(refused(row.options, 2).starts_with("attributes.system.shell.options."
                                                + std::string{row.says}));
    }
  }

  TEST_CASE("what can be meant is taken, and what is not known is left to others") {
    const json good[] = {json(nullptr),
                         {{"pty", {{"ranks", "0-1"}}}},
                         {{"signal", 1}},
                         {{"signal", {{"signum", 10}}}},
                         {{"of-a-plugin", {{"x", 1}}}},
                         {{"worlds", "one"}},
                         {{"worlds", "each"}},
                         {{"mpi", "site"}}};
    for (auto& options : good) {
      CAPTURE(dump(options));
      CHECK(refused(options, 2) == "");
    }
  }

  TEST_CASE("of names that do nothing is said what may have been meant") {
    for (auto* name : {"verbose", "pty", "pty.rows", "output", "output.stdout.path", "rlimit.core",
                       "coprocess.mine.command", "taskmap", "taskmap.scheme", "signal", "sysmon",
                       "plugins", "mpi", "env-allow", "worlds", "stage-in", "stage-in.names"}) {
      CAPTURE(name);
      CHECK(doubt_shell_option(name) == "");
    }
    CHECK(doubt_shell_option("exit-on-eror")
          == "is no option of the shell; did you mean exit-on-error?");
    CHECK(doubt_shell_option("pty.row").starts_with("is no option of the shell; did you mean pty"));
    CHECK(doubt_shell_option("stage-in.nam").find("mean stage-in.names") != std::string::npos);
    CHECK(doubt_shell_option("verbose.x").starts_with("is no option"));
    for (auto* name : {"pmi-simple", "pmi-simple.exchange.k", "output.client.lwm"})
      CHECK(doubt_shell_option(name) == "has no effect here");
  }
}
