// Jobs that get more nodes and give some back while they run.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "actors/instance_grant.hpp"
#include "actors/job_constraint.hpp"
#include "graph/rset_extra.hpp"
#include "recording_out.hpp"
#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

constexpr int64_t second = 1'000'000'000;
constexpr job_id one{1};

/// A job of two nodes, 2 and 3, with 4 cores each.
struct bench : recording_out {
  explicit bench(spec_text s = {}) {
    accepted_spec a;
    a.ids = {one};
    core.accept(now, 1000, intern(specs, s), a, *this);
    core.on_granted(now, one, whole_nodes(2, 4, 2), *this);
    job_report r;
    r.id = one;
    r.started = true;
    core.on_report(now, r, *this);
    take_names(one);
  }
  void want_room(const job_spec_ptr& spec, const alloc_entry& entry) override {
    recording_out::want_room(spec, entry);
    asked.push_back(spec);
  }
  void free_part(job_id id, const idset& ranks) override { parts.emplace_back(id, ranks); }
  void grown(job_id, const rset& part, const std::string& why) override {
    told.emplace_back(part, why);
  }
  job_id grow(uint32_t nodes) {
    auto growth = core.grow(now, one, nodes, *this);
    REQUIRE(growth);
    return *growth;
  }
  void end() {
    job_report r;
    r.id = one;
    r.started = r.ended = true;
    core.on_report(now, r, *this);
  }
  std::string ranks() const { return core.summary(one)->ranks; }

  spec_cache specs;
  job_manager_core core;
  int64_t now = 100 * second;
  std::vector<job_spec_ptr> asked; // beside `wanted`
  std::vector<std::pair<job_id, idset>> parts;
  std::vector<std::pair<rset, std::string>> told;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a job grows by nodes like its first that it does not have, and frees all at its end") {
    bench b;
    auto growth = b.grow(2);
    CHECK(b.core.is_growing(growth));
    auto& request = *b.asked.back()->request;
    CHECK(b.wanted.back().id == growth);
    CHECK(request.wants.resources.at(0).count == count_spec{uint64_t{2}});
    CHECK(request.wants.resources.at(0).with.at(0).with.at(0).count == count_spec{uint64_t{4}});
    CHECK(dump(request.wants.system.constraints) == R"({"not":[{"ranks":["2-3"]}]})");

    b.core.on_granted(b.now, growth, whole_nodes(2, 4, 0), b);
    CHECK(b.take_names(one) == "resource-update");
    CHECK_FALSE(b.core.is_growing(growth));
    REQUIRE(b.told.size() == 1);
    CHECK(b.told[0].first.ranks() == idset::range(0, 1));
    CHECK(b.ranks() == "0-3");
    // An instance over the job counts the first task's node first, and what came later last.
    CHECK(b.core.whole(one)->ranks == std::vector<rank_t>{2, 3, 0, 1});
    CHECK(b.core.rooms().held.size() == 2);

    b.end();
    CHECK(b.freed == std::vector<job_id>{one, growth});
    CHECK(b.take_names(one) == "finish release free clean");
  }

  TEST_CASE("what a growth comes to when there is no room, none is wanted, or the job has ended") {
    spec_text s;
    s.duration_s = 50;
    bench b{s};
    auto denied = b.grow(9);
    CHECK(*b.asked.back()->request->wants.system.duration == doctest::Approx(50));
    b.core.on_denied(b.now, denied, "unsatisfiable: 9 nodes", b);
    CHECK(b.told.back().second == "unsatisfiable: 9 nodes");

    auto late = b.grow(1);
    b.core.stop_growing(late, "no room", b);
    CHECK(b.told.back().second == "no room");
    b.core.on_granted(b.now, late, whole_nodes(1, 4, 0), b); // it was on its way
    CHECK(b.freed == std::vector<job_id>{late});
    CHECK(b.ranks() == "2-3");

    auto lost = b.grow(1);
    auto before = b.wanted.size();
    b.core.on_void_grant(b.now, lost, b); // on a broker that was lost meanwhile
    CHECK(b.wanted.size() == before + 1);
    CHECK(b.core.rooms().wanted.groups.size() == 1);

    b.end();
    CHECK(b.told.back().second == "the job has ended");
    CHECK(b.core.rooms().wanted.groups.empty());
    CHECK(code_of(b.core.grow(b.now, one, 1, b).error()) == ec::wrong_state);
    CHECK(code_of(b.core.grow(b.now, job_id{7}, 1, b).error()) == ec::unknown_job);
  }

  TEST_CASE("a job gives nodes back, of what it got first and of what it got later") {
    bench b;
    auto pair = b.grow(2), single = b.grow(1);
    b.core.on_granted(b.now, pair, whole_nodes(2, 4, 4), b);
    b.core.on_granted(b.now, single, whole_nodes(1, 4, 0), b);
    CHECK(b.ranks() == "0,2-5");
    idset some = idset::single(0);
    some.add(3);
    some.add(5);
    b.core.shrink(b.now, one, some, b);
    CHECK(b.ranks() == "2,4");
    CHECK(b.freed == std::vector<job_id>{single});
    REQUIRE(b.parts.size() == 2);
    CHECK(b.parts[0] == std::pair{one, some});
    CHECK(b.parts[1] == std::pair{pair, some});
    b.freed.clear();
    b.end();
    CHECK(b.freed == std::vector<job_id>{one, pair});
    b.core.shrink(b.now, one, idset::single(4), b); // too late: it has no effect
    CHECK(b.parts.size() == 2);
  }

  TEST_CASE("an instance numbers nodes in the order it is told, and does not use a rank again") {
    auto grant = whole_nodes(3, 2, 5);
    grant.properties["fast"] = idset::range(6, 7);
    auto r = as_instance(grant, {7, 5, 6});
    CHECK(r.ranks() == idset::range(0, 2));
    CHECK(r.nodelist == std::vector<std::string>{"n7", "n5", "n6"});
    CHECK(r.properties["fast"].to_string() == "0,2");
    CHECK(r.starttime == 0);
    grant.starttime = 5;
    grant.expiration = 9;
    r = as_instance(grant, {7, 5, 6});
    CHECK(r.starttime == 5);
    CHECK(r.expiration == 9);

    rank_map where{4, {7, 3 | rank_map::given_back, 2}};
    CHECK(where.has(0));
    CHECK_FALSE(where.has(1));
    CHECK_FALSE(where.has(3));
    CHECK(where.rank_on(3) == 0); // not 1, which has gone
    CHECK(where.rank_on(2) == 2);
    CHECK(where.broker(1) == 3); // where its output lies
    CHECK(rank_map{4}.has(9));
  }

  TEST_CASE("an instance needs a core on each node of its job, and is told where there is none") {
    auto grant = whole_nodes(3, 2, 5);
    CHECK(!check_cores(grant, one));
    for (auto& node : {&grant.nodes[0], &grant.nodes[2]})
      node->gpus = std::exchange(node->cores, {});
    auto e = check_cores(grant, one);
    CHECK(code_of(e) == ec::wrong_state);
    CHECK(render(e).find("has no cores on n[5,7]; an instance needs one") != std::string::npos);
  }

  TEST_CASE("a job that has grown ends when a broker of what it got later is lost") {
    bench b;
    auto growth = b.grow(1);
    b.core.on_granted(b.now, growth, whole_nodes(1, 4, 0), b);
    b.take_names(one);
    b.core.on_rank_lost(b.now, 0, rank_map{8}, b);
    CHECK(b.take_names(one) == "exception");
    CHECK(b.core.summary(one)->exception_type == "node-failure");
  }

  /// The job's end on some of its brokers.
  job_report part_of(const idset& clean, bool tasks_ended, int status = 0) {
    job_report r;
    r.id = one;
    r.clean = clean;
    r.tasks_ended = tasks_ended;
    r.status = status;
    return r;
  }

  TEST_CASE("nodes that are clean come back first, the rest with the job's end, each once") {
    bench b;
    rank_map where{8};
    b.core.on_clean(b.now, part_of(idset::single(3), false), where, b);
    CHECK(b.take_names(one) == ""); // it goes on
    auto clean = part_of(idset::single(3), true, 5 << 8);
    b.core.on_clean(b.now, clean, where, b);
    REQUIRE(b.events.size() == 2);
    CHECK(b.events[0].a == 5 << 8);
    CHECK(b.events[1].text == "3");
    CHECK(b.events[1].a == 0);
    CHECK(b.take_names(one) == "finish release");
    REQUIRE(b.parts.size() == 1);
    CHECK(b.parts[0].second == idset::single(3));
    CHECK(b.freed.empty());
    // A scheduler that is loaded now hears of what is held.
    auto held = b.core.rooms().held;
    REQUIRE(held.size() == 1);
    CHECK(held[0].resources.ranks() == idset::single(2));
    list_request on;
    on.states = UINT32_MAX;
    on.ranks = idset::single(2);
    CHECK(b.core.list(on, nullptr).size() == 1);
    on.ranks = idset::single(3); // which may have others' tasks
    CHECK(b.core.list(on, nullptr).empty());
    auto matches = [&b](const char* constraint) {
      list_request r;
      r.constraint = constraint;
      r.comparisons = 100;
      auto only = read_constraint(r);
      REQUIRE(only);
      return !b.core.list(r, &**only).empty();
    };
    CHECK(matches(R"({"ranks":["2"]})"));
    CHECK_FALSE(matches(R"({"ranks":["3"]})"));
    CHECK(matches(R"({"hostlist":["n2"]})"));
    CHECK_FALSE(matches(R"({"hostlist":["n3"]})"));
    CHECK(matches(R"({"not":[{"ranks":["3"]}]})"));
    b.core.on_clean(b.now, clean, where, b); // again
    clean.clean.add(2);
    b.core.on_clean(b.now, clean, where, b); // all of it: that is its end, which is told otherwise
    CHECK(b.take_names(one) == "");
    job_report end;
    end.id = one;
    end.started = end.ended = true;
    end.status = 5 << 8;
    b.core.on_report(b.now, end, b);
    REQUIRE(b.events.size() == 3);
    CHECK(b.events[0].text == "2");
    CHECK(b.events[0].a == 1);
    CHECK(b.take_names(one) == "release free clean");
    CHECK(b.freed == std::vector<job_id>{one});
    CHECK(b.core.summary(one)->ranks == "2-3");
    CHECK(b.core.summary(one)->result == job_result::failed);
  }

  TEST_CASE("who is to know what a job holds hears nothing of what its nodes had that came back") {
    bench b;
    auto r = whole_nodes(2, 4, 5);
    rset_extra said;
    said.slots = {{idset::range(5, 6), "", 1}};
    said.others = {{"/cluster0/n5/ssd0", 5, 1}, {"/cluster0/n6/ssd0", 6, 1}};
    r.scheduling = to_json(said);
    accepted_spec a;
    a.ids = {job_id{2}};
    b.core.accept(b.now, 1000, intern(b.specs, {}), a, b);
    b.core.on_granted(b.now, job_id{2}, std::move(r), b);
    job_report started;
    started.id = job_id{2};
    started.started = true;
    b.core.on_report(b.now, started, b);
    auto clean = part_of(idset::single(6), true);
    clean.id = job_id{2};
    b.core.on_clean(b.now, clean, rank_map{8}, b);
    auto held = b.core.rooms().held;
    auto i = std::find_if(held.begin(), held.end(), [](auto& x) { return x.id == job_id{2}; });
    REQUIRE(i != held.end());
    auto kept = parse_rset_extra(i->resources.scheduling);
    REQUIRE(kept);
    said.slots.front().ranks = idset::single(5);
    said.others.pop_back();
    CHECK(*kept == said);
  }

  TEST_CASE("of a job that is to end, or has failed, clean nodes come back before its end") {
    for (auto failed : {false, true}) {
      bench b;
      if (!failed) {
        raise_request r;
        r.jobs.ids = {one};
        r.type = "cancel";
        REQUIRE(b.core.raise(b.now, r, b));
      }
      auto clean = part_of(idset::single(2), false, 9);
      clean.failure = failed ? "a task" : "";
      b.core.on_clean(b.now, clean, rank_map{8}, b);
      CHECK(b.take_names(one) == "exception release");
      REQUIRE(b.parts.size() == 1);
      b.end();
      CHECK(b.take_names(one) == "finish release free clean");
    }
  }

  TEST_CASE("a job that has finished does not fail with a node that it has given back") {
    for (rank_t lost : {3, 2}) { // 2 leads it
      bench b;
      auto other = lost == 3 ? 2u : 3u;
      b.core.on_clean(b.now, part_of(idset::single(lost), true), rank_map{8}, b);
      CHECK(b.take_names(one) == "finish release");
      b.core.on_rank_lost(b.now, lost, rank_map{8}, b);
      CHECK(b.take_names(one) == "");
      REQUIRE(b.settles.size() == 1);
      CHECK(b.settles[0].second == idset::single(other));
      job_report end;
      end.id = one;
      end.ended = true;
      b.core.on_settled(b.now, other, end, b);
      if (lost == 3) { // the tree tells of the loss too
        end.status = 1 << 8;
        end.failure = "rank 3: its broker was lost";
        b.core.on_report(b.now, end, b);
      }
      CHECK(b.take_names(one) == "release free clean");
      CHECK(b.core.summary(one)->result == job_result::completed);
    }
    bench b;
    b.core.on_clean(b.now, part_of(idset::single(3), true), rank_map{8}, b);
    b.take_names(one);
    b.core.on_rank_lost(b.now, 2, rank_map{8}, b); // which it still has
    CHECK(b.core.summary(one)->exception_type == "node-failure");
  }

  TEST_CASE("a restart releases what the events before it have not") {
    bench b;
    b.core.on_clean(b.now, part_of(idset::single(2), true), rank_map{8}, b);
    job_manager_core again;
    auto log = b.core.events(one);
    auto record = b.records.back();
    again.restore(b.launches.back().spec, record, log);
    b.events.clear();
    b.freed.clear();
    again.resume(b.now, b);
    REQUIRE(b.events.size() == 3);
    CHECK(b.events[0].text == "3");
    CHECK(b.events[0].a == 1);
    CHECK(b.take_names(one) == "release free clean");
    CHECK(again.summary(one)->result == job_result::completed);
  }

  TEST_CASE("what has nodes of its own, or lost one, comes back as a whole") {
    bench b;
    b.core.on_granted(b.now, b.grow(1), whole_nodes(1, 4, 0), b);
    b.take_names(one);
    b.core.on_clean(b.now, part_of(idset::single(2), true), rank_map{8}, b);
    CHECK(b.take_names(one) == "");
    bench c;
    c.core.on_rank_lost(c.now, 3, rank_map{8}, c);
    c.take_names(one);
    c.core.on_clean(c.now, part_of(idset::single(2), true), rank_map{8}, c);
    CHECK(c.take_names(one) == "");
    CHECK(c.parts.empty());
  }
}
