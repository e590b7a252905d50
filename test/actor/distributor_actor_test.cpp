// DISTRIBUTOR between a job manager and the schedulers of its children, which are real ones.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/distributor.hpp"
#include "actors/scheduler.hpp"
#include "actors/scheduler_settings.hpp"
#include "fake_services.hpp"
#include "runtime/clock.hpp"
#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

/// What the job manager was asked and told.
struct manager_world {
  caf::actor distributor;
  std::vector<accepted_spec> taken; // children
  std::vector<granted> grants;
  std::vector<denied> denials;
  std::vector<raise_request> raised;
};

/// As the job manager does: what is taken in wants room.
caf::behavior fake_manager(caf::event_based_actor* self, std::shared_ptr<manager_world> w) {
  return {
      [self, w](const accept_request& r) {
        alloc_request want;
        for (auto& s : r.specs) {
          w->taken.push_back(s);
          want.groups.push_back({s.spec, {{s.ids.front(), 16, 0}}});
        }
        self->send(w->distributor, want);
        return submit_reply{};
      },
      [w](const alloc_decision& d) {
        w->grants.insert(w->grants.end(), d.grants.begin(), d.grants.end());
        w->denials.insert(w->denials.end(), d.denials.begin(), d.denials.end());
      },
      [w](const raise_request& r) {
        w->raised.push_back(r);
        return count_reply{r.jobs.ids.size()};
      },
      [self, w](const alloc_request& r) { self->send(w->distributor, r); }, // of the test
  };
}

struct bench : actor_fixture {
  explicit bench(const std::vector<std::string>& settings = {"sched.policy=hierarchy"}) {
    hactor::config attributes;
    for (auto& item : settings)
      REQUIRE(!attributes.set_item(item));
    auto hierarchy = read_hierarchy(attributes);
    auto scheduling = read_scheduler_settings(attributes);
    REQUIRE(hierarchy);
    REQUIRE(scheduling);
    graph = make_scheduler(std::move(*scheduling));
    auto ids = std::make_shared<id_source>(rank_t{0}, wall_ns() - 1'000'000'000, 0);
    distributor = spawn(distributor_service,
                        distributor_setup{specs, ids, graph, {}, **hierarchy, attributes, "/h"});
    world->distributor = caf::actor_cast<caf::actor>(distributor);
    manager = spawn(fake_manager, world);
    tell(distributor, inventory{whole_nodes(2, 2), {}, {}});
    tell(distributor, distribution_begin{manager});
  }
  scheduler_actor make_scheduler(scheduler_settings s = {}) {
    return spawn(scheduler_service, scheduler_setup{specs, std::move(s), nullptr, journal, "",
                                                    hactor::config{}, graph_changes{}});
  }
  /// The n-th child serves.
  scheduler_actor open(size_t n) {
    auto child = make_scheduler();
    auto& grant = world->grants.at(n).resources;
    tell(child, inventory{as_instance(grant, grant.ranks().expand()), {}, {}});
    tell(distributor,
         instance_opened{world->grants.at(n).id, caf::actor_cast<caf::actor>(child), {}});
    return child;
  }
  void want(uint64_t id, uint32_t slots) {
    alloc_request r;
    r.groups.push_back({sent(slots), {{job_id{id}, 16, 0}}});
    tell(manager, r);
  }
  sent_spec sent(uint32_t slots) {
    spec_text t;
    t.slots = slots;
    return {intern(*specs, t), {}, {}};
  }
  auto judge(uint32_t slots) {
    feasible_request r;
    r.specs.push_back(sent(slots));
    return ask<done>(distributor, r);
  }

  std::shared_ptr<spec_cache> specs = std::make_shared<spec_cache>();
  journal_actor journal = spawn(fake_journal, std::make_shared<fake_world>());
  std::shared_ptr<manager_world> world = std::make_shared<manager_world>();
  scheduler_actor graph;
  distributor_actor distributor;
  caf::actor manager;
};

} // namespace

TEST_SUITE("actor") {
  TEST_CASE("an instance's children are jobs of it, each on its share") {
    bench b;
    REQUIRE(b.world->taken.size() == 2);
    CHECK(b.world->taken[0].spec.here->is_child);
    CHECK(b.world->taken[0].spec.here->name == "child-0");
    REQUIRE(b.world->grants.size() == 2);
    CHECK(b.world->grants[0].resources.ranks().to_string() == "0");
    CHECK(b.world->grants[1].resources.ranks().to_string() == "1");
  }

  TEST_CASE("a submission is judged when children are there: by any, and refused by all") {
    bench b;
    auto fits = b.judge(2), large = b.judge(3);
    CHECK(fits->pending());
    b.open(0);
    CHECK(fits->value);
    CHECK(large->pending()); // the other child may be larger
    b.open(1);
    REQUIRE(large->error);
    CHECK(code_of(large->error) == ec::unsatisfiable);
    CHECK(render(large->error)
              .find("needs 3 slots of 1 core; the largest child of this instance "
                    "has 1 node with 2 cores (sched.policy=hierarchy)")
          != std::string::npos);
  }

  TEST_CASE("a child that opens while others are asked is asked, too") {
    bench b;
    b.open(0);
    auto larger = b.make_scheduler();
    b.tell(larger, inventory{whole_nodes(1, 3), {}, {}});
    feasible_request r;
    r.specs.push_back(b.sent(3));
    auto said = std::make_shared<answer<done>>();
    b.system.spawn([&](caf::event_based_actor* self) {
      self->request(b.distributor, caf::infinite, r)
          .then([said](done d) { said->value = d; }, [said](caf::error& e) { said->error = e; });
    });
    b.sched.run_once(); // it has asked: what the first child says comes after the second opens
    caf::anon_send(b.distributor, instance_opened{b.world->grants.at(1).id,
                                                  caf::actor_cast<caf::actor>(larger),
                                                  {}});
    b.run();
    CHECK(said->value);
    CHECK(render(said->error) == render(caf::error{}));
  }

  TEST_CASE("a submission that waits for a child is refused when there can be none") {
    bench b;
    b.open(1);
    auto large = b.judge(3);
    CHECK(large->pending()); // the other child may be larger
    b.tell(b.distributor, inventory{whole_nodes(1, 2, 1), {}, {}}); // its node is lost
    b.tell(b.distributor, free_request{{b.world->grants.at(0).id}, {}});
    // The next child would come after 100 ms of the clock, of which the test's timers know nothing.
    for (auto until = steady_ns() + 10'000'000'000; large->pending() && steady_ns() < until;)
      b.tell(b.distributor, free_request{});
    CHECK(code_of(large->error) == ec::unsatisfiable);
  }

  TEST_CASE("grants are of a child's nodes, and are told in our ranks") {
    bench b;
    b.open(1);
    b.want(77, 2);
    REQUIRE(b.world->grants.size() == 3);
    CHECK(b.world->grants[2].id == job_id{77});
    CHECK(b.world->grants[2].resources.ranks().to_string() == "1");
    auto usage = b.ask<resource_reply>(b.distributor, usage_atom_v);
    REQUIRE(usage->value);
    CHECK(usage->value->allocated.ranks().to_string() == "1");
    CHECK(usage->value->free.ranks().to_string() == "0");
  }

  TEST_CASE("a job that waits in a child is explained by it") {
    bench b;
    b.open(0);
    b.want(77, 2);
    b.want(78, 2);
    auto why = b.ask<explain_reply>(b.distributor, explain_request{{job_id{78}, job_id{77}}});
    REQUIRE(why->value);
    CHECK(why->value->reasons.at(0).sentence.starts_with(
        "in child " + to_string(b.world->grants[0].id) + ": "));
    CHECK(why->value->reasons.at(1).code == "running");
  }

  TEST_CASE("a job that came a moment ago is explained as after the turn that it waits for") {
    bench b;
    auto child = b.open(0);
    alloc_request r;
    for (uint64_t id : {77, 78})
      r.groups.push_back({b.sent(2), {{job_id{id}, 16, 0}}});
    auto asked = [&](auto whom) {
      auto said = std::make_shared<answer<explain_reply>>();
      b.system.spawn([&](caf::event_based_actor* self) {
        self->set_default_handler(caf::drop); // of the other job's grant
        self->send(whom, r);
        self->request(whom, caf::infinite, explain_request{{job_id{78}}})
            .then([said](explain_reply& x) { said->value = std::move(x); },
                  [said](caf::error& e) { said->error = e; });
      });
      b.run();
      REQUIRE(said->value);
      return said->value->reasons.at(0);
    };
    CHECK(asked(b.distributor).sentence.starts_with("in child "));
    auto alone = b.make_scheduler();
    b.tell(alone, inventory{whole_nodes(1, 2), {}, {}});
    CHECK(asked(alone).code == "resources");
  }

  TEST_CASE("a child that is gone: what runs there is said to be lost, what waits goes elsewhere") {
    bench b;
    auto child = b.open(0);
    b.want(77, 2);
    b.want(78, 2);
    caf::anon_send_exit(child, caf::exit_reason::kill);
    b.run();
    REQUIRE(b.world->raised.size() == 1);
    CHECK(b.world->raised[0].type == "node-failure");
    CHECK(b.world->raised[0].jobs.ids == std::vector<job_id>{job_id{77}});
    b.open(1);
    CHECK(b.world->grants.back().id == job_id{78});
    CHECK(b.world->grants.back().resources.ranks().to_string() == "1");
  }

  TEST_CASE("a child of before a restart is denied, and so is one that is not ours") {
    bench b;
    alloc_request r;
    r.groups.push_back({b.world->taken[0].spec, {{job_id{5}, 16, 0}}});
    b.tell(b.manager, r);
    REQUIRE(b.world->denials.size() == 1);
    CHECK(b.world->denials[0].note.find("an instance that has ended") != std::string::npos);
  }

  TEST_CASE("a distributor in the scheduler's place is not taken out of use") {
    bench b;
    auto r = b.ask<scheduler_reply>(b.distributor, scheduler_request{scheduler_verb::unload, {}});
    CHECK(code_of(r->error) == ec::not_permitted);
    auto q = b.ask<queue_reply>(b.distributor, queue_request{queue_verb::stop, "", "why"});
    CHECK(code_of(q->error) == ec::not_permitted);
    auto list = b.ask<queue_reply>(b.distributor, queue_request{});
    REQUIRE(list->value);
    CHECK(list->value->queues.at(0).policy == "hierarchy");
  }
}
