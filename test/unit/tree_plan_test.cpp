// tools: how 'hactor tree' splits nodes, cores, GPUs, jobs and policies over the levels.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <map>

#include <doctest/doctest.h>

#include "tools/tree_plan.hpp"

using namespace hactor;
using namespace hactor::tools;

namespace {

std::vector<tree_level> levels(std::string_view topology, std::string_view policies = {},
                               std::string_view params = {}, std::string_view matches = {}) {
  auto read = read_levels(topology, policies, params, matches);
  REQUIRE_MESSAGE(read, render(read.error()));
  return *read;
}

std::string refusal(std::string_view topology, std::string_view policies = {},
                    std::string_view params = {}, std::string_view matches = {}) {
  auto read = read_levels(topology, policies, params, matches);
  return read ? "accepted" : context_of(read.error());
}

/// The leaves of a tree in order, those without jobs too.
std::vector<tree_share> leaves(const tree_share& whole, const std::vector<tree_level>& below) {
  std::vector<tree_share> now{whole};
  for (auto& level : below) {
    std::vector<tree_share> next;
    for (auto& share : now)
      for (auto& child : split(share, level.width))
        next.push_back(child);
    now = std::move(next);
  }
  return now;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a topology is numbers of children") {
    auto l = levels("2x3x4");
    REQUIRE(l.size() == 3);
    CHECK(l[0].width == 2);
    CHECK(l[2].width == 4);
    CHECK(leaves_of(l) == 24);
    for (auto* text : {"", "x", "2x", "x2", "0", "2x0", "-1", "two", "2X2", "2 x2", "99999",
                       "16384x16384", "1x1x1x1x1x1x1x1x1"}) {
      CAPTURE(text);
      CHECK(refusal(text).starts_with("--topology: "));
    }
  }

  TEST_CASE("each level has its policies") {
    auto l = levels("4x2x3", "fcfs:easy", "queue-depth=7,reservation-depth=8::queue-depth=9",
                    "low:default:high");
    CHECK(settings_of(l[0])
          == std::vector<std::string>{"sched.policy=fcfs", "sched.queue_depth=7",
                                      "sched.reservation_depth=8", "sched.match=low"});
    CHECK(settings_of(l[1]) == std::vector<std::string>{"sched.policy=easy"});
    CHECK(settings_of(l[2]) == std::vector<std::string>{"sched.queue_depth=9", "sched.match=high"});
    CHECK(levels("2x2", "fcfs,easy") == levels("2x2", "fcfs:easy"));
    CHECK(levels("2x2", "", "fcfs,easy") == levels("2x2", "fcfs:easy")); // -P as a policy
    CHECK(refusal("2", "fcfs:easy").find("2 levels") != std::string::npos);
    CHECK(refusal("2x2", "fcfs", "easy").find("both") != std::string::npos);
    CHECK(refusal("2", "", "depth=3").find("queue-depth=N") != std::string::npos);
  }

  TEST_CASE("what is left for the level below reads as it was") {
    auto all = levels("4x2x3", "fcfs:easy", "queue-depth=7::queue-depth=9", "low:default:high");
    for (size_t skip = 0; skip < all.size(); ++skip) {
      auto t = texts_of(all, skip);
      auto again = levels(t.topology, t.policies, t.params, t.matches);
      CHECK(again
            == std::vector<tree_level>(all.begin() + static_cast<ptrdiff_t>(skip), all.end()));
    }
    CHECK(texts_of(all, 3).topology.empty());
  }

  TEST_CASE("whole nodes are dealt while there is one for each child") {
    auto c = split({"tree", 4, 8, 2, 0, 10}, 3);
    CHECK(c
          == std::vector<tree_share>{
              {"tree.1", 2, 8, 2, 0, 4}, {"tree.2", 1, 8, 2, 4, 3}, {"tree.3", 1, 8, 2, 7, 3}});
  }

  TEST_CASE("else nodes are cut, each in parts that have all of it") {
    auto c = split({"tree.2", 2, 5, 3, 100, 3}, 3);
    CHECK(c
          == std::vector<tree_share>{{"tree.2.1", 1, 3, 2, 100, 1},
                                     {"tree.2.2", 1, 2, 1, 101, 1},
                                     {"tree.2.3", 1, 5, 3, 102, 1}});
  }

  TEST_CASE("every job is in one leaf, shares differ by at most one, and all fits side by side") {
    for (std::string_view topology : {"1", "4", "7", "2x2", "3x5", "2x3x2", "1x6x1"})
      for (uint32_t nodes : {1u, 2u, 3u, 8u})
        for (uint64_t jobs : {0u, 1u, 5u, 12u, 1000u, 1003u}) {
          CAPTURE(topology);
          CAPTURE(nodes);
          CAPTURE(jobs);
          tree_share whole{"tree", nodes, 48, 0, 17, jobs};
          auto below = levels(topology);
          REQUIRE_FALSE(judge_tree(whole, below));
          auto all = leaves(whole, below);
          CHECK(all.size() == leaves_of(below));
          auto next = whole.first;
          uint64_t least = UINT64_MAX, most = 0, cores = 0;
          for (auto& leaf : all) {
            if (leaf.jobs > 0)
              CHECK(leaf.first == next);
            next += leaf.jobs;
            least = std::min(least, leaf.jobs);
            most = std::max(most, leaf.jobs);
            cores += uint64_t{leaf.nodes} * leaf.cores;
            CHECK(leaf.cores > 0);
          }
          CHECK(next == whole.first + jobs);
          CHECK(most - least <= 1);
          CHECK(cores == uint64_t{nodes} * 48);
        }
  }

  TEST_CASE("a topology that does not fit is refused") {
    tree_share whole{"tree", 2, 4, 0, 0, 100};
    CHECK_FALSE(judge_tree(whole, levels("8")));
    CHECK_FALSE(judge_tree(whole, levels("2x4")));
    CHECK_FALSE(judge_tree(whole, levels("4x2")));
    for (auto* topology : {"9", "4x4", "2x2x3", "8x2"}) {
      CAPTURE(topology);
      auto e = judge_tree(whole, levels(topology));
      REQUIRE(e);
      CHECK(context_of(e).find("would not have a core each") != std::string::npos);
    }
    whole.gpus = 2;
    CHECK_FALSE(judge_tree(whole, levels("4")));
    auto e = judge_tree(whole, levels("4x2"));
    REQUIRE(e);
    CHECK(context_of(e).find("would not have a GPU each") != std::string::npos);
  }

  TEST_CASE("fields count from the number of the copy") {
    tree_share leaf{"tree.1.2", 1, 4, 0, 250, 125};
    CHECK(fill_tree_fields("a{seq}b{seq1} {index} {treeid} {cc} {{id}} {seq", leaf)
          == "a{cc+249}b{cc+250} {cc} tree.1.2 {cc} {{id}} {seq");
    leaf.first = 0;
    CHECK(fill_tree_fields("{seq} {seq1}", leaf) == "{cc-1} {cc}");
    leaf.first = 1;
    CHECK(fill_tree_fields("{seq} {seq1}", leaf) == "{cc} {cc+1}");
  }
}
