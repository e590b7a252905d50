// EVENTS: subscribers that go.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/events.hpp"
#include "fake_services.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

struct bench : actor_fixture {
  bench() : events{spawn(events_service, events_setup{})} {
    reader = caf::actor_cast<caf::actor>(spawn(fake_connector, world));
  }
  void subscribe(uint64_t tag) {
    subscribe_request r;
    r.subscriber = reader;
    r.tag = tag;
    r.live_only = r.follow = true;
    tell(events, r);
  }
  int64_t subscribers() {
    auto answered = ask<stats_reply>(events, stats_atom_v);
    for (auto& [key, value] : answered->value->values)
      if (key == "subscribers")
        return value;
    return -1;
  }

  world_ptr world = std::make_shared<fake_world>();
  events_actor events;
  caf::actor reader;
};

} // namespace

TEST_SUITE("actor") {

  TEST_CASE("a connector that goes takes its subscriptions with it, also when one ended before") {
    bench b;
    b.subscribe(1);
    b.subscribe(2);
    CHECK(b.subscribers() == 2);
    b.tell(b.events, unsubscribe{1, b.reader});
    CHECK(b.subscribers() == 1);
    caf::anon_send_exit(b.reader, caf::exit_reason::kill);
    b.run();
    CHECK(b.subscribers() == 0);
  }

} // TEST_SUITE
