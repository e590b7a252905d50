// One rank in the trees of its jobs: launches, starts, ends, failures, lost ranks.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <csignal>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "exec_bench.hpp"

using namespace hactor;
using namespace hactor::test;
using namespace hactor::test::exec_jobs;

TEST_SUITE("unit") {

  TEST_CASE("starts and ends of any tree are gathered exactly once") {
    for (uint32_t fanout : {1u, 2u, 3u, 16u})
      for (uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(fanout);
        CAPTURE(seed);
        random_source r{seed};
        auto brokers = static_cast<uint32_t>(1 + below(r, 40));
        auto ranks = some_ranks(r, brokers, static_cast<uint32_t>(1 + below(r, brokers)));
        bench b{brokers, fanout};
        auto worst = 0;
        for (auto rank : ranks) {
          auto status = static_cast<int>(below(r, 4)) << 8;
          b.net.scripts[job].status[rank] = status;
          worst = std::max(worst, status);
        }
        b.net.launch(order_on(ranks));
        b.net.settle(r);
        REQUIRE(b.told[job].size() >= 1);
        auto end = b.end_of();
        CHECK(end.started);
        CHECK(end.status == worst);
        CHECK(end.failure == "");
        CHECK(end.used.maxrss_kb == 100 + ranks.back());
        CHECK(end.used.user_us == static_cast<int64_t>(10 * ranks.size()));
        CHECK(end.used.system_us == static_cast<int64_t>(ranks.size()));
        std::sort(end.outputs.begin(), end.outputs.end());
        REQUIRE(end.outputs.size() == ranks.size());
        for (size_t i = 0; i < ranks.size(); ++i)
          CHECK(end.outputs[i].first == ranks[i]);
        CHECK(b.net.entries.size() == ranks.size());
        CHECK(b.net.quiet());
        CHECK(b.net.wrong.empty());
      }
  }

  TEST_CASE("a job is told to have started only when every node has") {
    random_source r{3};
    bench b{9, 2};
    b.net.scripts[job].endless = true;
    b.net.launch(order_on(some_ranks(r, 9, 9)));
    while (b.net.step(r))
      if (!b.told[job].empty())
        for (auto& [where, shell] : b.net.shells)
          CHECK(shell.started);
    REQUIRE(b.told[job].size() == 1);
    CHECK(b.told[job][0].started);
    CHECK(b.net.shells.size() == 9);
  }

  TEST_CASE("the others begin when the first has emptied the file that all write") {
    struct recorder : exec_out {
      void start_shell(const launch_order&, const std::vector<uint32_t>&) override { add("shell"); }
      void signal_shell(const signal_item&) override { add("signal"); }
      void note(job_id, const std::string&) override { add("note"); }
      void forward_launch(rank_t to, const launch_order&) override { add("launch", to); }
      void forward_signal(rank_t to, const signal_item&) override { add("signal", to); }
      void pass_up(rank_t, exchange_part&&) override {}
      void pass_down(const exchange_whole&, bool, const std::set<rank_t>&) override {}
      void settled(job_report&&) override {}
      void report(bool, rank_t, job_report&&) override { add("report"); }
      void add(const char* what, rank_t to = 0) { said += fmt::format(" {}{}", what, to); }
      std::string take() { return std::exchange(said, {}); }
      std::string said;
    };
    auto shared = order_on({0, 1, 2});
    auto plan = std::make_shared<launch_plan>(*shared.plan);
    plan->output = "out";
    shared.plan = plan;
    job_report r;
    r.id = job;
    {
      exec_core core{0, 3, 16};
      recorder out;
      core.launch(0, shared, out);
      CHECK(out.take() == " shell0");
      core.on_shell_report(0, r, out); // its files are made
      CHECK(out.take() == " launch1 launch2");
      core.on_shell_report(0, r, out);
      CHECK(out.take().empty());
    }
    { // who is to end must hear of the job first
      exec_core core{0, 3, 16};
      recorder out;
      core.launch(0, shared, out);
      out.take();
      core.signal(0, {job, SIGTERM, true}, out);
      CHECK(out.take() == " signal0 launch1 launch2 signal1 signal2");
    }
    { // and when it could not be made
      exec_core core{0, 3, 16};
      recorder out;
      core.launch(0, shared, out);
      out.take();
      r.ended = true;
      r.failure = "out: Permission denied";
      core.on_shell_report(0, r, out);
      CHECK(out.take() == " launch1 launch2 signal1 signal2");
    }
    { // what its plugins wait for the others with comes behind its files
      exec_core core{0, 3, 16};
      recorder out;
      core.launch(0, shared, out);
      out.take();
      core.on_exchange_part(0, {job, 1, {}}, out); // of nobody who has been told of the job
      CHECK(out.take().empty());
      core.on_exchange_part(0, {job, 0, {}}, out);
      CHECK(out.take() == " launch1 launch2");
    }
    exec_core core{1, 3, 1}; // no root: the file is empty already
    recorder out;
    core.launch(0, shared, out);
    CHECK(out.take() == " shell0 launch2");
    plan->append_output = true;
    exec_core first{0, 3, 16};
    first.launch(0, shared, out);
    CHECK(out.take() == " shell0 launch1 launch2");
  }

  TEST_CASE("a node that cannot start its tasks ends those of all others") {
    for (uint32_t fanout : {2u, 16u})
      for (uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(fanout);
        CAPTURE(seed);
        random_source r{seed};
        bench b{24, fanout};
        auto ranks = some_ranks(r, 24, static_cast<uint32_t>(1 + below(r, 24)));
        auto& script = b.net.scripts[job];
        script.endless = true;
        for (auto n = 1 + below(r, 3); n > 0; --n)
          script.fails_on.insert(ranks[below(r, ranks.size())]);
        b.net.launch(order_on(ranks));
        // The job manager, told of the end of a part, would signal too; here it stays silent.
        b.net.settle(r);
        auto end = b.end_of();
        CHECK_FALSE(end.started);
        CHECK(end.status == 127 << 8);
        CHECK(end.failure.find("command not found") != std::string::npos);
        CHECK(b.net.quiet());
      }
  }

  TEST_CASE("a lost rank ends its jobs, told once unless it was their root") {
    for (uint32_t fanout : {2u, 16u})
      for (uint64_t seed = 1; seed <= 150; ++seed) {
        CAPTURE(fanout);
        CAPTURE(seed);
        random_source r{seed};
        bench b{20, fanout};
        auto ranks = some_ranks(r, 20, static_cast<uint32_t>(2 + below(r, 18)));
        auto gone = ranks[below(r, ranks.size())];
        b.net.scripts[job].endless = true;
        b.net.launch(order_on(ranks));
        for (auto n = below(r, 6 * ranks.size()); n > 0; --n)
          b.net.step(r);
        b.net.lose(gone, r);
        b.net.settle(r);
        if (gone != ranks.front()) {
          auto end = b.end_of();
          CHECK(end.failure.find("rank " + std::to_string(gone)) != std::string::npos);
          CHECK(end.status >= 1 << 8);
        }
        CHECK(b.net.quiet());
        CHECK(b.net.wrong.empty());
      }
  }

  TEST_CASE("asked to settle, every rank answers once, and when nothing runs there any more") {
    for (uint64_t seed = 1; seed <= 300; ++seed) {
      CAPTURE(seed);
      random_source r{seed};
      bench b{20, 2};
      auto ranks = some_ranks(r, 20, static_cast<uint32_t>(2 + below(r, 18)));
      auto gone = ranks[below(r, ranks.size())];
      b.net.scripts[job].endless = below(r, 2) == 0;
      b.net.launch(order_on(ranks));
      for (auto n = below(r, 8 * ranks.size()); n > 0; --n)
        b.net.step(r);
      b.net.lose(gone, r);
      std::vector<rank_t> asked;
      for (auto rank : ranks)
        if (rank != gone) {
          b.net.settle_job(rank, job, idset::single(gone));
          asked.push_back(rank);
        }
      b.net.settle(r);
      std::vector<rank_t> answered;
      for (auto& [rank, report] : b.settled[job])
        answered.push_back(rank);
      std::sort(answered.begin(), answered.end());
      CHECK(answered == asked);
      CHECK(b.net.shells.empty());
      CHECK(b.net.wrong.empty());
      CHECK(b.net.quiet());
    }
  }

  TEST_CASE("asked to settle for another's sake before, a rank answers the one who asks later") {
    random_source r{5};
    bench b{3, 2};
    b.net.launch(order_on({0, 1, 2}));
    b.net.scripts[job].endless = true;
    b.net.settle(r);
    b.net.lost.insert(1); // what goes to 1 and 2 is not delivered: the tree does not end
    b.net.lost.insert(2);
    b.net.settle_core(0, job, 0, {}); // a job around it has lost a broker
    b.net.settle(r);
    REQUIRE(b.settled[job].size() == 1); // nobody had asked: it is of no use to anyone
    b.net.settle_job(0, job, idset::single(1));
    b.net.settle(r);
    CHECK(b.settled[job].size() == 2);
  }

  // 0 - 1 - 3        1 is lost; 3 and 4 still run when the job's tree has ended at 0.
  //   |   ` 4
  //   ` 2
  TEST_CASE("the end of a subtree whose parent is lost is told to the job manager itself") {
    random_source r{3};
    bench b{5, 2};
    b.net.scripts[job].endless = true;
    b.net.launch(order_on({0, 1, 2, 3, 4}));
    b.net.settle(r);
    SUBCASE("they have ended when they are asked") {
      b.net.lose(1, r);
      b.net.settle(r);
      CHECK(b.settled[job].empty());
      for (rank_t rank : {0, 2, 3, 4})
        b.net.settle_job(rank, job, idset::single(1));
    }
    SUBCASE("they are asked when they still run") {
      b.net.lose(1, r);
      for (rank_t rank : {0, 2, 3, 4})
        b.net.settle_job(rank, job, idset::single(1));
    }
    b.net.settle(r);
    REQUIRE(b.settled[job].size() == 4);
    for (auto& [rank, report] : b.settled[job]) {
      auto orphan = rank >= 3;
      CHECK(report.outputs.size() == (orphan ? 1 : 0));
      CHECK(report.used.user_us == (orphan ? 10 : 0));
    }
    CHECK(b.end_of().outputs.size() == 2); // of 0 and 2
    CHECK(b.end_of().lost == idset::single(1));
  }

  TEST_CASE("a launch that comes after a rank has settled starts nothing") {
    random_source r{4};
    bench b{3, 2};
    b.net.settle_job(0, job, idset::single(2));
    b.net.settle(r);
    b.net.launch(order_on({0, 1, 2}));
    b.net.settle(r);
    CHECK(b.net.entries.empty());
    CHECK(b.end_of().failure.find("lost before it started here") != std::string::npos);
  }

  TEST_CASE("several ranks lost one after the other leave nothing running anywhere") {
    for (uint64_t seed = 1; seed <= 100; ++seed) {
      CAPTURE(seed);
      random_source r{seed};
      bench b{20, 2};
      std::map<job_id, rank_t> roots;
      for (uint64_t id = 1; id <= 5; ++id) {
        auto ranks = some_ranks(r, 20, static_cast<uint32_t>(1 + below(r, 20)));
        roots[{id}] = ranks.front();
        b.net.scripts[{id}].endless = true;
        b.net.launch(order_on(ranks, {}, {id}));
      }
      for (int i = 0; i < 4; ++i) {
        for (auto n = below(r, 60); n > 0; --n)
          b.net.step(r);
        auto gone = static_cast<rank_t>(below(r, 20));
        if (b.net.lost.count(gone) == 0)
          b.net.lose(gone, r);
      }
      for (auto& [id, root] : roots)
        b.net.signal(root, {id, 15, true});
      b.net.settle(r);
      CHECK(b.net.quiet());
      for (auto& [id, root] : roots)
        if (b.net.lost.count(root) == 0)
          CHECK(b.end_of(id).ended);
    }
  }

  TEST_CASE("a launch towards a rank that is known to be lost fails the job") {
    random_source r{8};
    bench b{6, 2};
    b.net.lose(1, r);
    b.net.settle(r);
    b.net.scripts[job].endless = true;
    b.net.launch(order_on({0, 1, 2, 3, 4, 5}));
    b.net.settle(r);
    CHECK(b.end_of().failure.find("rank 1: cannot be reached") == 0);
    CHECK(b.net.quiet());
  }

  TEST_CASE("a signal reaches every node once and ends nothing by itself") {
    random_source r{4};
    bench b{17, 2};
    auto ranks = some_ranks(r, 17, 17);
    b.net.scripts[job].endless = true;
    b.net.launch(order_on(ranks));
    b.net.settle(r);
    b.net.signal(ranks.front(), {job, 10, false});
    b.net.signal(ranks.front(), {{4711}, 10, true});
    b.net.settle(r);
    CHECK(b.net.shells.size() == 17);
    for (auto& [where, shell] : b.net.shells)
      CHECK(shell.signals == std::vector<int>{10});
    b.net.signal(ranks.front(), {job, 15, true});
    b.net.settle(r);
    CHECK(b.end_of().status == 15);
    CHECK(b.net.quiet());
    for (auto& [where, shell] : b.net.ended_shells)
      CHECK(shell.signals == std::vector<int>{10, 15});
  }

  TEST_CASE("a signal that comes right behind the launch is not lost") {
    for (uint64_t seed = 1; seed <= 50; ++seed) {
      random_source r{seed};
      bench b{12, 2};
      b.net.scripts[job].endless = true;
      b.net.launch(order_on(some_ranks(r, 12, 12)));
      b.net.signal(0, {job, 15, true});
      b.net.settle(r);
      CHECK(b.end_of().ended);
      CHECK(b.net.quiet());
    }
  }

  TEST_CASE("a launch that comes twice starts nothing twice") {
    random_source r{5};
    bench b{4, 2};
    b.net.scripts[job].endless = true;
    b.net.launch(order_on({0, 1, 2}));
    b.net.launch(order_on({0, 1, 2}));
    b.net.settle(r);
    CHECK(b.net.wrong.empty());
    CHECK(b.net.shells.size() == 3);
    CHECK(b.net.cores[0].runs(job));
    CHECK_FALSE(b.net.cores[3].runs(job));
  }

  TEST_CASE("nodes of R that one broker hosts are one shell with several entries") {
    random_source r{6};
    bench b{3, 2};
    b.net.launch(order_on({0, 1, 3, 4, 7, 9}));
    b.net.settle(r);
    CHECK(b.net.entries.size() == 2);
    CHECK(b.net.entries[{0, job}] == std::vector<uint32_t>{0, 2, 5});
    CHECK(b.net.entries[{1, job}] == std::vector<uint32_t>{1, 3, 4});
    CHECK(b.end_of().started);
    bench one{1, 16};
    one.net.launch(order_on({0, 5, 1000}));
    one.net.settle(r);
    CHECK(one.net.entries[{0, job}] == std::vector<uint32_t>{0, 1, 2});
    CHECK(one.end_of().started);
  }

  TEST_CASE("a simulated job starts no shell and ends when its time has come") {
    random_source r{7};
    bench b{4, 2};
    spec_text s;
    s.simulated_s = 2.5;
    b.net.launch(order_on({1, 2, 3}, s));
    b.net.settle(r);
    REQUIRE(b.told[job].size() == 1);
    CHECK(b.told[job][0].started);
    CHECK(b.net.cores[1].next_wake_ns() == 2'500'000'000);
    b.net.advance_time(2'499'999'999);
    b.net.settle(r);
    CHECK(b.told[job].size() == 1);
    b.net.advance_time(2'500'000'000);
    b.net.settle(r);
    auto end = b.end_of();
    CHECK(end.status == 0);
    CHECK(end.started);
    CHECK(b.net.entries.empty());
    CHECK(b.net.quiet());
    CHECK(b.net.cores[1].next_wake_ns() == 0);
  }

  TEST_CASE("a simulated job of no duration starts and ends in one report") {
    random_source r{7};
    bench b{1, 2};
    spec_text s;
    s.simulated_s = 0;
    b.net.launch(order_on({0}, s));
    b.net.settle(r);
    REQUIRE(b.told[job].size() == 1);
    CHECK(b.end_of().started);
  }

  TEST_CASE("a simulated job of a thousand years does not end at once") {
    random_source r{7};
    bench b{1, 2};
    spec_text s;
    s.simulated_s = 3.2e10;
    b.net.launch(order_on({0}, s));
    b.net.settle(r);
    REQUIRE(b.told[job].size() == 1);
    CHECK_FALSE(b.told[job][0].ended);
  }

  TEST_CASE("simulated jobs obey the signals that end a program") {
    struct {
      signal_item item;
      bool ends;
    } table[] = {{{job, 15, false}, true}, {{job, 9, false}, true},  {{job, 10, false}, false},
                 {{job, 14, true}, true},  {{job, 18, false}, false}};
    for (auto& t : table) {
      random_source r{7};
      bench b{1, 2};
      spec_text s;
      s.simulated_s = 10;
      b.net.launch(order_on({0}, s));
      b.net.signal(0, t.item);
      b.net.signal(0, t.item);
      b.net.settle(r);
      if (t.ends) {
        CHECK(b.end_of().status == t.item.signal);
        CHECK(b.net.cores[0].next_wake_ns() == 0);
      } else {
        CHECK(b.told[job].size() == 1);
      }
    }
  }

  TEST_CASE("jobs that end at the same time end each for itself") {
    random_source r{7};
    bench b{1, 2};
    spec_text s;
    s.simulated_s = 1;
    for (uint64_t id = 1; id <= 3; ++id)
      b.net.launch(order_on({0}, s, {id}));
    b.net.settle(r);
    b.net.signal(0, {{2}, 9, false});
    b.net.settle(r);
    CHECK(b.net.cores[0].running() == 2);
    b.net.advance_time(1'000'000'000);
    b.net.settle(r);
    for (uint64_t id = 1; id <= 3; ++id)
      CHECK(b.end_of({id}).status == (id == 2 ? 9 : 0));
  }

  TEST_CASE("what cannot be launched here is told upwards") {
    struct : exec_out {
      void start_shell(const launch_order&, const std::vector<uint32_t>&) override { FAIL(""); }
      void signal_shell(const signal_item&) override { FAIL(""); }
      void note(job_id, const std::string&) override { FAIL(""); }
      void forward_launch(rank_t, const launch_order&) override { FAIL(""); }
      void forward_signal(rank_t, const signal_item&) override { FAIL(""); }
      void pass_up(rank_t, exchange_part&&) override { FAIL(""); }
      void pass_down(const exchange_whole&, bool, const std::set<rank_t>&) override { FAIL(""); }
      void settled(job_report&&) override {}
      void report(bool at_root, rank_t parent, job_report&& r) override {
        told.push_back({at_root, parent, std::move(r)});
      }
      struct one {
        bool at_root;
        rank_t parent;
        job_report report;
      };
      std::vector<one> told;
    } out;
    launch_item item{job, 1000, -1, true, on({2, 5, 7, 8})};
    exec_core{2, 10, 2}.refuse(item, "no", out);
    exec_core{8, 10, 2}.refuse(item, "no", out);
    REQUIRE(out.told.size() == 2);
    CHECK(out.told[0].at_root);
    CHECK_FALSE(out.told[1].at_root);
    CHECK(out.told[1].parent == 5);
    for (auto& t : out.told) {
      CHECK(t.report.id == job);
      CHECK(t.report.ended);
      CHECK_FALSE(t.report.started);
      CHECK(t.report.failure == "no");
      CHECK(t.report.status == 1 << 8);
    }
  }

  TEST_CASE("what all nodes tell each other comes to all of them, once all have told") {
    random_source r{11};
    for (int round = 0; round < 20; ++round) {
      bench b{9, 2};
      b.net.scripts[job].endless = true;
      auto ranks = some_ranks(r, 9, 7);
      b.net.launch(order_on(ranks));
      b.net.settle(r);
      for (int time = 0; time < 2; ++time) {
        auto last = ranks[static_cast<size_t>(round + time) % ranks.size()];
        for (auto rank : ranks)
          if (rank != last)
            b.net.tell_others(rank, job, "<" + std::to_string(rank) + ">");
        b.net.settle(r);
        for (auto rank : ranks)
          CHECK(b.net.exchanged[{rank, job}].size() == static_cast<size_t>(time));
        b.net.tell_others(last, job, "<" + std::to_string(last) + ">");
        b.net.settle(r);
        for (auto rank : ranks) {
          auto& given = b.net.exchanged[{rank, job}];
          REQUIRE(given.size() == static_cast<size_t>(time) + 1);
          for (auto other : ranks)
            CHECK(given.back().find("<" + std::to_string(other) + ">") != std::string::npos);
        }
      }
    }
  }

  TEST_CASE("brokers whose tasks do not come to MPI_Init are named, and may end the job") {
    for (auto timeout_s : {-1.0, 5.0}) {
      random_source r{12};
      bench b{4, 2, INT64_MAX / 4, 2};
      b.net.scripts[job].endless = true;
      auto order = order_on({0, 1, 2, 3});
      auto plan = std::make_shared<launch_plan>(*order.plan);
      plan->mpi_timeout_s = timeout_s;
      order.plan = plan;
      order.item.resources.nodelist = {"n0", "n1", "n2", "n3"};
      b.net.launch(order);
      b.net.settle(r);
      auto at = [&](int64_t s) {
        b.net.advance_time(s * 1'000'000'000);
        b.net.settle(r);
      };
      b.net.tell_others(0, job, ""); // not by MPI
      at(10);
      for (rank_t rank : {1u, 2u, 3u})
        b.net.tell_others(rank, job, "");
      b.net.settle(r);
      for (rank_t rank : {0u, 2u})
        b.net.come_to_mpi(rank, job);
      at(11);
      CHECK(b.net.notes[job] == "");
      b.net.come_to_mpi(1, job); // which waits for that below it
      at(12);
      CHECK(b.net.notes[job].starts_with("hactor: tasks have called MPI_Init, and not all of those "
                                         "on brokers 1,3 (n[1,3]) within 2s: "));
      b.net.notes.clear();
      at(14);
      CHECK(b.told[job].size() == 1);
      if (timeout_s < 0) { // they have met: whoever waits for whom later is their own affair
        b.net.come_to_mpi(3, job);
        b.net.settle(r);
        b.net.come_to_mpi(0, job);
        at(100);
        CHECK(b.net.notes.empty());
        CHECK(b.told[job].size() == 1);
      } else {
        at(15);
        CHECK(b.end_of().failure
              == "tasks have called MPI_Init, and not all of those on brokers 1,3 (n[1,3]) when "
                 "mpi-timeout was over after the first");
        CHECK(b.end_of().status != 0);
      }
    }
  }

  TEST_CASE("what one world's nodes tell each other comes to them alone, whoever lies between") {
    for (uint32_t fanout : {1u, 2u, 3u, 16u})
      for (uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(fanout);
        CAPTURE(seed);
        random_source r{seed};
        auto size = static_cast<uint32_t>(2 + below(r, 20));
        bench b{size, fanout};
        b.net.scripts[job].endless = true;
        auto ranks = some_ranks(r, size, static_cast<uint32_t>(2 + below(r, size - 1)));
        b.net.launch(order_on(ranks));
        b.net.settle(r);
        // Two worlds that may share brokers; the second never comes together.
        std::vector<rank_t> own[2];
        idset among[2];
        for (auto world : {0, 1})
          for (auto rank : some_ranks(r, static_cast<uint32_t>(ranks.size()),
                                      static_cast<uint32_t>(1 + below(r, ranks.size())))) {
            own[world].push_back(ranks[rank]);
            among[world].add(ranks[rank]);
          }
        for (size_t i = 1; i < own[1].size(); ++i)
          b.net.tell_others(own[1][i], job, "never", 1, among[1]);
        for (int time = 0; time < 2; ++time) {
          auto last = own[0][below(r, own[0].size())];
          for (auto rank : own[0])
            if (rank != last)
              b.net.tell_others(rank, job, "<" + std::to_string(rank) + ">", 0, among[0]);
          b.net.settle(r);
          for (auto rank : ranks)
            CHECK(b.net.exchanged[{rank, job}].size()
                  == (among[0].contains(rank) ? static_cast<size_t>(time) : 0));
          b.net.tell_others(last, job, "<" + std::to_string(last) + ">", 0, among[0]);
          b.net.settle(r);
          for (auto rank : own[0]) {
            auto& given = b.net.exchanged[{rank, job}];
            REQUIRE(given.size() == static_cast<size_t>(time) + 1);
            CHECK(given.back().find("never") == std::string::npos);
            for (auto other : own[0])
              CHECK(given.back().find("<" + std::to_string(other) + ">") != std::string::npos);
          }
        }
      }
  }

  TEST_CASE("an exchange goes no higher in the job's tree than its world does") {
    random_source r{5};
    bench b{7, 2};
    b.net.scripts[job].endless = true;
    std::vector<rank_t> ranks{0, 1, 2, 3, 4, 5, 6};
    b.net.launch(order_on(ranks));
    b.net.settle(r);
    idset among; // 1 is the parent of 3 and 4
    for (rank_t rank : {3, 4})
      among.add(rank);
    for (rank_t rank : {3, 4})
      b.net.tell_others(rank, job, "x", 0, among);
    b.net.settle(r);
    CHECK(b.net.exchange_messages == 4); // to 1 and back
    for (rank_t rank : ranks)
      CHECK(b.net.exchanged[{rank, job}].size() == (among.contains(rank) ? 1 : 0));
  }

  TEST_CASE("of a world's nodes, one that has ended is not waited for by the one above it") {
    random_source r{6};
    bench b{4, 2};
    b.net.scripts[job].endless = true;
    b.net.launch(order_on({0, 1, 2, 3}));
    b.net.settle(r);
    idset among;
    for (rank_t rank : {1, 3})
      among.add(rank);
    b.net.tell_others(1, job, "x", 2, among);
    b.net.settle(r);
    CHECK(b.net.exchanged[{1, job}].empty());
    b.net.leave(3, job, 0);
    b.net.settle(r);
    CHECK(b.net.exchanged[{1, job}].size() == 1);
  }

  TEST_CASE("a node that cannot go on ends the job on all others, who wait for it") {
    random_source r{12};
    bench b{3, 2};
    b.net.scripts[job].endless = true;
    b.net.launch(order_on({0, 1, 2}));
    b.net.settle(r);
    for (rank_t rank : {0, 1})
      b.net.tell_others(rank, job, "x");
    b.net.settle(r);
    CHECK(b.net.exchanged[{0, job}].empty());
    job_report broken;
    broken.id = job;
    broken.failure = "host: rank 2 was ended by signal 9";
    broken.status = 9;
    b.net.break_off(2, broken);
    b.net.settle(r);
    for (rank_t rank : {0, 1})
      CHECK(b.net.ended_shells[{rank, job}].told_to_end);
    CHECK(b.end_of().status == 9);
    CHECK(b.end_of().failure == broken.failure);
  }

  TEST_CASE("news of a job that is over, or from a rank that is no child, are passed over") {
    random_source r{9};
    bench b{4, 2};
    b.net.scripts[job].endless = true;
    b.net.launch(order_on({0, 1}));
    b.net.settle(r);
    struct : exec_out {
      void start_shell(const launch_order&, const std::vector<uint32_t>&) override { FAIL(""); }
      void signal_shell(const signal_item&) override { FAIL(""); }
      void note(job_id, const std::string&) override { FAIL(""); }
      void forward_launch(rank_t, const launch_order&) override { FAIL(""); }
      void forward_signal(rank_t, const signal_item&) override { FAIL(""); }
      void pass_up(rank_t, exchange_part&&) override { FAIL(""); }
      void pass_down(const exchange_whole&, bool, const std::set<rank_t>&) override { FAIL(""); }
      void settled(job_report&&) override { FAIL(""); }
      void report(bool, rank_t, job_report&&) override { FAIL(""); }
    } silent;
    job_report news;
    news.id = job;
    news.ended = true;
    b.net.cores[0].on_child_report(0, 3, news, silent);
    news.id = {99};
    b.net.cores[0].on_child_report(0, 1, news, silent);
    b.net.cores[0].on_shell_report(0, news, silent);
    b.net.cores[0].on_unreachable({99}, 1, "x", silent);
    b.net.cores[0].on_rank_lost(3, silent);
    CHECK(b.net.cores[0].runs(job));
  }
}
