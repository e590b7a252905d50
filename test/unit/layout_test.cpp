// graph/request: which tasks run on which node, and the task map of RFC 34.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <map>
#include <string>

#include "graph/request.hpp"

#include <doctest/doctest.h>

using namespace hactor;

namespace {

/// An R whose nodes have so many cores each, on ranks 0, 10, 20, ...
rset nodes_with(const std::vector<uint32_t>& cores, uint32_t gpus = 0) {
  rset r;
  for (size_t i = 0; i < cores.size(); ++i) {
    node_share share{static_cast<rank_t>(10 * i), idset::range(0, cores[i] - 1), {}};
    if (gpus > 0)
      share.gpus = idset::range(0, gpus - 1);
    r.nodes.push_back(share);
  }
  return r;
}

resource_request slots(uint32_t n, uint32_t cores = 1) {
  resource_request r;
  r.slots = n;
  r.cores_per_slot = cores;
  return r;
}

resource_request on_nodes(uint32_t nodes, uint32_t each, uint32_t cores = 1) {
  auto r = slots(nodes * each, cores);
  r.nnodes = nodes;
  r.slots_per_node = each;
  return r;
}

job_layout laid_out(const resource_request& request, const rset& r) {
  auto where = layout(request, r);
  if (!where)
    FAIL(render(where.error()));
  return *where;
}

/// "0-1|2-3": the tasks of each node.
std::string tasks_of(const job_layout& where) {
  std::string text;
  for (size_t i = 0; i < where.tasks.size(); ++i)
    text += (i == 0 ? "" : "|") + where.tasks[i].to_string();
  return text;
}

/// Expands a task map as RFC 34 says.
std::string expand(const std::string& map, size_t nodes) {
  auto blocks = parse_json(map);
  REQUIRE_MESSAGE(blocks, map);
  std::vector<idset> tasks(nodes);
  uint32_t next = 0;
  for (const auto& b : *blocks)
    for (uint32_t again = 0; again < b[3].get<uint32_t>(); ++again)
      for (uint32_t n = 0; n < b[1].get<uint32_t>(); ++n)
        for (uint32_t k = 0; k < b[2].get<uint32_t>(); ++k)
          tasks.at(b[0].get<uint32_t>() + n).add(next++);
  job_layout where;
  where.tasks = tasks;
  return tasks_of(where);
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("one task a slot, in blocks along the nodes") {
    auto where = laid_out(slots(6), nodes_with({4, 2}));
    CHECK(where.slots == std::vector<uint32_t>{4, 2});
    CHECK(tasks_of(where) == "0-3|4-5");
    CHECK(where.ntasks == 6);
    CHECK(tasks_of(laid_out(slots(2, 2), nodes_with({3, 2}))) == "0|1");
    CHECK(tasks_of(laid_out(on_nodes(2, 2), nodes_with({2, 2}))) == "0-1|2-3");
    // A whole node has more cores than its slots need.
    auto whole = on_nodes(2, 1, 2);
    whole.exclusive = true;
    CHECK(tasks_of(laid_out(whole, nodes_with({8, 4}))) == "0|1");
  }

  TEST_CASE("several tasks a slot, per node and per core") {
    auto request = slots(3);
    request.tasks[0].count = 2;
    CHECK(tasks_of(laid_out(request, nodes_with({2, 1}))) == "0-3|4-5");
    request.tasks[0].spread = task_spread::per_node;
    CHECK(tasks_of(laid_out(request, nodes_with({2, 1}))) == "0-1|2-3");
    request.tasks[0].spread = task_spread::per_core;
    CHECK(tasks_of(laid_out(request, nodes_with({2, 1}))) == "0-3|4-5");
    auto whole = on_nodes(1, 1);
    whole.exclusive = true;
    whole.tasks[0].spread = task_spread::per_core;
    CHECK(laid_out(whole, nodes_with({8})).ntasks == 8);
  }

  // formats 3.2: -N 3 -n 7 is 3 nodes of ceil(7/3) slots with a total of 7.
  TEST_CASE("a total is dealt evenly, no node beyond its slots before all are full") {
    struct row {
      std::vector<uint32_t> cores;
      uint32_t total;
      const char* tasks;
    };
    for (const auto& [cores, total, wanted] :
         {row{{3, 3, 3}, 7, "0-2|3-4|5-6"}, row{{3, 3, 3}, 9, "0-2|3-5|6-8"},
          row{{3, 3, 3}, 3, "0|1|2"}, row{{3, 3, 3}, 2, "0|1|"}, row{{4, 1, 4}, 7, "0-2|3|4-6"},
          row{{4, 1, 4}, 6, "0-2|3|4-5"}, row{{1, 5}, 4, "0|1-3"}, row{{2, 2}, 5, "0-2|3-4"},
          row{{2, 2}, 10, "0-4|5-9"}, row{{5}, 1, "0"}}) {
      uint32_t sum = 0;
      for (auto c : cores)
        sum += c;
      auto request = slots(sum);
      request.tasks[0].spread = task_spread::total;
      request.tasks[0].count = total;
      auto where = laid_out(request, nodes_with(cores));
      INFO(wanted);
      CHECK(tasks_of(where) == wanted);
      CHECK(where.ntasks == total);
    }
  }

  TEST_CASE("a map of one's own numbers the tasks, and must fit to where they are") {
    auto request = on_nodes(2, 2);
    auto r = nodes_with({2, 2});
    r.nodelist = {"a", "b"};
    request.task_nodes = {1, 0, 0, 1};
    CHECK(tasks_of(laid_out(request, r)) == "1-2|0,3");
    auto refused = [&] {
      auto where = layout(request, r);
      REQUIRE_FALSE(where);
      CHECK(code_of(where.error()) == ec::bad_jobspec);
      return render(where.error());
    };
    request.task_nodes = {0, 1, 1};
    CHECK(refused().find("it is for 3 tasks, the job has 4") != std::string::npos);
    request.task_nodes = {0, 1, 1, 2};
    CHECK(refused().find("it names node 2, the job has 2") != std::string::npos);
    request.task_nodes = {0, 1, 1, 1};
    CHECK(refused().find("it has 1 tasks on node 0, the job has 2 there") != std::string::npos);
    request.task_nodes.clear();
    request.task_hosts = {"b", "a", "b", "a"};
    CHECK(tasks_of(laid_out(request, r)) == "1,3|0,2");
    request.task_hosts = {"b", "c", "b", "a"};
    CHECK(refused().find("no node on host c") != std::string::npos);
    request.task_hosts = {"b", "b", "b", "a"};
    CHECK(refused().find("more tasks are named for host b") != std::string::npos);
  }

  TEST_CASE("cyclic order goes around the nodes, by single tasks or by several") {
    auto request = slots(6);
    request.order = task_order::cyclic;
    CHECK(tasks_of(laid_out(request, nodes_with({4, 2}))) == "0,2,4-5|1,3");
    CHECK(tasks_of(laid_out(request, nodes_with({2, 2, 2}))) == "0,3|1,4|2,5");
    request.cyclic_stride = 2;
    CHECK(tasks_of(laid_out(request, nodes_with({3, 3}))) == "0-1,4|2-3,5");
    request.cyclic_stride = 100;
    CHECK(tasks_of(laid_out(request, nodes_with({3, 3}))) == "0-2|3-5");
  }

  TEST_CASE("an R that cannot hold the slots is an error that says so") {
    for (const auto& [request, r] :
         {std::pair{slots(5), nodes_with({2, 2})}, std::pair{slots(2, 3), nodes_with({5})},
          std::pair{slots(1), rset{}}, std::pair{on_nodes(2, 1), nodes_with({4})},
          std::pair{on_nodes(1, 2), nodes_with({2, 2})},
          std::pair{on_nodes(2, 2), nodes_with({3, 1})}}) {
      auto where = layout(request, r);
      REQUIRE_FALSE(where);
      CHECK(code_of(where.error()) == ec::bad_rset);
      CHECK(render(where.error()).starts_with("R: "));
      CHECK(render(where.error()).find(" do not hold ") != std::string::npos);
    }
    auto gpus = slots(2);
    gpus.gpus_per_slot = 1;
    CHECK(layout(gpus, nodes_with({1, 1}, 1)));
    CHECK(code_of(layout(gpus, nodes_with({2}, 1)).error()) == ec::bad_rset);
    CHECK(code_of(layout(gpus, nodes_with({2})).error()) == ec::bad_rset);
  }

  TEST_CASE("a job has an end to its tasks, and a node") {
    constexpr uint32_t node_tasks_max = 65'536;
    auto request = slots(4);
    request.tasks[0].count = node_tasks_max / 4;
    CHECK(laid_out(request, nodes_with({4})).ntasks == node_tasks_max);
    request.tasks.push_back({0, 4, task_spread::total, 1}); // one more, of another entry
    auto where = layout(request, nodes_with({4}));
    REQUIRE_FALSE(where);
    CHECK(code_of(where.error()) == ec::too_big);
    CHECK(render(where.error()).find("65537 tasks on ") != std::string::npos);
    CHECK(render(where.error()).find("at most 65536 run on a node") != std::string::npos);

    auto nodes = static_cast<uint32_t>(tasks_max / node_tasks_max);
    request = slots(nodes);
    request.tasks[0].count = node_tasks_max;
    CHECK(laid_out(request, nodes_with(std::vector<uint32_t>(nodes, 1))).ntasks == tasks_max);
    request = slots(nodes + 1);
    request.tasks[0].count = node_tasks_max;
    where = layout(request, nodes_with(std::vector<uint32_t>(nodes + 1, 1)));
    REQUIRE_FALSE(where);
    CHECK(render(where.error()).find("in one job") != std::string::npos);
  }

  TEST_CASE("task maps are short and expand to the layout") {
    auto map_of = [](const resource_request& request, const std::vector<uint32_t>& cores) {
      auto where = laid_out(request, nodes_with(cores));
      auto map = taskmap_json(where);
      CHECK(expand(map, cores.size()) == tasks_of(where));
      return map;
    };
    CHECK(map_of(slots(1), {1}) == "[[0,1,1,1]]");
    CHECK(map_of(slots(16), {4, 4, 4, 4}) == "[[0,4,4,1]]");
    CHECK(map_of(slots(7), {3, 2, 2}) == "[[0,1,3,1],[1,2,2,1]]");
    auto cyclic = slots(16);
    cyclic.order = task_order::cyclic;
    CHECK(map_of(cyclic, {4, 4, 4, 4}) == "[[0,4,1,4]]");
    cyclic.cyclic_stride = 2;
    CHECK(map_of(cyclic, {4, 4, 4, 4}) == "[[0,4,2,2]]");
    CHECK(taskmap_json(job_layout{}) == "[]");
    job_layout mixed; // RFC 34: twice around all six nodes, then around the last two
    mixed.ntasks = 16;
    for (auto tasks : {"0,6", "1,7", "2,8", "3,9", "4,10,12,14", "5,11,13,15"})
      mixed.tasks.push_back(*idset::parse(tasks));
    CHECK(taskmap_json(mixed) == "[[0,6,1,2],[4,2,1,2]]");
    for (uint32_t a = 1; a < 5; ++a)
      for (uint32_t b = 1; b < 5; ++b)
        for (uint32_t c = 1; c < 5; ++c)
          for (uint32_t stride = 0; stride < 4; ++stride) {
            auto request = slots(a + b + c);
            request.order = stride == 0 ? task_order::block : task_order::cyclic;
            request.cyclic_stride = std::max(stride, 1u);
            map_of(request, {a, b, c});
          }
  }

  TEST_CASE("every way to lay out numbers each task once") {
    for (auto spread : {task_spread::per_slot, task_spread::total, task_spread::per_node,
                        task_spread::per_core})
      for (uint32_t count : {1u, 2u, 3u, 10u})
        for (uint32_t stride : {0u, 1u, 2u})
          for (const auto& cores : {std::vector<uint32_t>{1}, {4, 1}, {2, 3, 5}, {1, 1, 1, 1}}) {
            uint32_t sum = 0;
            for (auto c : cores)
              sum += c;
            auto request = slots(sum);
            request.tasks[0].spread = spread;
            request.tasks[0].count = count;
            request.order = stride == 0 ? task_order::block : task_order::cyclic;
            request.cyclic_stride = std::max(stride, 1u);
            auto where = laid_out(request, nodes_with(cores));
            idset all;
            uint64_t n = 0;
            for (const auto& tasks : where.tasks) {
              REQUIRE_FALSE(all.intersects(tasks));
              all.add_all(tasks);
              n += tasks.size();
            }
            REQUIRE(n == where.ntasks);
            REQUIRE(all == idset::range(0, where.ntasks - 1));
          }
  }

} // TEST_SUITE
