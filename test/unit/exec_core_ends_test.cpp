// How the end of a job on several nodes is told: tasks that others have left, nodes that clean up.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "exec_bench.hpp"

using namespace hactor;
using namespace hactor::test;
using namespace hactor::test::exec_jobs;

namespace {

/// An endless job on brokers 0 to 3, which has begun.
struct left_bench : bench {
  left_bench(uint32_t fanout, double exit_timeout_s, int64_t release_delay_ns = INT64_MAX / 4,
             double mpi_timeout_s = -1)
      : bench{4, fanout, release_delay_ns} {
    auto order = order_on({0, 1, 2, 3});
    auto plan = std::make_shared<launch_plan>(*order.plan);
    plan->exit_timeout_s = exit_timeout_s;
    plan->mpi_timeout_s = mpi_timeout_s;
    order.plan = plan;
    net.scripts[job].endless = true;
    net.launch(order);
    net.settle(random);
    REQUIRE(told[job].size() == 1);
  }
  /// The shell tells that a task has ended, or all of its tasks.
  void tell(rank_t rank, bool all, int status = 0, const std::string& how = {}) {
    job_report r;
    r.id = job;
    r.started = r.task_ended = true;
    r.tasks_ended = all;
    r.status = status;
    r.warning = how;
    net.report_shell(rank, r);
    net.settle(random);
  }
  void leave(rank_t rank, int status) {
    net.leave(rank, job, status);
    net.settle(random);
  }
  void wait_until(int64_t seconds) {
    net.advance_time(seconds * 1'000'000'000);
    net.settle(random);
  }
  random_source random{5};
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("tasks that others have left for longer than exit-timeout end the job") {
    for (uint32_t fanout : {1u, 2u, 16u})
      for (int how = 0; how < 3; ++how) {
        left_bench b{fanout, 10};
        b.wait_until(100);
        CHECK(b.net.shells.size() == 4); // nobody has left
        if (how == 0)
          b.leave(3, 1 << 8);
        else if (how == 1)
          b.leave(3, 0);
        else
          b.tell(3, false); // one of its tasks
        b.wait_until(105);
        b.leave(2, 0); // the time counts from the first
        b.wait_until(109);
        CHECK(b.net.shells.size() == (how == 2 ? 3 : 2));
        b.wait_until(110);
        auto end = b.end_of();
        auto who = fanout == 1   ? "some of brokers 0-3" // of those below a child it is not known
                   : fanout == 2 ? "some of brokers 0-1,3"
                   : how == 2    ? "brokers 0-1,3"
                                 : "brokers 0-1";
        CHECK(end.failure.find(fmt::format("tasks still ran on {} when exit-timeout", who)) == 0);
        CHECK(end.status == 1 << 8);
        CHECK(b.net.quiet());
        CHECK(b.net.wrong.empty());
      }
  }

  TEST_CASE("a job that exit-timeout ends has the status of its worst task, which is named") {
    for (uint32_t fanout : {1u, 2u, 16u})
      for (auto cleans : {false, true}) {
        CAPTURE(fanout);
        left_bench b{fanout, 10, 1'000'000'000};
        b.wait_until(100);
        b.tell(3, false, 0, "task 6 (host n3): exited with 0");
        b.tell(1, false, 2 << 8, "task 2 (host n1): exited with 2");
        b.tell(3, false, 9 << 8, "task 7 (host n3): exited with 9"); // not its first
        b.tell(1, true, 4 << 8, "task 3 (host n1): exited with 4");
        if (cleans)
          b.net.shells.erase({1, job}); // which takes it longer than the others their end
        b.wait_until(110);
        for (int64_t at : {112, 114, 116, 118})
          b.wait_until(at); // tasks that we have ended by SIGTERM change nothing
        if (cleans) {
          CHECK_FALSE(b.told[job].back().ended);
          CHECK(b.told[job].back().status == 9 << 8);
          b.leave(1, 4 << 8);
        }
        auto end = b.told[job].back();
        CHECK(end.ended);
        CHECK(end.status == 9 << 8);
        auto text = fmt::format(
            "tasks still ran on {} when exit-timeout was over after the first had ended: "
            "task 6 (host n3): exited with 0; task 7 (host n3): exited with 9",
            fanout == 16 ? "brokers 0,2-3" : "some of brokers 0-3");
        CHECK(end.failure == text);
        CHECK(b.net.quiet());
        CHECK(b.net.wrong.empty());
      }
  }

  TEST_CASE("so has one that mpi-timeout ends") {
    left_bench b{16, -1, INT64_MAX / 4, 10};
    b.wait_until(100);
    b.net.come_to_mpi(0, job);
    b.tell(3, false, 9 << 8, "task 7 (host n3): exited with 9");
    b.wait_until(110);
    CHECK(b.end_of().status == 9 << 8);
    CHECK(b.end_of().failure
          == "tasks have called MPI_Init, and not all of those on brokers 1-3 when mpi-timeout was "
             "over after the first; task 7 (host n3): exited with 9");
    CHECK(b.net.quiet());
  }

  TEST_CASE("the task that is told of is the worst of the job's, wherever it ran") {
    for (uint32_t fanout : {1u, 2u, 16u}) {
      left_bench b{fanout, -1};
      int status[] = {3 << 8, 9, 4 << 8, 0};
      for (rank_t rank : {2, 0, 1, 3}) {
        job_report r;
        r.id = job;
        r.started = r.ended = true;
        r.status = status[rank];
        if (status[rank] != 0)
          r.warning = fmt::format("task {} (host n)", rank);
        b.net.shells.erase({rank, job});
        b.net.report_shell(rank, r);
        b.net.settle(b.random);
      }
      CHECK(b.end_of().status == 9);
      CHECK(b.end_of().warning == "task 1 (host n)");
    }
  }

  TEST_CASE("of a job on one broker the shell alone sees to exit-timeout") {
    bench b{1, 16};
    random_source random{5};
    auto order = order_on({0});
    auto plan = std::make_shared<launch_plan>(*order.plan);
    plan->exit_timeout_s = 10;
    order.plan = plan;
    b.net.scripts[job].endless = true;
    b.net.launch(order);
    b.net.settle(random);
    job_report r;
    r.id = job;
    r.started = r.task_ended = true;
    b.net.report_shell(0, r);
    CHECK(b.net.cores[0].next_wake_ns() == 0);
    b.net.advance_time(1'000'000'000'000);
    b.net.settle(random);
    CHECK(b.net.shells.size() == 1);
    b.net.leave(0, job, 0);
    b.net.settle(random);
    CHECK(b.end_of().failure == "");
    CHECK(b.net.quiet());
  }

  TEST_CASE("the first task's end is told once, a moment later, while others run") {
    constexpr int64_t second = 1'000'000'000;
    for (uint32_t fanout : {1u, 2u, 16u})
      for (double exit_timeout : {-1.0, 30.0}) {
        left_bench b{fanout, exit_timeout};
        b.net.advance_time(10 * second);
        job_report r;
        r.id = job;
        r.started = r.task_ended = true;
        r.first_exit = {9 * second, 5, 1, 77, 3 << 8};
        b.net.report_shell(3, r);
        r.first_exit = {8 * second, 4, 0, 76, 0}; // another node's was before
        b.net.report_shell(2, r);
        b.net.settle(b.random);
        CHECK(b.told[job].size() == 1);
        b.net.advance_time(10 * second + second / 2);
        b.net.settle(b.random);
        REQUIRE(b.told[job].size() == 2);
        auto& news = b.told[job][1];
        CHECK(news.first_exit.task == 4);
        CHECK(news.first_exit.t_ns == 8 * second);
        CHECK_FALSE(news.started);
        CHECK_FALSE(news.ended);
        r.first_exit = {9 * second, 1, 0, 75, 0};
        b.net.report_shell(1, r);
        b.net.advance_time(12 * second);
        b.net.settle(b.random);
        CHECK(b.told[job].size() == 2);
        for (rank_t rank : {0, 1, 2, 3})
          b.leave(rank, 0);
        CHECK(b.told[job].size() == 3);
        CHECK(b.told[job].back().ended);
        CHECK(b.net.quiet());
      }
  }

  TEST_CASE("of a job whose tasks end together the first end is not told alone") {
    bench b{1, 16};
    random_source random{5};
    b.net.scripts[job].endless = true;
    b.net.launch(order_on({0}));
    b.net.settle(random);
    job_report r;
    r.id = job;
    r.started = r.task_ended = true;
    r.first_exit = {1, 0, 0, 77, 0};
    b.net.report_shell(0, r);
    CHECK(b.net.cores[0].next_wake_ns() != 0);
    b.net.leave(0, job, 0);
    b.net.settle(random);
    CHECK(b.net.cores[0].next_wake_ns() == 0);
    CHECK(b.end_of().first_exit.t_ns == 1);
    CHECK(b.net.quiet());
  }

  TEST_CASE("nodes that clean up when all tasks have ended are left in peace") {
    for (uint32_t fanout : {1u, 2u}) {
      left_bench b{fanout, 10};
      b.leave(3, 0);
      for (rank_t rank : {2, 0, 1})
        b.tell(rank, true);
      b.wait_until(1000);
      CHECK(b.net.shells.size() == 3);
      CHECK(b.told[job].size() == 1);
      for (rank_t rank : {1, 2, 0})
        b.leave(rank, 0);
      CHECK(b.end_of().failure == "");
      CHECK(b.end_of().status == 0);
      CHECK(b.net.quiet());
    }
  }

  TEST_CASE("nodes that are clean are told of when others clean up for longer than a moment") {
    constexpr int64_t second = 1'000'000'000;
    for (uint32_t fanout : {1u, 2u, 16u})
      for (double exit_timeout : {-1.0, 30.0}) {
        CAPTURE(fanout);
        left_bench b{fanout, exit_timeout, second};
        b.leave(3, 2 << 8);
        b.wait_until(20);
        CHECK(b.told[job].size() == 1); // others' tasks run: it is no news that one has ended
        b.tell(0, true, 5 << 8);
        b.tell(1, true);
        b.leave(2, 0);
        b.net.advance_time(20 * second + 999'000'000);
        b.net.settle(b.random);
        CHECK(b.told[job].size() == 1);
        for (int64_t at : {21, 22, 23}) // once for each broker of a deep tree
          b.wait_until(at);
        REQUIRE(b.told[job].size() >= 2);
        auto part = b.told[job].back();
        CHECK(part.clean == idset::range(2, 3));
        CHECK(part.tasks_ended);
        CHECK(part.status == 5 << 8);
        CHECK_FALSE(part.ended);
        CHECK(b.net.cores[0].gave_back(job));
        b.wait_until(60);
        auto before = b.told[job].size();
        b.leave(0, 5 << 8);
        b.wait_until(61);
        REQUIRE(b.told[job].size() == before + 1);
        auto three = idset::range(2, 3);
        three.add(0);
        CHECK(b.told[job].back().clean == three);
        b.leave(1, 0);
        CHECK(b.told[job].back().ended);
        CHECK(b.told[job].back().status == 5 << 8);
        CHECK(b.net.quiet());
        CHECK(b.net.wrong.empty());
      }
  }

  TEST_CASE("that all tasks have ended is told with the status of the last") {
    left_bench b{1, -1, 1'000'000'000};
    b.tell(1, true);
    b.tell(2, true);
    b.leave(0, 0);
    b.leave(3, 5 << 8); // rank 2 tells of it at once: its own are cleaned up after
    for (int64_t at : {1, 2, 3, 4})
      b.wait_until(at);
    REQUIRE(b.told[job].size() >= 2);
    for (size_t i = 1; i < b.told[job].size(); ++i)
      CHECK(b.told[job][i].status == 5 << 8);
    for (rank_t rank : {1, 2})
      b.leave(rank, 0);
    CHECK(b.told[job].back().ended);
    CHECK(b.net.quiet());
  }

  TEST_CASE("nodes of a job that is to end are told of though tasks elsewhere do not die") {
    for (uint32_t fanout : {1u, 16u}) {
      left_bench b{fanout, -1, 1'000'000'000};
      b.leave(2, 0);
      b.wait_until(10);
      CHECK(b.told[job].size() == 1);
      b.net.signal(0, {job, 15, true}); // all shells end, but that of rank 3
      b.net.scripts[job].endless = false;
      b.net.shells.erase({3, job});
      b.net.settle(b.random);
      for (int64_t at : {11, 12, 13, 14})
        b.wait_until(at);
      auto part = b.told[job].back();
      CHECK(part.clean == idset::range(0, 2));
      CHECK_FALSE(part.tasks_ended);
      b.leave(3, 9);
      CHECK(b.told[job].back().ended);
      CHECK(b.net.quiet());
    }
  }

  TEST_CASE("of a job that holds an instance nothing is told before that is over") {
    left_bench b{16, -1, 1'000'000'000};
    b.net.holding.insert(job);
    b.leave(2, 0);
    for (rank_t rank : {0, 1, 3})
      b.tell(rank, true);
    b.wait_until(100);
    CHECK(b.told[job].size() == 1);
    CHECK_FALSE(b.net.cores[0].gave_back(job));
    b.net.holding.clear();
    b.net.cores[0].on_instance_over(b.net.now_ns, job);
    b.wait_until(101);
    REQUIRE(b.told[job].size() == 2);
    CHECK(b.told[job].back().clean == idset::single(2));
  }

  TEST_CASE("a job that ends on all its nodes within a moment is told of as a whole") {
    left_bench b{2, -1, 1'000'000'000};
    for (rank_t rank : {3, 0, 1})
      b.leave(rank, 0);
    b.tell(2, true);
    b.leave(2, 0);
    b.wait_until(100);
    CHECK(b.end_of().clean.empty());
  }

  TEST_CASE("what nodes have lost is told by the root") {
    left_bench b{1, -1};
    for (rank_t rank : {3, 2, 1, 0}) {
      job_report r;
      r.id = job;
      r.started = r.ended = true;
      r.warning = rank % 2 == 0 ? "lost on " + std::to_string(rank) : "";
      b.net.shells.erase({rank, job});
      b.net.report_shell(rank, r);
      b.net.settle(b.random);
    }
    CHECK(b.end_of().warning == "lost on 2; lost on 0");
    CHECK(b.net.quiet());
  }

  TEST_CASE("without exit-timeout tasks that others have left go on") {
    left_bench b{2, -1};
    b.leave(1, 1 << 8);
    b.tell(0, false);
    b.wait_until(1'000'000);
    CHECK(b.net.shells.size() == 3);
    CHECK(b.told[job].size() == 1);
    for (rank_t rank : {3, 2, 0})
      b.leave(rank, 0);
    CHECK(b.end_of().status == 1 << 8);
    CHECK(b.end_of().failure == "");
    CHECK(b.net.quiet());
  }

} // TEST_SUITE
