// graph/planner: hand-checked plans, and random ones beside a table of every second.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/planner.hpp"

#include <algorithm>
#include <array>
#include <random>

#include <doctest/doctest.h>

using namespace hactor;

namespace {

constexpr int64_t horizon = 120;

/// The same questions, answered by looking at every second.
struct table {
  int64_t total;
  std::array<int64_t, 2 * horizon> used{};

  void add(int64_t begin, int64_t end, int64_t amount) {
    for (auto t = begin; t < end; ++t)
      used[static_cast<size_t>(t)] += amount;
  }
  int64_t most(int64_t begin, int64_t end) const {
    return *std::max_element(used.begin() + begin, used.begin() + end);
  }
  std::optional<int64_t> earliest(int64_t from, int64_t duration, int64_t amount) const {
    if (amount > total)
      return {};
    for (auto t = from; t + duration <= 2 * horizon; ++t)
      if (total - most(t, t + duration) >= amount)
        return t;
    return {};
  }
};

struct span {
  int64_t begin, end, amount;
};

} // namespace

TEST_CASE("an empty planner has all of it, at once and for ever") {
  planner_pool pool;
  planner p{8};
  CHECK(p.unused());
  CHECK(p.available(pool, 0, 1'000'000'000) == 8);
  CHECK(p.earliest(pool, 5, 100, 8) == 5);
  CHECK(!p.earliest(pool, 5, 100, 9));
  CHECK(!p.next_change(pool, 0));
}

TEST_CASE("a span uses its amount from its begin up to its end") {
  planner_pool pool;
  planner p{10};
  p.add(pool, 10, 20, 4);
  CHECK(p.available(pool, 0, 10) == 10);
  CHECK(p.available(pool, 0, 11) == 6);
  CHECK(p.available(pool, 19, 20) == 6);
  CHECK(p.available(pool, 20, 30) == 10);
  CHECK(p.available(pool, 0, 100) == 6);
}

TEST_CASE("spans that touch do not add up; spans that overlap do") {
  planner_pool pool;
  planner p{10};
  p.add(pool, 0, 10, 6);
  p.add(pool, 10, 20, 6);
  CHECK(p.available(pool, 0, 20) == 4);
  p.add(pool, 5, 15, 3);
  CHECK(p.available(pool, 0, 20) == 1);
  CHECK(p.available(pool, 0, 5) == 4);
}

TEST_CASE("the earliest time lies in a gap that is long enough") {
  planner_pool pool;
  planner p{16};
  p.add(pool, 0, 60, 8);
  p.add(pool, 60, 120, 10);
  p.add(pool, 180, 240, 16);
  CHECK(p.earliest(pool, 0, 30, 8) == 0);
  CHECK(p.earliest(pool, 0, 90, 8) == 240); // 6 are free from 60 to 120, and 60 s before 180
  CHECK(p.earliest(pool, 0, 60, 8) == 0);
  CHECK(p.earliest(pool, 0, 60, 16) == 120);
  CHECK(p.earliest(pool, 0, 61, 16) == 240);
  CHECK(p.earliest(pool, 130, 50, 16) == 130);
  CHECK(p.next_change(pool, 0) == 60);
  CHECK(p.next_change(pool, 120) == 180);
}

TEST_CASE("a planner whose total shrank says how much is missing, and finds no time for it") {
  planner_pool pool;
  planner p{8};
  p.add(pool, 0, 10, 8);
  p.set_total(4);
  CHECK(p.available(pool, 0, 10) == -4);
  CHECK(p.earliest(pool, 0, 5, 4) == 10);
}

TEST_CASE("random spans: every answer is that of the table, and the points go with their spans") {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    auto below = [&](uint32_t n) { return static_cast<int64_t>(random() % n); };
    planner_pool pool;
    planner p{20};
    table twin{20};
    std::vector<span> spans;
    auto few = seed % 2 == 0; // and many of them begin and end together
    for (int step = 0; step < 400; ++step) {
      if (few && !spans.empty() && below(4) == 0) {
        auto& s = spans[static_cast<size_t>(below(static_cast<uint32_t>(spans.size())))];
        auto by = below(9) - s.amount;
        p.adjust(pool, s.begin, s.end, by);
        twin.add(s.begin, s.end, by);
        s.amount += by;
      } else if (spans.empty() || (few ? spans.size() < 3 && below(2) == 0 : below(5) < 3)) {
        auto begin = below(horizon);
        span s{begin, begin + 1 + below(horizon / 3), below(9)};
        if (few && !spans.empty() && below(4) != 0)
          s = {spans[0].begin, spans[0].end, s.amount};
        spans.push_back(s);
        p.add(pool, s.begin, s.end, s.amount);
        twin.add(s.begin, s.end, s.amount);
      } else {
        auto i = static_cast<size_t>(below(static_cast<uint32_t>(spans.size())));
        auto s = spans[i];
        spans[i] = spans.back();
        spans.pop_back();
        p.remove(pool, s.begin, s.end, s.amount);
        twin.add(s.begin, s.end, -s.amount);
      }
      auto begin = below(horizon);
      auto end = begin + 1 + below(horizon / 2);
      REQUIRE(p.used(pool, begin, end) == twin.most(begin, end));
      auto duration = 1 + below(40);
      auto amount = below(23);
      auto expected = twin.earliest(begin, duration, amount);
      REQUIRE(p.earliest(pool, begin, duration, amount) == expected);
      auto after = horizon * 2; // no span ends there
      for (auto& s : spans)
        for (auto t : {s.begin, s.end})
          after = t > begin ? std::min(after, t) : after;
      REQUIRE(p.next_change(pool, begin)
              == (after == horizon * 2 ? std::nullopt : std::optional{after}));
    }
    for (auto& s : spans)
      p.remove(pool, s.begin, s.end, s.amount);
    REQUIRE(p.unused());
    REQUIRE(pool.points() == 0);
  }
}

TEST_CASE("planners that say the same share it until one of them says something else") {
  planner_pool pool;
  std::vector<planner> all(40, planner{4});
  for (auto& p : all)
    p.add(pool, 10, 20, 1);
  CHECK(pool.points() == 2);
  all[0].add(pool, 10, 20, 2);    // more at the same time
  all[1].adjust(pool, 10, 20, 3); // another amount
  all[2].add(pool, 15, 30, 1);    // at another time
  all[3].remove(pool, 10, 20, 1);
  all[4].clear(pool);
  CHECK(all[0].used(pool, 0, 30) == 3);
  CHECK(all[1].used(pool, 0, 30) == 4);
  CHECK(all[2].used(pool, 0, 30) == 2);
  CHECK(all[3].unused());
  CHECK(all[4].unused());
  for (size_t i = 5; i < all.size(); ++i)
    CHECK(all[i].used(pool, 0, 30) == 1);
  all[0].remove(pool, 10, 20, 2);
  all[0].add(pool, 20, 30, 1);
  CHECK(all[5].used(pool, 20, 30) == 0);
  for (auto& p : all)
    p.clear(pool);
  CHECK(pool.points() == 0);
  all[0].add(pool, 0, 5, 1); // in the place of one that is gone
  CHECK(all[0].used(pool, 0, 30) == 1);
  CHECK(all[1].unused());
}

TEST_CASE("many planners share one pool, and clear gives everything back") {
  planner_pool pool;
  std::vector<planner> all(100, planner{4});
  for (int64_t i = 0; i < 100; ++i)
    for (int64_t k = 0; k < 10; ++k)
      all[static_cast<size_t>(i)].add(pool, i + k, i + k + 50, 1);
  CHECK(all[7].used(pool, 0, 200) == 10);
  CHECK(all[99].used(pool, 0, 99) == 0);
  for (auto& p : all)
    p.clear(pool);
  CHECK(pool.points() == 0);
}
