// runtime/tree: the overlay's arithmetic.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/tree.hpp"

#include <set>

#include <doctest/doctest.h>

using namespace hactor;

TEST_SUITE("unit") {

  //        0
  //      1   2
  //     3 4 5 6
  TEST_CASE("a binary tree of seven has the shape of the drawing") {
    CHECK_FALSE(tree_parent(0, 2));
    CHECK(*tree_parent(1, 2) == 0);
    CHECK(*tree_parent(6, 2) == 2);
    CHECK(tree_children(0, 7, 2) == std::vector<rank_t>{1, 2});
    CHECK(tree_children(2, 7, 2) == std::vector<rank_t>{5, 6});
    CHECK(tree_children(2, 6, 2) == std::vector<rank_t>{5});
    CHECK(tree_children(3, 7, 2).empty());
    CHECK(tree_depth(0, 2) == 0);
    CHECK(tree_depth(2, 2) == 1);
    CHECK(tree_depth(3, 2) == 2);
    CHECK(tree_next_hop(0, 5, 7, 2) == 2);
    CHECK(tree_next_hop(5, 0, 7, 2) == 2);
    CHECK(tree_next_hop(3, 4, 7, 2) == 1);
    CHECK(tree_next_hop(1, 6, 7, 2) == 0);
    CHECK(tree_next_hop(4, 4, 7, 2) == 4);
    CHECK(tree_subtree(0, 7, 2).to_string() == "0-6");
    CHECK(tree_subtree(1, 7, 2).to_string() == "1,3-4");
    CHECK(tree_subtree(2, 6, 2).to_string() == "2,5");
    CHECK(tree_subtree(7, 7, 2).empty());
  }

  TEST_CASE("for every size and fanout the pieces agree with each other") {
    for (uint32_t fanout : {1u, 2u, 3u, 16u, 100u})
      for (uint32_t size : {1u, 2u, 5u, 16u, 17u, 40u}) {
        std::set<rank_t> seen{0};
        for (rank_t r = 0; r < size; ++r) {
          uint64_t below = 1;
          for (auto child : tree_children(r, size, fanout)) {
            REQUIRE(child < size);
            REQUIRE(*tree_parent(child, fanout) == r);
            REQUIRE(tree_depth(child, fanout) == tree_depth(r, fanout) + 1);
            REQUIRE(seen.insert(child).second);
            below += tree_subtree(child, size, fanout).size();
          }
          REQUIRE(tree_subtree(r, size, fanout).size() == below);
        }
        REQUIRE(seen.size() == size);
        for (rank_t a = 0; a < size; ++a)
          for (rank_t b = 0; b < size; ++b) {
            uint32_t hops = 0;
            for (auto at = a; at != b; at = tree_next_hop(at, b, size, fanout))
              REQUIRE(++hops <= tree_depth(a, fanout) + tree_depth(b, fanout));
          }
      }
  }

  TEST_CASE("the largest ranks do not overflow") {
    CHECK(tree_children(UINT32_MAX - 1, UINT32_MAX, UINT32_MAX).empty());
    CHECK(tree_subtree(UINT32_MAX - 1, UINT32_MAX, UINT32_MAX).size() == 1);
    CHECK(tree_subtree(0, UINT32_MAX, UINT32_MAX).size() == UINT32_MAX);
  }

} // TEST_SUITE
