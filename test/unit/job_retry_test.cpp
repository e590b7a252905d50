// Jobs that are started again, and submissions of which too many jobs fail.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "job_manager_bench.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

constexpr job_id two{2}, three{3};

struct bench : job_manager_bench {
  bench() { address = 70; }
  void submit(std::vector<job_id> ids, json rest, json dependencies = nullptr) {
    spec_text s;
    s.rest = std::move(rest);
    s.dependencies = std::move(dependencies);
    job_manager_bench::submit(std::move(ids), s);
  }
  /// An attempt begins, and has output of its own.
  void run(job_id id = one, rset where = whole_nodes(2, 1)) {
    grant(id, std::move(where));
    start(id);
    out.take_names(id);
    ++address;
  }
  std::string cancel(job_id id) {
    REQUIRE(raise({id}));
    return out.take_names(id);
  }
};

constexpr const char* again = "finish release free retry priority";
constexpr const char* over = "finish release free clean";

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a listing says which attempt comes when, while the job waits for it") {
    bench b;
    b.submit({one}, {{"retries", {{"count", 3}, {"delay", 90}}}});
    CHECK(b.summary().reason.empty());
    b.run();
    b.now = 1'000 * second;
    b.end(3 << 8);
    list_request all;
    all.ids = {one};
    CHECK(b.core.list(all).at(0).reason
          == "has failed; attempt 2 begins at 1970-01-01T00:18:10Z");
    b.cancel(one);
    CHECK(b.summary().reason.empty());
  }

  TEST_CASE(
      "who is to be started elsewhere asks for other nodes, and for any when there are none") {
    bench b;
    b.submit({one}, {{"retries", {{"count", 3}, {"avoid-last-node", true}}}});
    CHECK_FALSE(b.out.wanted.back().tentative);
    b.run();
    b.end(3 << 8);
    CHECK(b.out.wanted.back().tentative);
    auto rooms = b.core.rooms();
    REQUIRE(rooms.wanted.groups.size() == 1);
    CHECK(dump(rooms.wanted.groups[0].spec.here->request->wants.system.constraints)
          == R"({"not":[{"ranks":["0-1"]}]})");
    CHECK(b.core.whole(one)->jobspec.find("ranks") == std::string::npos);
    auto asked = b.out.wanted.size();
    b.core.on_denied(b.now, one, "the nodes that are up could not take it", b.out);
    CHECK(b.out.wanted.size() == asked + 1);
    CHECK_FALSE(b.out.wanted.back().tentative);
    CHECK(b.summary().state == job_state::sched);
    b.run();
    b.end(3 << 8);
    CHECK(b.out.wanted.back().tentative);
    b.core.on_granted(b.now, one, whole_nodes(1, 1), b.out);
    b.start(one);
    b.end(0);
    CHECK(b.summary().result == job_result::completed);
  }

  TEST_CASE("where a job has failed is known after a restart, and when its jobspec changes") {
    bench b;
    b.submit({one}, {{"retries", {{"count", 3}, {"avoid-last-node", true}}}});
    b.run();
    b.end(3 << 8);
    auto where = [](const job_manager_core& core) {
      auto rooms = core.rooms();
      REQUIRE(rooms.wanted.groups.size() == 1);
      CHECK(rooms.wanted.groups[0].items[0].tentative);
      return dump(rooms.wanted.groups[0].spec.here->request->wants.system.constraints);
    };
    constexpr auto elsewhere = R"({"not":[{"ranks":["0-1"]}]})";
    auto restored = [&] {
      job_manager_core core;
      auto record = b.last_record();
      auto spec = b.specs.intern(b.core.whole(one)->jobspec, "");
      REQUIRE(spec);
      core.restore(*spec, record, b.core.events(one));
      core.resume(b.now, b.out);
      CHECK(core.summary(one)->nodelist.empty()); // it is nowhere
      return where(core);
    };
    CHECK(restored() == elsewhere);
    spec_text s;
    s.rest = {{"retries", {{"count", 3}, {"avoid-last-node", true}}}};
    s.name = "other";
    b.core.update(b.now, one, intern(b.specs, s), "{}", "{}", b.out);
    b.core.on_room_cancelled(b.now, one, b.out);
    CHECK(where(b.core) == elsewhere);
    CHECK(restored() == elsewhere);
    b.run(one, whole_nodes(1, 1));
    CHECK(b.last_record().rset.find("\"0\"") != std::string::npos);
    b.end(0);
    CHECK(b.summary().result == job_result::completed);
  }

  TEST_CASE("a job that fails is started again as often as it may be") {
    bench b;
    b.submit({one}, {{"retries", 2}});
    for (uint32_t attempt = 1; attempt <= 2; ++attempt) {
      b.run();
      CHECK(b.out.launches.back().item.attempt == attempt);
      b.end(3 << 8);
      CHECK(b.out.take_names(one) == again);
      CHECK(b.summary().state == job_state::sched);
      CHECK(b.summary().attempts == attempt + 1);
      CHECK(b.summary().ranks.empty());
      CHECK(b.summary().waitstatus == -1);
      CHECK(b.out.wanted.size() == attempt + 1);
      CHECK(b.out.over.empty());
    }
    b.run();
    CHECK(b.out.launches.back().item.outputs
          == std::vector<std::pair<uint32_t, uint64_t>>{{0, 72}}); // all attempts' are there
    b.end(3 << 8);
    CHECK(b.out.take_names(one) == over);
    CHECK(b.out.over == std::vector<job_id>{one});
    auto s = b.summary();
    CHECK(s.result == job_result::failed);
    CHECK(s.waitstatus == 3 << 8);
    CHECK(s.attempts == 3);
    CHECK(s.user_s == doctest::Approx(18e-6));
    CHECK(s.maxrss_kb == 5);
  }

  TEST_CASE("one that ends well has ended") {
    bench b;
    b.submit({one}, {{"retries", 2}});
    b.run();
    b.end(1 << 8);
    b.run();
    b.end(0);
    CHECK(b.out.take_names(one) == over);
    CHECK(b.summary().result == job_result::completed);
    CHECK(b.core.counts().failed == 0);
  }

  TEST_CASE("only what a rule names is a reason") {
    struct {
      json rule;
      int status;
      bool begins;
    } table[] = {
        {{{"count", 1}, {"codes", "3-4"}}, 3 << 8, true},
        {{{"count", 1}, {"codes", "3-4"}}, 5 << 8, false},
        {{{"count", 1}, {"codes", "137"}}, 9, true},
        {{{"count", 1}}, 9, true},
        {{{"count", 1}, {"exit", false}}, 1 << 8, false},
        {0, 1 << 8, false},
    };
    for (auto& t : table) {
      bench b;
      b.submit({one}, {{"retries", t.rule}});
      b.run();
      b.end(t.status);
      CHECK(b.out.take_names(one) == (t.begins ? again : over));
    }
  }

  TEST_CASE("cancelled and timed out jobs have ended, and a cancel ends the attempts") {
    bench b;
    b.submit({one}, {{"retries", 5}});
    b.run();
    CHECK(b.cancel(one) == "exception");
    b.end(15);
    CHECK(b.out.take_names(one) == over);
    b.submit({two}, {{"retries", 5}});
    b.run(two);
    REQUIRE(b.core.raise(b.now, {1000, {{two}, 0}, "timeout", 0, ""}, b.out));
    b.out.take_names(two);
    b.end(14, two);
    CHECK(b.out.take_names(two) == over);
    b.submit({three}, {{"retries", 5}});
    b.run(three);
    b.end(1 << 8, three, "a rank died"); // exec
    CHECK(b.out.take_names(three) == "exception finish release free retry priority");
    CHECK(b.cancel(three) == "exception");
    b.core.on_room_cancelled(b.now, three, b.out);
    CHECK(b.out.take_names(three) == "clean");
    CHECK(b.summary(three).result == job_result::canceled);
  }

  TEST_CASE("a cancel while a failed job is ended by others counts too") {
    bench b;
    b.submit({one}, {{"retries", 5}});
    b.run();
    job_report r;
    r.id = one;
    r.ended = true;
    r.status = 1 << 8;
    r.failure = "a rank died";
    REQUIRE(b.core.raise(b.now, {1000, {{one}, 0}, "exec", 0, "a rank died"}, b.out));
    b.cancel(one);
    b.core.on_report(b.now, r, b.out);
    CHECK(b.out.take_names(one) == over);
  }

  TEST_CASE("an attempt that lost a node does not count") {
    bench b;
    b.submit({one}, {{"retries", 1}});
    for (rank_t lost = 1; lost <= 2; ++lost) {
      b.run(one, whole_nodes(4, 1));
      b.core.on_rank_lost(b.now, lost, rank_map{4}, b.out);
      for (rank_t rank = 0; rank < 4; ++rank) {
        job_report gone;
        gone.id = one;
        b.core.on_settled(b.now, rank, gone, b.out);
      }
      b.end(1 << 8);
      CHECK(b.out.take_names(one) == "exception finish release free retry priority");
    }
    CHECK(b.summary().attempts == 3);
    b.run(one, whole_nodes(1, 1));
    b.end(1 << 8);
    CHECK(b.out.take_names(one) == again); // the one retry
    b.run(one, whole_nodes(1, 1));
    b.end(1 << 8);
    CHECK(b.out.take_names(one) == over);
  }

  TEST_CASE("a rule may leave lost nodes out") {
    bench b;
    b.submit({one}, {{"retries", {{"count", 3}, {"node", false}}}});
    b.run(one, whole_nodes(2, 1));
    b.core.on_rank_lost(b.now, 1, rank_map{2}, b.out);
    job_report gone;
    gone.id = one;
    b.core.on_settled(b.now, 0, gone, b.out);
    b.end(1 << 8);
    CHECK(b.out.take_names(one) == "exception finish release free clean");
  }

  TEST_CASE("a delay lies between attempts, and a cancel ends it") {
    bench b;
    b.submit({one}, {{"retries", {{"count", 5}, {"delay", 2.5}}}});
    b.run();
    b.end(1 << 8);
    CHECK(b.out.take_names(one) == "finish release free retry");
    CHECK(b.summary().state == job_state::priority);
    CHECK(b.core.next_deadline_ns() == b.now + 5 * second / 2);
    b.core.on_deadline(b.now + second, b.out);
    CHECK(b.out.take_names(one).empty());
    b.now += 3 * second;
    b.core.on_deadline(b.now, b.out);
    CHECK(b.out.take_names(one) == "priority");
    CHECK(b.core.next_deadline_ns() == 0);
    b.run();
    b.end(1 << 8);
    b.out.take_names(one);
    CHECK(b.cancel(one) == "exception clean");
    CHECK(b.core.next_deadline_ns() == 0);
    b.core.on_deadline(b.now + 9 * second, b.out);
    CHECK(b.out.take_names(one).empty());
  }

  TEST_CASE("who depends on a job waits for its last attempt") {
    bench b;
    b.submit({one}, {{"retries", 1}});
    b.submit({two}, json::object(),
             json::array({{{"scheme", "afterok"}, {"value", to_string(one)}}}));
    b.out.take_names(two);
    b.run();
    b.end(1 << 8);
    CHECK(b.out.take_names(two).empty());
    b.run();
    b.end(0);
    CHECK(b.out.take_names(two) == "dependency-remove depend priority");
  }

  TEST_CASE("a restart begins an attempt that was under way again, and counts those before") {
    bench b;
    b.submit({one}, {{"retries", 1}});
    b.run();
    b.end(1 << 8);
    b.run();
    auto events = b.core.events(one);
    job_record record;
    record.id = one;
    record.extra = b.out.records.back().extra;
    record.rset = b.out.records.back().rset;
    spec_text s;
    s.rest = {{"retries", 1}};
    job_manager_core restored;
    restored.restore(intern(b.specs, s), record, events);
    recording_out out;
    restored.resume(b.now, out);
    CHECK(out.take_names(one) == "exception release free retry priority");
    CHECK(restored.summary(one)->attempts == 3);
    restored.on_granted(b.now, one, whole_nodes(1, 1), out);
    CHECK(out.launches.back().item.attempt == 3);
    CHECK(out.launches.back().item.outputs.size() == 1);
  }

  TEST_CASE("of jobs submitted together the rest is cancelled when too many have failed") {
    bench b;
    json limit{{"max-fails", {{"count", 2}, {"group", "g"}}}};
    std::vector<job_id> ids;
    for (uint64_t i = 1; i <= 6; ++i)
      ids.push_back(job_id{i});
    b.submit(ids, limit);
    b.submit({job_id{7}}, {{"max-fails", {{"count", 2}, {"group", "h"}}}});
    for (uint64_t i = 1; i <= 4; ++i)
      b.run(job_id{i});
    b.out.clear();
    b.end(1 << 8, job_id{1});
    b.end(0, job_id{2});
    CHECK(b.out.signals.empty());
    b.end(1 << 8, job_id{3});
    REQUIRE(b.out.signals.size() == 1); // job 4 runs
    CHECK(b.out.signals[0].item.id == job_id{4});
    CHECK(b.out.cancelled == std::vector<job_id>{job_id{5}, job_id{6}});
    CHECK(b.out.take_names(job_id{7}).empty());
    b.core.on_room_cancelled(b.now, job_id{5}, b.out);
    b.core.on_room_cancelled(b.now, job_id{6}, b.out);
    b.end(15, job_id{4});
    CHECK(b.summary(job_id{4}).result == job_result::canceled);
    CHECK(b.summary(job_id{5}).exception_note.find("2 of the jobs") == 0);
    CHECK(b.core.counts().failed == 2);
    CHECK(b.core.counts().canceled == 3);
  }

  TEST_CASE("jobspecs with a wrong rule are refused") {
    for (auto& rest : std::vector<json>{{{"retries", -1}},
                                        {{"retries", "x"}},
                                        {{"retries", {{"delay", 1}}}},
                                        {{"retries", {{"count", 1}, {"codes", "300"}}}},
                                        {{"retries", {{"count", 1}, {"delay", -1}}}},
                                        {{"max-fails", 3}},
                                        {{"max-fails", {{"count", 0}, {"group", "g"}}}},
                                        {{"max-fails", {{"count", 1}, {"group", ""}}}},
                                        {{"files", {{"../x", {{"mode", 33188}}}}}}}) {
      spec_cache cache;
      spec_text s;
      s.rest = rest;
      auto parts = separate_environment(s.text());
      REQUIRE(parts);
      auto spec = cache.intern(parts->text, parts->environment);
      REQUIRE_FALSE(spec);
      CHECK(code_of(spec.error()) == ec::bad_jobspec);
    }
  }

  TEST_CASE("a grant on a broker that is lost is given back and asked for again, and no attempt") {
    bench b;
    b.submit({one}, json::object());
    b.core.on_rank_lost(b.now, 1, rank_map{4}, b.out);
    CHECK(b.core.has_lost(whole_nodes(2, 1), rank_map{4}));
    CHECK(!b.core.has_lost(whole_nodes(1, 1), rank_map{4}));
    b.out.clear();
    b.core.on_void_grant(b.now, one, b.out);
    CHECK(b.out.freed == std::vector<job_id>{one});
    CHECK(b.out.events.empty());
    CHECK(b.summary().state == job_state::sched);
    b.run(one, whole_nodes(1, 1));
    CHECK(b.summary().state == job_state::run);
    b.out.clear();
    b.core.on_void_grant(b.now, one, b.out); // comes late
    CHECK(b.out.events.empty());
  }

}
