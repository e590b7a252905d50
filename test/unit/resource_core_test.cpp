// Ranks share hosts: cores and GPUs divided, bindings kept, pretended resources.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/resource_core.hpp"

using namespace hactor;

namespace {

idset ids(const char* text) { return *idset::parse(text); }

hardware host(const char* name, const char* cores, const char* bound = "", const char* gpus = "") {
  return {name, ids(cores), ids(bound), ids(gpus), {}, {}};
}

std::string cores_of(const instance_resources& r) {
  std::string text;
  for (auto& node : r.all.nodes)
    text += (node.rank == 0 ? "" : " | ") + node.cores.to_string();
  return text;
}

std::string gpus_of(const instance_resources& r) {
  std::string text;
  for (auto& node : r.all.nodes)
    text += (node.rank == 0 ? "" : " | ") + node.gpus.to_string();
  return text;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("nodes that are attached have ranks of brokers that live and have none") {
    rset all;
    all.nodes = {{0, ids("0"), {}}, {2, ids("0"), {}}};
    all.nodelist = {"a", "c"};
    CHECK(attachable_ranks(all, 4, {}).to_string() == "1,3");
    CHECK(attachable_ranks(all, 4, ids("3")).to_string() == "1");
    CHECK(attachable_ranks(all, 3, {}).to_string() == "1");
    // Brokers that run nodes of other ranks run any.
    CHECK(attachable_ranks(all, 1, {}).contains(1'000'000));
    CHECK_FALSE(attachable_ranks(all, 1, {}).contains(2));
  }

  TEST_CASE("a rank that is a task of a job has what this was granted") {
    auto a = host("a", "0-3", "1-3", "0-1"), b = a, c = a;
    confine(a, ids("0-1"), ids("1"));
    CHECK(a.cores.to_string() == "0-1");
    CHECK(a.bound_cores.to_string() == "1");
    CHECK(a.gpus.to_string() == "1");
    confine(b, ids("2,8-9"), idset{}); // the host has no such cores: they were pretended
    CHECK(b.cores.to_string() == "0-2");
    CHECK(b.gpus.empty());
    confine(c, {}, {});
    CHECK(c.cores.to_string() == "0-3");
    CHECK(cores_of(divide_hosts({a, a}, true)) == "0-1 | 0-1");
  }

  TEST_CASE("a rank that has its host alone needs no note") {
    auto r = divide_hosts({host("a", "0-3"), host("b", "0-3", "0-3")}, false);
    CHECK(cores_of(r) == "0-3 | 0-3");
    CHECK(r.notes.empty());
  }

  TEST_CASE("cores that a launcher's binding leaves unused are told of, hosts alike in one line") {
    auto r = divide_hosts({host("n1", "0-7", "0"), host("n2", "0-7", "0"), host("n3", "0-7", "1")},
                          false);
    CHECK(cores_of(r) == "0 | 0 | 1");
    REQUIRE(r.notes.size() == 1);
    CHECK(r.notes[0]
          == "1 rank on each of n[1-3]: the launcher bound it to 1 of 8 cores; with Open MPI, "
             "--bind-to none gives all");
    auto two = divide_hosts({host("a", "0-7", "0"), host("a", "0-7", "1")}, false);
    CHECK(two.notes.at(0).starts_with("2 ranks on a: the launcher bound them to 2 of 8 cores;"));
    CHECK(divide_hosts({host("a", "0-7", "0")}, true).notes.empty());
  }

  TEST_CASE("one rank a host has what it is bound to") {
    auto r = divide_hosts({host("a", "0-3"), host("b", "0-7", "2-3", "0-1")}, false);
    CHECK(cores_of(r) == "0-3 | 2-3");
    CHECK(gpus_of(r) == " | 0-1");
    CHECK(r.all.nodelist == std::vector<std::string>{"a", "b"});
    CHECK(r.all.nodes[1].rank == 1);
  }

  TEST_CASE("ranks of one host split it as the launcher bound them") {
    auto r = divide_hosts({host("a", "0-3", "0-2"), host("a", "0-3", "3")}, false);
    CHECK(cores_of(r) == "0-2 | 3");
    REQUIRE(r.notes.size() == 1);
    CHECK(r.notes[0].find("bound") != std::string::npos);
  }

  TEST_CASE("ranks whose bindings overlap or are missing split the host evenly") {
    for (auto& second : {host("a", "0-5", "0-5"), host("a", "0-5", "")}) {
      auto r = divide_hosts({host("a", "0-5", "0-5"), second}, false);
      CHECK(cores_of(r) == "0-2 | 3-5");
      CHECK(r.notes.at(0).find("evenly") != std::string::npos);
    }
    auto three = divide_hosts({host("a", "0-6"), host("a", "0-6"), host("a", "0-6")}, false);
    CHECK(cores_of(three) == "0-1 | 2-3 | 4-6");
  }

  TEST_CASE("ranks share cores only on one host, and only when they have the same") {
    auto alone = divide_hosts({host("a", "0-3"), host("b", "0-3")}, true);
    CHECK_FALSE(shares_cores(alone.all, 0));
    auto split = divide_hosts({host("a", "0-3"), host("a", "0-3")}, false);
    CHECK_FALSE(shares_cores(split.all, 1));
    auto same = divide_hosts({host("a", "0-3"), host("a", "0-3"), host("b", "0-3")}, true);
    CHECK(shares_cores(same.all, 0));
    CHECK(shares_cores(same.all, 1));
    CHECK_FALSE(shares_cores(same.all, 2));
    auto few = divide_hosts({host("a", "0-1"), host("a", "0-1"), host("a", "0-1")}, false);
    CHECK(shares_cores(few.all, 0));
    CHECK_FALSE(shares_cores(few.all, 1));
  }

  TEST_CASE("with fewer cores than ranks, ranks share cores, one each") {
    auto r = divide_hosts({host("a", "0-1"), host("a", "0-1"), host("a", "0-1")}, false);
    CHECK(cores_of(r) == "0 | 1 | 0");
    CHECK(r.notes.at(0).find("share") != std::string::npos);
  }

  TEST_CASE("GPUs are split, and never given twice") {
    auto two = divide_hosts({host("a", "0-3", "", "0-3"), host("a", "0-3", "", "0-3")}, false);
    CHECK(gpus_of(two) == "0-1 | 2-3");
    auto few = divide_hosts({host("a", "0-2", "", "0-1"), host("a", "0-2", "", "0-1"),
                             host("a", "0-2", "", "0-1")},
                            false);
    CHECK(gpus_of(few) == "0 | 1 | ");
    auto bound = divide_hosts({host("a", "0-1", "0", "0-1"), host("a", "0-1", "1", "0-1")}, false);
    CHECK(gpus_of(bound) == "0 | 1");
  }

  TEST_CASE("--oversubscribe gives each rank the whole host") {
    auto r = divide_hosts({host("a", "0-3", "0", "0"), host("a", "0-3", "1", "0")}, true);
    CHECK(cores_of(r) == "0-3 | 0-3");
    CHECK(gpus_of(r) == "0 | 0");
    CHECK(r.notes.at(0).find("--oversubscribe") != std::string::npos);
    CHECK(cores_of(divide_hosts({host("a", "0-3", "1")}, true)) == "0-3");
  }

  TEST_CASE("several hosts are split each for itself, whatever the order of ranks") {
    auto r = divide_hosts({host("a", "0-3"), host("b", "0-1"), host("a", "0-3"), host("c", "0"),
                           host("b", "0-1")},
                          false);
    CHECK(cores_of(r) == "0-1 | 0 | 2-3 | 0 | 1");
    CHECK(r.notes.size() == 2);
    for (uint32_t i = 0; i < 5; ++i)
      CHECK(r.all.nodes[i].rank == i);
  }

  TEST_CASE("any number of ranks splits any number of cores without loss or double use") {
    for (uint32_t cores = 1; cores <= 20; ++cores)
      for (uint32_t ranks = 1; ranks <= cores; ++ranks) {
        std::vector<hardware> all(ranks, {"a", idset::range(0, cores - 1), {}, {}, {}, {}});
        auto r = divide_hosts(all, false);
        idset seen;
        for (auto& node : r.all.nodes) {
          CHECK_FALSE(node.cores.empty());
          CHECK_FALSE(seen.intersects(node.cores));
          seen.add_all(node.cores);
          CHECK(node.cores.size() >= cores / ranks);
          CHECK(node.cores.size() <= cores / ranks + 1);
        }
        CHECK(seen.size() == cores);
      }
  }

  TEST_CASE("pretended resources are read from a text") {
    auto r = fake_resources("nodes=3,cores=40,gpus=4");
    REQUIRE(r);
    REQUIRE(r->nodes.size() == 3);
    CHECK(r->nodes[2].rank == 2);
    CHECK(r->nodes[2].cores.to_string() == "0-39");
    CHECK(r->nodes[2].gpus.to_string() == "0-3");
    CHECK(r->nodelist[2] == "fake2");
    auto least = fake_resources("cores=2");
    REQUIRE(least);
    CHECK(least->nodes.size() == 1);
    CHECK(least->nodes[0].gpus.empty());
  }

  TEST_CASE("a bad text of pretended resources is refused with what would be right") {
    for (auto text : {"nodes", "nodes=", "nodes=x", "nodes=3x", "nodes=-1", "nodes=0", "cores=0",
                      "=3", "racks=2", ",nodes=3", "nodes=3,,cores=2", "nodes=16777217",
                      "cores=65537", "gpus=65537", "nodes=99999999999999999999", "nodes 3",
                      "nodes= 3"}) {
      auto r = fake_resources(text);
      CAPTURE(text);
      REQUIRE_FALSE(r);
      CHECK(code_of(r.error()) == ec::bad_argument);
      CHECK(context_of(r.error()).find(text) != std::string::npos);
      CHECK(context_of(r.error()).find("nodes=1000,cores=40,gpus=4") != std::string::npos);
    }
  }

  TEST_CASE("ranks are drained with a reason and a time, and come back by JSON as they were") {
    drain_table t;
    CHECK_FALSE(t.drain(ids("1-2"), "fan", false, 100));
    auto e = t.drain(ids("2-3"), "again", false, 200);
    CHECK(code_of(e) == ec::wrong_state);
    CHECK(render(e) == "ranks 2 are drained already; --update changes the reason");
    CHECK(t.ranks() == ids("1-2"));
    CHECK_FALSE(t.drain(ids("2-3"), "disk", true, 200));
    CHECK(t.all().at(1) == drained_rank{1, 100, "fan"});
    CHECK(t.all().at(2) == drained_rank{2, 100, "disk"});
    CHECK(t.all().at(3) == drained_rank{3, 200, "disk"});
    CHECK(drain_table::from_json(t.to_json()).all() == t.all());
    e = t.undrain(ids("3-4"));
    CHECK(code_of(e) == ec::wrong_state);
    CHECK(render(e) == "ranks 4 are not drained");
    CHECK_FALSE(t.undrain(ids("1,3")));
    CHECK(t.ranks() == ids("2"));
    for (auto text : {"", "{", "7", R"([{"rank":-1}])"})
      CHECK(drain_table::from_json(text).all().empty());
  }

  TEST_CASE("a request means ranks, hosts, or both") {
    auto all = *fake_resources("nodes=4,cores=1");
    drain_request r;
    r.ranks = ids("0");
    r.hosts = "fake[2-3]";
    CHECK(*ranks_of(all, r) == ids("0,2-3"));
    r.hosts = "fake9";
    CHECK(code_of(ranks_of(all, r).error()) == ec::bad_argument);
    r.ranks = ids("9");
    CHECK(code_of(ranks_of(all, r).error()) == ec::unknown_rank);
  }
}
