// actors/waiting_list and ranked_tree: order, places, shapes.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/waiting_list.hpp"

#include <algorithm>
#include <random>
#include <set>

#include "requests.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

struct thing {
  int value = 0;
  tree_link link;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a list that a burst of jobs has left keeps none of their places, and takes others") {
    waiting_list list;
    auto queue = list.add_queue(*make_queue_policy("fcfs", 0));
    auto shape = list.shape_of(queue, slots(1));
    constexpr uint64_t jobs = 5'000;
    for (int burst = 0; burst < 2; ++burst) {
      std::vector<uint32_t> places;
      for (uint64_t id = 1; id <= jobs; ++id)
        places.push_back(list.add(job_id{id}, id % 7 == 0 ? 0 : 16, 0, shape));
      CHECK(list.jobs().size() == jobs);
      for (auto place : places)
        list.remove(place);
      CHECK(list.size() == 0);
      CHECK(list.held() == 0);
      CHECK(list.jobs().capacity() == 0);
      CHECK(list.find(job_id{1}) == nothing);
    }
    auto place = list.add(job_id{1}, 16, 0, shape);
    list.remove(place);
    CHECK(list.jobs().size() == 1); // a few stay
  }

  TEST_CASE("a ranked tree is a sorted list in every respect") {
    std::mt19937 random{3};
    std::vector<thing> all(300);
    ranked_tree<thing, &thing::link> tree;
    std::set<std::pair<int, uint32_t>> twin;
    auto before = [&](uint32_t a, uint32_t b) {
      return std::pair{all[a].value, a} < std::pair{all[b].value, b};
    };
    CHECK(tree.empty());
    CHECK(tree.nth(all, 0) == nothing);
    for (int step = 0; step < 5'000; ++step) {
      auto i = static_cast<uint32_t>(random() % all.size());
      if (twin.erase({all[i].value, i}) > 0) {
        tree.erase(all, i);
      } else {
        all[i].value = static_cast<int>(random() % 100);
        tree.insert(all, i, before);
        twin.insert({all[i].value, i});
      }
      REQUIRE(tree.size(all) == twin.size());
      if (twin.empty())
        continue;
      REQUIRE(tree.first(all) == twin.begin()->second);
      auto n = static_cast<uint32_t>(random() % twin.size());
      auto at = std::next(twin.begin(), n);
      REQUIRE(tree.nth(all, n) == at->second);
      REQUIRE(tree.place(all, at->second) == n);
      REQUIRE(tree.count_before(all, [&](uint32_t x) { return before(x, at->second); }) == n);
      auto next = std::next(at);
      REQUIRE(tree.next(all, at->second) == (next == twin.end() ? nothing : next->second));
      REQUIRE(tree.nth(all, static_cast<uint32_t>(twin.size())) == nothing);
    }
  }

  TEST_CASE("jobs of equal shape are grouped, whatever else their jobspecs say") {
    waiting_list list;
    auto q = list.add_queue(*make_queue_policy("easy", 0));
    auto a = list.shape_of(q, slots(2, 10));
    CHECK(list.shape_of(q, slots(2, 10)) == a);
    CHECK(list.shape_of(q, slots(2, 11)) != a);
    CHECK(list.shape_of(q, slots(3, 10)) != a);
    auto first = list.add(job_id{1}, 16, 5, a);
    auto second = list.add(job_id{2}, 16, 4, a);
    auto held = list.add(job_id{3}, 0, 1, a);
    CHECK(list.size() == 3);
    CHECK(list.size(q) == 3);
    CHECK(list.held() == 1);
    CHECK(list.before(second, first));
    CHECK(list.queue_at(q).shapes.size() == 1);
    CHECK(list.shape(a).jobs.first(list.jobs()) == second);
    list.set_priority(held, 17);
    CHECK(list.shape(a).jobs.first(list.jobs()) == held);
    for (auto id : {1, 2, 3})
      list.remove(list.find(job_id{static_cast<uint64_t>(id)}));
    CHECK(list.find(job_id{1}) == nothing);
    CHECK(list.queue_at(q).shapes.empty());
    CHECK(list.size() == 0);
  }

  TEST_CASE("shapes that nobody has any more are forgotten when there are many") {
    waiting_list list;
    auto q = list.add_queue(*make_queue_policy("easy", 0));
    auto kept = list.shape_of(q, slots(1, 1));
    list.add(job_id{1}, 16, 0, kept);
    auto one = *slots(2);
    for (int i = 0; i < 20'000; ++i) {
      one.shape = "shape " + std::to_string(i);
      list.shape_of(q, std::make_shared<const resource_request>(one));
    }
    CHECK(list.shapes().size() < 5'000);
    CHECK(list.shape_of(q, slots(1, 1)) == kept);
  }

} // TEST_SUITE
