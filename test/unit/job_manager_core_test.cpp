// What happens next to each job, given these facts in this order.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "job_manager_bench.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

using bench = job_manager_bench;

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("what a cancelled job wrote and nobody could keep is said in its record") {
    bench b;
    b.run_new();
    CHECK(*b.raise({one}) == 1);
    b.out.clear();
    job_report r;
    r.started = r.ended = true;
    r.status = 15;
    r.warning = "host: the disk is full";
    b.report(r);
    auto& lost = b.out.events.front();
    CHECK(lost.kind == event_kind::exception);
    CHECK(lost.text == "output\nhost: the disk is full");
    CHECK(lost.a == 1); // not fatal
    CHECK(b.out.take_names(one) == "exception finish release free clean");
    CHECK(b.last_record().result == job_result::canceled);
  }

  TEST_CASE("a scheduler that comes later is told who holds room and who wants some") {
    bench b;
    b.run_new(job_id{1});
    b.submit({job_id{2}, job_id{3}});
    b.submit({job_id{4}});
    b.run_new(job_id{5});
    b.end(0, job_id{5});
    REQUIRE(b.core.raise(b.now, {1000, {{job_id{4}}, 0}, "cancel", 0, ""}, b.out));
    auto rooms = b.core.rooms();
    REQUIRE(rooms.held.size() == 1);
    CHECK(rooms.held[0].id == job_id{1});
    CHECK(rooms.held[0].resources.ranks().to_string() == "0-1");
    REQUIRE(rooms.wanted.groups.size() == 1);
    CHECK(rooms.wanted.groups[0].items.size() == 2);
  }

  TEST_CASE("what was granted and how is told in annotations") {
    bench b;
    b.submit({one});
    CHECK(b.core.summary(one)->annotations.empty());
    b.core.on_granted(b.now, one, whole_nodes(2, 1), b.out, "backfill");
    CHECK(b.core.summary(one)->annotations
          == R"({"sched":{"resource_summary":"rank[0-1]/core0","selection_type":"backfill"}})");
  }

  TEST_CASE("a submitted job is recorded and asks for room") {
    bench b;
    spec_text s;
    s.environment = {{"A", "1"}};
    auto spec = b.submit({one}, s);
    CHECK(b.out.take_names(one) == "submit validate depend priority");
    REQUIRE(b.out.wanted.size() == 1);
    CHECK(b.out.wanted[0].id == one);
    CHECK(b.out.wanted[0].priority == 16);
    CHECK(b.out.wanted[0].t_submit_ns == b.now);
    REQUIRE(b.out.records.size() == 1);
    CHECK_FALSE(b.out.records[0].ended);
    CHECK(b.out.records[0].spec == spec->hash);
    REQUIRE(b.out.specs.size() == 2);
    CHECK(b.out.specs[0].second == spec->stored());
    CHECK(b.out.specs[1].second == spec->environment_text());
    CHECK(b.summary().state == job_state::sched);
    CHECK(b.core.counts().sched == 1);
    CHECK(b.core.knows(one));
  }

  TEST_CASE("jobs of a cc list differ by their value alone") {
    bench b;
    spec_text s;
    s.command = {"echo", "{cc}"};
    b.submit({{1}, {2}, {3}}, s, 16, {5, 6, 9});
    CHECK(b.out.records.at(2).cc == 9);
    b.grant({2});
    CHECK(b.out.launches.at(0).item.cc == 6);
    CHECK(b.out.launches[0].item.with_cc_env);
    auto whole = b.core.whole({3});
    REQUIRE(whole);
    CHECK(json::parse(whole->jobspec)["tasks"][0]["command"][1] == "9");
    bench hidden;
    hidden.submit({one}, s, 16, {5}, false);
    hidden.grant();
    CHECK_FALSE(hidden.out.launches.at(0).item.with_cc_env);
  }

  TEST_CASE("a job lives from submit to clean, and its record holds all of it") {
    bench b;
    b.submit({one});
    b.grant();
    CHECK(b.summary().state == job_state::run);
    CHECK(b.core.ranks(one).to_string() == "0-1");
    REQUIRE(b.out.launches.size() == 1);
    CHECK(b.out.launches[0].item.id == one);
    CHECK(b.out.launches[0].item.userid == 1000);
    CHECK(b.out.launches[0].item.resources == whole_nodes(2, 1));
    b.now += second;
    b.start();
    b.now += second;
    b.end();
    CHECK(b.out.take_names(one)
          == "submit validate depend priority alloc start finish release free clean");
    CHECK(b.out.freed == std::vector<job_id>{one});
    CHECK(b.out.over == std::vector<job_id>{one});
    auto record = b.last_record();
    CHECK(record.ended);
    CHECK(record.result == job_result::completed);
    CHECK(record.t_end_ns == b.now);
    CHECK(record.events.size() == 10);
    CHECK(record.events == b.core.events(one));
    CHECK(parse_rset(record.rset)->nodes == whole_nodes(2, 1).nodes);
    auto extra = decode_extra(record.extra);
    CHECK(extra.used.maxrss_kb == 5);
    CHECK(extra.used.user_us == 6);
    CHECK(extra.used.system_us == 7);
    CHECK(extra.outputs == std::vector<std::pair<uint32_t, uint64_t>>{{0, 77}});
    CHECK(b.core.knows(one));
    b.core.forget(one);
    CHECK_FALSE(b.core.knows(one));
    CHECK(b.core.active() == 0);
    CHECK(b.core.counts().inactive == 1);
    CHECK(b.core.counts().failed == 0);
  }

  TEST_CASE("a short job whose start and end come in one report has both events") {
    bench b;
    b.submit({one});
    b.grant();
    b.out.clear();
    b.end(3 << 8);
    CHECK(b.out.take_names(one) == "start finish release free clean");
    CHECK(b.last_record().result == job_result::failed);
    CHECK(b.core.counts().failed == 1);
  }

  TEST_CASE("a task that cannot start fails its job with 127 and without a start") {
    bench b;
    b.submit({one});
    b.grant();
    b.out.clear();
    b.end(127 << 8, one, "n0: frob: command not found");
    CHECK(b.out.take_names(one) == "exception release free clean");
    auto s = b.summary();
    CHECK(s.result == job_result::failed);
    CHECK(s.waitstatus == 127 << 8);
    CHECK(s.exception_type == "exec");
    CHECK(s.exception_note == "n0: frob: command not found");
  }

  TEST_CASE("a job that can never run is denied with the scheduler's reason") {
    bench b;
    b.submit({one});
    b.out.clear();
    b.core.on_denied(b.now, one, "unsatisfiable: no", b.out);
    CHECK(b.out.take_names(one) == "exception clean");
    CHECK(b.summary().exception_type == "alloc");
    CHECK(b.summary().exception_note == "unsatisfiable: no");
    CHECK(b.out.over.size() == 1);
    b.core.on_denied(b.now, one, "again", b.out);
    b.core.on_denied(b.now, {77}, "nobody", b.out);
    CHECK(b.out.over.size() == 1);
  }

  TEST_CASE("a waiting job that is cancelled ends when the scheduler has let it go") {
    bench b;
    b.submit({one});
    b.out.clear();
    CHECK(*b.raise({one}) == 1);
    CHECK(b.out.take_names(one) == "exception");
    CHECK(b.out.cancelled == std::vector<job_id>{one});
    CHECK(b.out.over.empty());
    b.core.on_room_cancelled(b.now, one, b.out);
    CHECK(b.out.take_names(one) == "clean");
    CHECK(b.last_record().result == job_result::canceled);
    CHECK(b.core.counts().canceled == 1);
    CHECK(b.out.freed.empty());
    b.core.on_room_cancelled(b.now, one, b.out);
    b.core.on_room_cancelled(b.now, {77}, b.out);
    CHECK(b.out.over.size() == 1);
  }

  TEST_CASE("a grant that crosses the cancel is given back and the job ends") {
    bench b;
    b.submit({one});
    (void)b.raise({one});
    b.out.clear();
    b.grant();
    CHECK(b.out.freed == std::vector<job_id>{one});
    CHECK(b.out.launches.empty());
    CHECK(b.out.take_names(one) == "clean");
    b.core.forget(one);
    b.out.clear();
    b.grant(); // of nobody
    CHECK(b.out.freed == std::vector<job_id>{one});
  }

  TEST_CASE("a grant that comes twice takes nothing from the running job") {
    bench b;
    b.run_new();
    b.grant();
    CHECK(b.out.freed.empty());
    CHECK(b.out.launches.empty());
    CHECK(b.summary().state == job_state::run);
    (void)b.raise({one});
    b.out.clear();
    b.grant();
    CHECK(b.out.freed.empty());
    CHECK(b.out.over.empty());
  }

  TEST_CASE("a running job that is cancelled gets SIGTERM, and SIGKILL when asked again") {
    bench b;
    b.run_new();
    CHECK(*b.raise({one}) == 1);
    CHECK(b.summary().state == job_state::cleanup);
    REQUIRE(b.out.signals.size() == 1);
    CHECK(b.out.signals[0].root == 0);
    CHECK(b.out.signals[0].item.signal == 15);
    CHECK(b.out.signals[0].item.terminate);
    CHECK(b.out.freed.empty()); // the room is the job's until its tasks have ended
    CHECK(*b.raise({one}) == 1);
    REQUIRE(b.out.signals.size() == 2);
    CHECK(b.out.signals[1].item.signal == 9);
    b.out.take_names(one);
    b.end(15);
    CHECK(b.out.take_names(one) == "finish release free clean");
    CHECK(b.last_record().result == job_result::canceled);
    CHECK(b.summary().waitstatus == 15);
  }

  TEST_CASE("a job that is named twice in one request is meant once") {
    bench b;
    b.run_new();
    CHECK(*b.raise({one, one}) == 1);
    REQUIRE(b.out.signals.size() == 1);
    CHECK(b.out.signals[0].item.signal == 15);
    b.end(15);
    CHECK(code_of(b.raise({one, one}).error()) == ec::wrong_state);
  }

  TEST_CASE("a job that is cancelled before its start is reported has no start event") {
    bench b;
    b.submit({one});
    b.grant();
    (void)b.raise({one});
    b.out.clear();
    b.start();
    CHECK(b.out.take_names(one) == "");
    b.end(15);
    CHECK(b.out.take_names(one) == "release free clean");
    CHECK(b.core.next_deadline_ns() == 0);
  }

  TEST_CASE("an exception that is not fatal is recorded and nothing more") {
    bench b;
    b.run_new();
    CHECK(*b.raise({one}, "note", 4) == 1);
    CHECK(b.summary().state == job_state::run);
    CHECK(b.out.signals.empty());
    b.end();
    CHECK(b.last_record().result == job_result::completed);
    CHECK(b.summary().exception_type == "note");
  }

  TEST_CASE("a job over its time limit gets SIGALRM and ends as TIMEOUT") {
    bench b;
    spec_text s;
    s.duration_s = 2;
    b.submit({one}, s);
    b.grant();
    b.now += 50 * second;
    b.core.on_deadline(b.now, b.out);
    CHECK(b.summary().state == job_state::run); // the clock starts with the job
    b.start();
    CHECK(b.core.next_deadline_ns() == b.now + 2 * second);
    b.core.on_deadline(b.now + 2 * second - 1, b.out);
    CHECK(b.summary().state == job_state::run);
    b.now += 2 * second;
    b.core.on_deadline(b.now, b.out);
    CHECK(b.summary().state == job_state::cleanup);
    REQUIRE(b.out.signals.size() == 1);
    CHECK(b.out.signals[0].item.signal == 14);
    CHECK(b.core.next_deadline_ns() == 0);
    b.end(14);
    CHECK(b.last_record().result == job_result::timeout);
    CHECK(b.core.counts().timeout == 1);
  }

  TEST_CASE("time limits last as long as they say when the clock is set") {
    for (auto by : {86'400 * second, -86'400 * second}) {
      bench b;
      spec_text s;
      s.duration_s = 10;
      b.submit({one}, s);
      b.grant();
      b.start();
      b.now += 4 * second;
      b.core.on_clock_set(by);
      b.now += by;
      b.core.on_deadline(b.now, b.out);
      CHECK(b.summary().state == job_state::run);
      CHECK(b.core.next_deadline_ns() == b.now + 6 * second);
      b.now += 6 * second;
      b.core.on_deadline(b.now, b.out);
      CHECK(b.summary().state == job_state::cleanup);
    }
  }

  TEST_CASE("a job with a time limit that is never started ends as TIMEOUT half an hour later") {
    bench b;
    spec_text s;
    s.duration_s = 2;
    b.submit({one}, s);
    b.grant();
    CHECK(b.core.next_deadline_ns() == b.now + 1802 * second);
    b.now += 1802 * second;
    b.core.on_deadline(b.now, b.out);
    CHECK(b.summary().state == job_state::cleanup);
    CHECK(b.summary().exception_note.find("had not started") != std::string::npos);
    REQUIRE(b.out.signals.size() == 1);
    b.end(14);
    CHECK(b.last_record().result == job_result::timeout);
    CHECK(b.core.next_deadline_ns() == 0);
  }

  TEST_CASE("a job that ends in time is not troubled by its limit any more") {
    bench b;
    spec_text s;
    s.duration_s = 2;
    for (uint64_t id = 1; id <= 3; ++id)
      b.run_new({id}, s);
    b.end(0, {2});
    b.core.forget({2});
    b.now += 5 * second;
    b.core.on_deadline(b.now, b.out);
    CHECK(b.out.signals.size() == 2);
    CHECK(b.core.next_deadline_ns() == 0);
  }

  TEST_CASE("a job without a limit has no deadline, one of a thousand years is not over at once") {
    bench b;
    b.run_new();
    CHECK(b.core.next_deadline_ns() == 0);
    spec_text s;
    s.duration_s = 3.2e10;
    b.now = 1'700'000'000 * second;
    b.run_new({2}, s);
    b.core.on_deadline(b.now + 1000 * second, b.out);
    CHECK(b.summary({2}).state == job_state::run);
  }

  TEST_CASE("kill signals running jobs and leaves their state alone") {
    bench b;
    b.run_new();
    b.submit({{2}});
    b.out.clear();
    CHECK(*b.core.kill({{{one}, 0}, 10}, b.out) == 1);
    REQUIRE(b.out.signals.size() == 1);
    CHECK(b.out.signals[0].item.signal == 10);
    CHECK_FALSE(b.out.signals[0].item.terminate);
    CHECK(b.out.events.empty());
    CHECK(code_of(b.core.kill({{{{2}}, 0}, 10}, b.out).error()) == ec::wrong_state);
    CHECK(code_of(b.core.kill({{{{9}}, 0}, 10}, b.out).error()) == ec::unknown_job);
    CHECK(*b.core.kill({{{one, {2}}, 0}, 10}, b.out) == 1);
    CHECK(*b.core.kill({{{}, 16}, 10}, b.out) == 1);
  }

  TEST_CASE("urgency changes the priority of waiting jobs; 0 holds, 31 goes first") {
    bench b;
    b.submit({one});
    b.out.clear();
    CHECK(*b.urgency({one}, 20) == 1);
    CHECK(b.out.take_names(one) == "urgency priority");
    REQUIRE(b.out.prioritized.size() == 1);
    CHECK(b.out.prioritized[0].priority == 20);
    CHECK(b.out.wanted.empty());
    CHECK(*b.urgency({one}, 31) == 1);
    CHECK(b.out.prioritized.back().priority == UINT32_MAX);
    CHECK(*b.urgency({one}, 0) == 1);
    CHECK(b.summary().reason.find("held") == 0);
    CHECK(b.summary().urgency == 0);
    for (auto bad : {-1, 32})
      CHECK(code_of(b.urgency({one}, bad).error()) == ec::bad_argument);
    CHECK(code_of(b.urgency({{9}}, 5).error()) == ec::unknown_job);
    b.grant();
    CHECK(code_of(b.urgency({one}, 5).error()) == ec::wrong_state);
  }

  TEST_CASE("one named job in the wrong state is an error, several are counted") {
    bench b;
    b.run_new();
    b.end();
    b.submit({{2}});
    CHECK(code_of(b.raise({one}).error()) == ec::wrong_state);
    CHECK(*b.raise({one, {2}}) == 1);
    CHECK(code_of(b.raise({{7}}).error()) == ec::unknown_job);
    CHECK(*b.raise({}, "cancel", 0, 8) == 0); // none waits any more
    b.submit({{3}, {4}});
    CHECK(*b.raise({}, "cancel", 0, 8) == 2);
  }

  TEST_CASE("room comes back when nothing runs on any rank, though the tree has ended") {
    bench b;
    b.run_new(one, {}, whole_nodes(4, 1));
    b.core.on_rank_lost(b.now, 1, rank_map{4}, b.out);
    REQUIRE(b.out.settles.size() == 1);
    CHECK(b.out.settles[0].second.to_string() == "0,2-3");
    b.out.clear();
    b.end(15, one, "rank 1: its broker was lost");
    b.settled(0);
    b.settled(2);
    CHECK(b.out.freed.empty());
    CHECK(b.summary().state == job_state::cleanup);
    SUBCASE("the last one tells") { b.settled(3); }
    SUBCASE("the last one is lost as well") { b.core.on_rank_lost(b.now, 3, rank_map{4}, b.out); }
    CHECK(b.out.freed == std::vector<job_id>{one});
    CHECK(b.out.take_names(one) == "finish release free clean");
    b.settled(3);
    CHECK(b.out.events.empty());
  }

  TEST_CASE("the first rank's report is waited for, unless that rank is lost") {
    bench b;
    b.run_new(one, {}, whole_nodes(3, 1));
    b.core.on_rank_lost(b.now, 2, rank_map{3}, b.out);
    b.settled(0);
    b.settled(1);
    CHECK(b.out.freed.empty());
    SUBCASE("it comes") { b.end(15); }
    SUBCASE("it cannot come") { b.core.on_rank_lost(b.now, 0, rank_map{3}, b.out); }
    CHECK(b.out.freed == std::vector<job_id>{one});
  }

  TEST_CASE("what orphans used and wrote is in the job's record") {
    bench b;
    b.run_new(one, {}, whole_nodes(3, 1));
    b.core.on_rank_lost(b.now, 1, rank_map{3}, b.out);
    b.end(15);
    b.settled(0);
    job_report orphan;
    orphan.id = one;
    orphan.used = {50, 10, 10};
    orphan.outputs = {{2, 88}};
    b.core.on_settled(b.now, 2, orphan, b.out);
    auto end = decode_extra(b.last_record().extra);
    CHECK(end.used.maxrss_kb == 50);
    CHECK(end.used.user_us == 16);
    CHECK(end.outputs == std::vector<std::pair<uint32_t, uint64_t>>{{0, 77}, {2, 88}});
  }

  TEST_CASE("waitable jobs that have ended can be waited for, with how they ended") {
    bench b;
    auto submit = [&](uint64_t id, uint32_t flags) {
      accepted_spec a;
      a.ids = {{id}};
      a.flags = flags;
      b.core.accept(b.now, 1000, intern(b.specs, {}), a, b.out);
      b.grant({id});
      b.start({id});
    };
    const waiter_key who{{}, 1};
    submit(1, 4);
    submit(2, 4);
    submit(3, 0); // is nobody's to wait for
    CHECK(b.core.awaits_waitable());
    b.core.ends().wait(who, true);
    CHECK_FALSE(b.core.ends().has(who));
    for (uint64_t id : {2, 3, 1}) {
      CHECK(b.core.awaits_waitable());
      b.end(id == 1 ? 256 : 0, {id});
      b.core.forget({id});
    }
    CHECK_FALSE(b.core.awaits_waitable());
    auto told = b.core.ends().take(who);
    REQUIRE(told.size() == 2);
    CHECK(told[0].id == job_id{2});
    CHECK(told[0].waitstatus == 0);
    CHECK(told[1].id == job_id{1});
    CHECK(told[1].waitstatus == 256);
    CHECK(told[1].result == job_result::failed);
  }

  TEST_CASE("a severity beyond RFC 21's is refused") {
    bench b;
    b.run_new();
    for (auto severity : {-1, 8})
      CHECK(code_of(b.raise({one}, "odd", severity).error()) == ec::bad_argument);
    CHECK(b.out.events.empty());
  }

  TEST_CASE("a job that is withdrawn was never there") {
    bench b;
    auto before = b.core.counts();
    spec_text s;
    s.duration_s = 2;
    b.submit({one}, s);
    SUBCASE("while it waits") {
      b.core.withdraw(one, b.out);
      CHECK(b.out.cancelled == std::vector<job_id>{one});
    }
    SUBCASE("when it has room") {
      b.grant();
      b.core.withdraw(one, b.out);
      CHECK(b.out.freed == std::vector<job_id>{one});
    }
    SUBCASE("when it has ended") {
      (void)b.raise({one});
      b.core.on_room_cancelled(b.now, one, b.out);
      b.core.withdraw(one, b.out);
      CHECK(b.out.freed.empty());
    }
    CHECK_FALSE(b.core.knows(one));
    auto after = b.core.counts();
    CHECK(after.sched == before.sched);
    CHECK(after.run == 0);
    CHECK(after.inactive == 0);
    CHECK(after.canceled == 0);
    CHECK(b.core.next_deadline_ns() == 0);
    b.core.on_deadline(b.now + 10'000 * second, b.out); // that of nobody
    b.out.clear();
    b.grant(); // was on its way
    CHECK(b.out.freed == std::vector<job_id>{one});
  }

  TEST_CASE("a lost rank fails the jobs on it; those that it led need no report to end") {
    bench b;
    for (uint64_t id = 1; id <= 3; ++id)
      b.submit({{id}});
    b.grant({1}, whole_nodes(2, 1, 0)); // ranks 0, 1
    b.grant({2}, whole_nodes(2, 1, 1)); // ranks 1, 2
    b.grant({3}, whole_nodes(1, 1, 3));
    for (uint64_t id = 1; id <= 3; ++id)
      b.start({id});
    b.out.clear();
    b.core.on_rank_lost(b.now, 1, rank_map{4}, b.out);
    CHECK(b.out.take_names({1}) == "exception");
    CHECK(b.out.take_names({2}) == "exception");
    b.settled(2, {2});
    CHECK(b.out.take_names({2}) == "finish release free clean");
    CHECK(b.out.take_names({3}) == "");
    CHECK(b.summary({1}).exception_type == "node-failure");
    bool told = false;
    for (auto& s : b.out.signals)
      told |= s.root == 0 && s.item.id == job_id{1} && s.item.terminate;
    CHECK(told);
    CHECK(b.out.over == std::vector<job_id>{{2}});
    b.core.on_rank_lost(b.now, 1, rank_map{4}, b.out);
    CHECK(b.out.events.empty());
    b.end(9, {1}, "rank 1: its broker was lost");
    b.settled(0, {1});
    CHECK(b.out.take_names({1}) == "finish release free clean");
    CHECK(b.summary({1}).exception_type == "node-failure");
    CHECK(b.summary({1}).waitstatus == 1 << 8);
  }

  TEST_CASE("nodes beyond the brokers are lost with the broker that hosts them") {
    bench b;
    b.submit({one});
    b.grant(one, whole_nodes(1, 1, 7));
    b.out.clear();
    b.core.on_rank_lost(b.now, 0, rank_map{3}, b.out);
    CHECK(b.out.events.empty());
    b.core.on_rank_lost(b.now, 1, rank_map{3}, b.out);
    CHECK(b.out.take_names(one) == "exception release free clean");
  }

  TEST_CASE("a launch that never reached its first rank fails the job") {
    bench b;
    b.submit({one});
    b.grant();
    b.out.clear();
    b.core.on_launch_failed(b.now, one, "rank 0: gone", b.out);
    CHECK(b.out.take_names(one) == "exception release free clean");
    CHECK(b.summary().exception_note == "rank 0: gone");
    b.core.on_launch_failed(b.now, one, "rank 0: gone", b.out);
    CHECK(b.out.over.size() == 1);
  }

  TEST_CASE("reports of jobs that are over or unknown are passed over") {
    bench b;
    b.run_new();
    b.end();
    b.out.clear();
    b.end(9);
    b.start();
    b.end(0, {99});
    CHECK(b.out.events.empty());
    CHECK(b.out.over.empty());
  }

  TEST_CASE("a clock that steps back does not put a job's events out of order") {
    bench b;
    b.submit({one});
    b.now -= 50 * second;
    b.grant();
    b.start();
    b.end();
    auto events = b.core.events(one);
    for (size_t i = 1; i < events.size(); ++i)
      CHECK(events[i].t_ns >= events[i - 1].t_ns);
  }

  TEST_CASE("after a restart waiting jobs wait again and running ones are lost") {
    bench b;
    spec_text s;
    auto spec = b.submit({{1}, {2}, {3}, {4}}, s, 16, {10, 11, 12, 13});
    b.grant({2});
    b.start({2});
    b.grant({3});
    b.start({3});
    (void)b.raise({{3}});
    (void)b.raise({{4}});
    bench after;
    for (auto& record : b.out.records)
      after.core.restore(spec, record, b.core.events(record.id));
    CHECK(after.out.events.empty());
    CHECK(after.core.counts().run == 1);
    for (uint64_t id = 1; id <= 4; ++id) {
      CHECK(after.core.events({id}) == b.core.events({id}));
      CHECK(after.summary({id}).state == b.summary({id}).state);
    }
    after.now = b.now + second;
    after.core.resume(after.now, after.out);
    CHECK(after.out.take_names({1}) == "hactor-restart priority");
    CHECK(after.out.take_names({2}) == "exception release free clean");
    CHECK(after.out.take_names({3}) == "release free clean");
    CHECK(after.out.take_names({4}) == "clean");
    REQUIRE(after.out.wanted.size() == 1);
    CHECK(after.out.wanted[0].id == job_id{1});
    CHECK(after.out.wanted[0].t_submit_ns == b.now); // its place in the queue
    CHECK(after.out.launches.empty());
    CHECK(after.summary({2}).exception_type == "lost");
    CHECK(after.summary({2}).result == job_result::node_failed);
    CHECK(after.summary({3}).result == job_result::canceled);
    CHECK(after.out.over.size() == 3);
    after.grant({1});
    CHECK(after.out.launches.at(0).item.cc == 10);
  }

  TEST_CASE(
      "whatever prefix of a job's events was durable, the job goes on or ends after a restart") {
    bench b;
    auto spec = b.submit({one});
    b.grant();
    b.start();
    b.end();
    auto all = b.core.events(one);
    job_record record;
    record.id = one;
    for (size_t n = 1; n < all.size(); ++n) {
      CAPTURE(n);
      bench after;
      after.core.restore(spec, record, {all.begin(), all.begin() + static_cast<ptrdiff_t>(n)});
      after.core.resume(b.now, after.out);
      auto waits = after.summary().state == job_state::sched;
      CHECK(waits == (all[n - 1].after < job_state::run));
      CHECK((waits ? after.out.wanted.size() : after.out.over.size()) == 1);
      CHECK(after.core.events(one).size() > n);
    }
  }

  TEST_CASE("a job whose log has a hole is not run again but ends as lost") {
    bench b;
    auto spec = b.submit({one});
    b.grant();
    b.start();
    auto all = b.core.events(one);
    job_record record;
    record.id = one;
    for (size_t hole = 1; hole + 1 < all.size(); ++hole) {
      CAPTURE(hole);
      auto torn = all;
      torn.erase(torn.begin() + static_cast<ptrdiff_t>(hole));
      bench after;
      after.core.restore(spec, record, torn);
      after.core.resume(b.now, after.out);
      CHECK(after.out.wanted.empty());
      CHECK(after.out.over.size() == 1);
      CHECK(after.summary().exception_type == "lost");
    }
  }

  TEST_CASE("listings choose by state, name and id, pending by priority, running by start") {
    bench b;
    spec_text named;
    named.name = "special";
    b.submit({{1}, {2}});
    b.submit({{3}}, named, 31);
    b.submit({{4}, {5}});
    b.grant({4});
    b.now += second;
    b.grant({5});
    auto ids = [&](const list_request& r) {
      std::string text;
      for (auto& s : b.core.list(r))
        text += std::to_string(s.id.value);
      return text;
    };
    list_request r;
    CHECK(ids(r) == "31254");
    r.max = 2;
    CHECK(ids(r) == "31");
    r.max = 0;
    r.states = 16;
    CHECK(ids(r) == "54");
    r.states = 62;
    r.name = "special";
    CHECK(ids(r) == "3");
    r.name = "";
    r.ids = {{5}, {77}, {1}};
    CHECK(ids(r) == "51");
  }

  TEST_CASE("a summary shows what the job asked for, and from alloc on what it has") {
    bench b;
    spec_text s;
    s.nodes = 2;
    s.slots = 3;
    s.duration_s = 60;
    s.cwd = "/tmp";
    b.submit({one}, s);
    auto before = b.summary();
    CHECK(before.ntasks == 6);
    CHECK(before.nnodes == 2);
    CHECK(before.ncores == 6);
    CHECK(before.ranks == "");
    CHECK(before.duration_s == 60);
    CHECK(before.maxrss_kb == -1);
    auto r = whole_nodes(2, 4, 5);
    r.expiration = 123;
    b.grant(one, r);
    auto after = b.summary();
    CHECK(after.ranks == "5-6");
    CHECK(after.nodelist == "n[5-6]");
    CHECK(after.ncores == 8);
    CHECK(after.expiration == 123);
    b.end(2 << 8);
    CHECK(b.summary().maxrss_kb == 5);
    CHECK(b.summary().waitstatus == 2 << 8);
    CHECK(b.summary().outputs.size() == 1);
  }

  TEST_CASE("what is not known is an error or empty") {
    bench b;
    CHECK(code_of(b.core.summary(one).error()) == ec::unknown_job);
    CHECK(code_of(b.core.whole(one).error()) == ec::unknown_job);
    CHECK(b.core.events(one).empty());
    CHECK(b.core.ranks(one).empty());
    b.core.forget(one);
    b.core.on_deadline(b.now, b.out);
    b.core.resume(b.now, b.out);
    CHECK(b.out.events.empty());
  }

  TEST_CASE("usage and output addresses survive the record, and foreign bytes give nothing") {
    job_report r;
    r.used = {1 << 30, 1'000'000'000'000, 7, 8'000'000'000, 9};
    r.init_ns = 1;
    for (uint32_t i = 0; i < 50; ++i)
      r.outputs.emplace_back(i, uint64_t{i} << 40);
    auto back = decode_extra(encode_extra(r));
    CHECK(back.used.maxrss_kb == r.used.maxrss_kb);
    CHECK(back.used.user_us == r.used.user_us);
    CHECK(back.used.system_us == r.used.system_us);
    CHECK(back.used.read_kb == r.used.read_kb);
    CHECK(back.used.written_kb == r.used.written_kb);
    CHECK(back.outputs == r.outputs);
    random_source rnd{1};
    CHECK(decode_extra("").outputs.empty());
    for (int i = 0; i < 500; ++i) {
      auto text = encode_extra(r);
      text.resize(below(rnd, text.size()));
      if (!text.empty())
        text[below(rnd, text.size())] = static_cast<char>(rnd());
      CHECK(decode_extra(text).outputs.size() <= text.size());
    }
  }
}
