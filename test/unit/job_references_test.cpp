// Dependencies that name jobs otherwise than by their ids.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/job_references.hpp"
#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

job_reference of(const char* text) {
  auto r = read_reference(text);
  REQUIRE(r);
  return *r;
}

std::vector<job_id> ids(std::initializer_list<uint64_t> values) {
  std::vector<job_id> result;
  for (auto value : values)
    result.push_back({value});
  return result;
}

std::string name(size_t i) { return std::string(1, static_cast<char>('a' + i)); }

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a name means what is active and what came with or after it, else the last") {
    std::vector<found_job> all{{{1}, 10, 7, -1, true},
                               {{2}, 20, 7, 0, true},
                               {{3}, 20, 7, 1, false},
                               {{4}, 30, 7, -1, true}};
    CHECK(choose_named(all, of("sim")) == ids({2, 3, 4}));
    all[2].ended = true;
    CHECK(choose_named(all, of("sim")) == ids({4}));
    all.pop_back();
    CHECK(choose_named(all, of("sim")) == ids({2, 3}));
    CHECK(choose_named(all, of("sim[1-5]")) == ids({3}));
    CHECK(choose_named(all, of("sim[7]")).empty());
    CHECK(choose_named({}, of("sim")).empty());
  }

  TEST_CASE("copies are those of the same submission") {
    found_job one{{2}, 20, 7, 0, false};
    std::vector<found_job> all{one,
                               {{3}, 20, 7, 1, false},
                               {{4}, 20, 8, 2, false},
                               {{5}, 21, 7, 3, false},
                               {{6}, 20, 7, -1, false}};
    CHECK(choose_copies(all, one, of("f3[*]")) == ids({2, 3}));
    CHECK(choose_copies(all, one, of("f3[1]")) == ids({3}));
  }

  TEST_CASE("words become ids in the jobspec, which keeps the words") {
    spec_cache specs;
    spec_text text;
    text.dependencies = json::array({{{"scheme", "afterok"}, {"value", "sim"}},
                                     {{"scheme", "afterany"}, {"value", "f9"}},
                                     {{"scheme", "afterok"}, {"value", "f5"}, {"any", "0"}},
                                     {{"scheme", "afterok"}, {"value", "sim"}, {"any", "0"}}});
    auto sim = ids({20, 21});
    auto jobs_of = [&](const std::string& words) { return words == "sim" ? &sim : nullptr; };
    auto next = resolve(*intern(specs, text), jobs_of);
    REQUIRE(next);
    std::vector<std::string> texts;
    for (auto& d : *next->dependencies)
      texts.push_back(d.text);
    CHECK(texts
          == std::vector<std::string>{"after-success=fM", "after-success=fN", "after-finish=f9",
                                      "after-success=f5?after-success=fM",
                                      "after-success=f5?after-success=fN"});
    for (auto& d : *next->dependencies)
      for (auto& c : d.any_of)
        CHECK_FALSE(c.named);
    CHECK(next->text.find(R"("of":"sim")") != std::string::npos);
    auto again = specs.intern(next->text, "");
    REQUIRE(again); // as a restart reads it
    CHECK((*again)->dependencies->size() == 5);
    std::vector<job_id> many(references_max + 1);
    auto too_many = resolve(*intern(specs, text), [&](const std::string&) { return &many; });
    REQUIRE_FALSE(too_many);
    CHECK(code_of(too_many.error()) == ec::too_big);
  }

  TEST_CASE("who is waited for comes first, and a circle is named") {
    auto order = order_by_waits({{}, {2}, {0}, {}}, name);
    REQUIRE(order);
    CHECK(*order == std::vector<size_t>{0, 2, 1, 3});
    CHECK(*order_by_waits({{}, {}, {}}, name) == std::vector<size_t>{0, 1, 2});
    auto circle = order_by_waits({{3}, {2}, {1}, {1}}, name);
    REQUIRE_FALSE(circle);
    CHECK(code_of(circle.error()) == ec::bad_jobspec);
    auto said = render(circle.error());
    CHECK_MESSAGE(said.find("b waits for c, which waits for b") != std::string::npos, said);
    CHECK_FALSE(order_by_waits({{0}}, name));
  }

  TEST_CASE("jobs of an array stay side by side, and wait for each other in their order only") {
    // 1, 2 are of an array; 2 waits for 4, 0 for all of it.
    auto order = order_by_waits({{1, 2}, {}, {4}, {}, {}}, {0, 1, 1, 3, 4}, name);
    REQUIRE(order);
    CHECK(*order == std::vector<size_t>{3, 4, 1, 2, 0});
    CHECK(*order_by_waits({{}, {0}, {0, 1}}, {0, 0, 0}, name) == std::vector<size_t>{0, 1, 2});
    auto refused = [](const std::vector<std::vector<size_t>>& waits_for,
                      const std::vector<size_t>& arrays, std::string_view sentence) {
      auto order = order_by_waits(waits_for, arrays, name);
      REQUIRE_FALSE(order);
      CHECK(code_of(order.error()) == ec::bad_jobspec);
      auto said = render(order.error());
      CHECK_MESSAGE(said.find(sentence) != said.npos, said);
    };
    refused({{1}, {}}, {0, 0}, "a waits for b: jobs of an array may wait for those before them");
    // Each job could have its turn, the array as a whole cannot.
    refused({{}, {2}, {0}}, {0, 0, 2}, "a waits for c, which waits for a");
  }
}
