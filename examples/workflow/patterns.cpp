// The ways in which drivers wait for their jobs, one function each, without actors of one's own:
//
//     hactor start -- example_patterns in-order|any|window|bookkeeper|cancel|bulk
//
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <hactor/workflow.hpp>

namespace {

using namespace hactor::workflow;

template <class T>
T must(caf::expected<T> x) {
  if (!x) {
    std::fprintf(stderr, "patterns: %s\n", error_text(x.error()).c_str());
    std::exit(1);
  }
  return std::move(*x);
}

/// Ends after some tenths of a second with this exit code.
job_spec nap(int tenths, int code = 0) {
  auto script = "sleep 0." + std::to_string(tenths) + "; exit " + std::to_string(code);
  return {.command = {"sh", "-c", script}, .waitable = true};
}

/// The results come in the order of the submits, whatever ends first.
void wait_in_order(session& s) {
  for (auto& id : must(s.submit({nap(3), nap(1, 1), nap(2)}))) {
    auto r = must(s.wait(id));
    std::printf("status %d\n", r.status);
  }
}

/// The results come in the order of the ends, each once.
void wait_any(session& s) {
  must(s.submit({nap(5, 5), nap(1, 1), nap(3, 3)}));
  for (int i = 0; i < 3; ++i)
    std::printf("status %d\n", must(s.wait_any()).status);
  if (auto none = s.wait_any(); !none)
    std::printf("none is left: %s\n", error_name(none.error()).c_str());
}

/// Never more than 4 of 20 at once: each end makes room for the next.
void window(session& s) {
  int submitted = 0, ended = 0;
  constexpr int jobs = 20, width = 4;
  while (ended < jobs) {
    while (submitted < jobs && submitted - ended < width) {
      must(s.submit({nap(1)}));
      ++submitted;
    }
    must(s.wait_any());
    ++ended;
  }
  std::printf("%d jobs, at most %d at once\n", ended, width);
}

/// Every change of state of two jobs, pushed. The jobs are submitted once the subscription is in
/// force, so that nothing of them is missed; events of other jobs are passed over.
void bookkeeper(session& s) {
  std::map<job_id, std::string> names;
  subscribe_request changes{.states = states_of(job_state::depend, job_state::sched, job_state::run,
                                                job_state::cleanup, job_state::inactive)};
  size_t over = 0;
  must(s.for_each_event(
      changes,
      [&](const job_event& e) {
        auto job = names.find(e.id);
        if (job == names.end())
          return true;
        std::printf("%s: %s (%s)\n", job->second.c_str(), e.name.c_str(), e.context.c_str());
        over += e.state == job_state::inactive ? 1 : 0;
        return over < names.size();
      },
      [&] {
        auto ids = must(s.submit({nap(2), nap(1, 3)}));
        names = {{ids[0], "compute"}, {ids[1], "io"}};
      }));
}

/// One that runs and one that waits are ended; the second never starts.
void cancel(session& s) {
  auto ids = must(s.submit({{.command = {"sleep", "1000"}, .nodes = 1, .exclusive = true},
                            {.command = {"sleep", "1000"}, .nodes = 1, .exclusive = true}}));
  must(s.for_each_event({.jobs = {ids[0]}, .names = {"start"}, .since = 0},
                        [](const job_event&) { return false; }));
  must(s.cancel({ids[1], ids[0]}, "as an example"));
  for (auto& id : ids) {
    auto r = must(s.wait(id));
    auto job = must(s.list({.ids = {id}})).at(0);
    std::printf("%s, %s: %s\n", r.outcome == job_outcome::canceled ? "canceled" : "not canceled",
                job.started_s > 0 ? "it had started" : "it never started", r.note.c_str());
  }
}

/// A thousand different jobs in one message, and a thousand that differ in a number only.
void bulk(session& s) {
  std::vector<job_spec> jobs(1000);
  for (size_t i = 0; i < jobs.size(); ++i)
    jobs[i] = {.command = {"true", std::to_string(i)},
               .attributes = {{"exec.test.run_duration", "\"1ms\""}}};
  jobs.push_back({.command = {"true", "{cc}"},
                  .attributes = {{"exec.test.run_duration", "\"1ms\""}},
                  .copies = 1000});
  size_t ended = 0;
  must(s.for_each_event(
      {.states = states_of(job_state::inactive)}, [&](const job_event&) { return ++ended < 2000; },
      [&] { std::printf("%zu ids\n", must(s.submit(jobs)).size()); }));
  std::printf("%zu have ended\n", ended);
}

const std::map<std::string, void (*)(session&)> patterns{
    {"in-order", wait_in_order}, {"any", wait_any},  {"window", window},
    {"bookkeeper", bookkeeper},  {"cancel", cancel}, {"bulk", bulk}};

} // namespace

int main(int argc, char** argv) {
  auto chosen = patterns.find(argc > 1 ? argv[1] : "");
  if (chosen == patterns.end()) {
    std::fprintf(stderr, "usage: example_patterns in-order|any|window|bookkeeper|cancel|bulk\n");
    return 2;
  }
  auto s = must(session::open());
  chosen->second(s);
  return 0;
}
