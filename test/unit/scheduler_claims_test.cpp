// actors/scheduler_core: what programs hold that are no jobs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <string>

#include "actors/growth_id.hpp"
#include "actors/scheduler_core.hpp"
#include "graph/claim_id.hpp"
#include "recording_scheduler_out.hpp"
#include "requests.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

struct bench {
  explicit bench(const rset& inventory, scheduler_settings settings = {})
      : core{std::move(settings)} {
    core.set_inventory(inventory);
  }

  void add(uint64_t id, request_ptr request) {
    core.enqueue({job_id{id}, 16, 0, std::move(request)});
  }
  std::string pass(int64_t now_s = 5) {
    core.schedule(now_s * 1'000'000'000, out);
    return out.take();
  }
  /// "allocated at 5", or the error's code.
  std::string claim(uint64_t number, claim_op op, request_ptr request, int64_t now_s = 5) {
    auto c = core.match_claim(number, op, request, now_s);
    if (!c)
      return to_string(code_of(c.error()));
    return (c->kind == hold_kind::reserved ? "reserved at " : "allocated at ")
           + std::to_string(static_cast<int64_t>(c->r.starttime));
  }
  uint64_t cores_free(int64_t now_s = 5) { return core.pool().counts(now_s).cores_free; }

  scheduler_core core;
  recording_scheduler_out out;
};

std::string r_text(const char* rank, const char* cores) {
  return R"({"version":1,"execution":{"R_lite":[{"rank":")" + std::string{rank}
         + R"(","children":{"core":")" + cores + R"("}}]}})";
}

scheduler_settings easy() {
  scheduler_settings s;
  s.queues.emplace_back().policy = *make_queue_policy("easy", 0);
  return s;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("what is claimed no job gets, and what a job has no claim") {
    bench b{machine(2, 2)};
    CHECK(b.claim(1, claim_op::allocate, slots(3)) == "allocated at 5");
    CHECK(b.cores_free() == 1);
    b.add(1, slots(1));
    b.add(2, slots(1));
    CHECK(b.pass() == "+1");
    CHECK(b.claim(2, claim_op::allocate, slots(1)) == "busy");
    CHECK(b.claim(2, claim_op::allocate_with_satisfiability, slots(1)) == "busy");
    CHECK(b.claim(2, claim_op::allocate, slots(9)) == "busy");
    CHECK(b.claim(2, claim_op::allocate_with_satisfiability, slots(9)) == "unsatisfiable");
    CHECK(b.claim(2, claim_op::satisfiability, slots(4)) == "allocated at 0");
    CHECK(b.claim(2, claim_op::satisfiability, slots(5)) == "unsatisfiable");
    CHECK(b.claim(1, claim_op::allocate, slots(1)) == "wrong_state");
    CHECK(b.claim(claims_max, claim_op::allocate, slots(1)) == "bad_argument");
    CHECK(b.pass().empty());
    REQUIRE_FALSE(b.core.cancel_claim(1));
    CHECK(code_of(b.core.cancel_claim(1)) == ec::unknown_job);
    CHECK(b.pass() == "+2");
    CHECK(b.core.claims().empty());
    CHECK(b.core.next_claim() == 2);
  }

  TEST_CASE("a match that only asks holds nothing") {
    bench b{machine(1, 2)};
    CHECK(b.claim(1, claim_op::without_allocating, slots(2)) == "allocated at 5");
    CHECK(b.claim(2, claim_op::allocate, slots(2, 60)) == "allocated at 5");
    CHECK(b.claim(1, claim_op::without_allocating, slots(2)) == "busy");
    CHECK(b.claim(1, claim_op::without_allocating_future, slots(2)) == "reserved at 65");
    CHECK(b.core.claims().size() == 1);
    CHECK(b.core.pool().held().reservations() == 0);
  }

  TEST_CASE("a reservation keeps its time free of jobs, and promises to jobs are kept") {
    bench b{machine(1, 2), easy()};
    CHECK(b.claim(1, claim_op::allocate, slots(1, 60)) == "allocated at 5");
    CHECK(b.claim(2, claim_op::allocate_orelse_reserve, slots(2, 100)) == "reserved at 65");
    CHECK(b.claim(3, claim_op::reserve, slots(1, 10)) == "reserved at 165");
    b.add(1, slots(1, 61)); // would run into it
    CHECK(b.pass().empty());
    CHECK(b.core.explain(job_id{1}, 5'000'000'000)->t_estimate == 165);
    REQUIRE_FALSE(b.core.cancel_claim(3));
    b.add(2, slots(1, 60));
    CHECK(b.pass() == "+2");
    CHECK(b.claim(4, claim_op::allocate_orelse_reserve, slots(2, 10)) == "reserved at 226");
    REQUIRE_FALSE(b.core.cancel_claim(2));
    b.core.free(job_id{2}, {}, true);
    CHECK(b.pass() == "+1");
  }

  TEST_CASE("a job that is extended goes before what was claimed for later") {
    bench b{machine(1, 2), easy()};
    b.add(1, slots(1, 60));
    CHECK(b.pass() == "+1");
    CHECK(b.claim(1, claim_op::allocate_orelse_reserve, slots(2, 10)) == "reserved at 65");
    CHECK(b.claim(2, claim_op::reserve, slots(2, 10)) == "reserved at 75");
    CHECK(b.claim(3, claim_op::allocate, slots(1, 10)) == "allocated at 5");
    b.core.extend(job_id{1}, 75);
    auto lost = b.core.take_lost_claims();
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].first == 1);
    CHECK(b.core.find_claim(2)->kind == hold_kind::reserved);
    CHECK(b.core.pool().held().reservations() == 1);
    CHECK(b.claim(4, claim_op::reserve, slots(2, 10)) == "reserved at 85");
    b.core.extend(job_id{1}, 0); // it never ends
    CHECK(b.core.take_lost_claims().size() == 2);
    CHECK(b.core.claims().size() == 1);
    b.core.free(job_id{1}, {}, true);
    CHECK(b.cores_free() == 1);
  }

  TEST_CASE("an R of somebody else is taken up when the graph has it and nobody else") {
    bench b{machine(2, 2), easy()};
    b.add(1, slots(3, 60));
    CHECK(b.pass() == "+1");
    b.add(2, slots(2, 60)); // is promised what is taken now
    CHECK(b.pass().empty());
    auto free = r_text("1", "1");
    auto taken = b.core.update_claim(7, free, 5);
    REQUIRE(taken);
    CHECK(taken->r.starttime == 5);
    CHECK(b.cores_free() == 0);
    CHECK(code_of(b.core.update_claim(8, free, 5).error()) == ec::busy);
    CHECK(b.core.find_claim(8) == nullptr);
    CHECK(code_of(b.core.update_claim(7, free, 5).error()) == ec::wrong_state);
    CHECK(code_of(b.core.update_claim(8, r_text("2", "0"), 5).error()) == ec::bad_argument);
    CHECK(code_of(b.core.update_claim(8, r_text("1", "2"), 5).error()) == ec::bad_argument);
    CHECK(code_of(b.core.update_claim(8, "{}", 5).error()) == ec::bad_rset);
    CHECK(b.core.next_claim() == 8);
    CHECK(holder_text(claim_id(7)) == "claim 7");
    auto e = b.core.detach("/cluster0/n1/core1");
    CHECK(code_of(e) == ec::busy);
    CHECK(context_of(e) == "claim 7 holds some of /cluster0/n1/core1");
  }

  TEST_CASE("a part of a claim goes back by ranks, and all of them are the claim") {
    bench b{machine(3, 2)};
    CHECK(b.claim(1, claim_op::allocate, whole(3, 60)) == "allocated at 5");
    auto all = b.core.cancel_claim_part(1, r_text("1", "0-1"));
    REQUIRE(all);
    CHECK_FALSE(*all);
    CHECK(b.core.find_claim(1)->r.ranks().to_string() == "0,2");
    CHECK(b.core.find_claim(1)->r.expiration == 65);
    CHECK(b.cores_free() == 2);
    CHECK(code_of(b.core.cancel_claim_part(1, r_text("1", "0-1")).error()) == ec::bad_argument);
    CHECK(code_of(b.core.cancel_claim_part(2, r_text("1", "0-1")).error()) == ec::unknown_job);
    CHECK(b.core.is_held(idset::single(2)));
    CHECK_FALSE(b.core.is_held(idset::single(1)));
    all = b.core.cancel_claim_part(1, r_text("0,2", "0-1"));
    REQUIRE(all);
    CHECK(*all);
    CHECK(b.core.claims().empty());
    CHECK(b.claim(2, claim_op::allocate, slots(6, 60)) == "allocated at 5");
    CHECK(b.claim(3, claim_op::allocate_orelse_reserve, slots(1)) == "reserved at 65");
    CHECK(code_of(b.core.cancel_claim_part(3, r_text("0", "0")).error()) == ec::bad_argument);
  }

  TEST_CASE("claims keep what they hold of ranks that go and come back") {
    bench b{machine(2, 2)};
    CHECK(b.claim(1, claim_op::allocate, whole(2)) == "allocated at 5");
    b.core.set_inventory(machine(1, 2));
    CHECK(b.core.find_claim(1)->r.ranks().size() == 2);
    b.core.set_inventory(machine(2, 2));
    CHECK(b.cores_free() == 0);
    CHECK(b.core.take_lost_claims().empty());
  }

  TEST_CASE("another scheduler takes claims up; what is there no more, it tells") {
    bench first{machine(2, 2)};
    CHECK(first.claim(1, claim_op::allocate, slots(3, 60)) == "allocated at 5");
    CHECK(first.claim(2, claim_op::allocate_orelse_reserve, slots(4, 60)) == "reserved at 65");
    scheduler_core second;
    for (auto& [number, c] : first.core.claims())
      REQUIRE_FALSE(second.restore_claim(number, c)); // before it knows of any resources
    second.set_inventory(machine(2, 2));
    CHECK(second.pool().counts(5).cores_free == 1);
    CHECK(second.find_claim(2)->kind == hold_kind::reserved);
    CHECK(second.pool().held().reservations() == 1);
    CHECK(second.next_claim() == 3);
    auto again = *first.core.find_claim(1);
    CHECK(code_of(second.restore_claim(9, again)) == ec::busy);

    scheduler_core third;
    REQUIRE_FALSE(third.restore_claim(1, again));
    REQUIRE_FALSE(third.restore_claim(2, again)); // the same cores: nobody wrote such a thing
    third.set_inventory(machine(2, 2));
    CHECK(third.claims().size() == 1);
    auto lost = third.take_lost_claims();
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].first == 2);
    scheduler_core blank;
    CHECK(code_of(blank.match_claim(1, claim_op::allocate, slots(1), 5).error())
          == ec::wrong_state);
  }

  TEST_CASE("what has neither cores nor GPUs can be claimed, and taken up again") {
    bench b{machine(1, 2)};
    auto jgf = R"({"graph":{"nodes":[{"id":"1","metadata":{"type":"license","id":0,"size":2,
      "paths":{"containment":"/cluster0/license0"}}}],"edges":[]}})";
    REQUIRE(b.core.attach(jgf, {}));
    auto seats = request_of(R"([{"type":"slot","count":1,"label":"task",
      "with":[{"type":"license","count":2}]}])");
    CHECK(b.claim(1, claim_op::allocate, seats) == "allocated at 5");
    CHECK(b.claim(2, claim_op::allocate, seats) == "busy");
    auto kept = *b.core.find_claim(1);
    REQUIRE_FALSE(b.core.cancel_claim(1));
    auto text = to_json(kept.r);
    auto read = parse_rset(text);
    REQUIRE(read);
    REQUIRE_FALSE(b.core.restore_claim(1, {kept.kind, *read, 0}));
    CHECK(b.claim(2, claim_op::allocate, seats) == "busy");
  }
}
