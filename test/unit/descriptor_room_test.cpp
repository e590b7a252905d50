// Who may start tasks, by the descriptors of the broker.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include "actors/descriptor_room.hpp"
#include "actors/owned_fd.hpp"

using namespace hactor;
using state = descriptor_room::state;

namespace {

/// A process that may open 200 descriptors; 25 of them are kept for others than tasks.
struct process {
  size_t open = 0;
  std::shared_ptr<descriptor_room> room = descriptor_room::make(200, [this] { return open; });
  int told = 0;

  std::unique_ptr<descriptor_room::share> ask(size_t need) {
    return room->ask(need, [this] { ++told; });
  }
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("who finds no room waits for the end of others, in the order of coming") {
    process p;
    auto first = p.ask(150);
    CHECK(first->now() == state::granted);
    auto second = p.ask(60); // 150 are promised
    auto third = p.ask(5);   // would fit, but is behind
    CHECK(second->now() == state::waits);
    CHECK(third->now() == state::waits);
    p.open = 100;
    first->opened();
    p.room->on_freed();
    CHECK(second->now() == state::granted); // 100 are open: 60 more leave 40
    CHECK(third->now() == state::granted);
    CHECK(p.told == 2);
    auto fourth = p.ask(100);
    CHECK(fourth->now() == state::waits);
    first.reset();
    second.reset();
    p.open = 0;
    third.reset();
    CHECK(fourth->now() == state::granted);
    CHECK(p.told == 3);
  }

  TEST_CASE("who gives up while others wait lets the next pass") {
    process p;
    auto runs = p.ask(100);
    auto large = p.ask(170);
    auto small = p.ask(40);
    CHECK(large->now() == state::waits);
    CHECK(small->now() == state::waits);
    large.reset();
    CHECK(small->now() == state::granted);
    CHECK(p.told == 1);
  }

  TEST_CASE("what would wait for ever is refused, and the refusal says what would be right") {
    process p;
    auto runs = p.ask(20);
    auto never = p.ask(176);
    CHECK(never->now() == state::refused);
    auto e = p.room->refusal(*never);
    CHECK(code_of(e) == ec::exec_failed);
    CHECK(context_of(e).find("may need 176 file descriptors") != std::string::npos);
    CHECK(context_of(e).find("which may have 200 (ulimit -n) and keeps 25") != std::string::npos);
    runs.reset();
    p.open = 170; // by clients: no task's end would make room
    CHECK(p.ask(60)->now() == state::refused);
    CHECK(p.ask(40)->now() == state::granted); // as few as a quarter are let in without a look
    p.open = 0;
    runs = p.ask(120);
    auto waits = p.ask(120);
    p.open = 170;
    runs.reset();
    CHECK(waits->now() == state::refused);
    CHECK(p.told == 1);
  }

  TEST_CASE("descriptors are counted as they are") {
    auto before = open_descriptors(256), lower = open_descriptors(200);
    CHECK(lower >= 3);
    owned_fd high{::fcntl(0, F_DUPFD_CLOEXEC, 200)};
    CHECK(open_descriptors(256) == before + 1);
    CHECK(open_descriptors(200) == lower);
    CHECK(descriptors_max() >= 256);
  }

} // TEST_SUITE
