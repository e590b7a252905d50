// RESOURCE and a real scheduler: what happens to the nodes while the graph is being changed.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/resource.hpp"
#include "actors/scheduler.hpp"
#include "fake_services.hpp"
#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

/// Two nodes of two cores, of four brokers. Changes of the graph are answered after release().
struct bench : actor_fixture {
  explicit bench(std::vector<rank_t> nodes = {}) {
    resource = spawn(resource_service, resource_setup{scheduler, journal, whole_nodes(2, 2),
                                                      rank_map{4, std::move(nodes)}, ""});
    world->hold = true;
  }
  std::shared_ptr<answer<graph_reply>> begin(graph_verb verb, std::string path, std::string text) {
    auto reply =
        ask<graph_reply>(resource, graph_request{verb, std::move(path), std::move(text), {}});
    CHECK(reply->pending());
    return reply;
  }
  void release() { tell(journal, caf::flush_atom_v); }
  resource_reply usage() {
    auto reply = ask<resource_reply>(resource, usage_atom_v);
    REQUIRE(reply->value);
    return *reply->value;
  }

  world_ptr world = std::make_shared<fake_world>();
  journal_actor journal = spawn(fake_journal, world);
  scheduler_actor scheduler = spawn(
      scheduler_service, scheduler_setup{std::make_shared<spec_cache>(), scheduler_settings{},
                                         nullptr, journal, "", hactor::config{}, graph_changes{}});
  resource_actor resource;
};

/// A node of one core for the root.
std::string node_text(int rank) {
  auto meta = [rank](const char* type, const char* path) {
    return json{{"type", type}, {"id", 0}, {"rank", rank}, {"paths", {{"containment", path}}}};
  };
  json nodes = {{{"id", "n"}, {"metadata", meta("node", "/cluster0/more")}},
                {{"id", "c"}, {"metadata", meta("core", "/cluster0/more/core0")}}};
  json edge = {{"source", "n"}, {"target", "c"}, {"metadata", {{"subsystem", "containment"}}}};
  return dump(json{{"graph", {{"nodes", nodes}, {"edges", json::array({edge})}}}});
}

} // namespace

TEST_SUITE("actor") {
  TEST_CASE("nodes that come to an instance while its graph is changed stay") {
    bench b{{0, 1}};
    auto change = b.begin(graph_verb::set_property, "/cluster0", "site=hall");
    b.tell(b.resource, nodes_changed{{0, 1, 2}, whole_nodes(1, 2, 2), {}});
    b.release();
    CHECK(change->value);
    auto now = b.usage();
    CHECK(now.all.ranks().to_string() == "0-2");
    CHECK(now.free.ranks().to_string() == "0-2");
  }

  TEST_CASE("nodes that an instance gives back while its graph is changed are gone") {
    bench b{{0, 1}};
    auto change = b.begin(graph_verb::set_property, "/cluster0", "site=hall");
    b.tell(b.resource, nodes_changed{{0, 1 | rank_map::given_back}, {}, idset::range(1, 1)});
    b.release();
    CHECK(change->value);
    auto now = b.usage();
    CHECK(now.all.ranks().to_string() == "0");
    CHECK(now.free.ranks().to_string() == "0");
  }

  TEST_CASE("a look at the graph says nothing of the nodes that there are") {
    bench b{{0, 1}};
    auto look = std::make_shared<answer<graph_reply>>();
    b.system.spawn([&](caf::event_based_actor* self) {
      self->request(b.resource, caf::infinite, graph_request{graph_verb::show, "/cluster0", {}, {}})
          .then([look](graph_reply& x) { look->value = std::move(x); },
                [look](caf::error& e) { look->error = e; });
    });
    b.sched.run_once(); // it has asked
    b.sched.run_once(); // and the scheduler is asked
    b.tell(b.resource, nodes_changed{{0, 1, 2}, whole_nodes(1, 2, 2), {}});
    CHECK(look->value);
    CHECK(b.usage().all.ranks().to_string() == "0-2");
    CHECK(b.usage().free.ranks().to_string() == "0-2");
  }

  TEST_CASE("a node whose broker is lost while it is attached is down") {
    bench b;
    auto change = b.begin(graph_verb::attach, "", node_text(2));
    b.tell(b.resource, rank_lost{2});
    b.release();
    CHECK(render(change->error) == render(caf::error{}));
    auto now = b.usage();
    CHECK(now.all.ranks().to_string() == "0-2");
    CHECK(now.down.to_string() == "2");
    CHECK(now.free.ranks().to_string() == "0-1");
  }
}
