// A driver for the tests of workflow_*.sh: one subcommand a behaviour, what it saw on standard
// output, errors by name on standard error with exit code 1.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <caf/all.hpp>
#include <hactor/workflow.hpp>

namespace {

using namespace hactor::workflow;
using words = std::vector<std::string>;

[[noreturn]] void fail(const caf::error& e) {
  std::fprintf(stderr, "%s: %s\n", error_name(e).c_str(), error_text(e).c_str());
  std::exit(1);
}

template <class T>
T must(caf::expected<T> x) {
  if (!x)
    fail(x.error());
  return std::move(*x);
}

uint64_t number(const words& args, size_t i, uint64_t otherwise) {
  return i < args.size() ? std::strtoull(args[i].c_str(), nullptr, 10) : otherwise;
}

/// follow SINCE COUNT [RECONNECT-S]: events of the name clean, a line each.
void follow(const words& args) {
  auto s = must(session::open({}, {.reconnect_s = static_cast<double>(number(args, 2, 0))}));
  auto left = number(args, 1, 0);
  subscribe_request what{.names = {"clean"}, .since = number(args, 0, 0)};
  must(s.for_each_event(
      what,
      [&](const job_event& e) {
        std::printf("%llu %s\n", static_cast<unsigned long long>(e.sequence), e.id.c_str());
        return --left > 0;
      },
      [] { std::puts("begun"); }));
}

/// wait ID
void wait(const words& args) {
  auto s = must(session::open());
  auto r = must(s.wait(args.at(0)));
  std::printf("%d\n", r.status);
}

/// refusals: what is wrong with a job is said, and the instance goes on.
void refusals(const words&) {
  auto s = must(session::open());
  for (auto& job : std::vector<job_spec>{{},
                                         {.command = {"true"}, .nodes = 3, .tasks = 2},
                                         {.command = {"true"}, .tasks = 1'000'000},
                                         {.command = {"true"}, .urgency = 99},
                                         {.command = {"true"}, .attributes = {{"a..b", "1"}}},
                                         {.command = {"true"}, .copies = 0},
                                         {.command = {"echo", "caf\xe9"}},
                                         {.command = {"true"}, .output = "caf\xe9"}}) {
    auto ids = s.submit({job});
    std::printf("%s\n", ids ? "taken" : error_name(ids.error()).c_str());
  }
  auto unknown = s.wait("fzzzzzz");
  std::printf("%s\n", unknown ? "known" : error_name(unknown.error()).c_str());
  auto bad = s.for_each_event({.names = {"nosuch"}}, [](const job_event&) { return true; });
  std::printf("%s\n", bad ? "begun" : error_name(bad.error()).c_str());
  std::printf("%d\n", must(s.wait(must(s.submit({{.command = {"true"}}})).at(0))).status);
}

/// graph: jobs of one submission that wait for each other by their names.
void graph(const words&) {
  auto s = must(session::open());
  auto ids = must(s.submit({{.command = {"true"}, .dependencies = {{"afterok", "pre"}}},
                            {.command = {"true"}, .name = "pre"}}));
  for (auto& id : ids)
    std::printf("%d\n", must(s.wait(id)).status);
  auto jobs = must(s.list({.ids = ids}));
  auto &first = jobs.at(0), &second = jobs.at(1);
  auto& pre = first.name == "pre" ? first : second;
  auto& post = first.name == "pre" ? second : first;
  std::printf("%s\n", pre.ended_s <= post.started_s ? "in order" : "not in order");
  auto circle = s.submit({{.command = {"true"}, .name = "a", .dependencies = {{"afterok", "b"}}},
                          {.command = {"true"}, .name = "b", .dependencies = {{"afterok", "a"}}}});
  std::printf("%s\n", circle ? "taken" : error_name(circle.error()).c_str());
}

/// run COMMAND...: a job of it; its id, output, and status.
void run(const words& args) {
  auto s = must(session::open());
  auto id = must(s.submit({{.command = args}})).at(0);
  std::printf("%s\n", id.c_str());
  std::fflush(stdout);
  auto r = must(s.read(id, 100'000));
  std::printf("%zu bytes%s\n%s%d\n", r.out.size(), r.truncated ? ", and more" : "",
              r.out.size() < 1000 ? r.out.c_str() : "", r.result.status);
}

/// lost ID: what of a job's output cannot be read.
void lost(const words& args) {
  auto s = must(session::open());
  std::printf("%s\n", must(s.read(args.at(0))).lost.c_str());
}

// -- subscribers ----------------------------------------------------------------------------------

/// many COUNT: so many subscribers side by side; each hears of one job's end.
void many(const words& args) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  auto instance = must(connect(system));
  caf::scoped_actor self{system};
  auto count = number(args, 0, 1000);
  subscribe_request what{.subscriber = caf::actor_cast<caf::actor>(self.address()),
                         .names = {"clean"}};
  for (uint64_t i = 0; i < count; ++i)
    self->request(instance, caf::infinite, what)
        .receive([](const subscribe_reply&) {}, [](caf::error& e) { fail(e); });
  self->request(instance, caf::infinite, submit_request{{{.command = {"true"}}}})
      .receive([](const submit_reply&) {}, [](caf::error& e) { fail(e); });
  std::map<uint64_t, size_t> told;
  self->receive_while([&] { return told.size() < count; })(
      [&](const job_events& batch) { told[batch.subscription] += batch.events.size(); },
      [](const subscription_ended& end) { fail(end.why); });
  std::printf("%zu were told\n", told.size());
}

/// slow COUNT: subscribes to all, and takes the first batch only when the reader of standard output
/// says so by a line on standard input; then counts the events until the ends of COUNT jobs.
void slow(const words& args) {
  auto s = must(session::open());
  auto left = number(args, 0, 1);
  uint64_t events = 0, next = 0;
  bool gaps = false;
  char line[16];
  must(s.for_each_event(
      {.subscriber = {}},
      [&](const job_event& e) {
        if (events++ == 0) {
          std::puts("stopped");
          if (std::fgets(line, sizeof line, stdin) == nullptr)
            return false;
          next = e.sequence;
        }
        gaps = gaps || e.sequence != next++;
        left -= e.name == "clean" ? 1 : 0;
        return left > 0;
      },
      [] { std::puts("begun"); }));
  std::printf("%llu events%s\n", static_cast<unsigned long long>(events),
              gaps ? ", with gaps" : "");
}

const std::map<std::string, void (*)(const words&)> modes{
    {"follow", follow}, {"wait", wait}, {"graph", graph}, {"refusals", refusals},
    {"run", run},       {"many", many}, {"slow", slow},   {"lost", lost}};

} // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  modes.at(argc > 1 ? argv[1] : "")({argv + 2, argv + argc});
  return 0;
}
