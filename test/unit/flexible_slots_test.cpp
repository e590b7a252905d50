// graph/resource_pool with slots that are a choice: what an instance grants of them, and its R.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <map>
#include <string>

#include <fmt/format.h>

#include "graph/resource_pool.hpp"
#include "graph/rv1_reader.hpp"
#include "requests.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

constexpr auto as = idset::single;

std::unique_ptr<resource_pool> pool_of(resource_graph graph, pool_options how,
                                       const char* policy = "lonode") {
  auto pool = resource_pool::make(std::move(graph), *make_match_policy(policy), std::move(how));
  if (!pool)
    FAIL(render(pool.error()));
  return std::move(*pool);
}

std::unique_ptr<resource_pool> flexible(const rset& r, const char* policy = "lonode") {
  return pool_of(*graph_of(r), {true, false, {}}, policy);
}

match_result find(resource_pool& pool, const request_ptr& request,
                  match_op op = match_op::allocate) {
  auto compiled = pool.compile(request->wants, nullptr);
  if (!compiled)
    FAIL(render(compiled.error()));
  return pool.match(*compiled, op, 10);
}

/// The R of a job; empty when it does not fit.
rset run(resource_pool& pool, uint64_t id, const request_ptr& request) {
  auto found = find(pool, request);
  if (found.verdict != match_verdict::matched)
    return {};
  auto r = pool.r_of(found.what, *request);
  pool.hold(job_id{id}, std::move(found.what), hold_kind::allocated);
  CHECK_FALSE(pool.held().audit());
  return r;
}

/// A slot of one core and one GPU, and beside it one of three cores; with an entry of tasks each.
request_ptr either(const char* type, uint32_t first, uint32_t second, const char* beside = "") {
  return request_of(fmt::format(R"([{{"type":"node","count":1,"with":[
        {{"type":"{0}","count":{1},"label":"task","with":[{{"type":"core","count":1}},
                                                          {{"type":"gpu","count":1}}]}},
        {{"type":"{0}","count":{2},"label":"b","with":[{{"type":"core","count":3}}]}}{3}]}}])",
                                type, first, second, beside)
                        .c_str(),
                    100, json::object(), {{"b", 1}});
}

/// Slots by label.
std::map<std::string, uint32_t> slots_of(const rset& r) {
  std::map<std::string, uint32_t> result;
  auto extra = parse_rset_extra(r.scheduling);
  REQUIRE(extra);
  for (auto& s : extra->slots)
    result[s.label] += s.count * static_cast<uint32_t>(s.ranks.size());
  return result;
}

using by_label = std::map<std::string, uint32_t>;

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("without sched.traverser=flexible a choice of slots is refused with its path") {
    auto pool = pool_of(*graph_of(machine(1, 4)), {});
    auto refused = pool->compile(either("or_slot", 1, 1)->wants, nullptr);
    REQUIRE_FALSE(refused);
    CHECK(code_of(refused.error()) == ec::bad_jobspec);
    CHECK(render(refused.error())
          == "resources[0].with[0].type: or_slots are a choice, and this instance matches without "
             "any: it needs sched.traverser=flexible");
  }

  TEST_CASE("of or_slots as many are made as were asked for, of both kinds") {
    auto job = either("or_slot", 2, 2);
    for (auto policy : {"lonode", "first", "high"}) {
      auto pool = flexible(machine(1, 8, 1), policy);
      CHECK_MESSAGE(run(*pool, 1, job).nslots == 2, policy); // which ones is the policy's to say
      CHECK(pool->release(job_id{1}));
      CHECK(run(*pool, 2, job).nslots == 2);
    }
    auto pool = flexible(machine(1, 5, 1)); // one with the GPU, one of three cores
    auto r = run(*pool, 1, job);
    REQUIRE(r.nslots == 2);
    CHECK(r.core_count() == 4);
    CHECK(r.gpu_count() == 1);
    CHECK(slots_of(r) == by_label{{"b", 1}, {"task", 1}});
    auto where = layout(*job, r);
    REQUIRE(where);
    CHECK(where->ntasks == 2);
    CHECK(where->entry_of(0) == 0);
    CHECK(where->entry_of(1) == 1);
    CHECK(run(*pool, 2, job).empty());
    CHECK(run(*pool, 3, either("or_slot", 1, 1)).empty()); // one core is left
  }

  TEST_CASE("of xor_slots one kind is made, with the count of that kind") {
    auto pool = flexible(machine(1, 8, 2));
    auto job = either("xor_slot", 2, 1);
    CHECK(slots_of(run(*pool, 1, job)) == by_label{{"task", 2}});
    CHECK(slots_of(run(*pool, 2, job)) == by_label{{"b", 1}});
    CHECK(slots_of(run(*pool, 3, job)) == by_label{{"b", 1}});
    CHECK(find(*pool, job, match_op::satisfiable).verdict == match_verdict::matched);
    auto later = find(*pool, job, match_op::allocate_or_reserve);
    CHECK(later.verdict == match_verdict::matched);
    CHECK(later.reserved);
    CHECK(find(*pool, either("xor_slot", 3, 3), match_op::satisfiable).verdict
          == match_verdict::unsatisfiable);
    // One kind can never be, the other can.
    CHECK(find(*pool, either("xor_slot", 9, 2), match_op::satisfiable).verdict
          == match_verdict::matched);
  }

  TEST_CASE("slots beside a choice are needed in any case") {
    constexpr auto beside =
        R"(, {"type":"slot","count":1,"label":"c","with":[{"type":"core","count":2}]})";
    for (auto type : {"or_slot", "xor_slot"}) {
      auto pool = flexible(machine(2, 5, 1));
      auto job = either(type, 1, 1, beside);
      auto r = run(*pool, 1, job);
      CHECK(r.core_count() == 3); // 2 of the slot, 1 beside the GPU
      CHECK(r.gpu_count() == 1);
      auto wide = either(type, 1, 1, R"(, {"type":"slot","count":1,"label":"c","with":[
                                          {"type":"core","count":4}]})");
      CHECK(run(*pool, 2, wide).core_count() == 5);
      CHECK(run(*pool, 3, wide).empty());
      CHECK(run(*pool, 4, job).empty()); // 2 cores on one node
    }
  }

  TEST_CASE("slots of several sizes share what is in one node without loss") {
    struct row {
      uint32_t cores;
      std::vector<std::pair<uint32_t, uint32_t>> slots; // so many, of so many cores
    };
    for (auto& [cores, slots] :
         {row{5, {{1, 2}, {1, 3}}}, row{5, {{1, 3}, {1, 2}}}, row{9, {{2, 2}, {1, 5}}},
          row{10, {{1, 4}, {2, 1}, {1, 3}}}, row{10, {{1, 1}, {1, 2}, {1, 3}, {1, 4}}}}) {
      json with = json::array();
      more_tasks more;
      for (auto [count, of] : slots) {
        auto label = "s" + std::to_string(with.size());
        with.push_back({{"type", "slot"},
                        {"count", count},
                        {"label", with.empty() ? "task" : label},
                        {"with", json::array({{{"type", "core"}, {"count", of}}})}});
        if (with.size() > 1)
          more.emplace_back(label, 1);
      }
      for (auto policy : {"lonode", "high", "first"})
        for (auto in_node : {true, false}) {
          auto resources =
              in_node ? json::array({{{"type", "node"}, {"count", 1}, {"with", with}}}) : with;
          auto job = request_of(resources, 0, json::object(), more);
          auto pool = flexible(machine(1, cores), policy);
          uint64_t wanted = 0;
          for (auto [count, of] : slots)
            wanted += uint64_t{count} * of;
          for (uint64_t id = 1; id <= 3; ++id) { // again, with what was found before
            CHECK_MESSAGE(run(*pool, id, job).core_count() == wanted, policy);
            CHECK(run(*pool, id + 10, job).empty() == (2 * wanted > cores));
            pool->release(job_id{id});
            pool->release(job_id{id + 10});
          }
          auto small = flexible(machine(1, static_cast<uint32_t>(wanted) - 1), policy);
          CHECK(run(*small, 1, job).empty());
        }
    }
  }

  TEST_CASE("a choice outside of nodes is made of what any node has") {
    auto r = machine(3, 4);
    r.nodes[1].gpus = as(0);
    auto pool = flexible(r);
    auto job = request_of(R"([{"type":"or_slot","count":3,"label":"task","with":[
        {"type":"core","count":1},{"type":"gpu","count":1}]},
      {"type":"or_slot","count":3,"label":"b","with":[{"type":"core","count":3}]}])",
                          100, json::object(), {{"b", 1}});
    auto had = run(*pool, 1, job);
    CHECK(had.nslots == 3);
    CHECK(slots_of(had) == by_label{{"b", 2}, {"task", 1}});
    CHECK(run(*pool, 2, job).empty());
  }

  TEST_CASE("an option in a rack and one in nodes are each found where they are") {
    resource_graph g;
    auto add = [&g](vertex above, std::string_view type, int64_t id, int32_t rank = -1) {
      vertex_facts f;
      f.type = type;
      f.id = id;
      f.rank = rank;
      auto v = g.add_vertex(f);
      REQUIRE(v);
      if (above != no_vertex)
        REQUIRE_FALSE(g.add_edge(above, *v, containment, "contains"));
      return *v;
    };
    auto root = add(no_vertex, "cluster", 0);
    auto rack = add(root, "rack", 0);
    add(rack, "ssd", 0);
    add(add(rack, "node", 0, 0), "core", 0);
    auto pool = pool_of(std::move(g), {true, false, {}});
    auto job = request_of(R"([{"type":"slot","count":1,"label":"task","with":[
        {"type":"core","count":1}]},
      {"type":"or_slot","count":1,"label":"x","with":[{"type":"ssd","count":1}]},
      {"type":"or_slot","count":1,"label":"y","with":[{"type":"core","count":1}]}])");
    auto r = run(*pool, 1, job);
    CHECK(r.core_count() == 1);
    CHECK(parse_rset_extra(r.scheduling)->others.size() == 1); // the SSD
    CHECK(pool->release(job_id{1}));
    auto cores = request_of(R"([{"type":"or_slot","count":2,"label":"task","with":[
        {"type":"ssd","count":1}]},
      {"type":"or_slot","count":2,"label":"y","with":[{"type":"core","count":1}]}])",
                            0, json::object(), {{"y", 1}});
    r = run(*pool, 2, cores);
    CHECK(slots_of(r) == by_label{{"task", 1}, {"y", 1}});
  }

  TEST_CASE("R has the graph of what was granted where that is asked for, and is read back") {
    auto pool = pool_of(*graph_of(machine(2, 2, 1)), {false, true, {}});
    auto job = on_nodes(2, 1, 0, 1, 1);
    auto r = run(*pool, 1, job);
    auto extra = parse_rset_extra(r.scheduling);
    REQUIRE(extra);
    auto graph = parse_json(extra->graph);
    REQUIRE(graph);
    CHECK((*graph)["nodes"].size() == 1 + 2 + 2 + 2);
    CHECK((*graph)["edges"].size() == 2 + 2 + 2);
    auto back = parse_rset(to_json(r));
    REQUIRE(back);
    CHECK(same_resources(*back, r));
    CHECK(pool->release(job_id{1}));
    CHECK_FALSE(pool->take(job_id{2}, *back));
    CHECK(pool->counts(10).cores_free == 2);
    // Part of it.
    auto one = parse_rset_extra(restrict_to(*back, as(1)).scheduling);
    REQUIRE(one);
    CHECK((*parse_json(one->graph))["nodes"].size() == 1 + 1 + 2);
    CHECK((*parse_json(one->graph))["edges"].size() == 1 + 2);
    // By itself it is an allocation, too.
    CHECK(pool->release(job_id{2}));
    CHECK(pool->take_text(job_id{3}, to_json(r), 10));
    CHECK(pool->counts(10).cores_free == 2);
  }

  TEST_CASE("more may be counted below vertices, and nothing is found otherwise for that") {
    auto pool = pool_of(*graph_of(machine(2, 2, 1)), {false, false, "cluster:gpu, node:core"});
    CHECK(run(*pool, 1, on_nodes(2, 1, 0, 1, 1)).gpu_count() == 2);
    CHECK_FALSE(resource_pool::make(*graph_of(machine(1, 1)), *make_match_policy("first"),
                                    {false, false, "core"}));
  }

} // TEST_SUITE
