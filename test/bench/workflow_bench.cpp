// What drivers in C++ cost an instance: jobs with somebody who follows every transition and
// without, and a broker of whose jobs thousands are subscribed to while nothing happens. Each mode
// prints figures for test/bench/run, as the script of an instance of its own.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caf/all.hpp>

#include "test/bench/measure.hpp"
#include "workflow/client.hpp"
#include "workflow/workflow.hpp"

namespace {

using namespace hactor;
using namespace hactor::bench;
using namespace hactor::workflow;

template <class T>
T must(caf::expected<T> x) {
  if (!x)
    fail(error_text(x.error()));
  return std::move(*x);
}

const std::vector<std::pair<std::string, std::string>> simulated{{"exec.test.run_duration", "0"}};

double inactive(client& c) {
  return number_at(object_at(must(c.ask("uptime", json::object())), "jobs"), "inactive");
}

pid_t broker_of(const client& c) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(c.fd(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    fail("SO_PEERCRED");
  return peer.pid;
}

/// Jobs per second, from the submit of all to the end of the last.
double job_rate(client& c, session& s, uint32_t jobs) {
  auto goal = inactive(c) + jobs;
  auto begin = steady_ns();
  auto ids = must(s.submit(
      {{.command = {"/bin/true"}, .env = {"-*"}, .attributes = simulated, .copies = jobs}}));
  must(s.wait(ids.back()));
  while (inactive(c) < goal) {
  }
  return jobs / seconds_since(begin);
}

/// Hears of nothing while nothing happens.
caf::behavior listener(caf::event_based_actor*) {
  return {[](const job_events&) {},
          [](const subscription_ended& end) { fail(error_text(end.why)); }};
}

/// follow JOBS ROUNDS: simulated jobs with and without a process of its own (this program,
/// in mode `follower`) that follows all transitions; in turn, the medians.
void follow(uint32_t jobs, int rounds) {
  auto c = must(client::connect());
  auto s = must(session::open());
  std::vector<double> with, without;
  job_rate(c, s, jobs / 10);
  for (int i = 0; i < rounds; ++i) {
    without.push_back(job_rate(c, s, jobs));
    int begun[2];
    if (::pipe(begun) != 0)
      fail("pipe");
    auto count = std::to_string(jobs);
    auto pid = ::fork();
    if (pid == 0) {
      ::dup2(begun[1], 1);
      ::execl("/proc/self/exe", "bench_workflow", "follower", count.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(begun[1]);
    char byte = 0;
    if (::read(begun[0], &byte, 1) != 1)
      fail("the follower did not begin");
    with.push_back(job_rate(c, s, jobs));
    int status = 0;
    ::waitpid(pid, &status, 0); // it has seen them all
    ::close(begun[0]);
    if (status != 0)
      fail("the follower has missed something");
  }
  tell("follow_without_s", percentile(without, 0.5));
  tell("follow_with_s", percentile(with, 0.5));
}

/// follower JOBS: one byte to standard output when it has begun; ends when it has seen the end of
/// so many jobs.
void run_follower(uint32_t jobs) {
  auto s = must(session::open());
  uint64_t transitions = 0, ended = 0;
  must(s.for_each_event(
      {.subscriber = {},
       .states = states_of(job_state::depend, job_state::priority, job_state::sched, job_state::run,
                           job_state::cleanup, job_state::inactive)},
      [&](const job_event& e) {
        ++transitions;
        ended += e.state == job_state::inactive ? 1 : 0;
        return ended < jobs;
      },
      [] { (void)!::write(1, "x", 1); }));
  if (transitions != uint64_t{jobs} * 6)
    fail("transitions: " + std::to_string(transitions));
}

/// idle JOBS SECONDS: CPU of a broker of whose held jobs so many are subscribed to by their ids.
void idle(uint32_t jobs, int seconds) {
  auto c = must(client::connect());
  caf::actor_system_config config;
  caf::actor_system system{config};
  auto instance = must(connect(system));
  caf::scoped_actor self{system};
  std::vector<job_id> ids;
  self->request(instance, caf::infinite,
                submit_request{{{.command = {"/bin/true"}, .urgency = 0, .copies = jobs}}})
      .receive([&](submit_reply& r) { ids = std::move(r.ids); },
               [](caf::error& e) { fail(error_text(e)); });
  self->request(instance, caf::infinite,
                subscribe_request{.subscriber = system.spawn(listener), .jobs = ids})
      .receive([](const subscribe_reply&) {}, [](caf::error& e) { fail(error_text(e)); });
  ::poll(nullptr, 0, 2000); // the submit is over
  auto before = cpu_ns(broker_of(c));
  ::poll(nullptr, 0, seconds * 1000);
  tell("idle_subscribed_percent", (cpu_ns(broker_of(c)) - before) * 1e-7 / seconds);
  self->request(instance, caf::infinite, cancel_request{.ids = {}, .all = true})
      .receive([](const count_reply&) {}, [](caf::error& e) { fail(error_text(e)); });
}

// -- a million jobs -------------------------------------------------------------------------------

double bytes_stored(client& c) {
  auto all = must(c.ask("stats", json::object()));
  return number_at(object_at(all, "journal"), "bytes_used");
}

double listing_ms() { return run_ms({"hactor", "jobs", "-n", "-c", "100"}); }

void set_queue(client& c, const char* verb) {
  must(c.ask("queue", {{"verb", verb}, {"reason", "benchmark"}}));
}

/// Submits held jobs in slices; returns those of the last slice.
std::vector<job_id> submit_slices(session& s, uint32_t jobs) {
  std::vector<job_id> last;
  for (uint32_t done = 0; done < jobs; done += 100'000)
    last = must(s.submit({{.command = {"/bin/true"},
                           .env = {"-*"},
                           .attributes = simulated,
                           .copies = std::min<uint32_t>(jobs - done, 100'000)}}));
  return last;
}

/// How long a submit takes that waits for one of an array, and for one of those of a name; the
/// mean.
double dependent_submit_ms(session& s, const std::string& array) {
  constexpr int rounds = 10;
  auto begin = steady_ns();
  for (int i = 0; i < rounds; ++i)
    for (auto& on : {array + "[7]", std::string{"true[7]"}})
      must(s.submit({{.command = {"/bin/false"},
                      .env = {"-*"},
                      .dependencies = {{"afterok", on}},
                      .attributes = simulated}}));
  return seconds_since(begin) * 1e3 / (2 * rounds);
}

/// The rates at which the first and the last tenth of the newest jobs began and ended, by the times
/// of their events: from the first start to a tenth of the ends, and over the last tenth of them.
std::pair<double, double> rates_of_tenths(session& s, uint32_t jobs) {
  std::vector<int64_t> ends;
  int64_t begin_ns = 0;
  uint64_t known = 1000; // of the jobs before
  must(s.for_each_event({.subscriber = {}, .names = {"clean", "alloc"}, .since = 0},
                        [&](const job_event& e) {
                          if (e.name == "clean")
                            ends.push_back(e.time_ns);
                          else if (known > 0)
                            --known;
                          else if (begin_ns == 0)
                            begin_ns = e.time_ns;
                          return ends.size() < jobs + 1000;
                        }));
  ends.erase(ends.begin(), ends.begin() + 1000);
  auto tenth = ends.size() / 10;
  auto rate = [&](int64_t from, int64_t to) {
    return static_cast<double>(tenth) * 1e9 / static_cast<double>(std::max<int64_t>(to - from, 1));
  };
  return {rate(begin_ns, ends[tenth]), rate(ends[ends.size() - 1 - tenth], ends.back())};
}

/// million JOBS: simulated jobs, all queued and then let go: memory, the rate of each tenth, and
/// what a listing takes meanwhile; then how long it takes to cancel a tenth as many at once.
void million(uint32_t jobs) {
  auto c = must(client::connect());
  auto s = must(session::open());
  auto pid = broker_of(c);
  job_rate(c, s, 1000);
  auto stored = bytes_stored(c);
  auto ended = inactive(c);
  set_queue(c, "stop");
  auto array = submit_slices(s, jobs).front();
  must(c.ask("uptime", json::object()));
  tell("million_queued_mb", resident_bytes(pid) * 1e-6);
  std::vector<double> listings{listing_ms()};
  tell("million_queued_listing_ms", listings.front());
  tell("million_queued_dependent_ms", dependent_submit_ms(s, array));
  set_queue(c, "start");
  for (int tenth = 1; tenth <= 10; ++tenth) {
    while (inactive(c) < ended + static_cast<double>(jobs) * tenth / 10)
      ::poll(nullptr, 0, 5);
    if (tenth < 10)
      listings.push_back(listing_ms());
  }
  ::poll(nullptr, 0, 1000); // the last are written down, and threads come to rest
  tell("million_ended_mb", resident_bytes(pid) * 1e-6);
  tell("million_stored_bytes", (bytes_stored(c) - stored) / jobs);
  auto [first, last] = rates_of_tenths(s, jobs);
  tell("million_first_s", first);
  tell("million_last_s", last);
  tell("million_listing_ms", percentile(listings, 1.0));
  tell("million_ended_dependent_ms", dependent_submit_ms(s, array));
  set_queue(c, "stop");
  submit_slices(s, jobs / 10);
  auto begin = steady_ns();
  must(c.ask("job.cancel", {{"all", true}}, 0));
  tell("million_cancel_s", seconds_since(begin));
}

} // namespace

int main(int argc, char** argv) {
  std::string mode = argc > 1 ? argv[1] : "";
  auto number = [&](int i, int otherwise) { return argc > i ? std::atoi(argv[i]) : otherwise; };
  if (mode == "follow")
    follow(static_cast<uint32_t>(number(2, 100'000)), number(3, 3));
  else if (mode == "follower")
    run_follower(static_cast<uint32_t>(number(2, 100'000)));
  else if (mode == "idle")
    idle(static_cast<uint32_t>(number(2, 10'000)), number(3, 10));
  else if (mode == "million")
    million(static_cast<uint32_t>(number(2, 1'000'000)));
  else
    fail("usage: bench_workflow follow|follower|idle|million [COUNT [ROUNDS|SECONDS]]");
  return 0;
}
