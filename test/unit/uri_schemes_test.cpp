// tools/uri_schemes: the instance of a process, and the one within a job of another manager.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/uri_schemes.hpp"

#include <unistd.h>

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::tools;
using hactor::workflow::instance_note;

namespace {

instance_note note(const char* id, int32_t pid, const char* within = "") {
  instance_note n;
  n.id = id;
  n.pid = pid;
  n.uri = std::string{"local:///tmp/"} + id + "/local";
  n.within = within;
  return n;
}

// 1 - 10 bash - 20 mpirun - 21 hactor-start (supervisor) - 22 hactor-start (broker of ia)
//      |                     |                              |- 30 sh (script) - 31 sleep
//      |                     |                              `- 40 hactor-start (nested, no note)
//      |                     |                                  `- 41 hactor-start - 42, 43 sh
//      |                     `- 23 hactor-start (spawner) - 32 sleep
//      `- 50 mpirun - 51 hactor-start (broker of ib)
const process_table processes = {
    {1, {0, "init", ""}},
    {10, {1, "bash", ""}},
    {20, {10, "mpirun", ""}},
    {21, {20, "hactor-start", "local:///tmp/around/local"}},
    {22, {21, "hactor-start", "local:///tmp/around/local"}},
    {30, {22, "sh", "local:///tmp/ia/local"}},
    {31, {30, "sleep", ""}}, // env -i
    {23, {21, "hactor-start", "local:///tmp/around/local"}},
    {32, {23, "sleep", ""}}, // env -i
    {40, {22, "hactor-start", "local:///tmp/ia/local"}},
    {41, {40, "hactor-start", "local:///tmp/ia/local"}},
    {42, {41, "sh", "local:///tmp/ic/local"}},
    {43, {41, "sh", "local:///tmp/ic/local/fA2"}},
    {50, {10, "mpirun", ""}},
    {51, {50, "hactor-start", ""}},
    {60, {1, "cron", ""}},
};
const std::vector<instance_note> notes = {note("ia", 22), note("ib", 51)};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a process is of the instance that it belongs to, or that it has started") {
    struct {
      int32_t pid;
      const char* uri;
    } rows[] = {{22, "local:///tmp/ia/local"}, // the broker
                {21, "local:///tmp/ia/local"}, // what watches over it
                {20, "local:///tmp/ia/local"}, // the launcher
                {30, "local:///tmp/ia/local"}, // by its environment
                {31, "local:///tmp/ia/local"}, // by what is above it
                {32, "local:///tmp/ia/local"}, // by the broker beside that
                {40, "local:///tmp/ic/local"}, // by what it has started
                {41, "local:///tmp/ic/local"},     {42, "local:///tmp/ic/local"},
                {43, "local:///tmp/ic/local/fA2"}, {50, "local:///tmp/ib/local"}};
    for (auto& row : rows) {
      auto uri = uri_of_process(row.pid, processes, notes);
      REQUIRE_MESSAGE(uri, row.pid);
      CHECK_MESSAGE(*uri == row.uri, row.pid);
    }
    auto of = [](int32_t pid) { return uri_of_process(pid, processes, notes).error(); };
    CHECK(code_of(of(10)) == ec::bad_argument);
    CHECK(render(of(10)).find("ia, ib") != std::string::npos);
    for (auto pid : {60, 61})
      CHECK(code_of(of(pid)) == ec::no_instance);
    CHECK(render(of(61)).find("no such process") != std::string::npos);
  }

  TEST_CASE("an instance is found by the job of another manager around it") {
    std::vector<instance_note> all = {note("ia", 1, "slurm:7"), note("ib", 2, "lsf:7"),
                                      note("ic", 3, "pbs:8"), note("id", 4, "pbs:8"),
                                      note("ie", 5)};
    CHECK(note_within("slurm:7", all)->id == "ia");
    CHECK(note_within("lsf:7", all)->id == "ib");
    auto several = note_within("pbs:8", all);
    REQUIRE_FALSE(several);
    CHECK(code_of(several.error()) == ec::bad_argument);
    CHECK(render(several.error()).find("ic, id") != std::string::npos);
    auto none = note_within("slurm:8", all);
    REQUIRE_FALSE(none);
    CHECK(code_of(none.error()) == ec::no_instance);
    CHECK(render(none.error()).find("there are lsf:7, pbs:8, slurm:7") != std::string::npos);
    CHECK(render(note_within("slurm:8", {}).error()).find("none runs in a job")
          != std::string::npos);
  }

  TEST_CASE("a word without a scheme is for others, and a wrong one is told what there is") {
    for (auto* word : {"f3xK2", "ensemble", "local:///tmp/x", "tcp://node1:80/fA2"})
      CHECK_FALSE(uri_by_scheme(word));
    for (auto* word : {"pid:", "pid:x", "pid:-1", "pid:12x", "slurm:", "sge:4", ":4"}) {
      auto uri = uri_by_scheme(word);
      REQUIRE_MESSAGE(uri, word);
      REQUIRE_FALSE_MESSAGE(*uri, word);
      CHECK(code_of(uri->error()) == ec::bad_argument);
    }
    CHECK(render(uri_by_scheme("sge:4")->error()).find("lsf:ID or pbs:ID") != std::string::npos);
  }

  TEST_CASE("the processes of this machine are read, this one among them") {
    auto all = read_processes();
    auto own = all.find(::getpid());
    REQUIRE(own != all.end());
    CHECK(own->second.parent == ::getppid());
    CHECK(own->second.program.starts_with("unit_tools"));
  }
}
