// graph/matcher: slots of a node are made of what lies together in it, where a whole one does.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "graph/matcher.hpp"
#include "match_bench.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

/// What a node's socket has: cores from `core` on, GPUs from `gpu` on; in numanodes, if there are.
struct socket {
  int cores;
  int core;
  int gpus = 0;
  int gpu = 0;
  int numanodes = 0;
};

resource_graph machine(int nodes, const std::vector<socket>& sockets) {
  resource_graph g;
  cluster_builder b{g};
  auto root = b.add("cluster", 0, no_vertex);
  for (int n = 0; n < nodes; ++n) {
    auto node = b.add("node", n, root);
    int numa = 0;
    for (size_t s = 0; s < sockets.size(); ++s) {
      auto& of = sockets[s];
      auto top = b.add("socket", static_cast<int64_t>(s), node);
      auto groups = std::max(of.numanodes, 1);
      for (int k = 0; k < groups; ++k) {
        auto in = of.numanodes > 0 ? b.add("numanode", numa++, top) : top;
        for (int i = 0; i < of.cores / groups; ++i)
          b.add("core", of.core + k * (of.cores / groups) + i, in);
        for (int i = 0; i < of.gpus / groups; ++i)
          b.add("gpu", of.gpu + k * (of.gpus / groups) + i, in);
      }
    }
  }
  return g;
}

/// As on Frontier: the GPUs of a socket are not those whose numbers are as its cores'.
resource_graph crossed() { return machine(1, {{4, 0, 2, 2}, {4, 4, 2, 0}}); }

std::string slots(int count, int cores, int gpus) {
  auto text = fmt::format("[{{type: slot, count: {}, label: s, with: [{{type: core, count: {}}}",
                          count, cores);
  return text + (gpus > 0 ? fmt::format(", {{type: gpu, count: {}}}]}}]", gpus) : "]}]");
}

/// Cores and GPUs of what was taken, "0-3/2-3"; of the first rank that has any.
std::string taken(match_bench& b, const std::shared_ptr<const match_request>& r) {
  if (b.take(r).empty())
    return "";
  idset cores, gpus;
  for (auto& p : b.last.what.picks)
    if (p.exclusive && b.g.type_name(p.at) == "core")
      cores.add(static_cast<uint32_t>(b.g.id(p.at)));
    else if (p.exclusive && b.g.type_name(p.at) == "gpu")
      gpus.add(static_cast<uint32_t>(b.g.id(p.at)));
  return cores.to_string() + "/" + gpus.to_string();
}

std::string taken(match_bench& b, const std::string& resources) {
  return taken(b, compile(b.g, spec_text(resources)));
}

const char* const policies[] = {"lonode", "low", "first", "hinode", "high", "locality"};

} // namespace

TEST_CASE("a slot gets the GPUs of its cores' socket, whatever their numbers") {
  for (auto policy : {"lonode", "low"}) {
    match_bench b{crossed(), policy};
    CHECK(taken(b, slots(1, 1, 2)) == "0/2-3");
    CHECK(taken(b, slots(1, 1, 1)) == "4/0"); // where GPUs are left
  }
  match_bench first{crossed(), "first"};
  CHECK(taken(first, slots(1, 4, 2)) == "4-7/0-1");
  CHECK(taken(first, slots(1, 4, 2)) == "0-3/2-3");
}

TEST_CASE("what fits below one socket is not taken across two, whatever the policy") {
  for (auto policy : policies) {
    CAPTURE(policy);
    match_bench b{machine(1, {{4, 0, 2, 0}, {4, 4, 2, 2}}), policy};
    auto core = taken(b, slots(1, 1, 0));
    auto is_low = core == "0/";
    CHECK(taken(b, slots(1, 4, 2)) == (is_low ? "4-7/2-3" : "0-3/0-1"));
    CHECK(taken(b, slots(1, 3, 0)) == (is_low ? "1-3/" : "4-6/"));
    match_bench cores{machine(1, {{4, 0}, {4, 4}}), policy};
    is_low = taken(cores, slots(1, 1, 0)) == "0/";
    CHECK(taken(cores, slots(1, 4, 0)) == (is_low ? "4-7/" : "0-3/"));
  }
}

TEST_CASE("of places that would do the one with least left is taken, then the first") {
  match_bench b{machine(1, {{4, 0}, {4, 4}, {4, 8}}), "lonode"};
  auto two = compile(b.g, spec_text(slots(1, 2, 0)));
  CHECK(taken(b, slots(1, 3, 0)) == "0-2/");
  CHECK(taken(b, two) == "4-5/");
  CHECK(taken(b, two) == "6-7/");
  CHECK(taken(b, two) == "8-9/");
  CHECK(taken(b, slots(1, 3, 0)) == "3,10-11/"); // nowhere whole: most of it together
}

TEST_CASE("the smallest place that has all comes before larger ones") {
  match_bench b{machine(1, {{8, 0, 4, 4, 2}, {8, 8, 4, 0, 2}}), "lonode"};
  CHECK(taken(b, slots(1, 2, 0)) == "0-1/");
  CHECK(taken(b, slots(1, 4, 2)) == "4-7/6-7");
  CHECK(taken(b, slots(1, 6, 3)) == "8-13/0-2"); // no numanode has six; the other socket has
  CHECK(taken(b, slots(1, 2, 1)) == "14-15/3");
  CHECK(taken(b, slots(1, 2, 2)) == "2-3/4-5");
}

TEST_CASE("each of many slots lies in one place as long as there are any") {
  for (auto policy : policies) {
    CAPTURE(policy);
    match_bench b{machine(1, {{5, 0, 2, 2}, {5, 5, 2, 0}}), policy};
    auto r = compile(b.g, spec_text(slots(1, 2, 1)));
    std::string all;
    for (int k = 0; k < 4; ++k) {
      auto one = taken(b, r);
      auto slash = one.find('/');
      auto gpu = one[slash + 1];
      CHECK((one[0] < '5') == (gpu > '1')); // its own socket's
      CHECK((one[slash - 1] < '5') == (gpu > '1'));
    }
    // As many as without regard to places.
    match_bench whole{machine(1, {{5, 0}, {5, 5}}), policy};
    CHECK(taken(whole, slots(5, 2, 0)) == "0-9/");
  }
}

TEST_CASE("what hangs at the node itself is near to all in it") {
  resource_graph g;
  cluster_builder b{g};
  auto root = b.add("cluster", 0, no_vertex);
  auto node = b.add("node", 0, root);
  for (int s = 0; s < 2; ++s) {
    auto socket = b.add("socket", s, node);
    for (int i = 0; i < 4; ++i)
      b.add("core", s * 4 + i, socket);
  }
  for (int i = 0; i < 3; ++i)
    b.add("gpu", i, node);
  match_bench m{std::move(g), "lonode"};
  CHECK(taken(m, slots(1, 1, 1)) == "0/0");
  CHECK(taken(m, slots(1, 4, 1)) == "4-7/1");
  CHECK(taken(m, slots(1, 3, 1)) == "1-3/2");
}

TEST_CASE("which node is taken is the policy's to say") {
  match_bench b{machine(2, {{4, 0}, {4, 4}}), "lonode"};
  CHECK(taken(b, slots(1, 2, 0)) == "0-1/");
  CHECK(taken(b, slots(1, 3, 0)) == "4-6/");
  CHECK(taken(b, slots(1, 3, 0)) == "2-3,7/"); // across, on the first node; the second is idle
}

TEST_CASE("as Fluxion has it places make no difference") {
  matcher_options o;
  o.levels_as_fluxion = o.ties_as_fluxion = true;
  match_bench b{machine(1, {{4, 0}, {4, 4}}), "low", "ALL:core", o};
  CHECK(taken(b, "[{type: socket, count: 1, with: [{type: slot, count: 1, label: s, with: [{type: "
                 "core, count: 1}]}]}]")
        == "0/");
  CHECK(b.take(compile(b.g, spec_text(slots(1, 5, 0)))) == "busy"); // of what is in one socket
  CHECK(b.take(compile(b.g, spec_text(slots(1, 3, 0))))
        == "node0/socket0/core1 node0/socket0/core2 node0/socket0/core3");
}
