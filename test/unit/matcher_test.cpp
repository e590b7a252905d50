// graph/matcher: hand-checked matches for shapes and policies; kept findings beside fresh ones.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/matcher.hpp"

#include <random>

#include <fmt/format.h>

#include "match_bench.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

const std::string one_core = "[{type: slot, count: 1, label: s, with: [{type: core, count: 1}]}]";

std::string node_slot(int nodes, int slots, int cores) {
  return "[{type: node, count: " + std::to_string(nodes)
         + ", with: [{type: slot, count: " + std::to_string(slots)
         + ", label: s, with: [{type: core, count: " + std::to_string(cores) + "}]}]}]";
}

std::string one_slot(int slots, int cores) {
  return fmt::format("[{{type: slot, count: {}, label: s, with: [{{type: core, count: {}}}]}}]",
                     slots, cores);
}

/// Node and id of each core that the last match chose.
std::vector<std::pair<int64_t, int64_t>> cores_of(const match_bench& b) {
  std::vector<std::pair<int64_t, int64_t>> all;
  for (auto& p : b.last.what.picks)
    if (p.exclusive && b.g.type_name(p.at) == "core")
      all.emplace_back(b.g.rank(p.at), b.g.id(p.at));
  return all;
}

resource_graph two_racks() {
  return make_cluster({{"rack", 2}, {"node", 2}, {"socket", 2}, {"core", 2}});
}

} // namespace

TEST_CASE("low and high take the smallest and the largest id at every level") {
  match_bench low{two_racks(), "low"}, high{two_racks(), "high"};
  auto l = compile(low.g, spec_text(one_core));
  CHECK(low.take(l) == "rack0/node0/socket0/core0");
  CHECK(low.take(l) == "rack0/node1/socket0/core0"); // core1 of node 0 has the larger id
  auto h = compile(high.g, spec_text(one_core));
  CHECK(high.take(h) == "rack0/node0/socket1/core3");
}

TEST_CASE("node-centric policies fill a node before the next") {
  match_bench lo{two_racks(), "lonode"}, hi{two_racks(), "hinode"};
  auto l = compile(lo.g, spec_text(one_core));
  CHECK(lo.take(l) == "rack0/node0/socket0/core0");
  CHECK(lo.take(l) == "rack0/node0/socket0/core1");
  CHECK(lo.take(l) == "rack0/node0/socket1/core2");
  CHECK(lo.take(l) == "rack0/node0/socket1/core3");
  CHECK(lo.take(l) == "rack0/node1/socket0/core0");
  auto h = compile(hi.g, spec_text(one_core));
  CHECK(hi.take(h) == "rack1/node3/socket1/core3");
  CHECK(hi.take(h) == "rack1/node3/socket1/core2");
}

TEST_CASE("first goes to what was never used, then to where most is left, from the highest id") {
  match_bench b{two_racks(), "first"};
  auto r = compile(b.g, spec_text(one_core));
  for (auto where :
       {"rack1/node3/socket1/core3", "rack0/node1/socket1/core3", "rack1/node2/socket1/core3",
        "rack0/node0/socket1/core3", "rack1/node3/socket0/core1", "rack0/node1/socket0/core1"})
    CHECK(b.take(r) == where);
}

TEST_CASE("whole-node policies give the node with all that is in it") {
  match_bench b{two_racks(), "lonodex"};
  auto r = compile(b.g, spec_text(one_core));
  CHECK(b.take(r)
        == "rack0/node0/socket0/core0 rack0/node0/socket0/core1 rack0/node0/socket1/core2 "
           "rack0/node0/socket1/core3");
  CHECK(b.take(r).starts_with("rack0/node1/"));
  CHECK(!b.held.audit());
}

TEST_CASE("variation takes nodes of as few classes as possible, the best first") {
  match_bench b{make_cluster({{"node", 6}, {"core", 1}}), "variation"};
  for (auto [node, value] : {std::pair{0, "2"}, {1, "1"}, {2, "1"}, {3, "bad"}, {4, "1"}})
    b.g.set_property(b.g.of_rank(node)[0], "perf_class", value);
  auto r = compile(b.g, spec_text(node_slot(2, 1, 1)));
  CHECK(b.take(r) == "node1/core0 node2/core0");
  CHECK(b.take(r) == "node0/core0 node4/core0");
  CHECK(b.take(r) == "node3/core0 node5/core0");
  CHECK(b.take(r) == "busy");
}

TEST_CASE("locality takes the highest run of consecutive nodes first") {
  match_bench b{make_cluster({{"node", 8}, {"core", 1}}), "locality"};
  auto r = compile(b.g, spec_text("[{type: node, count: 2, exclusive: true, with: [{type: slot, "
                                  "count: 1, label: s, with: [{type: core, count: 1}]}]}]"));
  CHECK(b.take(r) == "node6/core0 node7/core0");
}

TEST_CASE("the example with racks: 2 racks x 3 nodes x 2 sockets x 18 cores, or never") {
  auto spec = spec_text("[{type: cluster, count: 1, with: [{type: rack, count: 2, with: [{type: "
                        "slot, count: 3, label: s, with: [{type: node, count: 1, with: [{type: "
                        "socket, count: 2, with: [{type: core, count: 18}]}]}]}]}]}]",
                        "", "s");
  match_bench b{make_cluster({{"rack", 3}, {"node", 4}, {"socket", 2}, {"core", 18}}), "high"};
  auto r = compile(b.g, spec);
  b.take(r);
  REQUIRE(b.last.verdict == match_verdict::matched);
  CHECK(b.count(b.last.what, "rack") == 2);
  CHECK(b.count(b.last.what, "node") == 6);
  CHECK(b.count(b.last.what, "socket") == 12);
  CHECK(b.count(b.last.what, "core") == 216);
  // One rack of the first job's has a node left, and the third has four.
  CHECK(b.take(r) == "busy");
  CHECK(b.take(r, match_op::satisfiable) == "possible");
  match_bench one{make_cluster({{"rack", 1}, {"node", 9}, {"socket", 2}, {"core", 18}}), "high"};
  CHECK(one.take(compile(one.g, spec), match_op::satisfiable) == "never");
  CHECK(one.take(compile(one.g, spec), match_op::allocate_if_satisfiable) == "never");
}

TEST_CASE("levels may be left out anywhere; as Fluxion has it, above the first only") {
  matcher_options options;
  options.levels_as_fluxion = true;
  match_bench b{two_racks(), "low"}, as_fluxion{two_racks(), "low", "ALL:core", options};
  CHECK(b.take(compile(b.g, spec_text("[{type: socket, count: 1, with: [{type: slot, count: 1, "
                                      "label: s, with: [{type: core, count: 2}]}]}]")))
        == "rack0/node0/socket0/core0 rack0/node0/socket0/core1");
  auto gap = compile(b.g, spec_text("[{type: rack, count: 1, with: [{type: socket, count: 1, with: "
                                    "[{type: slot, count: 1, label: s, with: [{type: core, count: "
                                    "1}]}]}]}]"));
  CHECK(b.take(gap) == "rack0/node1/socket0/core0");
  CHECK(as_fluxion.take(compile(as_fluxion.g, spec_text(one_core))) == "rack0/node0/socket0/core0");
  CHECK(as_fluxion.take(gap, match_op::satisfiable) == "never");
}

TEST_CASE("a slot is packed from all that is in a node; as Fluxion has it, from one socket") {
  matcher_options options;
  options.levels_as_fluxion = true;
  for (auto& policy : {"first", "low", "lonode", "locality"}) {
    match_bench b{two_racks(), policy}, as_fluxion{two_racks(), policy, "ALL:core", options};
    for (auto& text : {node_slot(3, 1, 4), one_slot(1, 4), one_slot(1, 3)}) {
      CAPTURE(text);
      auto request = compile(as_fluxion.g, spec_text(text));
      CHECK(as_fluxion.take(request, match_op::satisfiable) == "never");
      CHECK(b.m.match(compile(b.g, spec_text(text)), match_op::allocate, 0).verdict
            == match_verdict::matched);
    }
    // No slot is in two nodes.
    CHECK(b.take(compile(b.g, spec_text(one_slot(1, 5))), match_op::satisfiable) == "never");
    b.take(compile(b.g, spec_text(node_slot(3, 1, 3))));
    CHECK(b.count(b.last.what, "core") == 9);
    CHECK(b.count(b.last.what, "node") == 3);
    CHECK(b.take(compile(b.g, spec_text(one_slot(3, 2)))) == "busy");
    b.take(compile(b.g, spec_text(one_slot(2, 2))));
    CHECK(b.count(b.last.what, "core") == 4);
    CHECK(!b.held.audit());
  }
}

TEST_CASE("what a slot is made of may be at several depths of a node") {
  resource_graph g;
  cluster_builder build{g};
  auto root = build.add("cluster", 0, no_vertex);
  for (int n = 0; n < 2; ++n) {
    auto node = build.add("node", n, root);
    build.add("gpu", 0, node);
    build.add("disk", 0, node, 10);
    for (int s = 0; s < 2; ++s) {
      auto socket = build.add("socket", s, node);
      for (int c = 0; c < 2; ++c)
        build.add("core", 2 * s + c, socket);
    }
  }
  match_bench b{std::move(g), "lonode"};
  auto with_gpu = compile(b.g, spec_text("[{type: slot, count: 1, label: s, with: [{type: core, "
                                         "count: 3}, {type: gpu, count: 1}]}]"));
  CHECK(b.take(with_gpu)
        == "node0/gpu0 node0/socket0/core0 node0/socket0/core1 node0/socket1/core2");
  // A sibling of the slot is looked for beside it, and below.
  auto beside = compile(b.g, spec_text("[{type: node, count: 1, with: [{type: slot, count: 1, "
                                       "label: s, with: [{type: core, count: 1}]}, {type: disk, "
                                       "count: 4}]}]"));
  CHECK(b.take(beside) == "node0/socket1/core3");
  CHECK(b.last.what.charges.size() == 1);
  auto top = compile(b.g, spec_text("[{type: slot, count: 1, label: s, with: [{type: core, count: "
                                    "4}]}, {type: disk, count: 7}]"));
  CHECK(b.take(top)
        == "node1/socket0/core0 node1/socket0/core1 node1/socket1/core2 node1/socket1/core3");
  REQUIRE(b.last.what.charges.size() == 2); // the first has 6 units left
  CHECK(b.last.what.charges[0].units + b.last.what.charges[1].units == 7);
  CHECK(b.take(with_gpu) == "busy");
}

TEST_CASE("sockets change which cores of a node make a slot, not the nodes") {
  auto nodes_of = [](const match_bench& b) {
    std::vector<int64_t> all;
    for (auto& [node, core] : cores_of(b))
      all.push_back(node);
    return all;
  };
  for (auto& policy : {"low", "high", "lonode", "hinode", "locality", "hinodex"}) {
    CAPTURE(policy);
    match_bench flat{make_cluster({{"node", 9}, {"core", 8}}), policy};
    match_bench deep{make_cluster({{"node", 9}, {"socket", 2}, {"core", 4}}), policy};
    for (auto& text : {one_slot(1, 1), one_slot(1, 3), one_slot(2, 3), node_slot(2, 1, 5),
                       node_slot(3, 2, 2), one_slot(5, 1), one_slot(3, 7)}) {
      CAPTURE(text);
      flat.take(compile(flat.g, spec_text(text)));
      deep.take(compile(deep.g, spec_text(text)));
      CHECK(nodes_of(flat) == nodes_of(deep));
      if (text == one_slot(1, 1)) // the first: nothing is taken yet
        CHECK(cores_of(flat) == cores_of(deep));
    }
    CHECK(!deep.held.audit());
  }
}

TEST_CASE("slots of whole nodes are found among many") {
  match_bench b{make_cluster({{"rack", 1}, {"node", 12}, {"core", 2}}), "lonode"};
  b.take(compile(b.g, spec_text("[{type: slot, count: 4, label: s, with: [{type: node, count: 2, "
                                "with: [{type: core, count: 1}]}]}]")));
  CHECK(b.count(b.last.what, "node") == 8);
}

TEST_CASE("ranges and sets are given the most that is there") {
  match_bench b{make_cluster({{"node", 5}, {"core", 2}}), "low"};
  auto with = [&](const std::string& count) {
    auto text = "[{type: node, count: " + count
                + ", exclusive: true, with: [{type: slot, count: 1, label: s, with: [{type: core, "
                  "count: 1}]}]}]";
    auto r = b.m.match(compile(b.g, spec_text(text)), match_op::allocate, 0);
    return r.verdict == match_verdict::matched ? static_cast<int>(b.count(r.what, "node")) : 0;
  };
  CHECK(with("{min: 1, max: 3, operator: '+', operand: 1}") == 3);
  CHECK(with("{min: 1, max: 9, operator: '*', operand: 2}") == 4);
  CHECK(with("{min: 2, max: 9, operator: '^', operand: 2}") == 4);
  CHECK(with("{min: 6}") == 0);
  CHECK(with("{min: 2}") == 5);
  CHECK(with("\"1,3,7\"") == 3);
}

TEST_CASE("a whole node is not given while a core of it is in use, and the other way round") {
  match_bench b{make_cluster({{"node", 1}, {"core", 4}}), "low"};
  auto core = compile(b.g, spec_text(one_core));
  auto node = compile(b.g, spec_text("[{type: node, count: 1, exclusive: true, with: [{type: slot, "
                                     "count: 1, label: s, with: [{type: core, count: 1}]}]}]"));
  CHECK(b.take(core) == "node0/core0");
  CHECK(b.take(node) == "busy");
  CHECK(b.held.release(1));
  CHECK(b.take(node) == "node0/core0 node0/core1 node0/core2 node0/core3");
  CHECK(b.take(core) == "busy");
}

TEST_CASE("what is in a slot comes with all that is in it") {
  match_bench b{two_racks(), "low"};
  auto r =
      compile(b.g, spec_text("[{type: slot, count: 1, label: s, with: [{type: socket, count: 1, "
                             "with: [{type: core, count: 1}]}]}]"));
  CHECK(b.take(r) == "rack0/node0/socket0/core0 rack0/node0/socket0/core1");
}

TEST_CASE("for the look-alike only what is asked for as exclusive brings what is in it") {
  match_bench b{two_racks(), "low"};
  auto spec = [](const std::string& socket) {
    return spec_text("[{type: slot, count: 1, label: s, with: [{type: socket, count: 1, " + socket
                     + "with: [{type: core, count: 1}]}]}]");
  };
  CHECK(b.take(compile(b.g, spec(""), false)) == "rack0/node0/socket0/core0");
  CHECK(b.take(compile(b.g, spec("exclusive: true, "), false))
        == "rack0/node1/socket0/core0 rack0/node1/socket0/core1");
}

TEST_CASE("something shared below a slot contradicts itself") {
  match_bench b{two_racks(), "low"};
  auto r = compile(b.g, spec_text("[{type: slot, count: 1, label: s, with: [{type: node, count: 1, "
                                  "exclusive: false, with: [{type: socket, count: 1}]}]}]"));
  CHECK(b.take(r) == "invalid");
  // And says nothing of what comes after it, also where nothing has to be walked for that.
  CHECK(b.take(compile(b.g, spec_text(one_core))) != "invalid");
  CHECK(b.take(r) == "invalid");
  auto much = compile(b.g, spec_text(node_slot(99, 1, 1)));
  CHECK(b.take(much, match_op::satisfiable) == "never");
  CHECK(b.take(r) == "invalid");
  CHECK(b.take(much) == "busy");
}

TEST_CASE("a full machine is reserved for when enough ends, in the order of asking") {
  match_bench b{make_cluster({{"node", 2}, {"core", 2}}), "low", "ALL:core,ALL:node"};
  auto one = compile(b.g, spec_text(node_slot(1, 1, 2)));
  auto two = compile(b.g, spec_text(node_slot(2, 1, 2)));
  b.take(one, match_op::allocate_or_reserve, 0);
  b.take(one, match_op::allocate_or_reserve, 50);
  CHECK(!b.last.reserved);
  b.take(two, match_op::allocate_or_reserve, 60);
  CHECK(b.last.reserved);
  CHECK(b.last.what.at == 150);
  b.take(one, match_op::allocate_or_reserve, 60); // 100..200 would delay the other
  CHECK(b.last.what.at == 250);
  CHECK(b.take(one, match_op::allocate, 60) == "busy");
  CHECK(b.take(compile(b.g, spec_text(node_slot(3, 1, 1))), match_op::allocate_or_reserve, 60)
        == "never");
  CHECK(!b.held.audit());
}

TEST_CASE("what is down or excluded by a constraint is passed by, but possible") {
  match_bench b{make_cluster({{"node", 3}, {"core", 1}}), "low"};
  auto any = compile(b.g, spec_text(one_core));
  b.g.set_property(b.g.of_rank(2)[0], "big", "");
  auto big = compile(b.g, spec_text(one_core, "constraints: {properties: [big]}"));
  CHECK(b.take(big) == "node2/core0");
  auto down = b.g.of_rank(0)[0];
  b.g.set_status(down, vertex_status::down);
  b.held.touched(down);
  CHECK(b.take(any) == "node1/core0");
  CHECK(b.take(any) == "busy");
  CHECK(b.take(any, match_op::allocate_if_satisfiable) == "busy");
  b.g.set_status(down, vertex_status::up);
  b.held.touched(down);
  CHECK(b.take(any) == "node0/core0");
  CHECK(b.take(compile(b.g, spec_text(one_core, "constraints: {ranks: [\"7\"]}")),
               match_op::allocate_if_satisfiable)
        == "never");
}

TEST_CASE("siblings of one type and different shape each get what fits them") {
  resource_graph g;
  cluster_builder c{g};
  auto cluster = c.add("cluster", 0, no_vertex);
  for (int n = 0; n < 6; ++n) {
    auto node = c.add("node", n, cluster);
    c.add("core", 0, node);
    if (n >= 3)
      c.add("storage", 0, node, 1, "TB");
  }
  c.add("storage", 0, cluster, 100, "TB");
  match_bench b{std::move(g), "high"};
  auto r = compile(
      b.g,
      spec_text(
          "[{type: node, count: 3, with: [{type: slot, count: 1, label: plain, with: [{type: core, "
          "count: 1}]}]}, {type: node, count: 3, with: [{type: slot, count: 1, label: ssd, with: "
          "[{type: "
          "core, count: 1}, {type: storage, count: 1}]}]}, {type: storage, count: 4, unit: TB}]",
          "", "ssd"));
  CHECK(b.take(r)
        == "node0/core0 node1/core0 node2/core0 node3/core0 node3/storage0 node4/core0 "
           "node4/storage0 node5/core0 node5/storage0");
  CHECK(b.last.what.charges == std::vector<charge>{{b.g.find_path("/cluster0/storage0"), 4}});
  CHECK(b.take(r) == "busy");
  CHECK(!b.held.audit());
}

TEST_CASE("power is charged on the way up, and holds a job back when cores are free") {
  auto make = [] {
    auto g = make_cluster({{"node", 4}, {"core", 4}});
    cluster_builder c{g};
    auto power = *g.add_subsystem("power");
    auto panel = c.add("power", 0, no_vertex, 700, "W");
    for (int p = 0; p < 2; ++p) {
      auto pdu = c.add("power", p + 1, no_vertex, 500, "W");
      REQUIRE(!g.add_edge(panel, pdu, power, "supplies_to"));
      for (int n = 2 * p; n < 2 * p + 2; ++n)
        REQUIRE(!g.add_edge(pdu, g.of_rank(n)[0], power, "supplies_to"));
    }
    return g;
  };
  match_bench b{make(), "low"};
  auto r =
      compile(b.g, spec_text("[{type: node, count: 1, with: [{type: power, count: 300}, {type: "
                             "slot, count: 1, label: s, with: [{type: core, count: 1}]}]}]"));
  CHECK(b.take(r) == "node0/core0");
  CHECK(b.last.what.charges.size() == 2);
  CHECK(b.take(r) == "node2/core0"); // the first pdu has 200 left
  CHECK(b.take(r) == "busy");        // the panel has 100 left
  CHECK(b.held.release(1));
  CHECK(b.take(r) == "node0/core0");
  auto pair = compile(b.g, spec_text("[{type: node, count: 2, with: [{type: power, count: 300}, "
                                     "{type: slot, count: 1, label: s, with: [{type: core, count: "
                                     "1}]}]}]"));
  CHECK(b.held.release(2));
  CHECK(b.held.release(3));
  CHECK(b.take(pair) == "node0/core0 node2/core0");
  CHECK(!b.held.audit());

  // Of power alone there would be no end to the slots.
  auto watts = parse_jobspec(spec_text("[{type: node, count: 1, with: [{type: slot, count: 1, "
                                       "label: s, with: [{type: power, count: 100}]}]}]"));
  REQUIRE(watts);
  auto none = compile_match(*watts, b.g, true);
  REQUIRE_FALSE(none);
  CHECK(code_of(none.error()) == ec::bad_jobspec);
  CHECK(context_of(none.error())
        == "resources[0].with[0].with: a slot must have something that is in a node, found only "
           "power");
}

TEST_CASE("what was kept from earlier matches is what a fresh matcher finds") {
  for (auto policy : {"low", "high", "lonode", "hinode", "lonodex", "locality", "variation"})
    for (uint32_t seed = 1; seed <= 4; ++seed) {
      CAPTURE(std::string{policy});
      CAPTURE(seed);
      std::mt19937 random{seed};
      match_bench b{make_cluster({{"rack", 3}, {"node", 4}, {"socket", 2}, {"core", 4}}), policy,
                    "ALL:core,ALL:node"};
      for (int n = 0; n < 12; ++n)
        b.g.set_property(b.g.of_rank(n)[0], "perf_class", std::to_string(random() % 3));
      std::vector<std::shared_ptr<const match_request>> shapes;
      for (auto text :
           {one_core, node_slot(1, 1, 2), node_slot(2, 2, 2), node_slot(3, 1, 4),
            std::string("[{type: slot, count: {min: 1, max: 5}, label: s, with: [{type: "
                        "core, count: 2}]}]"),
            std::string("[{type: node, count: 1, exclusive: true, with: [{type: slot, "
                        "count: 1, label: s, with: [{type: socket, count: 1, with: "
                        "[{type: core, count: 1}]}]}]}]")})
        shapes.push_back(compile(b.g, spec_text(text)));
      for (int step = 0; step < 200; ++step) {
        if (random() % 3 == 0) {
          b.held.release(1 + random() % (b.jobs + 1));
        } else if (random() % 10 == 0) {
          auto node = b.g.of_rank(static_cast<int32_t>(random() % 12))[0];
          auto up = b.g.status(node) == vertex_status::up;
          b.g.set_status(node, up ? vertex_status::down : vertex_status::up);
          b.held.touched(node);
        } else {
          auto& shape = shapes[random() % shapes.size()];
          auto op = random() % 4 == 0 ? match_op::allocate_or_reserve : match_op::allocate;
          matcher fresh{b.g, b.held, *make_match_policy(policy)};
          auto wanted = fresh.match(shape, op, step);
          auto before = b.jobs;
          b.take(shape, op, step);
          REQUIRE(b.last.verdict == wanted.verdict);
          REQUIRE(b.last.what == wanted.what);
          if (b.jobs > before && random() % 2 == 0 && b.last.reserved)
            b.held.release(b.jobs);
        }
        REQUIRE(!b.held.audit());
      }
    }
}

TEST_CASE("fetching ahead what the next match will look at does not change what it finds") {
  std::mt19937 random{7};
  auto machine = [] {
    return make_cluster({{"rack", 5}, {"node", 4}, {"socket", 2}, {"core", 4}});
  };
  match_bench ahead{machine(), "first", "ALL:core,ALL:node", {.fetch_ahead_min = 0}};
  match_bench plain{machine(), "first", "ALL:core,ALL:node"};
  const std::string shapes[] = {one_core, node_slot(1, 1, 2), node_slot(2, 2, 2),
                                node_slot(3, 1, 4)};
  for (int step = 0; step < 400; ++step) {
    if (step % 100 == 99) { // a rack goes
      auto remove = [&](match_bench& b, vertex top) {
        b.held.shrinking(top);
        b.g.remove_subtree(top);
        b.held.grown();
      };
      auto top = plain.g.below(plain.g.root())[random() % plain.g.below(plain.g.root()).size()];
      remove(ahead, top);
      remove(plain, top);
    } else if (random() % 3 == 0) {
      auto job = 1 + random() % (plain.jobs + 1);
      CHECK(ahead.held.release(job) == plain.held.release(job));
    } else {
      auto& text = shapes[random() % 4];
      auto found = plain.take(compile(plain.g, spec_text(text)));
      CHECK(ahead.take(compile(ahead.g, spec_text(text))) == found);
    }
  }
}

TEST_CASE("a leaf that stands among many nodes is found, whatever the policy") {
  for (auto policy : {"first", "low", "high", "lonode", "locality", "variation"}) {
    CAPTURE(std::string{policy});
    auto g = make_cluster({{"node", 12}, {"core", 2}});
    cluster_builder{g}.add("licence", 0, g.root());
    match_bench b{std::move(g), policy};
    auto r = compile(b.g, spec_text("[{type: slot, count: 1, label: s, with: [{type: licence, "
                                    "count: 1}]}]"));
    CHECK(b.take(r) == "licence0");
    CHECK(b.take(r) == "busy");
  }
}

TEST_CASE("the best is taken of what was not looked at yet, and of what has become free again") {
  for (auto policy : {"low", "lonode"}) {
    CAPTURE(std::string{policy});
    match_bench b{make_cluster({{"rack", 9}, {"node", 9}, {"core", 2}}), policy};
    auto whole = compile(b.g, spec_text("[{type: node, count: 1, with: [{type: slot, count: 1, "
                                        "label: s, with: [{type: core, count: 2}]}]}]"));
    auto core = compile(b.g, spec_text("[{type: slot, count: 1, label: s, with: [{type: core, "
                                       "count: 1}]}]"));
    for (int i = 0; i < 20; ++i)
      CHECK(b.take(whole).starts_with("rack" + std::to_string(i / 9) + "/node" + std::to_string(i)
                                      + "/"));
    REQUIRE(b.held.release(15)); // rack1/node14
    CHECK(b.take(core) == "rack1/node14/core0");
    REQUIRE(b.held.release(4)); // rack0/node3
    CHECK(b.take(core) == "rack0/node3/core0");
    CHECK(b.take(whole).starts_with("rack2/node20/"));
  }
}
