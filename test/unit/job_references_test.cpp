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

  TEST_CASE("a name means what was submitted since, and of copies those that it names") {
    std::vector<found_job> all{
        {{1}, 10, -1, true}, {{4}, 30, -1, true}, {{2}, 20, 0, true}, {{3}, 20, 1, false}};
    CHECK(choose_named(all, of("sim"), 20) == ids({2, 3, 4}));
    all.push_back({{2}, 20, 0, true}); // it left memory while the archive was asked
    CHECK(choose_named(all, of("sim"), 20) == ids({2, 3, 4}));
    CHECK(choose_named(all, of("sim"), 30) == ids({4}));
    CHECK(choose_named(all, of("sim[1-5]"), 20) == ids({3}));
    CHECK(choose_named(all, of("sim[7]"), 20).empty());
    CHECK(choose_named({}, of("sim"), 0).empty());
  }

  TEST_CASE("members of an array by their indices") {
    auto values = *idset::parse("1,3-5,9");
    CHECK(members_of({20}, values, of("f3[*]"), 100) == ids({20, 21, 22, 23, 24}));
    CHECK(members_of({20}, values, of("f3[*]"), 2) == ids({20, 21}));
    CHECK(members_of({20}, values, of("f3[0-3,9]"), 100) == ids({20, 21, 24}));
    CHECK(members_of({20}, values, of("f3[0-100]"), 100) == ids({20, 21, 22, 23, 24}));
    CHECK(members_of({20}, values, of("f3[7]"), 100).empty());
  }

  TEST_CASE("words become ids in the jobspec, which keeps the words") {
    spec_cache specs;
    spec_text text;
    text.dependencies = json::array({{{"scheme", "afterok"}, {"value", "sim"}},
                                     {{"scheme", "afterany"}, {"value", "f9"}},
                                     {{"scheme", "afterok"}, {"value", "f5"}, {"any", "0"}},
                                     {{"scheme", "afterok"}, {"value", "sim"}, {"any", "0"}}});
    meant_jobs sim{ids({20, 21})};
    auto meaning_of = [&](const std::string&, const std::string& words) {
      return words == "sim" ? &sim : nullptr;
    };
    auto next = resolve(*intern(specs, text), meaning_of);
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
    meant_jobs many{std::vector<job_id>(references_max + 1)};
    auto too_many = resolve(*intern(specs, text),
                            [&](const std::string&, const std::string&) { return &many; });
    REQUIRE_FALSE(too_many);
    CHECK(code_of(too_many.error()) == ec::too_big);
  }

  TEST_CASE("an array that is waited for as a whole is one entry, with its indices") {
    spec_cache specs;
    spec_text text;
    text.dependencies = json::array({{{"scheme", "aftercorr"}, {"value", "sim"}}});
    meant_jobs sim{{}, {true, {20}, *idset::parse("0-2,5")}};
    auto next = resolve(*intern(specs, text), [&](const std::string& scheme, const std::string&) {
      return scheme == "aftercorr" ? &sim : nullptr;
    });
    REQUIRE(next);
    auto again = specs.intern(next->text, ""); // as a restart reads it
    REQUIRE(again);
    auto& c = (*again)->dependencies->at(0).any_of.at(0);
    CHECK(c.kind == dependency_kind::after_corr);
    REQUIRE(c.array);
    CHECK(c.array->to_string() == "0-2,5");
    CHECK(target_of(c, 5) == job_id{23});
    CHECK(target_of(c, 3) == job_id{});
    CHECK(sentence_of(c) == "the job of its index in the array fM to end well");
    text.dependencies[0]["value"] = "sim[3]";
    auto copies = specs.intern(text.text(), "");
    REQUIRE_FALSE(copies);
    CHECK(render(copies.error()).find("must be an array as a whole") != std::string::npos);
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
