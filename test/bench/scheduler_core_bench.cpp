// What the scheduler's core costs per job: cycles a second, bytes per waiting job, passes over full
// queues, cancels; and texts: R of one node and of many, jobspecs. Bounds of the same run: a loop
// that only allocates and frees what a grant consists of; a scan of free counters, one a node, for
// each shape of a queue. Usage: scheduler_core_bench JOBS [cycles|queue|passes|texts].
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <memory>
#include <string>
#include <vector>

#include <malloc.h>

#include "actors/scheduler_core.hpp"
#include "graph/jobspec.hpp"
#include "measure.hpp"
#include "requests.hpp"

namespace {

using namespace hactor;
using namespace hactor::bench;

double seconds_of(auto&& work) {
  auto begin = thread_ns();
  work();
  return thread_seconds_since(begin);
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
  tell("core_cycle_" + std::to_string(batch) + "_s", static_cast<double>(total) / took);
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
  tell("core_cycle_bound_s", static_cast<double>(total) / took);
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
  tell("core_waiting_bytes",
       static_cast<double>(heap_bytes() - before) / static_cast<double>(jobs));
  tell("core_enqueue_us", took / static_cast<double>(jobs) * 1e6);
  core.schedule(1, out);
  took = seconds_of([&] {
    for (int i = 0; i < 1'000'000; ++i)
      core.schedule(i, out);
  });
  tell("core_blocked_pass_ns", took / 1e6 * 1e9);
  uint64_t cancels = jobs / 10;
  took = seconds_of([&] {
    // From all over the queue, not in its order.
    for (uint64_t i = 0; i < cancels; ++i)
      core.cancel(job_id{(2 + i * 7919 % jobs) << 20});
    core.schedule(2, out);
  });
  if (out.cancels != cancels)
    fail("not all were cancelled");
  tell("core_cancel_us", took / static_cast<double>(cancels) * 1e6);
}

/// A machine on which nothing fits, and a queue of 50 shapes: the first pass, one after something
/// was freed that nothing fits into, and one after an arrival.
void full_machine(const std::string& policy, uint32_t depth, uint64_t jobs) {
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
    fail("the machine is not full");
  std::vector<request_ptr> shapes;
  for (uint32_t i = 0; i < 50; ++i)
    shapes.push_back(i % 2 == 0 ? slots(2 + i, 600 + 60 * i, 1 + i % 8)
                                : on_nodes(1 + i * 20, 1 + i % 4, 600 + 60 * i, 2));
  auto judging = seconds_of([&] { // a submit asks whether the job can ever run
    for (auto& s : shapes)
      if (core.feasible(s))
        fail("a job that can never run");
  });
  for (uint64_t i = 0; i < jobs; ++i)
    core.enqueue(
        {job_id{10 + i}, 16, static_cast<int64_t>(3 + i), shapes[i * 7919 % shapes.size()]});
  auto first = seconds_of([&] { core.schedule(1'000'000'000, out); });
  core.free(job_id{3}, std::nullopt, true);
  auto after_free = seconds_of([&] { core.schedule(2'000'000'000, out); });
  core.enqueue({job_id{10 + jobs}, 16, static_cast<int64_t>(10 + jobs), shapes[7]});
  auto arrival = seconds_of([&] { core.schedule(3'000'000'000, out); });
  if (out.granted_ids.size() != 3)
    fail("something fitted");
  auto name = "core_" + policy + (depth < jobs ? "" : "_all");
  tell(name + "_judge_ms", judging * 1e3);
  tell(name + "_first_ms", first * 1e3);
  tell(name + "_free_ms", after_free * 1e3);
  tell(name + "_arrival_ms", arrival * 1e3);
}

/// The bound of a pass: for each shape a scan of the nodes' free counters.
void scan_nodes() {
  std::vector<int> free(10'000, 0);
  free.back() = 1;
  int found = 0;
  auto took = seconds_of([&] {
    for (int shape = 2; shape < 52; ++shape)
      for (auto& n : free)
        found += n >= shape;
  });
  if (found != 0)
    fail("something fitted");
  tell("core_scan_ms", took * 1e3);
}

rset one_node() {
  rset r;
  r.nodes.push_back({17, idset::single(3), {}});
  r.nodelist.push_back("node17");
  r.nslots = 1;
  r.starttime = 1676560544.123456;
  r.expiration = 1676560664.123456;
  return r;
}

void write_and_read(uint64_t total) {
  auto r = one_node();
  size_t bytes = 0;
  auto took = seconds_of([&] {
    for (uint64_t i = 0; i < total; ++i)
      bytes += to_json(r).size();
  });
  tell("core_r_write_us", took / static_cast<double>(total) * 1e6);
  tell("core_r_bytes", static_cast<double>(bytes) / static_cast<double>(total));
  auto text = to_json(r);
  took = seconds_of([&] {
    for (uint64_t i = 0; i < total / 10; ++i)
      bytes += parse_rset(text)->nodes.size();
  });
  tell("core_r_read_us", took / static_cast<double>(total / 10) * 1e6);
}

/// The grant of a whole machine, as a job's R.
void large_r() {
  scheduler_core core;
  core.set_inventory(test::machine(10'000, 40));
  struct keep final : scheduler_out {
    rset r;
    void granted(job_id, rset&& x, start_kind) override { r = std::move(x); }
    void denied(job_id, std::string) override {}
    void cancelled(job_id) override {}
  } out;
  core.enqueue({job_id{1}, 16, 0, test::whole(10'000, 3600)});
  core.schedule(0, out);
  if (out.r.nodes.size() != 10'000)
    fail("the machine was not granted");
  tell("core_r_10000_bytes", static_cast<double>(to_json(out.r).size()));
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
  if (slots != total)
    fail("a jobspec without its slot");
  tell("core_jobspec_us", took / static_cast<double>(total) * 1e6);
}

} // namespace

int main(int argc, char** argv) {
  auto jobs = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
  if (jobs < 100)
    fail("usage: scheduler_core_bench JOBS [cycles|queue|passes|texts]");
  std::string only = argc > 2 ? argv[2] : "";
  auto wanted = [&](const char* part) { return only.empty() || only == part; };
  if (wanted("cycles")) {
    bound(20 * jobs);
    cycles(20 * jobs, 1, 0);
    cycles(20 * jobs, 100, 20'000);
    cycles(20 * jobs, 10'000, 30'000);
  }
  if (wanted("queue"))
    deep_queue(10 * jobs);
  if (wanted("passes")) {
    scan_nodes();
    for (auto policy : {"fcfs", "easy", "hybrid", "conservative"})
      full_machine(policy, 32, jobs);
    for (auto policy : {"easy", "hybrid"})
      full_machine(policy, 1'000'000, jobs);
  }
  if (wanted("texts")) {
    write_and_read(10 * jobs);
    large_r();
    parse(jobs / 2);
  }
}
