// GUARDED: services that throw say so, at their start and later.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <stdexcept>

#include <doctest/doctest.h>

#include "actor_fixture.hpp"
#include "actors/guarded.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

caf::behavior fragile_service(caf::event_based_actor*, std::string greeting) {
  if (greeting == "at once")
    throw std::runtime_error{greeting};
  return {[greeting](int x) {
    if (x < 0)
      throw std::runtime_error{greeting};
    if (x == 0)
      throw 7;
    return x;
  }};
}

struct bench : actor_fixture {
  caf::actor make(const std::string& text) {
    auto handle = spawn_guarded(
        system,
        [this](const std::string& name, const std::string& what) {
          told.push_back(name + ": " + what);
        },
        "fragile", fragile_service, text);
    run();
    return handle;
  }
  std::vector<std::string> told;
};

} // namespace

TEST_SUITE("actor") {

  TEST_CASE("a service that throws says its name and what it threw") {
    bench b;
    b.make("at once");
    CHECK(b.told == std::vector<std::string>{"fragile: at once"});
    b.told.clear();
    auto service = b.make("negative");
    CHECK(*b.ask<int>(service, 3)->value == 3);
    CHECK(b.told.empty());
    b.tell(service, -1);
    CHECK(b.told == std::vector<std::string>{"fragile: negative"});
    b.told.clear();
    b.tell(b.make("x"), 0);
    CHECK(b.told == std::vector<std::string>{"fragile: not a std::exception"});
  }

  TEST_CASE("a service that ends is none that failed") {
    bench b;
    auto service = b.make("x");
    caf::anon_send_exit(service, caf::exit_reason::user_shutdown);
    b.run();
    CHECK(b.told.empty());
  }

} // TEST_SUITE
