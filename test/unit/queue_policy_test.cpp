// actors/scheduler_core: what the queue policies do, on workloads with known answers.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/queue_policy.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "actors/scheduler_core.hpp"
#include "graph/policy_library.hpp"
#include "graph/rv1_reader.hpp"
#include "queue_twin.hpp"
#include "recording_scheduler_out.hpp"
#include "requests.hpp"
#include "runtime/log.hpp"
#include "temp_dir.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

constexpr int64_t second = 1'000'000'000;

scheduler_settings one_queue(const std::string& policy, uint32_t reservations = 0,
                             uint32_t depth = queue_depth_default) {
  auto made = make_queue_policy(policy, reservations);
  HACTOR_CHECK(made);
  scheduler_settings s;
  s.queues.push_back({"", *made, depth, nullptr});
  return s;
}

/// Jobs with limits and run times under virtual time.
struct machine_day {
  machine_day(scheduler_settings settings, const rset& inventory) : core{std::move(settings)} {
    core.set_inventory(inventory);
  }

  void add(uint64_t id, request_ptr request, uint32_t priority = 16) {
    core.enqueue({job_id{id}, priority, static_cast<int64_t>(id), std::move(request)});
  }
  std::string pass() {
    core.schedule(now * second, out);
    return out.take();
  }
  explanation why(uint64_t id) { return *core.explain(job_id{id}, now * second); }
  /// "2@60 3@120": promised start times in minutes.
  std::string promises(uint64_t last) {
    std::string text;
    for (uint64_t id = 1; id <= last; ++id)
      if (core.is_queued(job_id{id}) && why(id).code == "reserved")
        text += (text.empty() ? "" : " ") + std::to_string(id) + "@"
                + std::to_string(static_cast<int64_t>(why(id).t_estimate) / 60);
    return text;
  }

  scheduler_core core;
  recording_scheduler_out out;
  int64_t now = 0; // seconds
};

/// Cores and minutes.
using oracle_jobs = std::vector<std::pair<uint32_t, uint32_t>>;
const oracle_jobs eleven{{8, 60},  {10, 60}, {12, 60}, {14, 60}, {16, 60}, {6, 121},
                         {4, 179}, {4, 239}, {2, 239}, {2, 299}, {2, 59}};

machine_day oracle(const std::string& policy, uint32_t depth, oracle_jobs jobs = eleven) {
  machine_day day{one_queue(policy, depth), machine(1, 16)};
  for (uint64_t i = 0; i < jobs.size(); ++i)
    day.add(i + 1, slots(jobs[i].first, jobs[i].second * 60));
  return day;
}

/// The 41 jobs of features.md S-I15: nodes, cores on each.
using shape = std::pair<uint32_t, uint32_t>;

std::vector<shape> largest_first() {
  std::vector<shape> jobs{{4, 36}, {3, 36}, {3, 36}};
  jobs.insert(jobs.end(), 4, {2, 36});
  jobs.insert(jobs.end(), 10, {1, 36});
  jobs.insert(jobs.end(), 8, {1, 18});
  jobs.insert(jobs.end(), 16, {1, 9});
  return jobs;
}

std::vector<shape> random_order() {
  std::vector<shape> jobs;
  for (char c : std::string{"q1qqq3q1qq111qhq1h1qhh2qh14qqq2hhq2q131h2"})
    jobs.push_back(c == 'q'   ? shape{1, 9}
                   : c == 'h' ? shape{1, 18}
                              : shape{static_cast<uint32_t>(c - '0'), 36});
  return jobs;
}

/// Waves of 20 s until all are done: limit 30 s, 4 nodes of 36 cores, all submitted at once.
int64_t waves(const std::string& policy, uint32_t depth, const std::vector<shape>& jobs) {
  machine_day day{one_queue(policy, 0, depth), machine(4, 36)};
  for (uint64_t i = 0; i < jobs.size(); ++i)
    day.add(i + 1, on_nodes(jobs[i].first, 1, 30, jobs[i].second));
  size_t done = 0;
  while (done < jobs.size()) {
    day.out.grants.clear();
    day.pass();
    for (auto& [id, r] : day.out.grants)
      day.core.free(job_id{id}, {}, true);
    auto n = day.out.grants.size();
    if (n == 0)
      return -1;
    done += n;
    day.now += 20;
  }
  return day.now / 20;
}

/// The same where each pass looks at `depth` jobs and never again, one pass for each job that ends.
int64_t waves_looking_once(uint32_t depth, const std::vector<shape>& jobs) {
  queue_twin twin{4, 36, {depth, 1, false, true}};
  for (uint64_t i = 0; i < jobs.size(); ++i)
    twin.submit({i + 1, jobs[i].first, jobs[i].second, 30, 16, static_cast<int64_t>(i)});
  std::vector<uint64_t> running = twin.pass(0);
  int64_t now = 0;
  for (size_t done = 0; done < jobs.size();) {
    now += 20;
    std::vector<uint64_t> next;
    for (auto id : std::exchange(running, {}))
      twin.finish(id), ++done;
    for (auto id : twin.pass(now))
      next.push_back(id);
    running = next;
  }
  return now / 20;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("the order of jobs is priority, submit time, id") {
    queue_policy p;
    auto j = [](uint64_t id, uint32_t priority, int64_t t) {
      return job_facts{job_id{id}, priority, t, nullptr};
    };
    CHECK(p.before(j(9, 17, 9), j(1, 16, 1)));
    CHECK(p.before(j(9, 16, 1), j(1, 16, 2)));
    CHECK(p.before(j(1, 16, 1), j(2, 16, 1)));
    CHECK_FALSE(p.before(j(1, 16, 1), j(1, 16, 1)));
  }

  TEST_CASE("policies have names and depths, and others are refused") {
    auto depth = [](const char* name, uint32_t n) {
      return (*make_queue_policy(name, n))->reservation_depth;
    };
    CHECK(depth("fcfs", 9) == 0);
    CHECK(depth("easy", 9) == 1);
    CHECK(depth("hybrid", 0) == 64);
    CHECK(depth("hybrid", 3) == 3);
    CHECK(depth("hybrid", 4'000'000'000) == 100'000);
    CHECK(depth("conservative", 0) == 100'000);
    auto none = make_queue_policy("lottery", 0);
    REQUIRE_FALSE(none);
    CHECK(code_of(none.error()) == ec::bad_argument);
    CHECK(render(none.error()).find("fcfs, easy, hybrid and conservative") != std::string::npos);
  }

  TEST_CASE("eleven jobs, EASY: the first blocked job is promised a time, others fill the holes") {
    auto day = oracle("easy", 0);
    CHECK(day.pass() == "+1 +6 +11");
    CHECK(day.promises(11) == "2@60");
    day.core.free(job_id{6}, {}, true);
    CHECK(day.pass() == "+7 +9");
    CHECK(day.promises(11) == "2@60");
    CHECK(day.core.counts().running == 4);
  }

  TEST_CASE("eleven jobs, HYBRID of depth 3: three blocked jobs are promised times") {
    auto day = oracle("hybrid", 3);
    CHECK(day.pass() == "+1 +7 +11");
    CHECK(day.promises(11) == "2@60 3@120 4@180");
    day.core.free(job_id{7}, {}, true);
    CHECK(day.pass() == "+9");
    CHECK(day.promises(11) == "2@60 3@120 4@180");
    CHECK(day.core.counts().running == 3);
  }

  TEST_CASE("eleven jobs, CONSERVATIVE: every blocked job is promised a time") {
    auto jobs = eleven;
    std::swap(jobs[3], jobs[4]);
    auto day = oracle("conservative", 0, jobs);
    CHECK(day.pass() == "+1 +7 +11");
    CHECK(day.promises(11) == "2@60 3@120 4@180 5@240 6@300 8@300 9@240 10@300");
    day.core.free(job_id{7}, {}, true);
    CHECK(day.pass().empty());
    CHECK(day.promises(11) == "2@60 3@120 4@180 5@240 6@300 8@300 9@240 10@300");
    CHECK(day.core.counts().running == 2);
  }

  TEST_CASE("eleven jobs, FCFS: the second does not fit, and nothing passes it") {
    auto day = oracle("fcfs", 0);
    CHECK(day.pass() == "+1");
    CHECK(day.promises(11).empty());
    day.core.free(job_id{1}, {}, true);
    CHECK(day.pass() == "+2");
  }

  TEST_CASE("grants say whether they were immediate, backfilled or promised before") {
    auto day = oracle("easy", 0);
    day.pass();
    CHECK(day.out.kinds[1] == "immediate");
    CHECK(day.out.kinds[6] == "backfill");
    for (auto id : {1, 6, 11})
      day.core.free(job_id{static_cast<uint64_t>(id)}, {}, true);
    day.pass();
    CHECK(day.out.kinds[2] == "reserved");
  }

  TEST_CASE("41 jobs on 4 nodes, largest first: 10 waves with FCFS, 9 with EASY") {
    CHECK(waves("fcfs", 32, largest_first()) == 10);
    for (uint32_t depth : {8u, 20u, 41u, 100u})
      CHECK(waves("easy", depth, largest_first()) == 9);
  }

  TEST_CASE("41 jobs on 4 nodes in random order: FCFS 11 waves, EASY 10 at every depth") {
    REQUIRE(random_order().size() == 41);
    CHECK(waves("fcfs", 32, random_order()) == 11);
    for (uint32_t depth : {2u, 3u, 5u, 20u, 41u, 100u})
      CHECK(waves("easy", depth, random_order()) == 10);
    CHECK(waves_looking_once(2, random_order()) == 21);
  }

  TEST_CASE("the queue depth decides which job starts next") {
    for (auto [depth, starts] : {std::pair{2u, "+1"}, std::pair{3u, "+1"}, std::pair{5u, "+1 +6"},
                                 std::pair{41u, "+1 +6"}}) {
      machine_day day{one_queue("easy", 0, depth), machine(1, 4)};
      day.add(1, slots(3, 100));
      for (uint64_t id = 2; id <= 5; ++id)
        day.add(id, slots(4, 100 + static_cast<double>(id)));
      day.add(6, slots(1, 10));
      INFO(depth);
      CHECK(day.pass() == starts);
    }
  }

  TEST_CASE("jobs that fit at no known time do not use up the queue's depth") {
    machine_day day{one_queue("easy", 0, 3), machine(2, 4)};
    day.core.drain(1);
    for (uint64_t id = 1; id <= 1'000; ++id)
      day.add(id, on_nodes(2, 1, 100));
    day.add(1'001, slots(2, 10));
    CHECK(day.pass() == "+1001");
    CHECK(day.why(7).code == "down");
    day.core.undrain(1);
    CHECK(day.pass() == "+1 +2");
  }

  TEST_CASE("as many jobs have a future start as the reservation depth says") {
    for (uint32_t depth : {1u, 2u, 5u, 64u}) {
      machine_day day{one_queue("hybrid", depth, 1'000), machine(1, 4)};
      day.add(1, slots(4, 100));
      for (uint64_t id = 2; id <= 101; ++id)
        day.add(id, slots(4, 100));
      day.pass();
      CHECK(day.core.counts().reserved == depth);
      CHECK(day.why(2).t_estimate == 100);
      CHECK(day.why(2).sentence.find(", behind job ") != std::string::npos);
    }
  }

  TEST_CASE("what is busy or drained is satisfiable, what is not there is not") {
    machine_day day{one_queue("easy"), machine(2, 4)};
    day.add(1, slots(8, 100));
    CHECK(day.pass() == "+1");
    CHECK_FALSE(day.core.feasible(slots(8)));
    day.core.drain(0);
    CHECK_FALSE(day.core.feasible(slots(8)));
    auto e = day.core.feasible(slots(9));
    CHECK(code_of(e) == ec::unsatisfiable);
    CHECK(render(e) == "asked for 9 slots of 1 core; there is room for 8 slots");
    CHECK(render(day.core.feasible(slots(1, 0, 1, 1)))
          == "asked for 1 slot of 1 core and 1 gpu; there is no gpu here");
    CHECK(day.core.counts().queued == 0);
    CHECK(day.pass().empty());
  }

  TEST_CASE("node counts place jobs beside each other or over each other") {
    auto ranks = [](const rset& r) { return r.ranks().to_string(); };
    machine_day beside{one_queue("fcfs"), machine(3, 3)};
    beside.add(1, on_nodes(2, 3));
    beside.add(2, on_nodes(1, 3));
    CHECK(beside.pass() == "+1 +2");
    CHECK(ranks(beside.out.grants[1]) == "0-1");
    CHECK(ranks(beside.out.grants[2]) == "2");
    machine_day over{one_queue("fcfs"), machine(3, 3)};
    over.add(1, on_nodes(3, 2));
    over.add(2, on_nodes(3, 1));
    CHECK(over.pass() == "+1 +2");
    CHECK(ranks(over.out.grants[1]) == "0-2");
    CHECK(ranks(over.out.grants[2]) == "0-2");
    CHECK(disjoint(over.out.grants[1], over.out.grants[2]));
    for (auto& node : over.out.grants[1].nodes)
      CHECK(node.cores.size() == 2);
  }

  TEST_CASE("five jobs share a node, each with cores and GPUs of its own") {
    machine_day day{one_queue("easy"), machine(1, 40, 4)};
    day.add(1, slots(1, 100, 24));   // the macro simulation
    day.add(2, slots(1, 100, 2, 1)); // a simulation on a GPU
    day.add(3, slots(1, 100, 6));    // its setup
    day.add(4, slots(2, 100, 2));    // analysis
    day.add(5, slots(1, 100, 4, 3)); // learning
    CHECK(day.pass() == "+1 +2 +3 +4 +5");
    for (auto& [a, x] : day.out.grants)
      for (auto& [b, y] : day.out.grants)
        CHECK((a == b || disjoint(x, y)));
    auto before = *day.core.held_by(job_id{5});
    day.core.free(job_id{2}, {}, true);
    day.add(6, slots(1, 100, 2, 1));
    CHECK(day.pass() == "+6");
    CHECK(same_resources(day.out.grants[6], day.out.grants[2]));
    CHECK(*day.core.held_by(job_id{5}) == before);
  }

  TEST_CASE("components of different shape in one job share a node, and any policy runs them") {
    const char* mixed = R"([
      {"type":"slot","count":2,"label":"task","with":[{"type":"core","count":2}]},
      {"type":"slot","count":1,"label":"io","with":[{"type":"core","count":1},
                                                    {"type":"gpu","count":1}]}])";
    for (auto policy : {"fcfs", "easy", "hybrid", "conservative"}) {
      machine_day day{one_queue(policy), machine(1, 8, 1)};
      day.add(1, request_of(mixed, 50));
      day.add(2, request_of(mixed, 50));
      day.add(3, slots(3, 40));
      INFO(policy);
      auto started = day.pass();
      CHECK(started.starts_with("+1"));
      auto& r = day.out.grants[1];
      CHECK(r.core_count() == 5);
      CHECK(r.gpu_count() == 1);
      // Its future use is known: the second is promised the moment at which the first must end.
      if (policy != std::string{"fcfs"}) {
        CHECK(day.why(2).t_estimate == 50);
        CHECK(started == "+1 +3"); // the hole beside it is filled
      }
    }
  }

  TEST_CASE("queues have nodes, policies and states of their own") {
    auto inventory = machine(4, 2);
    inventory.properties["fast"] = idset::range(2, 3);
    scheduler_settings s;
    s.queues.push_back(
        {"batch", *make_queue_policy("easy", 0), 32, json{{"properties", {"^fast"}}}});
    s.queues.push_back(
        {"quick", *make_queue_policy("fcfs", 0), 32, json{{"properties", {"fast"}}}});
    s.default_queue = "batch";
    machine_day day{s, inventory};
    auto in = [](const char* queue) { return json{{"queue", queue}}; };
    day.add(1, on_nodes(2, 2, 100)); // batch, by default
    day.add(2, on_nodes(2, 2, 100, 1, 0, false, in("quick")));
    day.add(3, on_nodes(1, 2, 100, 1, 0, false, in("quick")));
    day.add(4, slots(1, 10, 1, 0, in("nowhere")));
    CHECK(day.pass() == "!4 +1 +2");
    CHECK(day.out.grants[1].ranks().to_string() == "0-1");
    CHECK(day.out.grants[2].ranks().to_string() == "2-3");
    CHECK(day.out.notes[4] == "queue nowhere: there are batch, quick");
    auto e = day.core.feasible(on_nodes(3, 1, 0, 1, 0, false, in("quick")));
    CHECK(render(e)
          == "asked for 3 nodes with 1 slot of 1 core; there is room for 2 nodes in queue quick");

    CHECK_FALSE(day.core.stop("quick", "maintenance"));
    day.core.free(job_id{2}, {}, true);
    CHECK(day.pass().empty());
    CHECK(day.why(3).code == "stopped");
    CHECK(day.why(3).sentence == "queue quick is stopped: maintenance");
    CHECK_FALSE(day.core.disable("quick", "soon gone"));
    CHECK(render(day.core.feasible(slots(1, 0, 1, 0, in("quick"))))
          == "queue quick takes no jobs: soon gone");
    CHECK_FALSE(day.core.feasible(slots(1)));
    auto states = day.core.queues();
    CHECK(states[0].is_default);
    CHECK(states[0].running == 1);
    CHECK(states[1].started_note == "maintenance");
    CHECK_FALSE(states[1].enabled);
    CHECK(states[1].queued == 1);
    CHECK_FALSE(day.core.start("quick"));
    CHECK(day.pass() == "+3");
    CHECK(code_of(day.core.stop("slow", "")) == ec::bad_argument);
    CHECK(code_of(day.core.start("slow")) == ec::bad_argument);
    CHECK(code_of(day.core.enable("slow")) == ec::bad_argument);
    CHECK(code_of(day.core.disable("slow", "")) == ec::bad_argument);
  }

  TEST_CASE("a promise never moves later because of what comes behind it") {
    std::mt19937 random{7};
    machine_day day{one_queue("easy", 0, 1'000), machine(4, 4)};
    for (uint64_t id = 1; id <= 20; ++id)
      day.add(id, on_nodes(1, 1, 50 + random() % 50, 1 + random() % 3));
    day.add(21, whole(4, 10));
    day.pass();
    REQUIRE(day.core.is_queued(job_id{21}));
    double promise = 0;
    for (uint64_t id = 1; id <= 20; ++id)
      day.core.cancel(job_id{id});
    for (uint64_t id = 22; id < 200; ++id) {
      day.add(id, on_nodes(1, 1, 5 + random() % 90, 1 + random() % 2));
      day.pass();
      auto now = day.why(21).t_estimate;
      CHECK((promise == 0 || now <= promise));
      promise = now;
    }
  }

  TEST_CASE("a library's policy orders the queue and decides the nodes") {
    scheduler_settings s = one_queue(HACTOR_TEST_QUEUE_POLICY);
    CHECK(s.queues[0].policy->name == "shortest-first");
    machine_day day{s, machine(1, 1)};
    day.add(1, slots(1, 500));
    day.add(2, slots(1, 30));
    day.add(3, slots(1, 100));
    day.add(4, slots(1, 100), 20);
    day.add(5, slots(1, 0));
    std::string order;
    for (int i = 0; i < 5; ++i) {
      auto started = day.pass();
      order += started;
      day.core.free(job_id{std::stoull(started.substr(1))}, {}, true);
    }
    CHECK(order == "+2+4+3+1+5");

    auto match = choose_match_policy(HACTOR_TEST_MATCH_POLICY);
    if (!match)
      FAIL(render(match.error()));
    CHECK((*match)->name == "coolest");
    auto inventory = machine(3, 1);
    scheduler_settings cool = one_queue("fcfs");
    cool.match = *match;
    scheduler_core core{cool};
    auto graph = *graph_of(inventory);
    for (auto [rank, watts] : {std::pair{0, "300"}, std::pair{1, "90"}, std::pair{2, "200"}})
      graph.set_property(graph.of_rank(rank)[0], "watts", watts);
    CHECK_FALSE(core.set_graph(std::move(graph)));
    recording_scheduler_out out;
    for (uint64_t id = 1; id <= 3; ++id)
      core.enqueue({job_id{id}, 16, static_cast<int64_t>(id), on_nodes(1, 1)});
    core.schedule(0, out);
    CHECK(out.grants[1].ranks().to_string() == "1");
    CHECK(out.grants[2].ranks().to_string() == "2");
    CHECK(out.grants[3].ranks().to_string() == "0");
  }

  TEST_CASE("a library that is none is refused with its name") {
    for (auto [path, says] :
         {std::pair{"/nowhere/at-all.so", "/nowhere/at-all.so"},
          std::pair{HACTOR_TEST_NO_POLICY, "does not define hactor_policies"}}) {
      auto made = make_queue_policy(path, 0);
      REQUIRE_FALSE(made);
      CHECK(code_of(made.error()) == ec::bad_argument);
      CHECK(render(made.error()).find(says) != std::string::npos);
      CHECK(code_of(choose_match_policy(path).error()) == ec::bad_argument);
    }
    CHECK(render(make_queue_policy(HACTOR_TEST_MATCH_POLICY, 0).error())
              .find("it has no queue policy")
          != std::string::npos);
    CHECK(
        render(choose_match_policy(HACTOR_TEST_QUEUE_POLICY).error()).find("it has no match policy")
        != std::string::npos);
  }

  TEST_CASE("a library that fails when it is loaded is refused with its name and why") {
    for (auto [fault, says] :
         {std::pair{"entry", "when it was asked for its policies it threw \"no licence\""},
          std::pair{"null", "hactor_policies returned a null pointer"},
          std::pair{"version", "it was built for version 99"}}) {
      auto path = std::string{HACTOR_TEST_FAULTY} + fault + ".so";
      for (auto& e : {make_queue_policy(path, 0).error(), choose_match_policy(path).error()}) {
        CHECK(code_of(e) == ec::bad_argument);
        CHECK(render(e).find("policy library " + path + ": " + says) != std::string::npos);
      }
    }
  }

  TEST_CASE("a library that was cut off anywhere is refused, not mapped") {
    temp_dir dir;
    auto path = dir / "cut.so";
    std::ifstream in{HACTOR_TEST_FAULTY "call.so", std::ios::binary};
    std::string whole{std::istreambuf_iterator<char>{in}, {}};
    REQUIRE(whole.size() > 4096);
    for (size_t size :
         {size_t{0}, size_t{40}, size_t{100}, size_t{4096}, whole.size() / 2, whole.size() - 1}) {
      std::ofstream{path, std::ios::binary} << whole.substr(0, size);
      auto made = choose_match_policy(path);
      REQUIRE_FALSE(made);
      CHECK(render(made.error()).find(path) != std::string::npos);
      if (size >= 64)
        CHECK(render(made.error()).find("is cut off") != std::string::npos);
    }
    CHECK(render(choose_match_policy(dir / "").error()).find("is no regular file")
          != std::string::npos);
  }

  TEST_CASE("a policy that throws is turned off; the jobs go on in the usual order") {
    auto path = std::string{HACTOR_TEST_FAULTY} + "call.so";
    log_clear();
    log_to_ring_only();
    auto settings = one_queue(path);
    settings.match = *choose_match_policy(path);
    scheduler_core core{settings};
    core.set_inventory(machine(3, 1));
    recording_scheduler_out out;
    for (uint64_t id : {1, 2, 5, 4, 3, 6})
      core.enqueue({job_id{id}, 16, static_cast<int64_t>(id), on_nodes(1, 1)});
    core.schedule(0, out);
    std::vector<uint64_t> started;
    for (auto& [id, r] : out.grants)
      started.push_back(id);
    CHECK(started == std::vector<uint64_t>{1, 2, 3});
    for (uint64_t id : {1, 2, 3})
      core.free(job_id{id}, {}, true);
    core.schedule(1'000'000'000, out);
    CHECK(out.grants.size() == 6);
    std::string log;
    for (auto& line : log_records())
      log += line.text + "\n";
    log_to_stderr();
    INFO(log);
    CHECK(log.find("match policy faulty of " + path + " is turned off") != std::string::npos);
    CHECK(log.find("its score of n1 threw \"no watts are known\"") != std::string::npos);
    CHECK(log.find("the order of queue policy faulty of " + path + " is turned off")
          != std::string::npos);
    CHECK(std::count(log.begin(), log.end(), '\n') == 2);
  }

} // TEST_SUITE
