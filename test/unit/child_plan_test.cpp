// actors/child_plan: shares of an instance, and the jobs that its children are.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/child_plan.hpp"

#include "actors/scheduler_settings.hpp"
#include <fmt/format.h>

#include "spec_texts.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

config attributes(const std::vector<std::string>& items) {
  config a;
  for (auto& item : items)
    REQUIRE(!a.set_item(item));
  return a;
}

std::string shares_text(const std::vector<child_share>& all) {
  std::string text;
  for (auto& s : all)
    text += fmt::format("{}{}/{}/{}", text.empty() ? "" : " ", s.nodes, s.cores, s.gpus);
  return text;
}

} // namespace

TEST_SUITE("child_plan") {
  TEST_CASE("a tree is numbers with an x between") {
    CHECK(parse_tree("")->empty());
    CHECK(*parse_tree("4") == std::vector<uint32_t>{4});
    CHECK(*parse_tree("2x4x1") == std::vector<uint32_t>{2, 4, 1});
    for (auto* wrong :
         {"x", "2x", "x2", "0", "2x0", "2 x 4", "-1", "5000", "a", "1x1x1x1x1x1x1x1x1"}) {
      CAPTURE(wrong);
      auto tree = parse_tree(wrong);
      REQUIRE(!tree);
      CHECK(code_of(tree.error()) == ec::bad_argument);
    }
  }

  TEST_CASE("shares are even: whole nodes, or parts of nodes where there are too few") {
    struct row {
      uint32_t nodes, cores, wanted;
      const char* shares;
    };
    for (auto& r : {
             row{4, 2, 2, "2/0/0 2/0/0"},
             row{5, 2, 2, "3/0/0 2/0/0"},
             row{3, 2, 0, "1/0/0 1/0/0 1/0/0"},
             row{1, 5, 0, "0/3/0 0/2/0"},
             row{2, 4, 4, "0/2/0 0/2/0 0/2/0 0/2/0"},
             row{2, 4, 3, "0/2/0 0/2/0 0/4/0"},
             row{1, 2, 8, "0/1/0 0/1/0"},
         }) {
      CAPTURE(r.wanted);
      CHECK(shares_text(plan_children(whole_nodes(r.nodes, r.cores), r.wanted)) == r.shares);
    }
    CHECK(plan_children({}, 2).empty());
    auto gpus = whole_nodes(1, 4);
    gpus.nodes[0].gpus = idset::range(0, 2);
    CHECK(shares_text(plan_children(gpus, 2)) == "0/2/2 0/2/1");
  }

  TEST_CASE("of what others have left, a share takes what it can get") {
    auto all = whole_nodes(4, 4);
    auto rest = all;
    rest.nodes[0].cores = idset::range(0, 1);
    CHECK(fit_share({4, 0, 0}, all, rest) == child_share{3, 0, 0});
    CHECK(fit_share({2, 0, 0}, all, rest) == child_share{2, 0, 0});
    CHECK(fit_share({0, 8, 0}, all, rest) == child_share{0, 4, 0});
    CHECK(fit_share({1, 0, 0}, all, restrict_to(rest, idset::single(0))).empty());
    CHECK(fit_share({0, 3, 0}, all, restrict_to(rest, idset::single(0))) == child_share{0, 2, 0});
  }

  TEST_CASE("another policy has no children; a wrong setting is named") {
    CHECK(!*read_hierarchy(attributes({"sched.policy=easy", "sched.tree=4"})));
    auto wrong = read_hierarchy(attributes({"sched.policy=hierarchy", "sched.leaf_policy=lifo"}));
    REQUIRE(!wrong);
    CHECK(render(wrong.error()).find("sched.leaf_policy") != std::string::npos);
    CHECK(!read_scheduler_settings(
        attributes({"sched.policy=hierarchy", "sched.queues=a policy=lifo"})));
  }

  TEST_CASE("children get the rest of the tree and what was set; the last level the leaf policy") {
    auto s = read_hierarchy(attributes(
        {"sched.policy=hierarchy", "sched.tree=2x3", "sched.leaf_policy=easy", "sched.match=low"}));
    REQUIRE(s);
    CHECK((*s)->tree == std::vector<uint32_t>{2, 3});
    auto spec = child_jobspec(**s, {2, 0, 0}, "/bin/hactor", 1);
    for (auto* part :
         {R"("/bin/hactor","start","--serve")", "--setattr=sched.policy=hierarchy",
          "--setattr=sched.tree=3", "--setattr=sched.leaf_policy=easy", "--setattr=sched.match=low",
          R"("child":true)", R"("name":"child-1")", R"("exclusive":true)"}) {
      CAPTURE(part);
      CHECK(spec.find(part) != std::string::npos);
    }
    auto leaf = read_hierarchy(attributes({"sched.policy=hierarchy", "sched.leaf_policy=easy"}));
    REQUIRE(leaf);
    auto last = child_jobspec(**leaf, {0, 3, 1}, "/bin/hactor", 0);
    CHECK(last.find("--setattr=sched.policy=easy") != std::string::npos);
    CHECK(last.find("sched.tree") == std::string::npos);
    spec_cache specs;
    auto made = specs.intern(last, "");
    REQUIRE(made);
    CHECK((*made)->is_child);
    CHECK((*made)->request->ncores == 3);
    CHECK((*made)->request->ngpus == 1);
  }
}
