// graph/nearness: which cores and GPUs of a node its tasks get, where some are near each other.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/nearness.hpp"

#include <doctest/doctest.h>

#include "graph/affinity.hpp"

using namespace hactor;

namespace {

idset ids(std::string_view text) { return *idset::parse(text); }

using groups = std::vector<near_group>;

/// "0-3/2-3 | 4-7/0-1": cores and GPUs of each task.
std::string dealt(std::string_view cores, std::string_view gpus, const groups& near,
                  uint32_t count) {
  std::string text;
  for (auto& t : deal_near(ids(cores), ids(gpus), near, count))
    text += (text.empty() ? "" : " | ") + t.cores.to_string() + "/" + t.gpus.to_string();
  return text;
}

/// Two sockets, the GPUs of each the far ones by number.
const groups crossed{{ids("0-3"), ids("2-3")}, {ids("4-7"), ids("0-1")}};

/// Frontier: four numanodes of 16 cores and two GPUs each in one socket.
const groups frontier{{ids("0-15"), ids("4-5")},
                      {ids("16-31"), ids("2-3")},
                      {ids("32-47"), ids("6-7")},
                      {ids("48-63"), ids("0-1")}};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a task's GPUs are those near its cores, whatever their numbers") {
    CHECK(dealt("0-7", "0-3", crossed, 2) == "0-3/2-3 | 4-7/0-1");
    CHECK(dealt("0-7", "0-3", crossed, 4) == "0-1/2 | 2-3/3 | 4-5/0 | 6-7/1");
    CHECK(dealt("0-7", "0-3", crossed, 1) == "0-7/0-3");
    CHECK(dealt("0-63", "0-7", frontier, 8)
          == "0-7/4 | 8-15/5 | 16-23/2 | 24-31/3 | 32-39/6 | 40-47/7 | 48-55/0 | 56-63/1");
    CHECK(dealt("0-63", "0-7", frontier, 4) == "0-15/4-5 | 16-31/2-3 | 32-47/6-7 | 48-63/0-1");
  }

  TEST_CASE("the nearest pairs come first, and what is left is dealt evenly") {
    // Task 0 has one core of the other socket; task 1 all: it has the better claim.
    CHECK(dealt("3-6", "0-1", {{ids("0-3"), ids("")}, {ids("4-7"), ids("0-1")}}, 2)
          == "3-4/1 | 5-6/0");
    CHECK(dealt("0-3", "0-3", crossed, 2) == "0-1/2-3 | 2-3/0-1");
    CHECK(dealt("0-7", "0-2", crossed, 2) == "0-3/2 | 4-7/0-1");
  }

  TEST_CASE("fewer GPUs than tasks are shared by those near them, evenly") {
    CHECK(dealt("0-7", "1-2", crossed, 4) == "0-1/2 | 2-3/2 | 4-5/1 | 6-7/1");
    CHECK(dealt("0-3", "1-2", crossed, 4) == "0/2 | 1/2 | 2/1 | 3/1");
    CHECK(dealt("0-7", "2", crossed, 2) == "0-3/2 | 4-7/2");
  }

  TEST_CASE("cores of a group are dealt together, also when their ids are scattered") {
    const groups odd{{ids("0,2,4,6"), ids("1")}, {ids("1,3,5,7"), ids("0")}};
    CHECK(dealt("0-7", "0-1", odd, 2) == "0,2,4,6/1 | 1,3,5,7/0");
    const groups inner{{ids("0,2,4,6"), ids("")}, {ids("0,4"), ids("")}, {ids("2,6"), ids("")}};
    CHECK(dealt("0-7", "", inner, 4) == "0,4/ | 2,6/ | 1,3/ | 5,7/");
  }

  TEST_CASE("nested groups tell near from nearer") {
    const groups nested{{ids("0-3"), ids("0-1")}, {ids("0-1"), ids("1")}, {ids("2-3"), ids("0")}};
    CHECK(dealt("0-3", "0-1", nested, 2) == "0-1/1 | 2-3/0");
    CHECK(dealt("0-7", "0-3", nested, 2) == "0-3/0-1 | 4-7/2-3");
  }

  TEST_CASE("where nothing is known both are even runs of ids") {
    for (uint32_t count = 1; count < 12; ++count) {
      auto all = deal_near(ids("0-9"), ids("1-6"), {}, count);
      REQUIRE(all.size() == count);
      for (uint32_t i = 0; i < count; ++i) {
        CHECK(all[i].cores == task_part(ids("0-9"), i, count));
        CHECK(all[i].gpus == task_part(ids("1-6"), i, count));
      }
    }
    CHECK(dealt("0-3", "0-1", {{ids("8-9"), ids("5")}}, 2) == "0-1/0 | 2-3/1");
    CHECK(deal_near(ids("0"), ids("0"), crossed, 0).empty());
  }

  TEST_CASE("all is dealt, evenly, and no task goes without where there is something") {
    for (uint32_t gpus = 1; gpus <= 8; ++gpus)
      for (uint32_t count = 1; count <= 20; ++count) {
        idset sum;
        uint64_t least = UINT64_MAX, most = 0;
        for (auto& t : deal_near(ids("0-63"), idset::range(0, gpus - 1), frontier, count)) {
          sum.add_all(t.gpus);
          least = std::min(least, t.gpus.size());
          most = std::max(most, t.gpus.size());
        }
        CAPTURE(gpus);
        CAPTURE(count);
        CHECK(sum.size() == gpus);
        CHECK(least >= 1);
        CHECK(most <= least + 1);
      }
  }

} // TEST_SUITE
