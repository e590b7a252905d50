// What jobs wait for, as those who wait tell it and as it is put together.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "actors/job_waits.hpp"
#include "actors/stalled_process.hpp"
#include "exec_bench.hpp"
#include "recording_out.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

constexpr int64_t second = 1'000'000'000;

std::vector<std::string> texts(const std::vector<job_wait>& waits) {
  std::vector<std::string> all;
  for (auto& w : waits)
    all.push_back(w.owner + ": " + to_text(w));
  return all;
}

using lines = std::vector<std::string>;

/// A job of one core on the nodes 0 to n - 1, in a job manager alone.
struct managed {
  explicit managed(uint32_t nodes, int64_t limit_s = 0) {
    spec_text s;
    s.duration_s = static_cast<double>(limit_s);
    accepted_spec a;
    a.ids = {id};
    core.accept(now, 1000, intern(specs, s), a, out);
    core.on_granted(now, id, whole_nodes(nodes, 1), out);
  }
  job_waits_reply waits() {
    auto r = core.waits_of(now, id, rank_map{4});
    REQUIRE(r);
    return *r;
  }
  void report(bool ended) {
    job_report r;
    r.id = id;
    r.started = true;
    r.ended = ended;
    core.on_report(now, r, out);
  }
  job_id id{7};
  int64_t now = 100 * second;
  spec_cache specs;
  recording_out out;
  job_manager_core core;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("what brokers wait for alike is one wait") {
    std::vector<job_wait> all;
    add_waits(all, {{"shell", "to end", idset::range(0, 1), 2 * second, -1, "", idset::single(0)},
                    {"exec", "rank 1 to end", {}, second, -1, "", idset::single(0)}});
    add_waits(all, {{"shell", "to end", idset::single(2), 3 * second, 5 * second, "",
                     idset::single(1)}});
    CHECK(texts(all) == lines{"shell: tasks 0-2 to end, for 3s; at most 5s more",
                              "exec: rank 1 to end, for 1s"});
    CHECK(all[0].brokers == idset::range(0, 1));
    std::vector<job_wait> many;
    for (int i = 0; i < 1000; ++i)
      many.push_back({"shell", "thing " + std::to_string(i), {}, -1, -1, "", idset::single(3)});
    add_waits(all, std::move(many));
    CHECK(all.size() == job_waits_max);
    CHECK(all.back().reason == "and more that is not shown");
  }

  TEST_CASE("the job manager tells whom it waits for, since when and until when") {
    managed m{2, 60};
    m.now += 3 * second;
    CHECK(texts(m.waits().waits)
          == lines{"job manager: its tasks to be started on all its ranks, for 3s; at most 30.95m "
                   "more, then it is ended (TIMEOUT)"});
    CHECK(m.waits().ask == idset::single(0));
    m.report(false);
    m.now += 20 * second;
    CHECK(texts(m.waits().waits) == lines{"job manager: its tasks to end, for 20s; at most 40s "
                                          "more, then it is ended (TIMEOUT)"});
    m.core.on_rank_lost(m.now, 0, rank_map{4}, m.out); // the root of its tree
    auto r = m.waits();
    REQUIRE(r.waits.size() == 2);
    CHECK(r.waits[0].reason.find("it is to end: node-failure") != std::string::npos);
    CHECK(r.waits[1].reason == "rank 1 to have ended it: a broker of it was lost");
    CHECK(r.ask == idset::single(1)); // a lost one does not answer
    CHECK_FALSE(m.core.waits_of(m.now, job_id{8}, rank_map{4}));
  }

  TEST_CASE("a tree of brokers tells which of them have not started or ended a job") {
    using namespace exec_jobs;
    bench b{3, 16};
    auto order = order_on({0, 1, 2});
    b.net.scripts[job].endless = true;
    b.net.launch(order);
    random_source random{3};
    while (!b.net.cores[0].runs(job))
      b.net.step(random);
    CHECK(texts(b.net.cores[0].waits_of(second, job))
          == lines{"exec: ranks 1-2 and those below to have started it, for 1s",
                   "exec: ranks 1-2 and those below to have ended it, for 1s"});
    b.net.settle(random);
    CHECK(texts(b.net.cores[0].waits_of(7 * second, job))
          == lines{"exec: ranks 1-2 and those below to have ended it, for 7s"});
    CHECK(b.net.cores[0].below(job) == std::set<rank_t>{1, 2});
    CHECK(b.net.cores[1].waits_of(0, job).empty()); // its tasks are their shell's business
    CHECK(b.net.cores[0].waits_of(0, job_id{9}).empty());
  }

  TEST_CASE("a stopped process below another is found and named") {
    auto parent = ::fork();
    REQUIRE(parent >= 0);
    if (parent == 0) {
      auto child = ::fork();
      if (child == 0) {
        ::raise(SIGSTOP);
        ::_exit(0);
      }
      int status = 0;
      ::waitpid(child, &status, 0);
      ::_exit(0);
    }
    std::vector<stalled_process> found;
    for (int i = 0; i < 1000 && found.empty(); ++i) {
      ::usleep(10'000); // the child has to come to its signal
      found = stalled_below(parent, 8);
    }
    REQUIRE(found.size() == 1);
    CHECK(found[0].pid != parent);
    CHECK(found[0].how.find("is stopped by a signal") == 0);
    ::kill(found[0].pid, SIGKILL);
    int status = 0;
    ::waitpid(parent, &status, 0);
    CHECK(stalled_below(parent, 8).empty());
  }
}
