// What the scheduler's core costs per job: cycles a second, bytes per waiting job, passes over full
// queues, cancels; and writing a one-node R. The bound of the same run is a loop that only
// allocates and frees what a grant consists of.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <malloc.h>

#include "actors/scheduler_core.hpp"
#include "graph/jobspec.hpp"
#include "requests.hpp"

namespace {

using namespace hactor;

double seconds_of(auto&& work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct counting_out final : scheduler_out {
  std::vector<job_id> granted_ids;
  uint64_t cancels = 0;
  void granted(job_id id, rset&&, start_kind) override { granted_ids.push_back(id); }
  void denied(job_id, std::string) override {}
  void cancelled(job_id) override { ++cancels; }
};

using test::on_nodes;
using test::request_ptr;
using test::slots;

request_ptr one_core() { return slots(1); }

/// `batch` jobs arrive, one pass, and `batch` of the running jobs end.
void cycles(uint64_t total, uint64_t batch, uint64_t running) {
  scheduler_core core;
  core.set_inventory(test::machine(1000, 40));
  auto request = one_core();
  counting_out out;
  uint64_t next = 1;
  std::vector<job_id> held;
  uint64_t end = 0;
  auto took = seconds_of([&] {
    for (uint64_t done = 0; done < total; done += batch) {
      for (uint64_t i = 0; i < batch; ++i, ++next)
        core.enqueue({job_id{next}, 16, static_cast<int64_t>(next), request});
      core.schedule(static_cast<int64_t>(next), out);
      held.insert(held.end(), out.granted_ids.begin(), out.granted_ids.end());
      out.granted_ids.clear();
      for (; held.size() - end > running; ++end)
        core.free(held[end], std::nullopt, true);
    }
  });
  std::printf("cycle, batches of %5lu, %5lu running: %9.0f jobs/s (%.2f us each)\n", batch, running,
              static_cast<double>(total) / took, took / static_cast<double>(total) * 1e6);
}

void bound(uint64_t total) {
  std::vector<rset> live(4000);
  auto took = seconds_of([&] {
    for (uint64_t i = 0; i < total; ++i) {
      rset r;
      r.nodes.push_back({static_cast<rank_t>(i), idset::single(3), {}});
      r.nodelist.push_back("node17");
      live[i % live.size()] = std::move(r);
    }
  });
  std::printf("bound: making and dropping such grants:  %9.0f /s\n",
              static_cast<double>(total) / took);
}

size_t heap_bytes() {
  auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void deep_queue(uint64_t jobs) {
  scheduler_core core;
  core.set_inventory(test::machine(1, 1));
  auto request = one_core();
  counting_out out;
  core.enqueue({job_id{1}, 16, 0, request});
  core.schedule(0, out);
  auto before = heap_bytes();
  auto took = seconds_of([&] {
    for (uint64_t i = 2; i < jobs + 2; ++i)
      core.enqueue({job_id{i << 20}, 16, static_cast<int64_t>(i), request});
  });
  std::printf("%lu waiting: %.1f bytes each, enqueue %.2f us each\n", jobs,
              static_cast<double>(heap_bytes() - before) / static_cast<double>(jobs),
              took / static_cast<double>(jobs) * 1e6);
  core.schedule(1, out);
  took = seconds_of([&] {
    for (int i = 0; i < 1'000'000; ++i)
      core.schedule(i, out);
  });
  std::printf("blocked pass: %.1f ns\n", took / 1e6 * 1e9);
  uint64_t cancels = 100'000;
  took = seconds_of([&] {
    // From all over the queue, not in its order.
    for (uint64_t i = 0; i < cancels; ++i)
      core.cancel(job_id{(2 + i * 7919 % jobs) << 20});
    core.schedule(2, out);
  });
  std::printf("cancel of %lu: %.3f s (%.2f us each), %lu answered\n", cancels, took,
              took / static_cast<double>(cancels) * 1e6, out.cancels);
}

/// A machine on which nothing fits, and a queue of 50 shapes: the first pass, one after something
/// was freed that nothing fits into, and one after an arrival.
void full_machine(const char* policy, uint32_t depth, uint64_t jobs, bool two_each) {
  constexpr uint32_t nodes = 10'000;
  scheduler_settings s;
  s.queues.push_back({"", *make_queue_policy(policy, 0), depth, nullptr});
  scheduler_core core{s};
  core.set_inventory(test::machine(nodes, 40));
  counting_out out;
  // All nodes are busy; one holds a small job beside, which ends.
  core.enqueue({job_id{1}, 16, 0, on_nodes(nodes, 1, 100'000, 39)});
  core.enqueue({job_id{2}, 16, 1, on_nodes(nodes - 1, 1, 100'000, 1)});
  core.enqueue({job_id{3}, 16, 2, slots(1, 50'000)});
  core.schedule(0, out);
  if (out.granted_ids.size() != 3)
    std::printf("the machine is not full\n");
  std::vector<request_ptr> shapes;
  for (uint32_t i = 0; i < 50; ++i)
    shapes.push_back(i % 2 == 0 || !two_each ? slots(2 + i, 600 + 60 * i, 1 + i % 8)
                                             : on_nodes(1 + i * 20, 1 + i % 4, 600 + 60 * i, 2));
  for (uint64_t i = 0; i < jobs; ++i)
    core.enqueue(
        {job_id{10 + i}, 16, static_cast<int64_t>(3 + i), shapes[i * 7919 % shapes.size()]});
  auto first = seconds_of([&] { core.schedule(1'000'000'000, out); });
  core.free(job_id{3}, std::nullopt, true);
  auto after_free = seconds_of([&] { core.schedule(2'000'000'000, out); });
  core.enqueue({job_id{10 + jobs}, 16, static_cast<int64_t>(10 + jobs), shapes[7]});
  auto arrival = seconds_of([&] { core.schedule(3'000'000'000, out); });
  if (out.granted_ids.size() != 3)
    std::printf("something fitted\n");
  std::printf("%s, depth %7u, %lu waiting jobs of 50 shapes, %u nodes full: first pass %.2f ms, "
              "after a free %.2f ms, after an arrival %.3f ms\n",
              policy, depth, jobs, nodes, first * 1e3, after_free * 1e3, arrival * 1e3);
}

void encode(uint64_t total) {
  rset r;
  r.nodes.push_back({17, idset::single(3), {}});
  r.nodelist.push_back("node17");
  r.nslots = 1;
  r.starttime = 1676560544.123456;
  r.expiration = 1676560664.123456;
  size_t bytes = 0;
  auto took = seconds_of([&] {
    for (uint64_t i = 0; i < total; ++i)
      bytes += to_json(r).size();
  });
  std::printf("R of one node: %.3f us to write (%lu bytes)\n",
              took / static_cast<double>(total) * 1e6, bytes / total);
  auto text = to_json(r);
  took = seconds_of([&] {
    for (uint64_t i = 0; i < total / 10; ++i)
      bytes += parse_rset(text)->nodes.size();
  });
  std::printf("R of one node: %.3f us to read\n", took / static_cast<double>(total / 10) * 1e6);
}

void parse(uint64_t total) {
  const std::string text =
      R"({"version":1,"resources":[{"type":"slot","count":1,"label":"task","with":)"
      R"([{"type":"core","count":1}]}],"tasks":[{"command":["true"],"slot":"task",)"
      R"("count":{"per_slot":1}}],"attributes":{"system":{"duration":0,"cwd":"/tmp"}}})";
  uint64_t slots = 0;
  auto took = seconds_of([&] {
    for (uint64_t i = 0; i < total; ++i)
      slots += compile_request(*parse_jobspec(text))->slots;
  });
  std::printf("jobspec: %.2f us to parse and compile (%lu)\n",
              took / static_cast<double>(total) * 1e6, slots);
}

} // namespace

int main() {
  bound(2'000'000);
  cycles(2'000'000, 1, 0);
  cycles(2'000'000, 100, 20'000);
  cycles(2'000'000, 10'000, 30'000);
  deep_queue(1'000'000);
  for (auto policy : {"fcfs", "easy", "hybrid", "conservative"})
    full_machine(policy, 32, 100'000, true);
  for (auto policy : {"easy", "hybrid"})
    full_machine(policy, 1'000'000, 100'000, true);
  encode(1'000'000);
  parse(50'000);
}
