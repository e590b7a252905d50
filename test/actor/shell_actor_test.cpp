// SHELL: its tasks under a supervisor that the test plays.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <csignal>

#include "shell_bench.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

/// These, and then as often SIGKILL as a process is asked to die: the bench has two at the end.
std::vector<int> with_kills(std::vector<int> signals) {
  signals.insert(signals.end(), 6, SIGKILL);
  return signals;
}

} // namespace

TEST_SUITE("actor") {

  TEST_CASE("a task is started, what it writes is kept, and its end is told") {
    shell_bench b{{}};
    REQUIRE(b.tasks.size() == 1);
    REQUIRE_FALSE(b.reports.empty());
    CHECK(b.reports.back().started);
    b.write(1, 0, "hello\n");
    b.exit(1, 3 << 8);
    REQUIRE(b.has_ended());
    CHECK(b.reports.back().status == 3 << 8);
    CHECK(b.drains.empty());
    CHECK_FALSE(b.gate_has_drifted());
  }

  TEST_CASE("the first 64 KiB of what is sent to the tasks are kept, but for a terminal's") {
    auto input = [](shell_bench& b, const std::string& bytes, uint32_t task = UINT32_MAX) {
      input_request in;
      in.id = shell_bench::job;
      in.bytes = bytes;
      in.task = task;
      b.tell(b.shell_under_test, in);
    };
    auto kept = [](shell_bench& b) { // what is in the spool beside the output
      b.pass(std::chrono::seconds{1});
      b.settle();
      std::vector<output_chunk> chunks;
      for (auto& c : b.written())
        if (c.stream != 1 && c.stream != 2)
          chunks.push_back(c);
      return chunks;
    };
    spec_text attached;
    attached.options = {{"input", {{"stdin", {{"type", "service"}}}}}};
    shell_bench b{attached};
    input(b, "alpha ");
    input(b, "beta", 0);
    input(b, "gamma");
    input(b, ""); // the end
    auto chunks = kept(b);
    REQUIRE(chunks.size() == 3);
    CHECK(chunks[0].task == UINT32_MAX);
    CHECK(chunks[1].task == 0);
    CHECK(chunks[1].bytes == "beta");
    CHECK(chunks[2].bytes == "gamma");
    input(b, std::string(64 << 10, 'x'));
    input(b, "more");
    size_t bytes = 0;
    chunks = kept(b);
    for (auto& c : chunks)
      bytes += c.stream == 0 ? c.bytes.size() : 0;
    CHECK(bytes == 64 << 10);
    CHECK(chunks.back().stream == 3);
    CHECK(chunks.back().bytes.find("the first 65536 bytes") == 0);
    b.exit(1, 0);
    CHECK(b.has_ended());
    CHECK_FALSE(b.gate_has_drifted());

    attached.options["pty"] = true;
    shell_bench terminal{attached};
    input(terminal, "secret\n");
    CHECK(kept(terminal).empty());
  }

  TEST_CASE("no task is started before the files of the job are there") {
    spec_text staged;
    staged.slots = 2;
    staged.options["stage-in"]["names"] = "app";
    shell_bench b{staged};
    REQUIRE(b.tasks.size() == 1);
    CHECK(b.reports.empty());
    b.write(1, 0, "app/program\n");
    b.exit(1, 0);
    b.serve();
    REQUIRE(b.tasks.size() == 3);
    CHECK(b.reports.back().started);
    b.exit(2, 0);
    b.exit(3, 0);
    REQUIRE(b.has_ended());
    CHECK(b.reports.back().failure == "");
    CHECK_FALSE(b.gate_has_drifted());
  }

  TEST_CASE("without its files a job fails, and the reason is what was said") {
    spec_text staged;
    staged.options["stage-in"] = 1;
    shell_bench b{staged};
    b.write(1, 0, "hactor-archive-extract: archive 'main': does not exist\n");
    b.exit(1, 1 << 8);
    b.serve();
    CHECK(b.tasks.size() == 1);
    REQUIRE(b.has_ended());
    CHECK(b.reports.back().failure == "n0: stage-in: archive 'main': does not exist");
    CHECK(b.reports.back().status == 1 << 8);
    CHECK_FALSE(b.gate_has_drifted());
  }

  TEST_CASE("a job that is ended while its files come waits for who puts them there") {
    spec_text staged;
    staged.options["stage-in"] = 1;
    shell_bench b{staged};
    b.tell(b.shell_under_test, shell_signal{SIGUSR1, false}); // for tasks that never are
    b.tell(b.shell_under_test, shell_signal{SIGTERM, true});
    for (int i = 0; i < 12; ++i)
      b.serve();
    CHECK(b.tasks[1].signals == with_kills({SIGTERM}));
    CHECK_FALSE(b.has_ended());
    REQUIRE(b.drains.size() == 1); // it does not die: no other job comes here
    CHECK(b.drains[0].ranks == idset::single(0));
    b.tell(b.resource, caf::flush_atom_v);
    b.settle();
    CHECK(b.tasks.size() == 1);
    REQUIRE(b.has_ended());
    CHECK(b.reports.back().failure == "n0: it was to end before its tasks were started");
  }

  TEST_CASE("files that are not there in time end the job as any failure does") {
    spec_text staged;
    staged.options["stage-in"] = 1;
    shell_bench b{staged, [](shell_context& c) { c.stage_in_timeout_s = 1e-6; }};
    b.serve();
    REQUIRE_FALSE(b.reports.empty());
    CHECK(b.reports.back().failure
          == "n0: stage-in: the files were not there within 0.001ms (exec.stage_in_timeout)");
    CHECK(b.reports.back().status == 1 << 8);
    CHECK_FALSE(b.has_ended()); // the process is asked to end
    b.tell(b.shell_under_test, shell_signal{SIGTERM, true}); // so says exec then
    for (int i = 0; i < 12; ++i)
      b.serve();
    CHECK(b.tasks[1].signals == with_kills({SIGTERM, SIGTERM}));
    REQUIRE(b.drains.size() == 1);
    b.tell(b.resource, caf::flush_atom_v);
    b.settle();
    CHECK(b.tasks.size() == 1);
    REQUIRE(b.has_ended());
    CHECK(b.reports.back().failure.find("exec.stage_in_timeout") != std::string::npos);
  }

  TEST_CASE("files that are there in time have no deadline any more") {
    spec_text staged;
    staged.options["stage-in"] = 1;
    shell_bench b{staged, [](shell_context& c) { c.stage_in_timeout_s = 3600; }};
    b.exit(1, 0);
    b.serve();
    REQUIRE(b.tasks.size() == 2);
    b.pass(std::chrono::hours{2});
    b.exit(2, 0);
    REQUIRE(b.has_ended());
    CHECK(b.reports.back().failure == "");
  }

  TEST_CASE("plugins whose process does not die are left as tasks are") {
    spec_text asks;
    asks.options["plugins"] = "x.so";
    shell_bench b{asks, [](shell_context& c) { c.plugins.patience_ns = 1; }};
    b.serve();
    REQUIRE(b.tasks.size() == 1);
    REQUIRE_FALSE(b.reports.empty()); // exec hears of it before the process is gone
    CHECK(b.reports.back().failure.find("has not returned within") != std::string::npos);
    CHECK_FALSE(b.has_ended());
    b.tell(b.shell_under_test, shell_signal{SIGTERM, true}); // so says exec then
    for (int i = 0; i < 8; ++i)
      b.serve();
    CHECK(b.tasks[1].signals.size() >= 3);
    CHECK(b.tasks[1].signals.back() == SIGKILL);
    CHECK_FALSE(b.has_ended());
    REQUIRE(b.drains.size() == 1);
    CHECK(b.drains[0].ranks == idset::single(0));
    b.tell(b.resource, caf::flush_atom_v);
    b.settle();
    REQUIRE(b.has_ended());
    CHECK(b.host->task_count() == 1);
    b.exit(1, SIGKILL); // it dies after all
    CHECK(b.host->task_count() == 0);
    CHECK_FALSE(b.gate_has_drifted());
  }

  TEST_CASE("the files of tasks are closed before others are given their room") {
    temp_dir here;
    spec_text writes;
    writes.slots = 4;
    writes.cwd = here.path();
    writes.options["pmi"] = "off"; // or each has a socket, too
    writes.options["output"]["stdout"] = {{"type", "file"}, {"path", "o.{{task.id}}"}};
    constexpr size_t limit = 400, spare = 50;
    shell_bench b{writes, [](shell_context& c) {
                    c.room = descriptor_room::make(limit, [] { return open_descriptors(limit); });
                  }};
    REQUIRE(b.tasks.size() == 4);
    for (auto& [token, task] : b.tasks)
      task.fds.clear();
    // As many as there are when the four files are closed.
    auto told = 0;
    auto next = b.room->ask({job_id{2}, {}}, limit - spare - (open_descriptors(limit) - 4),
                            [&told] { ++told; });
    CHECK(next->now() == descriptor_room::state::waits);
    for (uint64_t token = 1; token <= 4; ++token)
      b.exit(token, 0);
    CHECK(next->now() == descriptor_room::state::granted);
    CHECK(told > 0);
  }

  TEST_CASE("who finds no room looks again, and is refused when nobody's end makes any") {
    spec_text many;
    many.slots = 80; // so many descriptors are not given without a look
    for (bool clients_go : {true, false}) {
      CAPTURE(clients_go);
      size_t looks = 0;
      shell_bench b{many, [&](shell_context& c) {
                      c.room = descriptor_room::make(1024, [&] {
                        return size_t{++looks > 1 && clients_go ? 200u : 900u};
                      });
                    }};
      b.serve();
      if (clients_go) {
        CHECK(b.tasks.size() == 80);
        for (auto& [token, task] : b.tasks)
          b.exit(token, 0);
        REQUIRE(b.has_ended());
        CHECK(b.reports.back().failure == "");
      } else {
        CHECK(b.tasks.empty());
        REQUIRE(b.has_ended());
        CHECK(looks == 3); // when it came, and twice
        CHECK(b.reports.back().status == 126 << 8);
        CHECK(b.reports.back().failure.find("file descriptors of the broker") != std::string::npos);
      }
    }
  }

  TEST_CASE("a process that does not die holds its node until that is drained") {
    spec_text two;
    two.slots = 2;
    shell_bench b{two};
    REQUIRE(b.tasks.size() == 2);
    b.exit(2, 0);
    b.write(1, 0, "a line that has not ended");
    b.tell(b.shell_under_test, shell_signal{SIGTERM, true});
    for (int i = 0; i < 12; ++i)
      b.serve();
    CHECK(b.tasks[1].signals == with_kills({SIGTERM, SIGCONT}));
    CHECK(b.tasks[2].signals.empty());
    REQUIRE(b.drains.size() == 1);
    CHECK(b.drains[0].ranks == idset::single(0));
    CHECK(b.drains[0].reason == "unkillable user processes from job f2");
    CHECK_FALSE(b.has_ended()); // no other job comes here
    // What it has written is kept; what it writes from now on is nobody's, and holds up nobody.
    REQUIRE(b.written().size() == 1);
    CHECK(b.written()[0].bytes == "a line that has not ended");
    ::signal(SIGPIPE, SIG_IGN);
    CHECK(::write(b.tasks[1].fds[0].get(), "late\n", 5) == -1);
    ::signal(SIGPIPE, SIG_DFL);
    b.tell(b.resource, caf::flush_atom_v);
    b.settle();
    REQUIRE(b.has_ended());
    CHECK(b.reports.back().failure == "n0: unkillable user processes from job f2");
    CHECK(b.host->task_count() == 1); // its supervisor knows it
    b.exit(1, SIGKILL);               // it dies after all
    CHECK(b.host->task_count() == 0);
    CHECK(b.drains.size() == 1);
    CHECK_FALSE(b.gate_has_drifted());
  }
}
