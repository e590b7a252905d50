// JOB MANAGER: what it sends when, and that nothing is seen before it is durable.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/job_manager.hpp"
#include "fake_services.hpp"
#include "runtime/clock.hpp"
#include "runtime/log.hpp"
#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;
using namespace std::chrono_literals;

namespace {

constexpr job_id one{1};

struct bench : actor_fixture {
  explicit bench(std::shared_ptr<job_manager_core> restored = nullptr) {
    log_level_max(log_level::emerg);
    job_manager_peers peers;
    peers.journal = journal = spawn(fake_journal, world);
    peers.archive = spawn(fake_archive, world);
    peers.scheduler = scheduler = spawn(fake_scheduler, world);
    peers.exec = spawn(fake_exec, world);
    follower = caf::actor_cast<caf::actor>(spawn(fake_connector, world));
    manager = spawn(job_manager_service, peers, specs, restored);
  }
  std::shared_ptr<answer<submit_reply>> submit(std::vector<job_id> ids, const spec_text& s = {}) {
    auto parts = separate_environment(s.text());
    accepted_spec a;
    a.spec = {nullptr, parts->text, parts->environment};
    a.ids = std::move(ids);
    return ask<submit_reply>(manager, accept_request{1000, {a}});
  }
  void grant(job_id id) {
    alloc_decision d;
    d.grants.push_back({id, whole_nodes(1, 1), ""});
    tell(manager, d);
  }
  void report(job_id id, bool ended) {
    exec_report r;
    r.jobs.push_back({id, true, ended, 0, "", {}, {}});
    tell(manager, r);
  }
  auto cancel(std::vector<job_id> ids) {
    raise_request r;
    r.jobs.ids = std::move(ids);
    r.type = "cancel";
    return ask<count_reply>(manager, r);
  }
  auto follow(job_id id) {
    return ask<follow_reply>(manager, follow_request{{{id, 7, false}}, follower});
  }
  job_counts counts() { return *ask<job_counts>(manager, counts_atom_v)->value; }
  void release() { tell(journal, caf::flush_atom_v); }
  void settle() { pass(10ms); }

  world_ptr world = std::make_shared<fake_world>();
  std::shared_ptr<spec_cache> specs = std::make_shared<spec_cache>();
  journal_actor journal;
  scheduler_actor scheduler;
  caf::actor follower;
  job_manager_actor manager;
};

std::string names(const std::vector<job_event>& events) {
  std::string text;
  for (auto& e : events)
    text += (text.empty() ? "" : " ") + std::string{name_of(e.kind)};
  return text;
}

} // namespace

TEST_SUITE("actor") {

  TEST_CASE("what a job depends on is looked up in the archive when it is not in memory") {
    bench b;
    b.world->ends = {{{7}, job_result::completed, 1000, true, true, false},
                     {{8}, job_result::failed, 1000, true, true, false}};
    spec_text s;
    auto after = [&](uint64_t id, uint64_t target) {
      s.dependencies = json::array({{{"scheme", "afterok"}, {"value", to_string(job_id{target})}}});
      return b.submit({{id}}, s);
    };
    auto good = after(20, 7);
    REQUIRE(good->value);
    CHECK(names(b.world->durable_events()) == "submit validate depend priority");
    auto bad = after(21, 8);
    REQUIRE(bad->error);
    CHECK(code_of(bad->error) == ec::unsatisfiable);
    auto unknown = after(22, 9);
    REQUIRE(unknown->error);
    CHECK(code_of(unknown->error) == ec::unknown_job);
    CHECK(after(23, 20)->value); // which is in memory
    CHECK(b.counts().depend == 1);
  }

  TEST_CASE("active jobs are not purged, ended ones are the journal's to forget") {
    bench b;
    b.submit({one});
    purge_request r;
    r.ids = {{7}, one};
    auto refused = b.ask<count_reply>(b.manager, r);
    REQUIRE(refused->error);
    CHECK(code_of(refused->error) == ec::wrong_state);
    CHECK(b.world->purged.empty());
    r.ids = {{7}};
    auto done = b.ask<count_reply>(b.manager, r);
    REQUIRE(done->value);
    CHECK(done->value->count == 1);
    CHECK(b.world->purged.size() == 1);
  }


  TEST_CASE("a submit is answered when its jobs are durable, not before") {
    bench b;
    b.world->hold = true;
    auto a = b.submit({one, {2}});
    CHECK(a->pending());
    CHECK(b.world->wanted.size() == 2); // the scheduler may think meanwhile
    b.release();
    b.run();
    REQUIRE(a->value);
    CHECK(a->value->ids == std::vector<job_id>{one, {2}});
  }

  TEST_CASE("a job is launched when its alloc event is durable, not before") {
    bench b;
    b.submit({one});
    b.world->hold = true;
    b.grant(one);
    CHECK(b.world->launched.empty());
    b.release();
    b.run();
    REQUIRE(b.world->launched.size() == 1);
    CHECK(b.world->launched[0].id == one);
  }

  TEST_CASE("what happens during a commit goes with the next, in order") {
    bench b;
    b.world->hold = true;
    auto first = b.submit({one});
    auto second = b.submit({{2}});
    auto third = b.cancel({one});
    CHECK(b.world->held.size() == 1);
    b.release();
    b.run();
    CHECK(first->value);
    CHECK(second->pending());
    b.release();
    b.run();
    CHECK(second->value);
    REQUIRE(third->value);
    CHECK(third->value->count == 1);
    CHECK(b.world->room_cancelled == std::vector<job_id>{one});
  }

  TEST_CASE(
      "an ended job is forgotten when its record is durable, and its room comes back at once") {
    bench b;
    b.submit({one});
    b.grant(one);
    b.settle();
    b.world->hold = true;
    b.report(one, true);
    CHECK(b.world->freed == std::vector<job_id>{one});
    b.settle();
    auto kept = b.ask<job_reply>(b.manager, job_request{one});
    REQUIRE(kept->value);
    CHECK(kept->value->summary.state == job_state::inactive);
    b.release();
    b.settle();
    CHECK(b.ask<job_reply>(b.manager, job_request{one})->error);
    auto& last = b.world->committed_batches.back();
    REQUIRE_FALSE(last.jobs.empty());
    CHECK(last.jobs.back().ended);
    CHECK(b.counts().inactive == 1);
  }

  TEST_CASE("a full disk refuses the jobs that it met, takes nothing new, and says so") {
    bench b;
    b.world->journal_error = make_error(ec::disk_full, "/state: no space");
    auto first = b.submit({one});
    REQUIRE(first->error);
    CHECK(code_of(first->error) == ec::disk_full);
    CHECK(render(first->error).find("/state: no space") != std::string::npos);
    CHECK(b.world->room_cancelled == std::vector<job_id>{one});
    CHECK(code_of(b.ask<job_reply>(b.manager, job_request{one})->error) == ec::unknown_job);
    CHECK(b.counts().paused.find("no space") != std::string::npos);
    CHECK(b.counts().sched == 0);
    CHECK(code_of(b.submit({{2}})->error) == ec::disk_full);
    b.grant(one); // it was on its way
    CHECK(b.world->freed == std::vector<job_id>{one});
    CHECK(b.world->launched.empty());
    for (int i = 0; i < 10; ++i)
      b.pass(4000ms);
    CHECK(b.counts().paused != "");
    b.world->journal_error = {};
    b.pass(4000ms);
    CHECK(b.counts().paused == "");
    CHECK(b.submit({{3}})->value);
    CHECK(names(b.world->durable_events()) == "submit validate depend priority");
    for (auto& batch : b.world->committed_batches)
      for (auto& e : batch.events)
        CHECK(e.id == job_id{3});
  }

  TEST_CASE("jobs that gathered while the failing commit ran are refused with it") {
    bench b;
    b.world->hold = true;
    auto first = b.submit({one});
    auto second = b.submit({{2}});
    b.world->journal_error = make_error(ec::disk_full, "/state: no space");
    b.release();
    CHECK(first->error);
    CHECK(second->error);
    CHECK(b.counts().sched == 0);
  }

  TEST_CASE("on a full disk a running job can be ended, and what happened to it is kept") {
    bench b;
    b.submit({one});
    b.grant(one);
    b.report(one, false);
    b.settle();
    b.world->journal_error = make_error(ec::disk_full, "/state: no space");
    auto cancel = b.cancel({one});
    REQUIRE(b.world->signals.size() == 1);
    CHECK(b.world->signals[0].terminate);
    CHECK(code_of(cancel->error) == ec::disk_full);
    CHECK(context_of(cancel->error).starts_with("done, but lost if the instance ends before"));
    auto again = b.cancel({one}); // the same when it is known that the disk is full
    CHECK(context_of(again->error) == context_of(cancel->error));
    b.report(one, true);
    b.world->journal_error = {};
    b.pass(4000ms);
    b.settle();
    auto all = names(b.world->durable_events());
    CHECK(all.ends_with("alloc start exception exception finish release free clean"));
  }

  TEST_CASE("on a full disk jobs end, can be forgotten and looked at, and none begins") {
    bench b;
    b.submit({one});
    b.grant(one);
    b.report(one, false);
    b.settle();
    b.world->journal_error = make_error(ec::disk_full, "/state: no space");
    b.world->ends_have_room = true;
    b.cancel({one});
    auto early = b.follow(one); // the exception is not durable
    b.pass(4000ms);
    CHECK(code_of(early->error) == ec::disk_full);
    b.report(one, true);
    b.pass(4000ms);
    b.pass(4000ms);
    CHECK(names(b.world->durable_events())
            .ends_with("alloc start exception finish release free clean"));
    CHECK(b.counts().paused != ""); // there is no room for others
    CHECK(code_of(b.submit({{2}})->error) == ec::disk_full);
    purge_request r;
    r.ids = {one};
    CHECK(b.ask<count_reply>(b.manager, r)->value);
    b.world->journal_error = {};
    b.pass(4000ms);
    CHECK(b.counts().paused == "");
    CHECK(b.submit({{3}})->value);
  }

  TEST_CASE("a job that was to be launched when the disk was full starts when there is room") {
    bench b;
    b.submit({one});
    b.submit({{2}});
    b.world->journal_error = make_error(ec::disk_full, "/state: no space");
    b.grant(one);
    b.grant({2});
    CHECK(b.world->launched.empty());
    CHECK(context_of(b.submit({{4}})->error).find("done") == std::string::npos);
    CHECK(code_of(b.cancel({{2}})->error) == ec::disk_full); // which then must not start
    b.world->journal_error = {};
    b.pass(4000ms);
    REQUIRE(b.world->launched.size() == 1);
    CHECK(b.world->launched[0].id == one);
    CHECK(b.counts().run == 1);
  }

  TEST_CASE("an instance that is to end does not wait long for a full disk") {
    bench b;
    b.submit({one});
    b.grant(one);
    b.report(one, false);
    b.settle();
    b.world->journal_error = make_error(ec::disk_full, "/state: no space");
    b.submit({{2}});
    auto over = b.ask<done>(b.manager, drain_atom_v);
    CHECK(over->pending());
    SUBCASE("its jobs end") {
      b.report(one, true);
      CHECK(over->value);
    }
    SUBCASE("its jobs do not end") {
      for (int i = 0; i < 8; ++i)
        b.pass(250ms);
      CHECK(over->value);
    }
  }

  TEST_CASE("errors of the core are the answer") {
    bench b;
    CHECK(code_of(b.cancel({{9}})->error) == ec::unknown_job);
    b.submit({one});
    auto kill = b.ask<count_reply>(b.manager, kill_request{{{one}, 0}, 10});
    CHECK(code_of(kill->error) == ec::wrong_state);
    auto urgency = b.ask<count_reply>(b.manager, urgency_request{0, {{one}, 0}, 99});
    CHECK(code_of(urgency->error) == ec::bad_argument);
    auto unknown = b.follow({9});
    REQUIRE(unknown->value);
    CHECK(static_cast<ec>(unknown->value->jobs.at(0).code) == ec::unknown_job);
    CHECK(code_of(b.ask<job_reply>(b.manager, job_request{{9}})->error) == ec::unknown_job);
  }

  TEST_CASE("a signal goes to the exec of the job's first rank") {
    bench b;
    b.submit({one});
    b.grant(one);
    b.report(one, false);
    auto kill = b.ask<count_reply>(b.manager, kill_request{{{one}, 0}, 10});
    REQUIRE(kill->value);
    REQUIRE(b.world->signals.size() == 1);
    CHECK(b.world->signals[0].signal == 10);
  }

  // The journal is slow, and the follower comes at each moment of a job's life in turn.
  TEST_CASE("a follower gets each event once, whenever it comes") {
    for (int moment = 0; moment < 12; ++moment) {
      CAPTURE(moment);
      bench b;
      b.world->hold = true;
      int now = 0;
      std::shared_ptr<answer<follow_reply>> reply;
      auto here = [&] {
        if (now++ == moment)
          reply = b.follow(one);
      };
      auto release = [&] {
        b.release();
        b.run();
        here();
      };
      b.submit({one});
      here();
      release();
      b.grant(one);
      here();
      b.report(one, false);
      here();
      release();
      release();
      b.settle();
      here();
      (void)b.cancel({one});
      here();
      release();
      b.report(one, true);
      here();
      b.settle();
      here();
      job_summary over;
      over.id = one;
      b.world->ended.push_back(over);
      release();
      release();
      if (now <= moment)
        here();
      b.world->hold = false;
      b.release();
      b.settle();
      REQUIRE(reply);
      REQUIRE(reply->value);
      auto got = reply->value->jobs.at(0).events;
      got.insert(got.end(), b.world->pushed.begin(), b.world->pushed.end());
      CHECK(names(got)
            == "submit validate depend priority alloc start exception finish release free clean");
      CHECK(got == b.world->durable_events());
    }
  }

  TEST_CASE("jobs that are followed together are answered together, ended ones by the archive") {
    bench b;
    b.submit({one, {2}});
    b.grant({2});
    b.report({2}, true);
    b.settle();
    job_summary over;
    over.id = {2};
    b.world->ended.push_back(over);
    REQUIRE(b.ask<job_reply>(b.manager, job_request{one})->value);
    follow_request r{{{one, 1, true}, {{9}, 2, false}, {{2}, 3, true}, {one, 4, false}},
                     b.follower};
    auto reply = b.ask<follow_reply>(b.manager, r);
    REQUIRE(reply->value);
    auto& jobs = reply->value->jobs;
    REQUIRE(jobs.size() == 4);
    CHECK(names(jobs[0].events) == "submit validate depend priority");
    CHECK(jobs[0].jobspec.empty()); // it has not ended
    CHECK(static_cast<ec>(jobs[1].code) == ec::unknown_job);
    CHECK(jobs[2].events.back().after == job_state::inactive);
    CHECK(jobs[3].events == jobs[0].events);
    REQUIRE(b.world->followed.size() == 1);
    CHECK(b.world->followed[0].jobs.size() == 2);
    CHECK(b.world->followed[0].jobs[1].spec);
    b.grant(one);
    b.settle();
    CHECK(names(b.world->pushed) == "alloc alloc");
  }

  TEST_CASE("who has stopped following gets nothing more") {
    bench b;
    b.submit({one});
    REQUIRE(b.follow(one)->value);
    b.tell(b.manager, unfollow{one, 7, b.follower});
    b.tell(b.manager, unfollow{{9}, 7, b.follower});
    b.grant(one);
    b.settle();
    CHECK(b.world->pushed.empty());
  }

  TEST_CASE("a task's end while others run makes followers look again, and stays as it was told") {
    bench b;
    b.submit({one});
    b.grant(one);
    b.report(one, false);
    b.settle();
    REQUIRE(b.follow(one)->value);
    auto exit_of = [&b] {
      return b.ask<job_reply>(b.manager, job_request{one})->value->first_exit;
    };
    CHECK(exit_of().t_ns == 0);
    exec_report r;
    r.jobs.emplace_back().id = one;
    r.jobs[0].task_ended = true;
    r.jobs[0].first_exit = {5, 3, 1, 77, 2 << 8};
    b.tell(b.manager, r);
    CHECK(exit_of().task == 3);
    CHECK(b.world->looks == 1);
    r.jobs[0].ended = true;
    r.jobs[0].first_exit = {4, 2, 0, 76, 0}; // of a node whose clock is behind
    b.tell(b.manager, r);
    b.settle();
    std::string kept;
    for (auto& batch : b.world->committed_batches)
      for (auto& record : batch.jobs)
        kept = record.extra;
    CHECK(decode_extra(kept).first_exit.task == 3);
  }

  TEST_CASE("who stops following before it was answered gets nothing either") {
    bench b;
    b.world->hold = true;
    b.submit({one});
    auto reply = b.follow(one); // waits for the commit of the job
    CHECK(reply->pending());
    b.tell(b.manager, unfollow{one, 7, b.follower});
    auto other = b.ask<follow_reply>(b.manager, follow_request{{{one, 8, false}}, b.follower});
    b.world->hold = false;
    b.release();
    b.run();
    REQUIRE(reply->value);
    REQUIRE(other->value);
    auto followed = [&b] {
      auto stats = b.ask<stats_reply>(b.manager, stats_atom_v);
      for (auto& [name, value] : stats->value->values)
        if (name == "followed")
          return value;
      return int64_t{-1};
    };
    CHECK(followed() == 1);
    b.grant(one);
    b.settle();
    CHECK(names(b.world->pushed) == "alloc"); // once: for the other
    b.tell(b.manager, unfollow{one, 8, b.follower});
    CHECK(followed() == 0);
    REQUIRE(b.follow(one)->value); // what was withdrawn once may come again
    CHECK(followed() == 1);
  }

  TEST_CASE("draining starts nothing, ends what runs, and is over when all has ended") {
    bench b;
    b.submit({one, {2}, {3}});
    b.grant(one);
    b.report(one, false);
    (void)b.cancel({{3}}); // its grant is on its way
    auto drained = b.ask<done>(b.manager, drain_atom_v);
    CHECK(drained->pending());
    REQUIRE(b.world->signals.size() == 1);
    CHECK(b.world->signals[0].terminate);
    auto launched = b.world->launched.size();
    b.grant({2});
    b.grant({3});
    b.report(one, true);
    b.settle();
    CHECK_MESSAGE(!drained->error, render(drained->error));
    CHECK(b.counts().run == 0);
    CHECK(b.counts().cleanup == 0);
    CHECK(drained->value);
    CHECK(b.world->launched.size() == launched);
    CHECK(b.counts().sched == 1); // waits for the next instance
    CHECK(b.ask<done>(b.manager, drain_atom_v)->value);
    // The scheduler holds nothing for it: who cancels it now does not wait for an answer.
    auto& freed = b.world->freed;
    CHECK(std::find(freed.begin(), freed.end(), job_id{2}) != freed.end());
    CHECK(b.cancel({{2}})->value);
    b.settle();
    CHECK(b.counts().sched == 0);
    CHECK(b.counts().cleanup == 0);
  }

  TEST_CASE("a job that runs over its limit is told to end") {
    bench b;
    spec_text s;
    s.duration_s = 1e-9;
    b.submit({one}, s);
    b.grant(one);
    b.report(one, false);
    b.pass(10ms);
    REQUIRE(b.world->signals.size() == 1);
    CHECK(b.world->signals[0].signal == 14);
  }

  TEST_CASE("only who wanted a job to grow takes that back") {
    bench b;
    b.submit({one});
    b.grant(one);
    b.report(one, false);
    b.world->has_instances = true;
    resize_request wish;
    wish.id = one;
    wish.nodes = 1;
    wish.wait = true;
    wish.wish = 5;
    auto grown = b.ask<resize_reply>(b.manager, wish);
    REQUIRE(b.world->wanted.size() == 2);
    CHECK(grown->pending());
    auto withdraw = [&](uint64_t number) {
      resize_request nothing;
      nothing.id = one;
      nothing.wish = number;
      CHECK(b.ask<resize_reply>(b.manager, nothing)->value);
    };
    wish.wish = 6; // of another, who is told that one is under way, and then goes
    CHECK(code_of(b.ask<resize_reply>(b.manager, wish)->error) == ec::wrong_state);
    withdraw(6);
    CHECK(grown->pending());
    CHECK(b.world->room_cancelled.empty());
    withdraw(5);
    CHECK(code_of(grown->error) == ec::busy);
    CHECK(b.world->room_cancelled == std::vector<job_id>{b.world->wanted[1].id});
  }

  TEST_CASE("a listing shows a job once, though it ends while the archive is asked") {
    bench b;
    b.submit({one});
    job_summary ended;
    ended.id = one;
    ended.state = job_state::inactive;
    b.world->ended = {ended};
    ended.id = {5};
    b.world->ended.push_back(ended);
    list_request r;
    r.states = 126;
    auto list = b.ask<list_reply>(b.manager, r);
    REQUIRE(list->value);
    REQUIRE(list->value->jobs.size() == 2);
    CHECK(list->value->jobs[0].id == one);
    CHECK(list->value->jobs[1].id == job_id{5});
    r.states = 62;
    CHECK(b.ask<list_reply>(b.manager, r)->value->jobs.size() == 1);
    r.max = 1;
    r.states = 126;
    CHECK(b.ask<list_reply>(b.manager, r)->value->jobs.size() == 1);
  }

  TEST_CASE("jobs of the last life are queued again or marked lost, durably") {
    auto core = std::make_shared<job_manager_core>();
    spec_cache specs;
    auto spec = intern(specs, {});
    auto events = [&](uint64_t id, std::vector<event_kind> kinds) {
      std::vector<job_event> list;
      for (auto kind : kinds) {
        job_event e;
        e.id = {id};
        e.kind = kind;
        e.t_ns = 5;
        e.a = 16;
        list.push_back(e);
      }
      return list;
    };
    using k = event_kind;
    job_record r;
    r.id = {1};
    core->restore(spec, r, events(1, {k::submit, k::validate, k::depend, k::priority}));
    r.id = {2};
    core->restore(spec, r, events(2, {k::submit, k::validate, k::depend, k::priority, k::alloc}));
    bench b{core};
    b.settle();
    REQUIRE(b.world->wanted.size() == 1);
    CHECK(b.world->wanted[0].id == job_id{1});
    CHECK(names(b.world->durable_events())
          == "hactor-restart priority exception release free clean");
    CHECK(b.world->launched.empty());
  }

  TEST_CASE("the job manager tells its counters") {
    bench b;
    b.submit({one});
    auto s = b.ask<stats_reply>(b.manager, stats_atom_v);
    REQUIRE(s->value);
    CHECK(s->value->values.at(0) == std::pair<std::string, int64_t>{"active", 1});
  }
}
