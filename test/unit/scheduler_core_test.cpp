// actors/scheduler_core: order, holding, cancelling, restarting, explaining.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/scheduler_core.hpp"

#include <ctime>
#include <string>

#include "recording_scheduler_out.hpp"
#include "requests.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

scheduler_settings settings_of(const char* policy, bool cut_at_end) {
  scheduler_settings s;
  s.queues.emplace_back().policy = *make_queue_policy(policy, 0);
  s.cut_at_end = cut_at_end;
  return s;
}

struct bench {
  explicit bench(const rset& inventory, const char* policy = "fcfs", bool cut_at_end = false)
      : core{settings_of(policy, cut_at_end)} {
    core.set_inventory(inventory);
  }

  void add(uint64_t id, request_ptr request, uint32_t priority = 16, int64_t t_ns = 0) {
    core.enqueue({job_id{id}, priority, t_ns, std::move(request)});
  }
  std::string pass() {
    core.schedule(5'000'000'000, out);
    return out.take();
  }
  void finish(uint64_t id) { core.free(job_id{id}, {}, true); }
  std::string why(uint64_t id) {
    auto e = core.explain(job_id{id}, 5'000'000'000);
    return e ? e->code : to_string(code_of(e.error()));
  }
  std::string sentence(uint64_t id) { return core.explain(job_id{id}, 5'000'000'000)->sentence; }

  uint64_t cores_free() { return core.pool().counts(5).cores_free; }

  scheduler_core core;
  recording_scheduler_out out;
};

/// Four cores from second 4 to second 100.
rset ending_machine() {
  auto all = machine(1, 4);
  all.starttime = 4;
  all.expiration = 100;
  return all;
}

request_ptr lasting(double seconds, uint32_t cores = 1) {
  auto request = *slots(cores);
  request.duration_s = request.wants.system.duration.emplace(seconds);
  request.shape += std::to_string(seconds);
  return std::make_shared<const resource_request>(std::move(request));
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("the graph changes while jobs run and wait") {
    bench b{machine(1, 2)};
    b.add(1, slots(1));
    b.add(2, request_of(R"([{"type":"license","count":1},{"type":"slot","count":1,"label":"task",
      "with":[{"type":"core","count":1}]}])"));
    CHECK(b.pass() == "+1 !2");
    auto jgf = R"({"graph":{"nodes":[{"id":"1","metadata":{"type":"license","id":0,
      "paths":{"containment":"/cluster0/license0"}}}],"edges":[]}})";
    REQUIRE(b.core.attach(jgf, {}));
    auto seat = request_of(R"([{"type":"license","count":1},{"type":"slot","count":1,
      "label":"task","with":[{"type":"core","count":1}]}])");
    b.add(3, seat);
    CHECK(b.pass() == "+3");
    CHECK(code_of(b.core.detach("/cluster0/license0")) == ec::busy);
    REQUIRE_FALSE(b.core.set_status("/cluster0/license0", vertex_status::down));
    b.finish(3);
    b.add(4, seat);
    CHECK(b.pass().empty());
    CHECK(b.why(4) == "resources");
    REQUIRE_FALSE(b.core.set_status("/cluster0/license0", vertex_status::up));
    CHECK(b.pass() == "+4");
    CHECK(b.why(1) == "running");
    scheduler_core blank;
    CHECK(code_of(blank.detach("/cluster0")) == ec::wrong_state);
  }

  TEST_CASE("no job outlasts what there is, and what is longer from the start is refused") {
    auto all = machine(1, 4);
    all.starttime = 4;
    all.expiration = 34;
    bench b{all};
    CHECK(b.core.ends() == 34);
    b.add(1, lasting(0));
    b.add(2, lasting(10));
    b.add(3, lasting(30));
    CHECK(b.pass() == "+1 +2"); // at second 5
    CHECK(b.out.grants.at(1).expiration == 34);
    CHECK(b.out.grants.at(2).expiration == 15);
    CHECK(b.why(3) == "too-long");
    CHECK(b.sentence(3) == "asked for 30s; this instance ends in 29s");
    auto e = b.core.feasible(lasting(31));
    CHECK(code_of(e) == ec::unsatisfiable);
    CHECK(context_of(e) == "asked for 31s; this instance lasts 30s in all, and its jobs no longer");
    b.add(4, lasting(0));
    b.core.free(job_id{1}, {}, true);
    b.core.schedule(34'000'000'000, b.out); // R could not tell its end from its start
    CHECK(b.out.take().empty());
    CHECK(b.core.explain(job_id{4}, 34'000'000'000)->code == "over");
    all.expiration = 94;
    b.core.set_inventory(all);
    CHECK_FALSE(b.core.feasible(lasting(31)));
    b.core.schedule(34'000'000'000, b.out);
    CHECK(b.out.take() == "+3 +4");
    CHECK(b.out.grants.at(3).expiration == 64);
  }

  // Four cores until second 100; job 1 has three of them until second 60.
  TEST_CASE("a job that cannot finish before the end waits and holds up nobody") {
    for (auto* policy : {"fcfs", "easy", "conservative"}) {
      CAPTURE(policy);
      bench b{ending_machine(), policy};
      b.add(1, lasting(55, 3));
      b.add(2, lasting(96));    // too long from the start
      b.add(3, lasting(90, 4)); // has no room, and may begin before second 11
      b.add(4, lasting(10));
      auto follows = std::string_view{policy} == "fcfs";
      CHECK(b.pass() == (follows ? "+1" : "+1 +4")); // nobody is promised what comes too late
      CHECK(b.why(2) == "too-long");
      CHECK(b.core.next_pass() == doctest::Approx(11));
      b.core.schedule(10'900'000'000, b.out);
      CHECK(b.out.take().empty());
      b.core.schedule(11'100'000'000, b.out);
      CHECK(b.out.take() == (follows ? "+4" : ""));
      CHECK(b.core.explain(job_id{3}, 11'100'000'000)->sentence
            == "asked for 1.5m; this instance ends in 1.467m");
      b.finish(1);
      b.finish(4);
      b.core.schedule(11'200'000'000, b.out);
      CHECK(b.out.take().empty());
      auto longer = ending_machine();
      longer.expiration = 1000;
      b.core.set_inventory(longer);
      b.core.schedule(12'000'000'000, b.out);
      CHECK(b.out.take() == "+2");
      CHECK(b.out.grants.at(2).expiration == 108);
    }
  }

  TEST_CASE("who asks for all the time that there is may lack a second or a hundredth of it") {
    bench b{ending_machine()}; // 95 seconds are left
    b.add(1, lasting(95.9));
    b.add(2, lasting(96));
    CHECK(b.pass() == "+1");
    CHECK(b.out.grants.at(1).expiration == 100);
    CHECK(b.why(2) == "too-long");
    auto longer = ending_machine();
    longer.expiration = 36'004; // ten hours but a second
    b.core.set_inventory(longer);
    CHECK(b.pass() == "+2");
    b.add(3, lasting(36'000));
    CHECK(b.pass() == "+3");
    CHECK(b.out.grants.at(3).expiration == 36'004);
    b.add(4, lasting(36'000));
    b.core.schedule(363'000'000'000, b.out);
    CHECK(b.out.take() == "+4"); // 35,641 s are left, 359 too few
    b.add(5, lasting(36'000));
    b.core.schedule(365'000'000'000, b.out);
    CHECK(b.out.take().empty());
    CHECK(b.core.explain(job_id{5}, 365'000'000'000)->code == "too-long");
  }

  TEST_CASE("what is promised can be finished: a later time is no promise, an earlier one is") {
    bench b{ending_machine(), "easy"};
    b.add(1, lasting(55, 3));
    b.add(2, lasting(50, 4)); // would begin at second 60 and end at 110
    b.add(3, lasting(70));    // would delay it
    CHECK(b.pass() == "+1 +3");
    CHECK(b.core.counts().reserved == 0);
    b.add(4, lasting(20, 4)); // begins when job 3 has ended, at second 75
    b.add(5, lasting(30));
    CHECK(b.pass().empty());
    CHECK(b.core.counts().reserved == 1);
    CHECK(b.core.explain(job_id{4}, 5'000'000'000)->t_estimate == 75);
  }

  TEST_CASE("jobs are cut at the end where that is wanted") {
    bench b{ending_machine(), "fcfs", true};
    b.add(1, lasting(96));
    CHECK(b.pass() == "+1");
    CHECK(b.out.grants.at(1).expiration == 100);
    CHECK(b.core.next_pass() == 0);
  }

  TEST_CASE("many that are to start elsewhere are judged together when nodes go") {
    constexpr uint32_t nodes = 400, jobs = 4'000;
    bench b{machine(nodes, 1)};
    b.add(1, on_nodes(nodes, 1)); // nothing else starts
    CHECK(b.pass() == "+1");
    auto elsewhere = [](const char* where) {
      return slots(1, 60, 1, 0, {{"constraints", {{"ranks", json::array({where})}}}});
    };
    auto most = elsewhere("0-398"), last = elsewhere("399");
    for (uint64_t id = 2; id < jobs; ++id)
      b.core.enqueue({job_id{id}, 16, 0, most, true});
    b.core.enqueue({job_id{jobs}, 16, 0, last, true});
    CHECK(b.pass().empty());
    auto began = std::clock();
    for (rank_t rank = 0; rank < nodes - 2; ++rank) {
      b.core.drain(rank);
      CHECK(b.pass().empty());
    }
    // 400 changes, each of which looks at two shapes; 4,000 looks a change would be minutes.
    CHECK(static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC < 20);
    b.core.rank_down(399);
    CHECK(b.pass() == "!" + std::to_string(jobs));
    b.core.drain(398);
    CHECK(b.pass().size() > jobs); // all others
    b.core.enqueue({job_id{jobs + 1}, 16, 0, last, true});
    CHECK(b.pass() == "!" + std::to_string(jobs + 1)); // at once
  }

  TEST_CASE("another scheduler takes over: the graph, who holds what, in which queue") {
    scheduler_settings named;
    named.queues.emplace_back().name = "batch";
    named.queues.emplace_back().name = "debug";
    scheduler_core first{named};
    first.set_inventory(machine(2, 2));
    auto in_debug = slots(1, 60, 1, 0, {{"queue", "debug"}});
    first.enqueue({job_id{1}, 16, 0, in_debug});
    recording_scheduler_out out;
    first.schedule(5'000'000'000, out);
    CHECK(out.take() == "+1");
    first.enqueue({job_id{2}, 16, 0, slots(4, 0, 1, 0, {{"queue", "debug"}})});
    CHECK_FALSE(first.lost_queue(named));
    CHECK(first.lost_queue(scheduler_settings{}) == "debug");
    REQUIRE_FALSE(first.set_status("/cluster0/n1", vertex_status::down));
    auto held = rset{};
    held.nodes = *first.held_by(job_id{1});

    scheduler_core second{named};
    auto graph = first.take_graph();
    REQUIRE(graph);
    REQUIRE_FALSE(second.set_graph(std::move(*graph)));
    REQUIRE_FALSE(second.recover(job_id{1}, held, in_debug.get()));
    CHECK(second.queues()[1].running == 1);
    CHECK(second.pool().counts(5).cores_free == 1);
    second.free(job_id{1}, std::nullopt, true);
    CHECK(second.pool().counts(5).cores_free == 2);
  }

  TEST_CASE("what a job has given back in part is not taken from it twice") {
    bench b{machine(3, 2)};
    rset r;
    r.nodes = {{0, idset::range(0, 1), {}}, {2, idset::range(0, 1), {}}};
    REQUIRE_FALSE(b.core.recover(job_id{1}, r)); // node 1 was released before
    b.add(2, whole(1));
    b.add(3, whole(1));
    CHECK(b.pass() == "+2");
    b.core.free(job_id{1}, idset::single(0), false);
    CHECK(b.pass() == "+3");
    b.core.free(job_id{1}, std::nullopt, true);
    CHECK(b.cores_free() == 2);
  }

  TEST_CASE("jobs start by priority, then by submission, then by id") {
    bench b{machine(1, 1)};
    auto one = slots(1);
    b.add(5, one, 16, 20);
    b.add(4, one, 16, 20);
    b.add(3, one, 16, 10);
    b.add(2, one, 17, 99);
    b.add(1, one, 15, 0);
    std::string all;
    for (uint64_t i = 0; i < 5; ++i) {
      auto some = b.pass();
      all += some + " ";
      b.finish(std::stoull(some.substr(1)));
    }
    CHECK(all == "+2 +3 +4 +5 +1 ");
    CHECK(b.pass().empty());
    CHECK(b.core.counts().queued == 0);
    CHECK(b.core.counts().running == 0);
    CHECK(b.cores_free() == 1);
  }

  TEST_CASE("a job that does not fit stops the pass, whatever would fit behind it") {
    bench b{machine(2, 4)};
    b.add(1, slots(6));
    b.add(2, slots(4));
    b.add(3, slots(1));
    CHECK(b.pass() == "+1");
    CHECK(b.pass().empty());
    b.finish(1);
    CHECK(b.pass() == "+2 +3");
  }

  TEST_CASE("a job that can never fit is denied with the reason, and does not stop the pass") {
    bench b{machine(2, 4)};
    b.add(1, slots(9));
    b.add(2, whole(3));
    b.add(3, slots(8));
    CHECK(b.pass() == "!1 !2 +3");
    CHECK(b.out.notes[1]
          == "unsatisfiable: asked for 9 slots of 1 core; there is room for 8 slots");
    CHECK(b.out.notes[2]
          == "unsatisfiable: asked for 3 whole nodes with 1 slot of 1 core; there is room for 2 "
             "nodes");
    CHECK(code_of(b.core.feasible(slots(9))) == ec::unsatisfiable);
    CHECK_FALSE(b.core.feasible(slots(8)));
    // Judged anew when the machine changes.
    auto nine = slots(9);
    b.add(4, nine);
    b.finish(3);
    b.core.set_inventory(machine(3, 4));
    CHECK(b.pass() == "+4");
  }

  TEST_CASE("who is refused hears of nodes that were lost") {
    auto all = machine(3, 2);
    bench b{all};
    auto refusal = [&](const request_ptr& what) { return render(b.core.feasible(what)); };
    auto rest = all.ranks();
    rest.remove(1);
    b.core.set_inventory(restrict_to(all, rest), idset::range(1, 1));
    CHECK(refusal(whole(3)).ends_with("there is room for 2 nodes; n1 (rank 1) was lost"));
    b.core.set_inventory(restrict_to(all, idset::range(0, 0)), idset::range(1, 2));
    CHECK(refusal(whole(3)).ends_with("; n1 (rank 1), n2 (rank 2) were lost"));
    CHECK_FALSE(b.core.feasible(whole(1)));
    b.core.set_inventory(all);
    CHECK(refusal(whole(4)).ends_with("there is room for 3 nodes"));
  }

  TEST_CASE("a pass that has granted as much as it may goes on in the next, in the same order") {
    bench b{machine(2, 4)};
    b.add(1, slots(1));
    b.add(2, slots(1));
    b.add(3, slots(1), 31);
    b.add(4, slots(5));
    b.add(5, slots(1));
    CHECK(b.core.schedule(0, b.out, 2));
    CHECK(b.out.take() == "+3 +1");
    CHECK(b.core.schedule(0, b.out, 2));
    CHECK(b.out.take() == "+2 +4");
    CHECK_FALSE(b.core.schedule(0, b.out, 2));
    CHECK(b.out.take().empty());
    b.finish(3);
    CHECK(b.core.schedule(0, b.out, 1)); // there might be more
    CHECK(b.out.take() == "+5");
    CHECK_FALSE(b.core.schedule(0, b.out, 1));
  }

  TEST_CASE("a grant says when it starts and ends") {
    bench b{machine(1, 4)};
    b.add(1, slots(1, 1.5));
    b.add(2, slots(1, 0));
    CHECK(b.pass() == "+1 +2");
    CHECK(b.out.grants[1].starttime == 5);
    CHECK(b.out.grants[1].expiration == 6.5);
    CHECK(b.out.grants[1].nslots == 1);
    CHECK(b.out.grants[1].nodelist == std::vector<std::string>{"n0"});
    CHECK(b.out.grants[2].starttime == 5);
    CHECK(b.out.grants[2].expiration == 0);
  }

  TEST_CASE("priority 0 is held until it is raised, and lowering holds again") {
    bench b{machine(1, 1)};
    b.add(1, slots(1), 0);
    CHECK(b.core.counts().held == 1);
    CHECK(b.pass().empty());
    b.add(2, slots(1), 1);
    CHECK(b.pass() == "+2");
    b.core.prioritize(job_id{1}, 31);
    CHECK(b.core.counts().held == 0);
    b.core.prioritize(job_id{1}, 0);
    CHECK(b.core.counts().held == 1);
    b.finish(2);
    CHECK(b.pass().empty());
    b.core.prioritize(job_id{1}, 1);
    CHECK(b.pass() == "+1");
    b.core.prioritize(job_id{1}, 0); // running: no effect
    b.core.prioritize(job_id{9}, 5); // unknown: no effect
    CHECK(b.core.counts().held == 0);
  }

  TEST_CASE("a job whose priority rises passes the others") {
    bench b{machine(1, 2)};
    b.add(1, slots(2));
    b.pass();
    b.add(2, slots(2));
    b.add(3, slots(2));
    CHECK(b.pass().empty());
    b.core.prioritize(job_id{3}, 20);
    b.finish(1);
    CHECK(b.pass() == "+3");
    // The first one, blocked, goes behind: what fits starts without anything being freed.
    bench c{machine(1, 2)};
    c.add(1, slots(1));
    c.pass();
    c.add(2, slots(2), 20);
    c.add(3, slots(1), 10);
    CHECK(c.pass().empty());
    c.core.prioritize(job_id{2}, 5);
    CHECK(c.pass() == "+3");
  }

  TEST_CASE("a cancelled job is answered once, and unblocks those behind it") {
    bench b{machine(1, 2)};
    b.add(1, slots(1));
    b.pass();
    b.add(2, slots(2));
    b.add(3, slots(1));
    CHECK(b.pass().empty());
    b.core.cancel(job_id{2});
    b.core.cancel(job_id{2});
    CHECK(b.why(2) == "cancelled");
    CHECK_FALSE(b.core.is_queued(job_id{2}));
    CHECK(b.pass() == "-2 +3");
    b.core.cancel(job_id{1}); // running
    b.core.cancel(job_id{9}); // unknown
    CHECK(b.pass().empty());
    b.add(4, slots(1), 0);
    b.core.cancel(job_id{4});
    CHECK(b.core.counts().held == 0);
    CHECK(b.pass() == "-4");
  }

  TEST_CASE("a stopped scheduler places nothing and still answers cancels") {
    bench b{machine(1, 2)};
    CHECK_FALSE(b.core.stop("", "maintenance"));
    CHECK_FALSE(b.core.queues()[0].started);
    b.add(1, slots(1));
    b.add(2, slots(1));
    b.core.cancel(job_id{2});
    CHECK(b.pass() == "-2");
    CHECK(b.why(1) == "stopped");
    CHECK(b.sentence(1) == "scheduling is stopped: maintenance");
    CHECK_FALSE(b.core.start(""));
    CHECK(b.core.queues()[0].started);
    CHECK(b.pass() == "+1");
  }

  TEST_CASE("before the inventory is known nothing is placed or denied") {
    scheduler_core core;
    recording_scheduler_out out;
    core.enqueue({job_id{1}, 16, 0, slots(1'000)});
    core.enqueue({job_id{2}, 16, 0, slots(1)});
    core.schedule(0, out);
    CHECK(out.take().empty());
    CHECK(core.explain(job_id{1}, 0)->code == "stopped");
    core.set_inventory(machine(1, 1));
    core.schedule(0, out);
    CHECK(out.take() == "!1 +2");
  }

  TEST_CASE("replayed submissions change nothing") {
    bench b{machine(1, 2)};
    b.add(1, slots(1));
    b.add(1, slots(1), 31);
    CHECK(b.core.counts().queued == 1);
    CHECK(b.pass() == "+1");
    b.add(1, slots(1));
    CHECK(b.pass().empty());
    // Also while the job is known but holds nothing any more.
    b.core.free(job_id{1}, {}, false);
    b.add(1, slots(1));
    CHECK(b.pass().empty());
    CHECK(b.cores_free() == 2);
    b.finish(1);
    b.add(1, slots(1));
    CHECK(b.pass() == "+1");
  }

  TEST_CASE("resources come back rank by rank, and twice is once") {
    bench b{machine(3, 2)};
    b.add(1, slots(6));
    CHECK(b.pass() == "+1");
    b.add(2, slots(2));
    CHECK(b.pass().empty());
    b.core.free(job_id{1}, idset::range(1, 1), false);
    b.core.free(job_id{1}, idset::range(1, 1), false);
    CHECK(b.core.held_by(job_id{1})->size() == 2);
    CHECK(b.pass() == "+2");
    CHECK(b.out.grants[2].nodes[0].rank == 1);
    b.core.free(job_id{1}, idset::range(0, 9), true);
    b.finish(1);
    CHECK(b.core.held_by(job_id{1}) == nullptr);
    CHECK(b.cores_free() == 4);
    CHECK(b.core.counts().running == 1);
    b.finish(7); // unknown
  }

  TEST_CASE("nodes that are down or drained get nothing new") {
    bench b{machine(2, 2)};
    b.core.rank_down(0);
    b.core.drain(1);
    b.core.rank_down(9);
    b.add(1, slots(2));
    CHECK(b.pass().empty());
    CHECK(b.why(1) == "down");
    CHECK(b.sentence(1)
          == "needs 2 slots of 1 core; there is room for 0 slots now; 1 nodes are down and 1 "
             "drained");
    b.core.undrain(1);
    CHECK(b.pass() == "+1");
    b.add(2, slots(2));
    CHECK(b.pass().empty());
    b.core.rank_up(0);
    CHECK(b.pass() == "+2");
    // A job on a node that goes down gives it back, and the node stays unused.
    b.core.rank_down(0);
    b.finish(2);
    b.add(3, slots(1));
    CHECK(b.pass().empty());
    b.core.rank_up(0);
    CHECK(b.pass() == "+3");
  }

  TEST_CASE("after a restart jobs hold what they held") {
    bench b{machine(2, 2)};
    auto r = restrict_to(machine(2, 2), idset::range(1, 1));
    CHECK_FALSE(b.core.recover(job_id{7}, r));
    CHECK_FALSE(b.core.recover(job_id{7}, r)); // replay
    CHECK(b.why(7) == "running");
    auto e = b.core.recover(job_id{8}, r);
    CHECK(code_of(e) == ec::busy);
    CHECK(b.why(8) == "unknown_job");
    b.add(1, slots(2));
    b.add(2, slots(1));
    CHECK(b.pass() == "+1");
    CHECK(b.out.grants[1].nodes[0].rank == 0);
    b.finish(7);
    CHECK(b.pass() == "+2");
    // One that is in the queue leaves it.
    b.add(3, slots(4));
    rset rest;
    rest.nodes.push_back({1, idset::range(1, 1), {}});
    CHECK_FALSE(b.core.recover(job_id{3}, rest));
    CHECK_FALSE(b.core.is_queued(job_id{3}));
    CHECK(b.core.counts().running == 3);
  }

  TEST_CASE("what the inventory lacks stays its job's until it comes back") {
    bench b{machine(1, 2)};
    auto far = restrict_to(machine(4, 2), idset::range(3, 3));
    CHECK_FALSE(b.core.recover(job_id{1}, far));
    auto e = b.core.recover(job_id{2}, far);
    CHECK(code_of(e) == ec::busy);
    CHECK(render(e).find("holds resources of job") != std::string::npos);
    b.core.set_inventory(machine(4, 2));
    CHECK(b.cores_free() == 6);
    b.core.set_inventory(machine(1, 2));
    CHECK(b.cores_free() == 2);
    b.core.set_inventory(machine(4, 2));
    b.finish(1);
    CHECK(b.cores_free() == 8);
  }

  TEST_CASE("recovery before the inventory claims when it comes") {
    scheduler_core core;
    CHECK_FALSE(core.recover(job_id{1}, machine(1, 2)));
    CHECK(code_of(core.recover(job_id{2}, machine(2, 1))) == ec::busy);
    core.set_inventory(machine(2, 2));
    CHECK(core.pool().counts(5).cores_free == 2);
  }

  TEST_CASE("what came back is not taken again because the text beside R told of it") {
    for (auto back : {false, true}) {
      scheduler_core core;
      rset r;
      r.nodes = {{0, idset::range(0, 1), {}}, {1, idset::single(1), {}}};
      r.scheduling = R"({"others":[["/cluster0/n1/core0","1",1]],"writer":"hactor"})";
      REQUIRE_FALSE(core.recover(job_id{1}, r));
      if (back)
        core.free(job_id{1}, idset::single(1), false);
      core.set_inventory(machine(2, 2));
      CHECK(core.pool().counts(5).cores_free == (back ? 2 : 0));
    }
  }

  TEST_CASE("the end of a job that runs moves what is promised, and who fits before") {
    scheduler_settings settings;
    auto easy = make_queue_policy("easy", 0);
    REQUIRE(easy);
    settings.queues.emplace_back().policy = std::move(*easy);
    bench b{machine(3, 1)}; // at 5 s, all the time
    b.core = scheduler_core{settings};
    b.core.set_inventory(machine(3, 1));
    b.add(1, whole(1, 100)); // to 105
    b.add(2, whole(1, 50));  // to 55
    CHECK(b.pass() == "+1 +2");
    b.add(3, whole(3, 10));
    b.add(4, whole(1, 150));
    CHECK(b.pass().empty());
    auto promised = [&] { return b.core.explain(job_id{3}, 5'000'000'000)->t_estimate; };
    CHECK(promised() == 105);
    CHECK(b.sentence(4).find("without delaying") != std::string::npos);
    b.core.extend(job_id{1}, 150); // 4 would end at 155
    CHECK(b.pass().empty());
    CHECK(promised() == 150);
    b.core.extend(job_id{1}, 155);
    CHECK(b.pass() == "+4");
    CHECK(promised() == 155);
    b.core.extend(job_id{1}, 30);
    b.core.extend(job_id{4}, 20);
    CHECK(b.pass().empty());
    CHECK(promised() == 55);
    b.core.extend(job_id{2}, 0); // never
    CHECK(b.pass().empty());
    CHECK(promised() == 0);
    CHECK_FALSE(b.core.pool().held().audit());
    b.core.extend(job_id{2}, 2); // before it began: it is over its time
    b.core.extend(job_id{3}, 7); // waits
    b.core.extend(job_id{99}, 7);
    CHECK(b.pass().empty());
    CHECK(promised() == 30);
    CHECK_FALSE(b.core.pool().held().audit());
    for (uint64_t id : {1, 2, 4})
      b.finish(id);
    CHECK(b.pass() == "+3");
    scheduler_core blank;
    REQUIRE_FALSE(blank.recover(job_id{1}, machine(1, 1)));
    blank.extend(job_id{1}, 80); // before there are resources
    blank.set_inventory(machine(1, 1));
    CHECK(blank.pool().find(job_id{1})->what.end() == 80);
  }

  TEST_CASE("every job can be explained") {
    bench b{machine(2, 2)};
    b.add(1, slots(3));
    CHECK(b.why(1) == "next");
    b.pass();
    CHECK(b.why(1) == "running");
    CHECK(b.sentence(1) == "holds resources on 2 nodes");
    b.add(2, slots(4));
    b.add(3, slots(1));
    b.add(4, slots(1));
    b.add(5, slots(1), 0);
    b.add(6, slots(99));
    b.pass();
    CHECK(b.why(2) == "resources");
    CHECK(b.sentence(2) == "needs 4 slots of 1 core; there is room for 1 slot now");
    CHECK(b.why(3) == "behind");
    CHECK(b.sentence(3).starts_with("1 job is ahead (fcfs); job "));
    CHECK(b.sentence(4).starts_with("2 jobs are ahead"));
    CHECK(b.sentence(4).find(b.sentence(2)) != std::string::npos);
    CHECK(b.why(5) == "held");
    CHECK(b.why(6) == "unsatisfiable");
    CHECK(b.why(77) == "unknown_job");
    for (uint64_t i = 100; i < 1'200; ++i)
      b.add(i, slots(1));
    CHECK(b.sentence(1'199).starts_with("1103 jobs are ahead"));
    b.add(2'000, slots(99), 31);
    CHECK(b.why(2'000) == "unsatisfiable");
  }

} // TEST_SUITE
