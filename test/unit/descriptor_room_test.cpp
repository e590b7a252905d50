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

  /// For a job of the instance at the path.
  std::unique_ptr<descriptor_room::share> ask(size_t need, job_id job = {1},
                                              const std::string& instance = {}) {
    return room->ask({job, instance}, need, [this] { ++told; });
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
    CHECK(fourth->is_first());
    first.reset();
    second.reset();
    p.open = 0;
    third.reset();
    CHECK(fourth->now() == state::granted);
    CHECK_FALSE(fourth->is_first());
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
    auto next = p.ask(130);
    auto last = p.ask(150);
    CHECK(next->is_first());
    CHECK_FALSE(last->is_first());
    next.reset();
    CHECK(last->is_first());
    CHECK(last->now() == state::waits);
    CHECK(p.told == 2); // that it is for it to look
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
    p.open = 170; // by clients
    CHECK(p.ask(40)->now() == state::granted); // as few as a quarter are let in without a look
  }

  TEST_CASE("where no job's end would make room the second look in a row is the last") {
    process p;
    p.open = 170; // by clients
    auto first = p.ask(60);
    auto second = p.ask(70);
    CHECK(first->now() == state::waits);
    second->look_again(); // it is not its turn
    second->look_again();
    CHECK(second->now() == state::waits);
    first->look_again();
    CHECK(first->now() == state::waits);
    p.room->on_freed(); // no look of its own
    CHECK(first->now() == state::waits);
    first->look_again();
    CHECK(first->now() == state::refused);
    CHECK(second->now() == state::waits); // it has its own looks
    CHECK(p.told == 2);                   // one is refused, one the first now
    second->look_again();
    p.open = 100; // clients have gone, and nobody has said so
    second->look_again();
    CHECK(second->now() == state::granted);
    CHECK(p.told == 3);

    // As long as another runs it is waited for, however often is looked.
    auto third = p.ask(120);
    for (int i = 0; i < 5; ++i)
      third->look_again();
    CHECK(third->now() == state::waits);
    second.reset();
    third->look_again();
    CHECK(third->now() == state::waits);
    third->look_again();
    CHECK(third->now() == state::refused);
  }

  TEST_CASE("nobody waits for the job that holds the instance it is in") {
    constexpr job_id outer{7}, other{8};
    process p;
    auto path = to_string(outer);
    auto holder = p.ask(100, outer);
    p.open = 100;
    holder->opened();
    auto inner = p.ask(90, {1}, path);
    CHECK(inner->now() == state::waits);
    inner->look_again();
    inner->look_again();
    CHECK(inner->now() == state::refused);
    // Others wait for both, and who is in the instance goes before them.
    auto outside = p.ask(90, other);
    inner = p.ask(60, {2}, path);
    CHECK(outside->now() == state::waits);
    CHECK(inner->now() == state::granted);
    for (int i = 0; i < 3; ++i)
      outside->look_again();
    CHECK(outside->now() == state::waits);
    inner.reset();
    holder.reset();
    p.open = 0;
    outside->look_again();
    CHECK(outside->now() == state::granted);
  }

  TEST_CASE("of instances whose jobs wait for each other's room one gives way") {
    constexpr job_id a{7}, b{8}, inside_b{9};
    process p;
    auto of_a = p.ask(70, a);
    auto of_b = p.ask(70, b);
    auto first = p.ask(60, {1}, to_string(a));
    first->look_again();
    first->look_again();
    CHECK(first->now() == state::waits); // b may end
    auto second = p.ask(60, {2}, to_string(b) + "/" + to_string(inside_b));
    first->look_again();
    first->look_again();
    CHECK(first->now() == state::refused);
    CHECK(second->now() == state::waits); // a may end now
    for (int i = 0; i < 3; ++i)
      second->look_again();
    CHECK(second->now() == state::waits);
    of_a.reset();
    CHECK(second->now() == state::granted);
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
