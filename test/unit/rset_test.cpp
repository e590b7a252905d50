// graph/rset: R version 1 in both forms, and the set algebra against sets of pairs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/rset.hpp"

#include <random>
#include <set>
#include <string>
#include <tuple>

#include <doctest/doctest.h>

#include "graph/rset_extra.hpp"

using namespace hactor;

namespace {

rset parsed(std::string_view text) {
  auto r = parse_rset(text);
  if (!r)
    FAIL(render(r.error()), " in ", std::string{text});
  return *r;
}

/// The R with this R_lite, and more keys of execution.
std::string r_of(const std::string& lite, const std::string& more = {}) {
  return R"({"version":1,"execution":{"R_lite":)" + lite + more + "}}";
}

/// A resource is (rank, 0 = core or 1 = gpu, id).
using atoms = std::set<std::tuple<rank_t, int, uint32_t>>;

atoms atoms_of(const rset& r) {
  atoms all;
  for (const auto& node : r.nodes) {
    for (auto id : node.cores.expand())
      all.emplace(node.rank, 0, id);
    for (auto id : node.gpus.expand())
      all.emplace(node.rank, 1, id);
  }
  return all;
}

rset random_rset(std::mt19937& random) {
  rset r;
  for (rank_t rank = 0; rank < 6; ++rank) {
    node_share share{rank, {}, {}};
    for (uint32_t id = 0; id < 4; ++id) {
      if (random() % 3 == 0)
        share.cores.add(id);
      if (random() % 5 == 0)
        share.gpus.add(id);
    }
    if (share.cores.empty() && share.gpus.empty())
      continue;
    r.nodes.push_back(share);
    r.nodelist.push_back("n" + std::to_string(rank));
    if (random() % 2 == 0)
      r.properties["p"].add(rank);
  }
  r.starttime = 5;
  r.nslots = 1 + random() % 3;
  return r;
}

void check_sound(const rset& r, bool has_hosts) {
  REQUIRE(r.nodelist.size() == (has_hosts ? r.nodes.size() : 0));
  for (size_t i = 0; i < r.nodes.size(); ++i) {
    REQUIRE((i == 0 || r.nodes[i - 1].rank < r.nodes[i].rank));
    REQUIRE_FALSE((r.nodes[i].cores.empty() && r.nodes[i].gpus.empty()));
    if (has_hosts)
      REQUIRE(r.host(i) == "n" + std::to_string(r.nodes[i].rank));
  }
  for (const auto& [name, ranks] : r.properties) {
    REQUIRE(r.ranks().contains_all(ranks));
    REQUIRE_FALSE(ranks.empty());
  }
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("the example of RFC 20 is read") {
    auto r = parsed(R"({"version":1,"execution":{"R_lite":[{"rank":"19-22","children":{"core":
      "0-47","gpu":"0-7"}}],"nodelist":["node[186-189]"],"nslots":32,"starttime":1676560544,
      "expiration":1676562344}})");
    CHECK(r.ranks().to_string() == "19-22");
    CHECK(r.core_count() == 4 * 48);
    CHECK(r.gpu_count() == 4 * 8);
    CHECK(r.nslots == 32);
    CHECK(r.starttime == 1676560544);
    CHECK(r.expiration == 1676562344);
    REQUIRE(r.find(20));
    CHECK(r.find(20)->cores.to_string() == "0-47");
    CHECK_FALSE(r.find(23));
    CHECK_FALSE(r.find(0));
    CHECK(r.host(1) == "node187");
    CHECK(r.host(4) == "");
    CHECK(to_json(r)
          == R"({"version":1,"execution":{"R_lite":[{"rank":"19-22","children":{"core":"0-47",)"
             R"("gpu":"0-7"}}],"nodelist":["node[186-189]"],"nslots":32,"starttime":1676560544,)"
             R"("expiration":1676562344}})");
  }

  TEST_CASE("the form of 2020, with a host in each entry, is read") {
    auto r = parsed(r_of(R"([{"rank":"2","node":"c","children":{"core":"0"}},
      {"rank":"0-1","node":"a,b","children":{"core":"0-1"}}])"));
    CHECK(r.nodelist == std::vector<std::string>{"a", "b", "c"});
    CHECK(r.find(2)->cores.to_string() == "0");
    // Hosts for some ranks only are no nodelist.
    CHECK(parsed(r_of(R"([{"rank":"0","node":"a","children":{"core":"0"}},
      {"rank":"1","children":{"core":"0"}}])"))
              .nodelist.empty());
  }

  TEST_CASE("hosts belong to ranks in ascending order, whatever the order of the entries") {
    auto r = parsed(r_of(R"([{"rank":"5,9","children":{"core":"1"}},
      {"rank":"3","children":{"core":"0"}}])",
                         R"(,"nodelist":["z","a[1-2]"])"));
    CHECK(r.host(0) == "z");
    CHECK(r.nodes[0].rank == 3);
    CHECK(r.host(2) == "a2");
    CHECK(r.nodes[2].rank == 9);
  }

  TEST_CASE("entries of one rank are joined, gpus may be alone, unknown keys are left alone") {
    auto r = parsed(R"({"version":1,"more":1,"execution":{"R_lite":[
      {"rank":"0","children":{"core":"0","gpu":"1","pu":"7"},"x":1},
      {"rank":"0-1","children":{"gpu":"0"}}],"y":2},"scheduling":{"writer":"a","graph":[1]}})");
    CHECK(r.nodes.size() == 2);
    CHECK(r.nodes[0] == node_share{0, idset::range(0, 0), idset::range(0, 1)});
    CHECK(r.nodes[1].cores.empty());
    CHECK(r.scheduling == R"({"graph":[1],"writer":"a"})");
    CHECK(parsed(to_json(r)) == r);
    CHECK(parsed(R"({"version":1,"execution":{"R_lite":[]}})").empty());
  }

  TEST_CASE("properties carry names with suffixes and of the instance") {
    auto r = parsed(r_of(R"([{"rank":"0-3","children":{"core":"0"}}])",
                         R"(,"properties":{"a":"0-1","b@x":"3","+queue":"0-3"})"));
    CHECK(r.properties.at("a").to_string() == "0-1");
    CHECK(r.properties.at("b@x").to_string() == "3");
    CHECK(r.properties.at("+queue").size() == 4);
    CHECK(parsed(to_json(r)) == r);
  }

  TEST_CASE("every R that is written is read as the same") {
    std::mt19937 random{7};
    for (int i = 0; i < 300; ++i) {
      auto r = random_rset(random);
      if (i % 3 == 0)
        r.nodelist.clear();
      r.starttime = i % 2 == 0 ? 1763867890.123456 : 0;
      r.expiration = i % 5 == 0 ? 0 : 1e10 + 0.1 * i;
      if (i % 7 == 0)
        r.scheduling = R"({"a":[1,2]})";
      INFO(i, " ", to_json(r));
      REQUIRE(parsed(to_json(r)) == r);
      std::string more = "x";
      append_json(more, r);
      REQUIRE(more == "x" + to_json(r));
    }
    rset odd;
    odd.nodes.push_back({0, idset::range(0, 0), {}});
    odd.nodelist.push_back("n007");
    CHECK(parsed(to_json(odd)) == odd);
  }

  TEST_CASE("what is no R is refused with its place") {
    struct row {
      std::string text;
      const char* starts;
      const char* says;
    };
    const std::string one = R"([{"rank":"0","children":{"core":"0"}}])";
    for (const auto& [text, starts, says] :
         {row{"[]", "R: ", "mapping with version"},
          row{"{}", "version: ", "missing"},
          row{R"({"version":2})", "version: ", "must be 1, found 2"},
          row{R"({"version":1})", "execution: ", "missing"},
          row{R"({"version":1,"execution":[]})", "execution: ", "mapping"},
          row{R"({"version":1,"execution":{}})", "execution.R_lite: ", "missing"},
          row{r_of("{}"), "execution.R_lite: ", "list"},
          row{r_of("[1]"), "execution.R_lite[0]: ", "mapping"},
          row{r_of("[{}]"), "execution.R_lite[0].rank: ", "missing"},
          row{r_of(R"([{"rank":0}])"), "execution.R_lite[0].rank: ", "idset in a string"},
          row{r_of(R"([{"rank":"3-1"}])"), "execution.R_lite[0].rank: ", ""},
          row{r_of(R"([{"rank":""}])"), "execution.R_lite[0].rank: ", "1 to 262144 ranks"},
          row{r_of(R"([{"rank":"0-262144"}])"), "execution.R_lite[0].rank: ", "1 to 262144 ranks"},
          row{r_of(R"([{"rank":"0"}])"), "execution.R_lite[0].children: ", "missing"},
          row{r_of(R"([{"rank":"0","children":"0"}])"), "execution.R_lite[0].children: ", "core"},
          row{r_of(R"([{"rank":"0","children":{}}])"),
              "execution.R_lite[0].children: ", "a core or a gpu"},
          row{r_of(R"([{"rank":"0","children":{"core":"x"}}])"),
              "execution.R_lite[0].children.core: ", ""},
          row{r_of(
                  R"([{"rank":"0","children":{"core":"0"}},{"rank":"0","children":{"core":"0"}}])"),
              "execution.R_lite[1]: ", "rank 0 has the same core or gpu"},
          row{r_of(R"([{"rank":"0-1","node":"a","children":{"core":"0"}}])"),
              "execution.R_lite[0].node: ", "hostlist of 2 hosts"},
          row{r_of(R"([{"rank":"0","node":1,"children":{"core":"0"}}])"),
              "execution.R_lite[0].node: ", "hostlist of 1"},
          row{r_of(one, R"(,"nodelist":"a")"), "execution.nodelist: ", "list of hostlists"},
          row{r_of(one, R"(,"nodelist":[1])"), "execution.nodelist[0]: ", "hostlist"},
          row{r_of(one, R"(,"nodelist":["a["])"), "execution.nodelist[0]: ", ""},
          row{r_of(one, R"(,"nodelist":["a","b"])"), "execution.nodelist: ", "2 hosts for 1 ranks"},
          row{r_of(one, R"(,"starttime":"1")"), "execution.starttime: ", "number of seconds"},
          row{r_of(one, R"(,"starttime":-1)"), "execution.starttime: ", ">= 0"},
          row{r_of(one, R"(,"starttime":1e19)"), "execution.starttime: ", "number of seconds"},
          row{r_of(one, R"(,"expiration":1e300)"), "execution.expiration: ", "number of seconds"},
          row{r_of(one, R"(,"starttime":9,"expiration":9)"), "execution.expiration: ", "later"},
          row{r_of(one, R"(,"nslots":0)"), "execution.nslots: ", "positive"},
          row{r_of(one, R"(,"nslots":"1")"), "execution.nslots: ", "positive"},
          row{r_of(one, R"(,"properties":[])"), "execution.properties: ", "mapping"},
          row{r_of(one, R"(,"properties":{"a|b":"0"})"), "execution.properties: ", "a|b"},
          row{r_of(one, R"(,"properties":{"a":0})"), "execution.properties.a: ", "idset"},
          row{r_of(one, R"(,"properties":{"a":"1"})"),
              "execution.properties.a: ", "ranks of R_lite"}}) {
      INFO(text);
      auto r = parse_rset(text);
      REQUIRE_FALSE(r);
      CHECK(code_of(r.error()) == ec::bad_rset);
      CHECK(render(r.error()).starts_with(starts));
      CHECK(render(r.error()).find(says) != std::string::npos);
    }
    CHECK(code_of(parse_rset("{").error()) == ec::bad_json);
    CHECK(code_of(parse_rset(std::string(rset_bytes_max + 1, ' ')).error()) == ec::too_big);
  }

  TEST_CASE("the set algebra is that of sets of single resources") {
    std::mt19937 random{11};
    for (int i = 0; i < 2000; ++i) {
      auto a = random_rset(random);
      auto b = random_rset(random);
      auto x = atoms_of(a);
      auto y = atoms_of(b);
      atoms both, all = x, rest;
      all.insert(y.begin(), y.end());
      for (const auto& one : x)
        (y.count(one) != 0 ? both : rest).insert(one);
      REQUIRE(atoms_of(unite(a, b)) == all);
      REQUIRE(atoms_of(intersect(a, b)) == both);
      REQUIRE(atoms_of(subtract(a, b)) == rest);
      REQUIRE(disjoint(a, b) == both.empty());
      REQUIRE(contains_all(a, b) == (both.size() == y.size()));
      REQUIRE(same_resources(a, b) == (x == y));
      for (const auto& r : {unite(a, b), intersect(a, b), subtract(a, b)}) {
        check_sound(r, true);
        REQUIRE(r.starttime == a.starttime);
        REQUIRE(r.nslots == a.nslots);
      }
      auto part = restrict_to(a, idset::range(1, 3));
      check_sound(part, true);
      for (const auto& node : part.nodes)
        REQUIRE(*a.find(node.rank) == node);
      REQUIRE(part.nodes.size() == a.ranks().intersect(idset::range(1, 3)).size());
    }
  }

  TEST_CASE("of what the scheduler said of ranks a part keeps what is said of its own") {
    rset a;
    a.nodes = {{1, idset::range(0, 1), {}}, {2, idset::range(0, 1), {}}};
    rset_extra said;
    said.slots = {{idset::range(1, 2), "", 2}, {idset::single(2), "a", 1}};
    said.others = {
        {"/cluster0/ssd1", -1, 500}, {"/cluster0/n1/ssd0", 1, 1}, {"/cluster0/n2/ssd0", 2, 1}};
    said.charges = {{"power", "/center/pdu0", 1'200},
                    {"containment", "/cluster0/n1/disk0", 4, 1},
                    {"containment", "/cluster0/n2/disk0", 4, 2}};
    a.scheduling = to_json(said);
    CHECK(restrict_to(a, idset::range(0, 9)).scheduling == a.scheduling);
    auto kept = parse_rset_extra(restrict_to(a, idset::single(1)).scheduling);
    REQUIRE(kept);
    said.slots = {{idset::single(1), "", 2}};
    said.others.pop_back();
    said.charges.pop_back();
    CHECK(*kept == said);
    a.scheduling = R"({"others":[["/a","2",1]],"writer":"another"})";
    CHECK(restrict_to(a, idset::single(1)).scheduling == a.scheduling);
  }

  TEST_CASE("hosts are dropped when one side does not know them") {
    auto a = parsed(r_of(R"([{"rank":"0","children":{"core":"0"}}])", R"(,"nodelist":["a"])"));
    auto b = parsed(r_of(R"([{"rank":"1","children":{"core":"0"}}])"));
    CHECK(unite(a, b).nodelist.empty());
    CHECK(unite(a, rset{}).nodelist == a.nodelist);
    CHECK(unite(rset{}, a).nodelist == a.nodelist);
    CHECK(subtract(a, a).empty());
    CHECK(rset{}.ranks().empty());
  }

} // TEST_SUITE
