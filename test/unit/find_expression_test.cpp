// graph/find_expression: what is found in a small cluster, how words are joined, what is refused.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/find_expression.hpp"

#include <doctest/doctest.h>

#include "small_cluster.hpp"

using namespace hactor;
using hactor::test::make_cluster;

namespace {

/// cluster0 -> node0, node1 -> socket0, socket1 -> 2 cores. Job 7 has socket0 of node0 until 100,
/// job 8 will have socket1 of node1 from 100 on; socket1 of node0 is down.
struct stage {
  resource_graph g = make_cluster({{"node", 2}, {"socket", 2}, {"core", 2}});
  ledger held;

  stage() : held{prepare(g), *pruning_filter::parse("ALL:core")} {
    REQUIRE(!held.hold(7, socket("/cluster0/node0", "socket0", {0, 1}, 0), hold_kind::allocated));
    REQUIRE(!held.hold(8, socket("/cluster0/node1", "socket1", {2, 3}, 100), hold_kind::reserved));
  }

  static resource_graph& prepare(resource_graph& g) {
    g.set_status(g.find_path("/cluster0/node0/socket1"), vertex_status::down);
    g.set_property(g.find_path("/cluster0/node1"), "fast", "yes");
    return g;
  }

  selection socket(const std::string& node, const std::string& name, std::vector<int> cores,
                   int64_t at) {
    selection s;
    s.at = at;
    s.duration = 100;
    for (auto c : cores)
      s.picks.push_back(
          {g.find_path(node + "/" + name + "/core" + std::to_string(c)), 3, true, false, 1});
    s.picks.push_back({g.find_path(node + "/" + name), 2, true, false, 1});
    s.picks.push_back({g.find_path(node), 1, false, false, 1});
    s.picks.push_back({g.root(), 0, false, false, 1});
    return s;
  }

  /// The names of the vertices for which it is true or that are above those, children first.
  std::string found(std::string_view expression) {
    auto e = find_expression::parse(expression);
    REQUIRE_MESSAGE(e, expression << ": " << render(e.error()));
    std::string names;
    for (auto& p : e->find(held, 0).what.picks) {
      CHECK(p.exclusive);
      CHECK(p.depth == depth_of(p.at));
      names += (names.empty() ? "" : " ") + g.name(p.at);
    }
    return names;
  }

  int depth_of(vertex v) const {
    auto path = g.path(v);
    return static_cast<int>(std::count(path.begin(), path.end(), '/')) - 1;
  }

  uint64_t count(std::string_view expression) {
    auto e = find_expression::parse(expression);
    REQUIRE_MESSAGE(e, expression << ": " << render(e.error()));
    return e->find(held, 0).matches;
  }
};

std::string refusal(std::string_view expression) {
  auto e = find_expression::parse(expression);
  REQUIRE_MESSAGE(!e, expression);
  CHECK(code_of(e.error()) == ec::bad_argument);
  return render(e.error());
}

} // namespace

TEST_CASE("each condition finds what it says, with all above it") {
  stage s;
  CHECK(s.found("status=down") == "core2 core3 socket1 node0 cluster0");
  CHECK(s.found("sched-now=allocated") == "core0 core1 socket0 node0 cluster0");
  CHECK(s.found("sched-future=reserved") == "core2 core3 socket1 node1 cluster0");
  CHECK(s.found("jobid-alloc=7") == "core0 core1 socket0 node0 cluster0");
  CHECK(s.found("jobid-alloc=8") == "");
  CHECK(s.found("jobid-reserved=8") == "core2 core3 socket1 node1 cluster0");
  CHECK(s.found("jobid-tag=8") == "core2 core3 socket1 node1 cluster0");
  CHECK(s.found("jobid-span=7") == "socket0 node0 cluster0");
  CHECK(s.found("names=node[0-1]") == "node0 node1 cluster0");
  CHECK(s.found("property=fast") == "node1 cluster0");
  CHECK(s.count("status=up") == 12);
  CHECK(s.count("sched-now=free") == 12);
  CHECK(s.count("sched-future=free") == 12);
  CHECK(s.count("agfilter=false") == 0);
}

TEST_CASE("blanks mean and; and and or bind alike from the left; not binds to what follows") {
  stage s;
  CHECK(s.count("names=core0 sched-now=allocated") == 1);
  CHECK(s.count("names=core0 and sched-now=free") == 1);
  CHECK(s.count("names=node0 or names=node1 and property=fast") == 1);
  CHECK(s.count("names=node0 or ( names=node1 and property=fast )") == 2);
  CHECK(s.count("names=node0 or (names=node1 and property=slow)") == 1);
  CHECK(s.count("not status=down") == 12);
  CHECK(s.count("not not status=down") == 3);
  CHECK(s.count("not (names=node[0-1] or names=cluster0) sched-now=free") == 9);
  CHECK(s.count("  status=UP\tsched-now=Free ") == 9);
}

TEST_CASE("agfilter shows the amounts below, in all or of one job") {
  stage s;
  auto all = find_expression::parse("agfilter=true")->find(s.held, 0);
  CHECK(all.what.picks.size() == 7); // no cores: they count nothing
  auto note = [&](const found_vertices& f, std::string_view path) {
    auto i = f.aggregates.find(s.g.find_path(path));
    return i == f.aggregates.end() ? "none" : i->second[0].first + " " + i->second[0].second;
  };
  CHECK(note(all, "/cluster0") == "core used:2, total:8");
  CHECK(note(all, "/cluster0/node1") == "core used:0, total:4");
  auto job = find_expression::parse("jobid-alloc=7 and agfilter=t")->find(s.held, 0);
  CHECK(note(job, "/cluster0/node0") == "core used:2, total:4");
  CHECK(note(job, "/cluster0/node1") == "none");
  match_remarks remarks;
  remarks.aggregates = &job.aggregates;
  CHECK(write_match(s.g, job.what, match_format::jgf, remarks)
            .find(R"("agfilter": {"core": "used:2, total:8"}})")
        != std::string::npos);
}

TEST_CASE("with ALL:node a node counts no nodes, and with node:node it does") {
  auto g = make_cluster({{"node", 2}, {"core", 2}});
  for (auto [text, at_node] : {std::pair{"ALL:core,ALL:node", 1u}, std::pair{"ALL:node", 0u},
                               std::pair{"ALL:core,node:node", 2u}}) {
    ledger held{g, *pruning_filter::parse(text)};
    auto all = find_expression::parse("agfilter=true")->find(held, 0);
    auto node = all.aggregates.find(g.find_path("/cluster0/node1"));
    CHECK_MESSAGE((node == all.aggregates.end() ? 0 : node->second.size()) == at_node, text);
    CHECK(all.what.picks.size() == (at_node == 0 ? 1 : 3));
  }
}

TEST_CASE("what is no expression is refused with the word and what would be right") {
  CHECK(refusal("").find("nothing to look for") != std::string::npos);
  CHECK(refusal("status").find("'status' is not KEY=VALUE") != std::string::npos);
  CHECK(refusal("status=broken").find("down or up") != std::string::npos);
  CHECK(refusal("statsu=up").find("did you mean status") != std::string::npos);
  CHECK(refusal("status=up and").find("a condition is missing") != std::string::npos);
  CHECK(refusal("and status=up").find("'and' is not KEY=VALUE") != std::string::npos);
  CHECK(refusal("not").find("a condition is missing") != std::string::npos);
  CHECK(refusal("(status=up").find("')' is missing") != std::string::npos);
  CHECK(refusal("status=up)").find("')' has no '('") != std::string::npos);
  CHECK(refusal("()").find("a condition is missing") != std::string::npos);
  CHECK(refusal("jobid-alloc=seven").find("seven") != std::string::npos);
  CHECK(refusal("agfilter=maybe").find("true or false") != std::string::npos);
  CHECK(refusal("names=a[1").find("host list") != std::string::npos);
  CHECK(refusal("property=").find("needs a name") != std::string::npos);
  CHECK(refusal(std::string(100, '(')).find("too many") != std::string::npos);
}
