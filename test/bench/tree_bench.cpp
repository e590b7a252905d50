// What a tree of instances can do that one cannot, in virtual time (doc/hierarchy.md): the jobs of
// 10,000 pretended nodes under one instance, under two levels and under three, of several widths.
// Each instance that runs jobs has real cores, whose CPU time is measured in this run; instances
// run beside each other in virtual time, and one after the other here, so that memory is that of
// one. Of each tree but the last one leaf is run, and what is beyond the first JOBS/100 of its
// jobs, or ten for each of its cores, is taken to go on as these; the last is run in full, and each
// of its jobs must be launched once and end once. Usage: tree_bench JOBS [PICTURE.svg].
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "curve_svg.hpp"
#include "measure.hpp"
#include "spec_texts.hpp"
#include "tree_leaf.hpp"

namespace {

using namespace hactor;
using namespace hactor::bench;

constexpr uint32_t nodes = 10'000;
constexpr uint32_t cores = 4;     // of a node; a job takes one
constexpr double boot_s = 0.0055; // until a child instance is there, as measured; one at a time
constexpr double besides_us = 40; // CPU a job for all that is not measured, in the second column

struct shape {
  uint32_t first = 1, second = 1; // children of the root, and of each of these
  uint32_t leaves() const { return first * second; }
  uint32_t levels() const { return 1 + (first > 1) + (second > 1); }
};

/// Until the last leaf is there, and its end is known at the root.
double boot_of(const shape& s, const tree_costs& costs) {
  auto hops = 4.0 * costs.latency_us * 1e-6;
  return (s.first > 1 ? s.first * boot_s + hops : 0)
         + (s.second > 1 ? s.second * boot_s + hops : 0);
}

/// Jobs per second, by one leaf of the tree.
double estimate(const shape& s, const tree_costs& costs, const job_spec_ptr& spec, uint64_t jobs,
                double* cpu_us) {
  auto share = (jobs + s.leaves() - 1) / s.leaves();
  auto slots = uint64_t{nodes} / s.leaves() * cores;
  auto run = std::min<uint64_t>(share, std::max<uint64_t>(jobs / 100, 10 * slots));
  tree_leaf leaf{nodes / s.leaves(), cores, costs, spec};
  auto r = leaf.run(run);
  if (cpu_us != nullptr)
    *cpu_us = r.cpu_seconds / static_cast<double>(run) * 1e6;
  // The last jobs run out when no others follow; that happens once, however long the rest takes.
  auto tail = 1.5 * costs.job_s;
  auto steady = std::max(r.seconds - tail, r.seconds / 2);
  auto seconds = steady * static_cast<double>(share) / static_cast<double>(run) + tail;
  return static_cast<double>(jobs) / (seconds + boot_of(s, costs));
}

/// All leaves, all jobs.
void run_whole(const shape& s, const tree_costs& costs, const job_spec_ptr& spec, uint64_t jobs) {
  double slowest = 0, cpu = 0;
  uint64_t done = 0;
  for (uint32_t i = 0; i < s.leaves(); ++i) {
    auto share = jobs / s.leaves() + (i < jobs % s.leaves());
    tree_leaf leaf{nodes / s.leaves(), cores, costs, spec};
    auto r = leaf.run(share);
    done += r.jobs;
    cpu += r.cpu_seconds;
    slowest = std::max(slowest, r.seconds);
  }
  if (done != jobs)
    fail("not all jobs were run");
  tell("tree_whole_leaves", s.leaves());
  tell("tree_whole_jobs_once", static_cast<double>(done));
  tell("tree_whole_virtual_s", slowest + boot_of(s, costs));
  tell("tree_whole_jobs_s", static_cast<double>(jobs) / (slowest + boot_of(s, costs)));
  tell("tree_whole_cpu_us_job", cpu / static_cast<double>(jobs) * 1e6);
  tell("tree_resident_mb", resident_bytes(::getpid()) * 1e-6);
}

} // namespace

int main(int argc, char** argv) {
  auto jobs = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
  if (jobs < 10'000)
    fail("usage: tree_bench JOBS [PICTURE.svg], JOBS at least 10000");
  spec_cache cache;
  auto spec = test::intern(cache, {});
  tree_costs costs;
  auto more = costs;
  more.other_us = besides_us;
  std::vector<shape> shapes{{1, 1}};
  for (uint32_t w : {2, 5, 10, 20, 50, 100, 200, 500, 1000})
    shapes.push_back({w, 1});
  for (uint32_t w : {2, 4, 7, 10, 14, 22, 32})
    shapes.push_back({w, w});
  shapes.push_back({10, 100});
  auto most = nodes * cores / costs.job_s;
  std::vector<curve> curves{{"2 levels, the cores alone", "#1f77b4", {}, false},
                            {"3 levels, the cores alone", "#2ca02c", {}, false},
                            {"2 levels, and 40 us a job", "#9467bd", {}, false},
                            {"3 levels, and 40 us a job", "#d62728", {}, false},
                            {"all nodes busy", "#777777", {{1, most}, {10'000, most}}, true}};
  fmt::print("levels  children      leaves  us a job  jobs/s  jobs/s with {} us besides\n",
             besides_us);
  for (auto& s : shapes) {
    double cpu = 0;
    auto rate = estimate(s, costs, spec, jobs, &cpu);
    auto with = estimate(s, more, spec, jobs, nullptr);
    fmt::print("{:>6}  {:>8}  {:>10}  {:>8.1f}  {:>6.0f}  {:>6.0f}\n", s.levels(),
               s.second > 1 ? fmt::format("{}x{}", s.first, s.second) : std::to_string(s.first),
               s.leaves(), cpu, rate, with);
    std::fflush(stdout);
    for (auto level : {2u, 3u})
      if (s.levels() == level || (s.levels() == 1 && level == 2)) {
        curves[level - 2].points.emplace_back(s.leaves(), rate);
        curves[level].points.emplace_back(s.leaves(), with);
      }
  }
  std::sort(curves[1].points.begin(), curves[1].points.end());
  std::sort(curves[3].points.begin(), curves[3].points.end());
  if (argc > 2)
    std::ofstream{argv[2]} << draw_curves(
        {1, 10'000, 1'000, 1'000'000, "10,000 nodes with 4 cores, jobs of 0.1 s on one core",
         "instances that run jobs", "jobs per second of virtual time"},
        curves);
  run_whole({10, 10}, costs, spec, jobs);
}
