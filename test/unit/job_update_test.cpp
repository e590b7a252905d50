// Jobs whose jobspec is changed while they wait or run.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "job_manager_bench.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

using bench = job_manager_bench;

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a job that waits is queued anew when it changes, once its place is given back") {
    bench b;
    b.submit({one});
    b.out.clear();
    spec_text other;
    other.command = {"other"};
    auto spec = intern(b.specs, other);
    REQUIRE(b.core.updatable(one, false));
    b.core.update(b.now, one, spec, R"({"k":2})", R"({"k":1})", b.out);
    CHECK(b.out.take_names(one) == "debug jobspec-update");
    CHECK(b.last_record().spec == spec->hash);
    CHECK(b.out.cancelled == std::vector<job_id>{one});
    CHECK(b.out.wanted.empty());
    CHECK(b.summary().state == job_state::priority);
    CHECK(*b.urgency({one}, 20) == 1); // does not bring it back too early
    CHECK(b.out.wanted.empty());
    b.core.on_room_cancelled(b.now, one, b.out);
    REQUIRE(b.out.wanted.size() == 1);
    CHECK(b.out.wanted[0].priority == 20);
    CHECK(b.summary().state == job_state::sched);
    // The grant crosses with the change: it is given back, and asked for again.
    b.out.clear();
    b.core.update(b.now, one, spec, "{}", "{}", b.out);
    b.grant();
    CHECK(b.out.freed == std::vector<job_id>{one});
    CHECK(b.out.wanted.size() == 1);
  }

  TEST_CASE("a cancel while a changed job moves ends it") {
    bench b;
    b.submit({one});
    spec_text other;
    other.command = {"other"};
    b.core.update(b.now, one, intern(b.specs, other), "{}", "{}", b.out);
    CHECK(*b.raise({one}) == 1);
    b.core.on_room_cancelled(b.now, one, b.out);
    CHECK(b.summary().state == job_state::inactive);
  }

  TEST_CASE("when the instance ends at another time so do the jobs that have no room for longer") {
    bench b;
    b.submit({one});
    b.grant();
    b.out.clear();
    auto end = b.now + 100 * second;
    b.core.set_end(b.now, end, b.out);
    using ends = decltype(b.out.extended);
    CHECK(b.out.extended == ends{{one, end}});
    CHECK(b.out.take_names(one) == "resource-update");
    b.core.set_end(b.now, end + 10, b.out); // it was rounded
    CHECK(b.out.extended.size() == 1);
    b.core.set_end(b.now, 0, b.out);
    CHECK(b.out.extended.back() == std::pair{one, int64_t{0}});
  }

  TEST_CASE("the end of a job that runs moves with its time limit, nothing else of it can change") {
    bench b;
    spec_text s;
    s.duration_s = 60;
    b.run_new(one, s);
    auto began = b.now;
    CHECK_FALSE(b.core.updatable(one, false));
    REQUIRE(b.core.updatable(one, true));
    b.now += 30 * second;
    s.duration_s = 40;
    b.core.update(b.now, one, intern(b.specs, s), "{}", "{}", b.out);
    CHECK(b.core.next_deadline_ns() == began + 40 * second);
    CHECK(b.out.take_names(one) == "debug jobspec-update resource-update");
    // The scheduler counts from the grant, as it did when it gave it.
    using ends = std::vector<std::pair<job_id, int64_t>>;
    CHECK(b.out.extended == ends{{one, began + 40 * second}});
    s.duration_s = 0;
    b.core.update(b.now, one, intern(b.specs, s), "{}", "{}", b.out);
    CHECK(b.core.next_deadline_ns() == 0);
    CHECK(b.out.extended.back() == std::pair{one, int64_t{0}});
    b.end();
    CHECK_FALSE(b.core.updatable(one, true));
    CHECK_FALSE(b.core.updatable(job_id{99}, true));
  }

} // TEST_SUITE
