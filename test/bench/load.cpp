// The load of the benchmarks: a client of a running instance that submits, waits and measures. Each
// mode prints figures for test/bench/run; most run as the script of an instance of their own.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include <poll.h>
#include <sys/socket.h>

#include <lmdb.h>

#include "test/bench/measure.hpp"
#include "tools/client.hpp"

namespace {

using namespace hactor;
using namespace hactor::bench;
using tools::client;

using words = std::vector<std::string>;

template <class T>
T must(caf::expected<T> x) {
  if (!x)
    fail(render(x.error()));
  return std::move(*x);
}

int number(const words& args, size_t i, int otherwise) {
  return i < args.size() ? std::atoi(args[i].c_str()) : otherwise;
}

// -- jobs -----------------------------------------------------------------------------------------

json spec_of(json command, bool simulated) {
  json environment{{"PATH", "/usr/bin:/bin"}, {"HOME", "/root"}, {"LANG", "C.UTF-8"}};
  json system{{"duration", 0}, {"cwd", "/tmp"}, {"environment", environment}};
  if (simulated)
    system["exec"]["test"]["run_duration"] = 0;
  json core{{"type", "core"}, {"count", 1}};
  json slot{{"type", "slot"}, {"count", 1}, {"label", "task"}, {"with", json::array({core})}};
  json task{{"command", std::move(command)}, {"slot", "task"}, {"count", {{"per_slot", 1}}}};
  return {{"version", 1},
          {"resources", json::array({slot})},
          {"tasks", json::array({task})},
          {"attributes", {{"system", std::move(system)}}}};
}

json copies(json command, bool simulated, int count, int urgency = 16) {
  return {{"jobspec", spec_of(std::move(command), simulated)},
          {"urgency", urgency},
          {"cc", count == 1 ? "1" : "1-" + std::to_string(count)}};
}

double inactive(client& c) {
  return tools::number_at(tools::object_at(must(c.ask("uptime", json::object())), "jobs"),
                          "inactive");
}

/// Jobs per second: of all, and of the tenths that began first and last.
struct job_rates {
  double all = 0, first = 0, last = 0;
};

/// Submits `count` jobs, 10 at least, in one request and waits until all are inactive.
job_rates rates_of_jobs(client& c, int count, bool simulated) {
  auto goal = inactive(c) + count;
  auto begin = steady_ns();
  auto reply = must(c.ask("submit", copies({"/bin/true"}, simulated, count), 0));
  auto& ids = reply.at("ids");
  std::vector<double> ends_s;
  for (size_t tenth : {1, 9, 10}) {
    must(c.ask("job.wait", {{"id", ids.at(ids.size() * tenth / 10 - 1)}}, 0));
    ends_s.push_back(seconds_since(begin));
  }
  while (inactive(c) < goal) {
  }
  return {count / seconds_since(begin), count / 10. / ends_s[0],
          count / 10. / (ends_s[2] - ends_s[1])};
}

double job_rate(client& c, int count, bool simulated) {
  return rates_of_jobs(c, count, simulated).all;
}

double xargs_rate(int count) {
  auto line = "seq " + std::to_string(count) + " | xargs -P2 -n1 /bin/true";
  return count / (run_ms({"sh", "-c", line}) * 1e-3);
}

/// real JOBS ROUNDS: real processes beside the bare loop, in turn; the best of each.
void real(const words& args) {
  auto c = must(client::connect());
  auto jobs = number(args, 0, 10'000);
  double raw = 0, own = 0, xargs = 0;
  for (int round = 0; round < number(args, 1, 3); ++round) {
    raw = std::max(raw, spawn_rate(2000, 2));
    own = std::max(own, job_rate(c, jobs, false));
    xargs = std::max(xargs, xargs_rate(1000));
  }
  tell("real_jobs_s", own);
  tell("raw_spawn_s", raw);
  tell("xargs_s", xargs);
}

/// scale SMALL LARGE: the rate of many jobs beside that of few, the mean of runs before and after;
/// and that of their last tenth beside that of the first.
void scale(const words& args) {
  auto c = must(client::connect());
  auto small = number(args, 0, 1000);
  std::vector<double> few;
  auto run_few = [&] {
    for (int round = 0; round < 3; ++round)
      few.push_back(job_rate(c, small, false));
  };
  run_few();
  auto many = rates_of_jobs(c, number(args, 1, 100'000), false);
  tell("scale_large_s", many.all);
  tell("scale_first_s", many.first);
  tell("scale_last_s", many.last);
  run_few();
  tell("scale_small_s", mean(few));
}

/// simulated JOBS ROUNDS: the whole path but the process.
void simulated(const words& args) {
  auto c = must(client::connect());
  double best = 0;
  for (int round = 0; round < number(args, 1, 3); ++round)
    best = std::max(best, job_rate(c, number(args, 0, 100'000), true));
  tell("simulated_jobs_s", best);
}

// -- submits --------------------------------------------------------------------------------------

void check_lmdb(int rc) {
  if (rc != 0)
    fail(std::string{"lmdb: "} + mdb_strerror(rc));
}

/// Seconds of bare LMDB for `bytes` put in `commits` transactions, 2 KB a value, appended.
double bare_commits_s(const std::string& directory, double bytes, int commits) {
  std::filesystem::create_directories(directory);
  MDB_env* env = nullptr;
  check_lmdb(mdb_env_create(&env));
  check_lmdb(mdb_env_set_mapsize(env, size_t{4} << 30));
  check_lmdb(mdb_env_open(env, directory.c_str(), MDB_NOTLS, 0600));
  const std::string value(2000, 'x');
  uint64_t key = 0;
  auto begin = steady_ns();
  for (int i = 0; i < commits; ++i) {
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    check_lmdb(mdb_txn_begin(env, nullptr, 0, &txn));
    check_lmdb(mdb_dbi_open(txn, nullptr, MDB_INTEGERKEY, &dbi));
    for (double done = 0; done < bytes / commits; done += 2000, ++key) {
      MDB_val k{sizeof key, &key}, v{value.size(), const_cast<char*>(value.data())};
      check_lmdb(mdb_put(txn, dbi, &k, &v, MDB_APPEND));
    }
    check_lmdb(mdb_txn_commit(txn));
  }
  auto s = seconds_since(begin);
  mdb_env_close(env);
  std::filesystem::remove_all(directory);
  return s;
}

struct journal_counts {
  double commits = 0;
  double bytes = 0;
};

journal_counts journal_now(client& c) {
  auto all = must(c.ask("stats", json::object()));
  auto& j = tools::object_at(all, "journal");
  return {tools::number_at(j, "commits"), tools::number_at(j, "bytes_used")};
}

/// Times `submit`, which submits `jobs`, beside bare LMDB for what it left on disk.
void submit_beside_lmdb(client& c, const std::string& name, const std::string& directory, int jobs,
                        const std::function<void()>& submit) {
  auto before = journal_now(c);
  auto begin = steady_ns();
  submit();
  auto rate = jobs / seconds_since(begin);
  auto after = journal_now(c);
  tell(name + "_s", rate);
  tell(name + "_bytes", (after.bytes - before.bytes) / jobs);
  auto commits = std::max(1, static_cast<int>(after.commits - before.commits));
  tell(name + "_commits", commits);
  tell(name + "_lmdb_s", jobs / bare_commits_s(directory, after.bytes - before.bytes, commits));
}

/// submit JOBS DIRECTORY: held jobs, so that nothing but the submits runs.
void submit(const words& args) {
  auto c = must(client::connect());
  auto jobs = number(args, 0, 100'000);
  auto directory = args.at(1);
  must(c.ask("submit", copies({"/bin/true"}, false, 1, 0)));
  submit_beside_lmdb(c, "submit_cc", directory, jobs, [&] {
    must(c.ask("submit", copies({"/bin/true", "cc"}, false, jobs, 0), 0));
  });
  // Made before the clock runs: what is measured is the instance, not this program.
  std::vector<json> requests;
  for (int i = 0; i < jobs;) {
    auto list = json::array();
    for (int end = std::min(i + 10'000, jobs); i < end; ++i)
      list.push_back({{"jobspec", spec_of({"/bin/true", "--case", std::to_string(i)}, false)},
                      {"urgency", 0}});
    requests.push_back({{"jobs", std::move(list)}});
  }
  submit_beside_lmdb(c, "submit_distinct", directory, jobs, [&] {
    std::set<uint64_t> open;
    for (auto& r : requests) {
      open.insert(c.request("submit", r));
      if (auto e = c.flush())
        fail(render(e));
    }
    while (!open.empty()) {
      auto f = must(c.receive(600));
      must(tools::result_of(f));
      open.erase(f.tag);
    }
  });
}

// -- commands, round trips, events ----------------------------------------------------------------

/// commands COUNT: whole processes of the command line.
void commands(const words& args) {
  auto count = number(args, 0, 50);
  tell("true_ms", mean(run_times_ms({"/bin/true"}, count)));
  tell("submit_true_ms", mean(run_times_ms({"hactor", "submit", "true"}, count)));
  tell("run_true_ms", mean(run_times_ms({"hactor", "run", "true"}, count)));
}

/// The socket of another rank's broker.
std::string uri_of(client& c, int rank) {
  std::string text;
  json params{{"ranks", std::to_string(rank)}, {"argv", {"printenv", "HACTOR_URI"}}};
  must(c.ask("exec", params, 30, [&](const tools::frame& f) {
    if (auto part = tools::read_output(f.payload); part && f.kind == tools::frame_kind::output)
      text += part->bytes;
  }));
  return text.substr(0, text.find('\n'));
}

/// ping RANK: through a client's socket, the connector and both brokers to a service of another
/// rank, as the connector times it.
void ping(const words& args) {
  auto c = must(client::connect());
  json params{{"rank", number(args, 0, 1)}, {"service", "exec"}};
  auto times = [&](int count, int gap_ms) {
    std::vector<double> us;
    for (int i = 0; i < count; ++i) {
      us.push_back(tools::number_at(must(c.ask("ping", params)), "elapsed_us"));
      ::poll(nullptr, 0, gap_ms);
    }
    return us;
  };
  times(200, 0);
  tell("ping_busy_us", percentile(times(5000, 0), 0.5));
  tell("ping_idle_us", percentile(times(200, 10), 0.5));
  constexpr int total = 50'000, window = 500;
  auto begin = steady_ns();
  for (int sent = 0, got = 0; got < total; ++got) {
    for (; sent < total && sent < got + window; ++sent)
      c.request("ping", params);
    must(c.receive(30));
  }
  tell("ping_pipelined_s", total / seconds_since(begin));
}

/// events JOBS: lines that a client of rank 1 gets while simulated jobs run on rank 0.
void events(const words& args) {
  auto c = must(client::connect());
  auto far = must(client::connect(uri_of(c, 1)));
  auto jobs = number(args, 0, 20'000);
  far.request("events", {{"names",
                          {"clean", "free", "release", "finish", "start", "alloc", "priority",
                           "depend", "validate", "submit"}},
                         {"begin", true}});
  if (auto e = far.flush())
    fail(render(e));
  must(far.receive(60)); // rank 0 passes on from here, which rank 1 had to ask for
  auto begin = steady_ns();
  c.request("submit", copies({"/bin/true"}, true, jobs));
  if (auto e = c.flush())
    fail(render(e));
  int64_t lines = 0, ended = 0;
  while (ended < jobs) {
    auto f = must(far.receive(60));
    if (f.kind != tools::frame_kind::lines)
      continue;
    lines += std::count(f.payload.begin(), f.payload.end(), '\n');
    constexpr std::string_view last = "\"name\":\"clean\"";
    for (auto at = f.payload.find(last); at != f.payload.npos; at = f.payload.find(last, at + 1))
      ++ended;
  }
  tell("client_events_s", static_cast<double>(lines) / seconds_since(begin));
}

// -- what brokers cost ----------------------------------------------------------------------------

/// The broker behind a connection: the process that listens on its socket.
pid_t broker_of(const client& c) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(c.fd(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    fail("SO_PEERCRED");
  return peer.pid;
}

/// The brokers of this instance, by rank.
std::vector<pid_t> brokers_of(client& c) {
  auto size = static_cast<int>(tools::number_at(must(c.ask("hello", json::object())), "size"));
  std::vector<pid_t> brokers;
  for (int rank = 0; rank < size; ++rank)
    brokers.push_back(broker_of(must(client::connect(uri_of(c, rank)))));
  return brokers;
}

/// The CPU time of all of them.
double cpu_s(const std::vector<pid_t>& pids) {
  double sum = 0;
  for (auto pid : pids)
    sum += cpu_ns(pid) * 1e-9;
  return sum;
}

/// hierarchy NAME JOBS ROUNDS: simulated jobs that are all submitted to this instance, whoever
/// schedules them: the best rate, and the least CPU time of all brokers for a job.
void hierarchy(const words& args) {
  auto c = must(client::connect());
  auto jobs = number(args, 1, 100'000);
  auto brokers = brokers_of(c);
  job_rate(c, 1000, true); // its children are there
  double rate = 0, cpu_us = 1e9;
  for (int round = 0; round < number(args, 2, 3); ++round) {
    auto goal = inactive(c) + jobs;
    auto cpu = cpu_s(brokers);
    auto begin = steady_ns();
    must(c.ask("submit", copies({"/bin/true"}, true, jobs), 0));
    while (inactive(c) < goal)
      ::poll(nullptr, 0, 2); // asking costs CPU, too
    rate = std::max(rate, jobs / seconds_since(begin));
    cpu_us = std::min(cpu_us, (cpu_s(brokers) - cpu) * 1e6 / jobs);
  }
  tell("hierarchy_" + args.at(0) + "_jobs_s", rate);
  tell("hierarchy_" + args.at(0) + "_cpu_us", cpu_us);
}

/// idle SECONDS: CPU and memory of all brokers of this instance while nothing happens.
void idle(const words& args) {
  auto c = must(client::connect());
  auto seconds = number(args, 0, 10);
  auto brokers = brokers_of(c);
  auto size = brokers.size();
  ::poll(nullptr, 0, 2000); // the start is over
  std::vector<double> before;
  for (auto pid : brokers)
    before.push_back(cpu_ns(pid));
  ::poll(nullptr, 0, seconds * 1000);
  double worst_cpu = 0, worst_rss = 0;
  for (size_t i = 0; i < brokers.size(); ++i) {
    worst_cpu = std::max(worst_cpu, (cpu_ns(brokers[i]) - before[i]) * 1e-7 / seconds);
    worst_rss = std::max(worst_rss, resident_bytes(brokers[i]));
  }
  tell("idle_cpu_percent_" + std::to_string(size), worst_cpu);
  tell("idle_rss_mb_" + std::to_string(size), worst_rss * 1e-6);
}

// -- trees ----------------------------------------------------------------------------------------

/// 'hactor tree' with LEAVES below this instance, or none (0).
words tree_of(int leaves, int jobs) {
  words line{"hactor", "tree", "--njobs=" + std::to_string(jobs)};
  line.push_back(leaves == 0 ? "--leaf" : "--topology=" + std::to_string(leaves));
  return line;
}

/// tree JOBS ROUNDS FILE: simulated jobs in trees of 1, 2, 4, ... leaves, up to one a broker,
/// beside this instance alone, in turn; the best rate, and the least CPU time of all brokers for a
/// job.
void tree(const words& args) {
  auto c = must(client::connect());
  auto jobs = number(args, 0, 100'000);
  auto file = args.at(2);
  if (std::ofstream{file} << dump(spec_of({"/bin/true"}, true)); !std::filesystem::exists(file))
    fail("cannot write " + file);
  auto brokers = brokers_of(c);
  auto most = static_cast<int>(brokers.size());
  std::map<int, double> rates, costs;
  for (int round = 0; round < number(args, 1, 3); ++round)
    for (int leaves = 0; leaves <= most; leaves = std::max(1, leaves * 2)) {
      auto line = tree_of(leaves, jobs);
      line.push_back(file);
      auto before = cpu_s(brokers);
      auto ms = run_ms(line);
      auto cost = (cpu_s(brokers) - before) * 1e6 / jobs;
      rates[leaves] = std::max(rates[leaves], jobs / (ms * 1e-3));
      costs[leaves] = round == 0 ? cost : std::min(costs[leaves], cost);
    }
  for (auto& [leaves, rate] : rates) {
    tell("tree_" + std::to_string(leaves) + "_s", rate);
    tell("tree_" + std::to_string(leaves) + "_cpu_us", costs[leaves]);
  }
}

/// tree_real JOBS ROUNDS LEAVES: real processes in a tree of so many leaves (2), and without one,
/// beside the bare loop with as many in flight, in turn; the best of each.
void tree_real(const words& args) {
  auto jobs = number(args, 0, 10'000);
  auto in_tree = number(args, 2, 2);
  std::map<int, double> rates;
  double raw = 0;
  for (int round = 0; round < number(args, 1, 3); ++round) {
    raw = std::max(raw, spawn_rate(2000, in_tree));
    for (int leaves : {0, in_tree}) {
      auto line = tree_of(leaves, jobs);
      line.push_back("/bin/true");
      rates[leaves] = std::max(rates[leaves], jobs / (run_ms(line) * 1e-3));
    }
  }
  tell("tree_real_0_s", rates[0]);
  tell("tree_real_" + std::to_string(in_tree) + "_s", rates[in_tree]);
  tell("tree_spawn_s", raw);
}

/// queued JOBS: resident bytes of the broker per held job, first and second half of them.
void queued(const words& args) {
  auto c = must(client::connect());
  auto pid = broker_of(c);
  auto half = number(args, 0, 100'000) / 2;
  must(c.ask("submit", copies({"/bin/true"}, false, 100, 0)));
  auto before = resident_bytes(pid);
  for (auto* name : {"queued_first_bytes", "queued_bytes"}) {
    auto begin = resident_bytes(pid);
    must(c.ask("submit", copies({"/bin/true"}, false, half, 0), 0));
    must(c.ask("uptime", json::object()));
    tell(name, (resident_bytes(pid) - begin) / half);
  }
  tell("queued_mean_bytes", (resident_bytes(pid) - before) / (2 * half));
}

/// finished JOBS: resident bytes of the broker per job that has ended: of the first so many, and
/// the slope over the two times as many that follow.
void finished(const words& args) {
  auto c = must(client::connect());
  auto pid = broker_of(c);
  auto jobs = number(args, 0, 100'000);
  job_rate(c, 100, true);
  auto begin = resident_bytes(pid);
  job_rate(c, jobs, true);
  auto middle = resident_bytes(pid);
  job_rate(c, jobs, true);
  job_rate(c, jobs, true);
  auto end = resident_bytes(pid);
  tell("finished_first_bytes", (middle - begin) / jobs);
  tell("finished_bytes", (end - middle) / (2 * jobs));
  tell("finished_rss_mb", end * 1e-6);
}

/// time NAME COUNT PROGRAM ARGS...: milliseconds of a whole process, the median.
void time_program(const words& args) {
  auto times = run_times_ms({args.begin() + 2, args.end()}, number(args, 1, 10));
  tell(args.at(0), percentile(times, 0.5));
}

const std::map<std::string, void (*)(const words&)> modes{
    {"real", real},           {"scale", scale},         {"simulated", simulated},
    {"submit", submit},       {"commands", commands},   {"ping", ping},
    {"events", events},       {"idle", idle},           {"queued", queued},
    {"finished", finished},   {"time", time_program},   {"tree", tree},
    {"tree_real", tree_real}, {"hierarchy", hierarchy},
};

} // namespace

int main(int argc, char** argv) {
  auto mode = modes.find(argc > 1 ? argv[1] : "");
  if (mode == modes.end()) {
    std::fprintf(stderr, "usage: bench_load MODE [ARGS...]; test/bench/run calls it. Modes:");
    for (auto& [name, call] : modes)
      std::fprintf(stderr, " %s", name.c_str());
    std::fprintf(stderr, "\n");
    return 2;
  }
  mode->second({argv + 2, argv + argc});
  return 0;
}
