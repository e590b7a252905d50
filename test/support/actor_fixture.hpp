// One actor system that runs on the caller's thread, under CAF's test coordinator: nothing happens
// but in run() and pass(). ask() sends a request and keeps the answer for the test to look at.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include "actors/interfaces.hpp"
#include "actors/registry.hpp"

namespace hactor::test {

template <class Reply>
struct answer {
  std::optional<Reply> value;
  caf::error error;

  bool pending() const { return !value && !error; }
};

struct fixture_config : caf::actor_system_config {
  fixture_config() {
    register_messages(*this);
    set("scheduler.policy", caf::atom("testing"));
  }
};

class actor_fixture {
public:
  actor_fixture()
    : sched{dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())} {}
  ~actor_fixture() {
    for (auto& a : actors_)
      caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
    run();
  }

  void run() { sched.run(); }
  void pass(std::chrono::milliseconds time) {
    sched.advance_time(time);
    run();
  }

  /// Spawns; the fixture ends the actor with itself.
  template <class F, class... Ts>
  auto spawn(F f, Ts&&... xs) {
    auto handle = system.spawn(f, std::forward<Ts>(xs)...);
    actors_.push_back(caf::actor_cast<caf::actor>(handle));
    run();
    return handle;
  }

  template <class Reply, class Handle, class Message>
  std::shared_ptr<answer<Reply>> ask(const Handle& who, Message what) {
    auto a = std::make_shared<answer<Reply>>();
    spawn([who, what, a](caf::event_based_actor* self) {
      self->request(who, caf::infinite, what)
        .then([a](Reply& r) { a->value = std::move(r); }, [a](caf::error& e) { a->error = e; });
    });
    return a;
  }

  template <class Handle, class Message>
  void tell(const Handle& who, Message what) {
    caf::anon_send(who, std::move(what));
    run();
  }

  fixture_config config;
  caf::actor_system system{config};
  caf::scheduler::test_coordinator& sched;

private:
  std::vector<caf::actor> actors_;
};

} // namespace hactor::test
