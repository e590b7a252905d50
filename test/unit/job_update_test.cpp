// Jobs whose jobspec is changed while they wait or run.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "recording_out.hpp"
#include "spec_texts.hpp"
#include "store_builders.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

constexpr int64_t second = 1'000'000'000;
constexpr job_id one{1};

struct bench {
  void submit(std::vector<job_id> ids, const spec_text& s = {}) {
    accepted_spec a;
    a.ids = std::move(ids);
    core.accept(now, 1000, intern(specs, s), a, out);
  }
  void grant() { core.on_granted(now, one, whole_nodes(2, 1), out); }
  void run(job_id id, const spec_text& s) {
    submit({id}, s);
    grant();
    job_report r;
    r.id = id;
    r.started = true;
    core.on_report(now, r, out);
    out.clear();
  }
  void end() {
    job_report r;
    r.id = one;
    r.started = r.ended = true;
    core.on_report(now, r, out);
  }
  caf::expected<uint64_t> raise(std::vector<job_id> ids) {
    return core.raise(now, {1000, {std::move(ids), 0}, "cancel", 0, "why"}, out);
  }
  caf::expected<uint64_t> urgency(std::vector<job_id> ids, int32_t value) {
    return core.set_urgency(now, {1000, {std::move(ids), 0}, value}, out);
  }
  job_summary summary() {
    auto s = core.summary(one);
    REQUIRE(s);
    return *s;
  }
  job_record last_record() {
    REQUIRE_FALSE(out.records.empty());
    return out.records.back();
  }

  spec_cache specs;
  job_manager_core core;
  recording_out out;
  int64_t now = 100 * second;
};

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

  TEST_CASE("the end of a job that runs moves with its time limit, nothing else of it can change") {
    bench b;
    spec_text s;
    s.duration_s = 60;
    b.run(one, s);
    auto began = b.now;
    CHECK_FALSE(b.core.updatable(one, false));
    REQUIRE(b.core.updatable(one, true));
    b.now += 30 * second;
    s.duration_s = 40;
    b.core.update(b.now, one, intern(b.specs, s), "{}", "{}", b.out);
    CHECK(b.core.next_deadline_ns() == began + 40 * second);
    CHECK(b.out.take_names(one) == "debug jobspec-update resource-update");
    s.duration_s = 0;
    b.core.update(b.now, one, intern(b.specs, s), "{}", "{}", b.out);
    CHECK(b.core.next_deadline_ns() == 0);
    b.end();
    CHECK_FALSE(b.core.updatable(one, true));
    CHECK_FALSE(b.core.updatable(job_id{99}, true));
  }

} // TEST_SUITE
