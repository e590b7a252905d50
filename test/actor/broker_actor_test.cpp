// BROKER: whom it takes into the instance.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/broker.hpp"
#include "fake_services.hpp"

using namespace hactor;
using namespace hactor::test;

TEST_SUITE("actor") {

  TEST_CASE("a broker of another version is refused, with both versions, and others are not") {
    actor_fixture f;
    broker_setup setup;
    setup.size = 3;
    setup.hosts = {"a", "b", "c"};
    auto lead = f.spawn(broker_service, setup);
    auto peer = f.spawn(broker_service, setup);
    hello_request hello;
    hello.services.rank = 1;
    hello.services.broker = caf::actor_cast<caf::actor>(peer);
    hello.services.protocol = protocol_version + 1;
    auto refused = f.ask<hello_reply>(lead, hello);
    CHECK(code_of(refused->error) == ec::bad_argument);
    CHECK(render(refused->error).find("are of one version of hactor") != std::string::npos);
    CHECK(f.ask<hello_reply>(lead, hello)->error); // however often it asks
    auto peers = [&] {
      return f.ask<stats_reply>(lead, stats_atom_v)->value->values.front().second;
    };
    CHECK(peers() == 0);
    hello.services.protocol = protocol_version;
    CHECK_FALSE(f.ask<hello_reply>(lead, hello)->error);
    CHECK(peers() == 1);
  }
}
