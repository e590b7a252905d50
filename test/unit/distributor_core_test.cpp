// actors/distributor_core: who gets which job, and what becomes of jobs when children go.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/distributor_core.hpp"

#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "graph/rset_extra.hpp"
#include "spec_texts.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

constexpr int64_t ms = 1'000'000;
constexpr int64_t second = 1'000 * ms;

/// Writes down what the core causes: "give 7>1" (job 7 to child 1), "back 7<1", "free 7<1",
/// "grant 7", "deny 7", "cancelled 7", "lost 7", "child 1", "free child 1".
struct bench : distributor_out {
  distributor_core core;
  spec_cache specs;
  std::vector<std::string> did;
  std::map<job_id, rset> grants;
  std::map<job_id, std::string> notes;
  std::vector<child_share> shares;
  uint64_t next_child = 1001;
  int64_t now = second;

  explicit bench(uint32_t width = 2, uint32_t nodes = 2, uint32_t cores = 2) : core{width} {
    core.set_inventory(whole_nodes(nodes, cores));
    turn();
  }

  template <class... Ts>
  void say(const char* format, Ts... xs) {
    did.push_back(fmt::format(fmt::runtime(format), xs...));
  }
  void give(job_id child, const job_spec_ptr&, const alloc_entry& e) override {
    say("give {}>{}", e.id.value, child.value);
  }
  void take_back(job_id child, job_id id) override { say("back {}<{}", id.value, child.value); }
  void prioritize(job_id child, const alloc_entry& e) override {
    say("prio {}={}", e.id.value, e.priority);
  }
  void free(job_id child, job_id id) override { say("free {}<{}", id.value, child.value); }
  void extend(job_id child, job_id id, int64_t end_ns) override {
    say("extend {}<{} {}", id.value, child.value, end_ns);
  }
  void granted(distributor_client, job_id id, rset&& r, std::string) override {
    say("grant {}", id.value);
    grants[id] = std::move(r);
  }
  void denied(distributor_client, job_id id, std::string note) override {
    say("deny {}", id.value);
    notes[id] = std::move(note);
  }
  void cancelled(distributor_client, job_id id) override { say("cancelled {}", id.value); }
  void lost(distributor_client, job_id id, std::string note) override {
    say("lost {}", id.value);
    notes[id] = std::move(note);
  }
  job_id make_child(size_t, const child_share& share) override {
    shares.push_back(share);
    say("child {}", next_child);
    return job_id{next_child++};
  }
  void free_child(job_id child) override { say("free child {}", child.value); }

  /// What was done since the last call.
  std::string take() {
    std::string text;
    for (auto& one : std::exchange(did, {}))
      text += (text.empty() ? "" : ", ") + one;
    return text;
  }
  std::string turn() {
    core.distribute(now, *this);
    return take();
  }
  /// Child i of the first ones serves on node i.
  void open(uint64_t child, uint32_t node, uint32_t nodes = 1, uint32_t cores = 2) {
    core.child_granted(job_id{child}, whole_nodes(nodes, cores, node));
    core.child_opened(now, job_id{child}, *this);
  }
  void submit(uint64_t id, uint32_t priority = 16, uint32_t slots = 1) {
    spec_text t;
    t.slots = slots;
    core.enqueue(now, 0, intern(specs, t), {job_id{id}, priority, 0}, *this);
  }
  void grant(uint64_t child, uint64_t id, uint32_t slots = 1) {
    core.on_granted(now, job_id{child}, job_id{id}, whole_nodes(1, slots), "immediate", *this);
  }
  void cancelled_by(uint64_t child, uint64_t id) {
    core.on_cancelled(now, job_id{child}, job_id{id}, *this);
  }
};

} // namespace

TEST_SUITE("distributor_core") {
  TEST_CASE("children are made at once, and jobs wait until one serves") {
    bench b;
    CHECK(b.core.children().size() == 2);
    CHECK(b.shares == std::vector<child_share>{{1, 0, 0}, {1, 0, 0}});
    CHECK(b.core.is_waiting_for_children());
    b.submit(1);
    CHECK(b.turn() == "");
    b.open(1001, 0);
    CHECK(b.turn() == "give 1>1001");
    b.open(1002, 1);
    CHECK(!b.core.is_waiting_for_children());
  }

  TEST_CASE("jobs go to the child that has least to do, in the order of priority") {
    bench b;
    b.open(1001, 0);
    b.open(1002, 1);
    b.submit(1);
    b.submit(2);
    b.submit(3, 20);
    CHECK(b.turn() == "give 3>1001, give 1>1002, give 2>1001");
    b.submit(4, 0);
    CHECK(b.turn() == ""); // held
    CHECK(b.core.where(job_id{4}).what == distributor_place::kind::held);
    b.core.prioritize(b.now, {job_id{4}, 1, 0}, b);
    CHECK(b.turn() == "give 4>1002");
  }

  TEST_CASE("a grant is told in the ranks of this instance, once") {
    bench b;
    b.open(1002, 1);
    b.submit(1);
    CHECK(b.turn() == "give 1>1002");
    b.grant(1002, 1);
    b.grant(1002, 1);
    CHECK(b.take() == "grant 1");
    CHECK(b.grants[job_id{1}].ranks().to_string() == "1");
    CHECK(b.core.held().ranks().to_string() == "1");
    CHECK(b.core.rooms(job_id{1002}).held[0].resources.ranks().to_string() == "0");
    b.core.extend(job_id{1}, 77, b);
    CHECK(b.take() == "extend 1<1002 77");
    b.core.free(b.now, job_id{1}, b);
    CHECK(b.take() == "free 1<1002");
    b.core.extend(job_id{1}, 78, b); // it is over
    CHECK(b.take() == "");
    b.core.free(b.now, job_id{1}, b);
    CHECK(b.take() == "");
    CHECK(b.core.held().empty());
  }

  TEST_CASE("what cores cannot say of a grant is in the ranks of this instance, too") {
    bench b;
    b.open(1002, 1);
    b.submit(1);
    b.turn();
    auto r = whole_nodes(1, 1);
    r.scheduling = R"({"writer":"hactor","slots":[["0",2]]})";
    b.core.on_granted(b.now, job_id{1002}, job_id{1}, std::move(r), "", b);
    auto extra = parse_rset_extra(b.grants[job_id{1}].scheduling);
    REQUIRE(extra);
    REQUIRE(extra->slots.size() == 1);
    CHECK(extra->slots[0].ranks.to_string() == "1");
    CHECK(b.core.rooms(job_id{1002}).held[0].resources.scheduling.find("\"0\"")
          != std::string::npos);
  }

  TEST_CASE("what is cancelled is answered once, wherever it is") {
    bench b;
    b.submit(1);
    b.core.cancel(b.now, job_id{1}, b);
    CHECK(b.take() == "cancelled 1");
    b.open(1001, 0);
    b.submit(2);
    b.submit(3);
    CHECK(b.turn() == "give 2>1001, give 3>1001");
    b.core.cancel(b.now, job_id{2}, b);
    b.core.cancel(b.now, job_id{2}, b);
    CHECK(b.take() == "back 2<1001");
    b.cancelled_by(1001, 2);
    CHECK(b.take() == "cancelled 2");
    b.core.cancel(b.now, job_id{3}, b);
    CHECK(b.take() == "back 3<1001");
    b.grant(1001, 3); // was on its way
    CHECK(b.take() == "grant 3");
  }

  TEST_CASE("a dry child gets what another has queued, after a moment") {
    bench b;
    b.open(1001, 0);
    for (uint64_t id = 1; id <= 6; ++id)
      b.submit(id);
    b.turn();
    b.grant(1001, 1);
    b.grant(1001, 2);
    b.open(1002, 1);
    b.take();
    CHECK(b.turn() == ""); // they may be granted any moment
    CHECK(b.core.next_wake_ns() == b.now + 5 * ms);
    b.now += 5 * ms;
    CHECK(b.turn() == "back 6<1001, back 5<1001");
    CHECK(b.turn() == ""); // not again while they are awaited
    b.cancelled_by(1001, 6);
    CHECK(b.turn() == "give 6>1002");
    b.grant(1001, 5); // that one was granted after all
    CHECK(b.take() == "grant 5");
    CHECK(b.core.counts().taken_back == 2);
  }

  TEST_CASE("a job that does not fit what a dry child has left is not taken there") {
    bench b;
    b.open(1001, 0);
    for (uint64_t id = 1; id <= 3; ++id)
      b.submit(id, 16, 2);
    b.turn();
    b.grant(1001, 1, 2);
    b.open(1002, 1);
    b.submit(4);
    b.take();
    CHECK(b.turn() == "give 4>1002");
    b.grant(1002, 4); // a core is left
    b.now += second;
    b.take();
    CHECK(b.turn() == "");
  }

  TEST_CASE("a full child gives a place to what is more important") {
    bench b{1, 1};
    b.open(1001, 0);
    for (uint64_t id = 1; id <= 65; ++id)
      b.submit(id, 16);
    b.turn(); // 64 fit its window
    CHECK(b.core.counts().queued == 1);
    b.submit(100, 20);
    CHECK(b.turn() == "back 64<1001");
    CHECK(b.turn() == "");
    b.cancelled_by(1001, 64);
    CHECK(b.turn() == "give 100>1001");
  }

  TEST_CASE("a window grows when the child runs dry, and shrinks when its jobs wait long") {
    bench b{1, 1};
    b.open(1001, 0);
    for (uint64_t id = 1; id <= 1000; ++id)
      b.submit(id);
    b.turn();
    CHECK(b.core.counts().given == 64);
    for (uint64_t id = 1; id <= 64; ++id)
      b.grant(1001, id);
    b.turn();
    CHECK(b.core.counts().given == 128);
    b.now += 3 * second;
    b.grant(1001, 65);
    CHECK(b.core.children()[0].window == 96);
    b.grant(1001, 66);
    CHECK(b.core.children()[0].window == 96); // at most once a second
  }

  TEST_CASE("what one child cannot run another may; what none can is denied") {
    bench b;
    b.open(1001, 0);
    b.open(1002, 1);
    b.submit(1);
    CHECK(b.turn() == "give 1>1001");
    b.core.on_denied(b.now, job_id{1001}, job_id{1}, "too small", b);
    CHECK(b.turn() == "give 1>1002");
    b.core.on_denied(b.now, job_id{1002}, job_id{1}, "too small, too", b);
    CHECK(b.turn() == "deny 1");
    CHECK(b.notes[job_id{1}] == "no child of this instance can run it: too small, too");
  }

  TEST_CASE("a child that dies gives back what waits, and what runs is lost") {
    bench b;
    b.open(1001, 0);
    b.open(1002, 1);
    for (uint64_t id = 1; id <= 4; ++id)
      b.submit(id);
    b.turn();
    b.grant(1001, 1);
    b.core.cancel(b.now, job_id{3}, b);
    b.take();
    b.core.child_down(b.now, job_id{1001}, b);
    CHECK(b.take() == "cancelled 3, lost 1");
    CHECK(b.notes[job_id{1}].starts_with("the child "));
    b.grant(1001, 3); // late, and of no effect
    CHECK(b.turn() == "");
    b.core.child_over(b.now, job_id{1001}, b);
    CHECK(b.take() == ""); // its room is not free while the job runs on
    b.now += second;
    CHECK(b.turn() == ""); // so there is none for the next
    b.core.extend(job_id{1}, 77, b);
    CHECK(b.take() == ""); // nobody plans with its end
    b.core.free(b.now, job_id{1}, b);
    CHECK(b.take() == "free child 1001");
    CHECK(b.turn() == "child 1003");
  }

  TEST_CASE("a child that has died is waited for: the next one gets its nodes when they are free") {
    bench b;
    b.open(1001, 0);
    b.open(1002, 1);
    b.submit(1);
    b.turn();
    b.grant(1001, 1);
    CHECK(b.take() == "grant 1");
    CHECK(!b.core.is_waiting_for_children());
    b.core.child_down(b.now, job_id{1001}, b);
    b.now += second;
    CHECK(b.turn() == "lost 1"); // there is no room for another yet
    CHECK(b.core.is_waiting_for_children());
    b.core.child_over(b.now, job_id{1001}, b);
    CHECK(b.core.is_waiting_for_children());
    b.core.set_inventory(whole_nodes(1, 2, 1)); // nor will there be: its node is lost
    b.core.free(b.now, job_id{1}, b);
    CHECK(b.turn() == "free child 1001");
    CHECK(!b.core.is_waiting_for_children());
  }

  TEST_CASE("children that die at once are made again, later and later, and then given up") {
    bench b{1, 1};
    b.submit(1);
    uint64_t child = 1001;
    std::vector<int64_t> waits;
    for (int i = 0; i < 5; ++i, ++child) {
      b.core.child_denied(b.now, job_id{child}, "no such program", b);
      if (i == 4)
        break;
      b.turn();
      waits.push_back((b.core.next_wake_ns() - b.now) / ms);
      b.now = b.core.next_wake_ns();
      CHECK(b.turn() == fmt::format("child {}", child + 1));
    }
    CHECK(waits == std::vector<int64_t>{100, 200, 400, 800});
    CHECK(b.take() == "deny 1");
    CHECK(b.notes[job_id{1}] == "no child of this instance can be made: no such program");
    b.submit(2);
    CHECK(b.take() == "deny 2");
    b.now += 60 * second; // it is tried again nevertheless
    CHECK(b.turn() == "child 1006");
    b.open(1006, 0);
    b.submit(3);
    CHECK(b.turn() == "give 3>1006");
  }

  TEST_CASE("children that cannot be taken in for a while are not given up") {
    bench b{1, 1};
    b.submit(1);
    for (uint64_t child = 1001; child < 1020; ++child) {
      b.core.child_postponed(b.now, job_id{child}, "the disk is full");
      CHECK(b.turn() == "");
      b.now += second;
      CHECK(b.turn() == fmt::format("child {}", child + 1));
    }
    CHECK(b.core.hopeless() == "");
  }

  TEST_CASE("a child on fewer nodes follows one that lost some") {
    bench b{2, 4};
    CHECK(b.shares == std::vector<child_share>{{2, 0, 0}, {2, 0, 0}});
    b.open(1001, 0, 2);
    b.open(1002, 2, 2);
    b.now += 20 * second;
    b.core.set_inventory(subtract(whole_nodes(4, 2), whole_nodes(1, 2, 1)));
    b.core.child_over(b.now, job_id{1001}, b);
    CHECK(b.take() == "free child 1001");
    CHECK(b.turn() == "child 1003"); // at once: the one before had served for long
    CHECK(b.shares.back() == child_share{1, 0, 0});
  }

  TEST_CASE("nodes that come later get children of their own, and those that come back none") {
    bench b{0, 2};
    b.open(1001, 0);
    b.open(1002, 1);
    b.core.set_inventory(whole_nodes(1, 2)); // the other is lost
    CHECK(b.turn().empty());
    b.core.set_inventory(whole_nodes(4, 2));
    CHECK(b.turn() == "child 1003, child 1004");
    CHECK(b.shares.back() == child_share{1, 0, 0});
    b.core.set_inventory(whole_nodes(4, 2));
    CHECK(b.turn().empty());

    bench told{1, 2};
    told.open(1001, 0, 2);
    told.core.set_inventory(whole_nodes(4, 2));
    CHECK(told.turn() == "child 1002");
    CHECK(told.shares.back() == child_share{2, 0, 0});
  }

  TEST_CASE("an instance that ends gives nothing and makes nothing") {
    bench b;
    b.open(1001, 0);
    b.core.stop();
    b.submit(1);
    b.core.child_over(b.now, job_id{1001}, b);
    b.take();
    b.now += second;
    CHECK(b.turn() == "");
  }

  TEST_CASE("a child's scheduler that was reloaded is told what it has") {
    bench b;
    b.open(1001, 0);
    for (uint64_t id = 1; id <= 3; ++id)
      b.submit(id);
    b.turn();
    b.grant(1001, 1);
    b.core.cancel(b.now, job_id{3}, b);
    auto rooms = b.core.rooms(job_id{1001});
    REQUIRE(rooms.held.size() == 1);
    CHECK(rooms.held[0].id == job_id{1});
    REQUIRE(rooms.wanted.groups.size() == 1);
    CHECK(rooms.wanted.groups[0].items.size() == 1);
    CHECK(b.core.client_of(job_id{1001}, job_id{1}) == 0u);
    CHECK(!b.core.client_of(job_id{1002}, job_id{1}));
    CHECK(!b.core.client_of(job_id{1001}, job_id{2}));
  }
}
