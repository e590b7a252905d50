// INGEST: what it accepts and refuses, and whom it asks.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/ingest.hpp"
#include "actors/job_manager.hpp"
#include "actors/scheduler.hpp"
#include "fake_services.hpp"
#include "runtime/clock.hpp"
#include "runtime/limits.hpp"
#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

struct bench : actor_fixture {
  bench() {
    job_manager_peers peers;
    peers.journal = spawn(fake_journal, world);
    peers.archive = spawn(fake_archive, world);
    peers.scheduler = spawn(fake_scheduler, world);
    peers.exec = spawn(fake_exec, world);
    auto specs = std::make_shared<spec_cache>();
    manager = spawn(job_manager_service, peers, specs, std::shared_ptr<job_manager_core>{});
    ingest = spawn(ingest_service, ingest_peers{peers.scheduler, manager}, specs,
                   std::make_shared<id_source>(rank_t{3}, wall_ns() - 1'000'000'000, 0), 0.0);
  }
  auto submit(std::vector<submission> jobs) {
    return ask<submit_reply>(ingest, submit_request{1000, std::move(jobs)});
  }
  world_ptr world = std::make_shared<fake_world>();
  job_manager_actor manager;
  ingest_actor ingest;
};

submission one(const std::string& text, const char* cc = "") {
  submission s;
  s.jobspec = text;
  s.cc = *idset::parse(cc);
  return s;
}

} // namespace

TEST_SUITE("actor") {

  TEST_CASE("a good jobspec gets an id and is durable when it is told") {
    bench b;
    auto a = b.submit({one(spec_text{}.text())});
    REQUIRE(a->value);
    REQUIRE(a->value->ids.size() == 1);
    REQUIRE(b.world->durable_events().size() == 4);
    CHECK(b.world->durable_events()[0].id == a->value->ids[0]);
    CHECK(b.world->durable_events()[0].b == 1000);
  }

  TEST_CASE("ids of a cc list are in the order of its values, those of submissions in theirs") {
    bench b;
    auto a = b.submit({one(spec_text{}.text(), "0-2,7"), one(spec_text{}.text())});
    REQUIRE(a->value);
    auto& ids = a->value->ids;
    REQUIRE(ids.size() == 5);
    CHECK(std::is_sorted(ids.begin(), ids.end()));
    std::vector<int64_t> cc;
    for (auto id : ids)
      for (auto& batch : b.world->committed_batches)
        for (auto& record : batch.jobs)
          if (record.id == id)
            cc.push_back(record.cc);
    CHECK(cc == std::vector<int64_t>{0, 1, 2, 7, -1});
  }

  TEST_CASE("an array may be given job by job, all of it and in its order") {
    auto part = [](const char* values, const char* cc) {
      auto s = one(spec_text{}.text(), cc);
      s.array = *idset::parse(values);
      return s;
    };
    bench b;
    auto a = b.submit({one(spec_text{}.text(), "0-2"), part("1,3", "1"), part("1,3", "3"),
                       one(spec_text{}.text())});
    REQUIRE(a->value);
    auto& ids = a->value->ids;
    REQUIRE(ids.size() == 6);
    for (size_t i = 0; i + 1 < ids.size(); ++i)
      CHECK(neighbour_of(ids[i], 1) == ids[i + 1]);
    auto list = b.ask<list_reply>(b.manager, list_request{});
    REQUIRE(list->value);
    std::map<uint64_t, std::pair<uint64_t, int64_t>> arrays;
    for (auto& s : list->value->jobs)
      arrays[s.id.value] = {s.array.value, s.cc};
    CHECK(arrays[ids[2].value] == std::pair{ids[0].value, int64_t{2}});
    CHECK(arrays[ids[3].value] == std::pair{ids[3].value, int64_t{1}});
    CHECK(arrays[ids[4].value] == std::pair{ids[3].value, int64_t{3}});
    CHECK(arrays[ids[5].value] == std::pair{uint64_t{0}, int64_t{-1}});

    auto commands = part("1", "1");
    commands.commands = R"([["true"]])";
    for (auto& wrong : std::vector<std::vector<submission>>{
             {part("1,3", "3"), part("1,3", "1")},
             {part("1,3", "1")},
             {part("1,3", "1"), one(spec_text{}.text()), part("1,3", "3")},
             {part("1,3", "1"), part("3,5", "3")},
             {part("1-2", "1-2")},
             {commands}}) {
      auto refused = b.submit(wrong);
      REQUIRE_FALSE(refused->value);
      CHECK(code_of(refused->error) == ec::bad_argument);
    }
  }

  TEST_CASE("commands of an array are an array each, also when one comes twice") {
    bench b;
    spec_text waiting;
    waiting.dependencies = json::array({{{"scheme", "afterok"}, {"value", "x"}}});
    spec_text named;
    named.name = "x";
    auto many = one(named.text(), "0-9");
    many.commands = R"([["a"],["a"]])";
    auto a = b.submit({many, one(waiting.text())});
    REQUIRE(a->value);
    CHECK(a->value->ids.size() == 21);
    CHECK(std::is_sorted(a->value->ids.begin(), a->value->ids.end()));
  }

  TEST_CASE("what is wrong is refused at the door, all or nothing") {
    bench b;
    auto nested = [](int times) {
      spec_text s;
      json where{{"ranks", json::array({"0"})}};
      for (int i = 0; i < times; ++i)
        where = {{"not", json::array({where})}};
      s.rest = {{"constraints", where}};
      return s;
    };
    auto good = spec_text{}.text();
    auto dependent = json::parse(good);
    dependent["attributes"]["system"]["dependencies"] =
        json::array({{{"scheme", "afterall"}, {"value", "f1"}}});
    auto urgent = one(good);
    urgent.urgency = 32;
    struct {
      std::vector<submission> jobs;
      ec code;
      const char* part;
    } table[] = {
        {{one("{")}, ec::bad_json, ""},
        {{one("{}")}, ec::bad_jobspec, ""},
        {{one(good), one("{}")}, ec::bad_jobspec, "jobs[1]: "},
        {{one(dump(dependent))}, ec::bad_jobspec, "dependencies[0].scheme: must be one of"},
        {{urgent}, ec::bad_argument, "urgency 32"},
        {{}, ec::too_big, "0 jobs"},
        {{one(good, "0-999999"), one(good)}, ec::too_big, "1000001 jobs"},
        {{one(nested(10).text()), one(nested(20).text())}, ec::bad_jobspec,
         "jobs[1]: attributes.system.constraints: nested deeper than 32 levels"},
    };
    for (auto& t : table) {
      auto a = b.submit(t.jobs);
      CAPTURE(t.part);
      REQUIRE(a->error);
      CHECK(code_of(a->error) == t.code);
      CHECK(context_of(a->error).find(t.part) != std::string::npos);
    }
    CHECK(b.world->wanted.empty());
    CHECK(b.world->committed_batches.empty());
  }

  TEST_CASE("what can never run here is refused with the scheduler's reason") {
    bench b;
    b.world->infeasible = make_error(ec::unsatisfiable, "asked 9 nodes, there are 2");
    auto a = b.submit({one(spec_text{}.text())});
    REQUIRE(a->error);
    CHECK(code_of(a->error) == ec::unsatisfiable);
    CHECK(context_of(a->error) == "asked 9 nodes, there are 2");
    CHECK(b.world->wanted.empty());
  }

  TEST_CASE("the scheduler is asked once for all jobs that ask for the same") {
    bench b;
    spec_text small, large;
    large.cores = 9;
    auto texts = [&] {
      std::vector<submission> jobs;
      for (auto* s : {&small, &small, &large}) {
        s->command = {"run", std::to_string(jobs.size())};
        jobs.push_back(one(s->text()));
      }
      return jobs;
    };
    REQUIRE(b.submit(texts())->value);
    REQUIRE(b.world->judged.size() == 1);
    CHECK(b.world->judged[0].specs.size() == 2);
    CHECK(b.world->judged[0].positions == std::vector<uint64_t>{0, 2});
    REQUIRE(b.submit({one(small.text())})->value);
    REQUIRE(b.world->judged.size() == 2);
    CHECK(b.world->judged[1].positions.empty());
  }

  TEST_CASE("what can never run is named by its place among all that were submitted") {
    bench b;
    auto specs = std::make_shared<spec_cache>();
    auto scheduler =
        b.spawn(scheduler_service,
                scheduler_setup{specs, {}, nullptr, b.spawn(fake_journal, b.world), {}, {}, {}});
    b.tell(scheduler, inventory{whole_nodes(2, 4), {}, {}});
    auto ingest =
        b.spawn(ingest_service, ingest_peers{scheduler, b.manager}, specs,
                std::make_shared<id_source>(rank_t{0}, wall_ns() - 1'000'000'000, 0), 0.0);
    spec_text small, large;
    large.slots = 9;
    auto a = b.ask<submit_reply>(
        ingest, submit_request{1000, {one(small.text()), one(small.text()), one(large.text())}});
    REQUIRE(a->error);
    CHECK(code_of(a->error) == ec::unsatisfiable);
    CHECK(context_of(a->error).starts_with("jobs[2]: "));
    auto alone = b.ask<submit_reply>(ingest, submit_request{1000, {one(large.text())}});
    REQUIRE(alone->error);
    CHECK(context_of(alone->error).find("jobs[") == std::string::npos);
    CHECK(b.world->committed_batches.empty());
  }

  TEST_CASE("ingest counts requests and jobs") {
    bench b;
    (void)b.submit({one(spec_text{}.text(), "1-3")});
    auto s = b.ask<stats_reply>(b.ingest, stats_atom_v);
    REQUIRE(s->value);
    CHECK(s->value->values.at(0).second == 1);
    CHECK(s->value->values.at(1).second == 3);
  }
}
