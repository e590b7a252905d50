// hactor uptime, ping, getattr, lsattr, setattr, dmesg, stats, shutdown: the instance itself.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cinttypes>
#include <cstdio>
#include <thread>

#include "runtime/clock.hpp"
#include "runtime/duration.hpp"
#include "tools/commands.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec ping_options[] = {
  {'r', "rank", "RANK", "The broker to ask. Default: the one that HACTOR_URI names."},
  {'c', "count", "N", "Asks N times. Default: until interrupted."},
  {'i', "interval", "DURATION", "Waits this long between two. Default: 1s."},
  {0, "pad", "N", "Sends and gets back N bytes more. Default: 0."},
};

constexpr option_spec lsattr_options[] = {
  {'v', "verbose", nullptr, "Prints values and meanings too."},
};

int run_uptime(const invocation& call) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto r = broker.ask("uptime", json::object());
    if (!r)
      return std::move(r.error());
    auto& jobs = object_at(*r, "jobs");
    auto n = [&](const char* key) {
      return std::to_string(static_cast<uint64_t>(jobs.is_object() ? number_at(jobs, key) : 0));
    };
    print_line(text_at(*r, "state") + " " + format_fsd(number_at(*r, "duration")) + ",  owner "
               + text_at(*r, "owner_name") + ",  level "
               + std::to_string(static_cast<uint64_t>(number_at(*r, "level"))) + ",  size "
               + std::to_string(static_cast<uint64_t>(number_at(*r, "size"))));
    print_line("jobs: " + n("sched") + " waiting, " + n("run") + " running, " + n("cleanup")
               + " cleaning up, " + n("inactive") + " ended (" + n("failed") + " failed, "
               + n("canceled") + " canceled, " + n("timeout") + " timed out"
               + (n("node_failed") == "0" ? "" : ", " + n("node_failed") + " lost with a node")
               + ")");
    if (jobs.is_object() && jobs.contains("paused"))
      print_line("paused: " + text_at(jobs, "paused"));
    return exit_ok;
  });
}

int run_ping(const invocation& call) {
  auto& o = call.options;
  auto count = o.number("count", 0, 1, UINT32_MAX);
  auto pad = o.number("pad", 0, 0, 1u << 24);
  auto interval = duration_option(o, "interval", 1);
  auto rank = o.number("rank", 0, 0, UINT32_MAX);
  for (auto* e : {&count, &pad, &rank})
    if (!*e)
      return fail_usage(call, e->error());
  if (!interval)
    return fail_usage(call, interval.error());
  auto target = o.operands[0];
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    json params{{"service", target}, {"pad", *pad}};
    if (o.has("rank"))
      params["rank"] = *rank;
    for (uint64_t seq = 0; *count == 0 || seq < *count; ++seq) {
      if (seq > 0)
        std::this_thread::sleep_for(span_of(*interval));
      auto asked_ns = steady_ns();
      auto r = broker.ask("ping", params);
      if (!r)
        return std::move(r.error());
      char line[256];
      std::snprintf(line, sizeof line, "%s.ping pad=%" PRIu64 " seq=%" PRIu64 " time=%.3f ms (%s)",
                    target.c_str(), *pad, seq, static_cast<double>(steady_ns() - asked_ns) / 1e6,
                    text_at(*r, "route").c_str());
      print_line(line);
      flush_output();
      end_if_unheard(call.program.c_str());
    }
    return exit_ok;
  });
}

int run_getattr(const invocation& call) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto r = broker.ask("attr.get", {{"name", call.options.operands[0]}});
    if (!r)
      return std::move(r.error());
    print_line(text_at(*r, "value"));
    return exit_ok;
  });
}

int run_setattr(const invocation& call) {
  auto& words = call.options.operands;
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto r = broker.ask("attr.set", {{"name", words[0]}, {"value", words[1]}});
    if (!r)
      return std::move(r.error());
    return exit_ok;
  });
}

int run_lsattr(const invocation& call) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto r = broker.ask("attr.list", json::object());
    if (!r)
      return std::move(r.error());
    auto& list = object_at(*r, "attributes");
    if (!list.is_array())
      return make_error(ec::bad_json, "the instance answered without a list of attributes");
    for (auto& a : list) {
      auto name = text_at(a, "name");
      if (!call.options.has("verbose")) {
        print_line(name);
        continue;
      }
      name.resize(std::max<size_t>(name.size(), 27), ' ');
      auto value = text_at(a, "value");
      value.resize(std::max<size_t>(value.size(), 23), ' ');
      print_line(name + " " + value + " " + text_at(a, "meaning"));
    }
    return exit_ok;
  });
}

int run_dmesg(const invocation& call) {
  return with_broker(
    call, [&](client& broker) { return print_lines(broker, "dmesg", json::object()); });
}

int run_stats(const invocation& call) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto r = broker.ask("stats", json::object());
    if (!r)
      return std::move(r.error());
    print_line(dump_pretty(*r));
    return exit_ok;
  });
}

int run_shutdown(const invocation& call) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto r = broker.ask("shutdown", json::object());
    if (!r)
      return std::move(r.error());
    return exit_ok;
  });
}

} // namespace

const command uptime_command{
    "uptime",
    group_instance,
    "says how long the instance runs, and how it is",
    "",
    "One line of the instance: its state, for how long it has run, whose it is, how many instances "
    "are around it (level), and its brokers (size). One of its jobs, by state and by how they "
    "ended. One more when it starts no jobs, and why.",
    {},
    usual_exits,
    " hactor uptime",
    false,
    0,
    0,
    run_uptime};

const command ping_command{
  "ping", group_instance, "measures the round trip to a service", "[OPTIONS] SERVICE",
  "Services are broker, exec, output on every rank, and job-manager, scheduler, journal, events, "
  "archive, resource on rank 0.",
  ping_options, usual_exits, " hactor ping -r 3 -c 2 exec", false, 1, 1, run_ping};

const command getattr_command{
    "getattr",
    group_instance,
    "prints an attribute of the instance",
    "NAME",
    "Prints its value on a line. Attributes are what an instance was "
    "started with (hactor start -S NAME=VALUE) and what it knows of "
    "itself, as size, rank, uri; 'hactor lsattr -v' lists them with their "
    "meanings. rank, uri and hostname are those of the broker that "
    "answers here.",
    {},
    usual_exits,
    " hactor getattr size\n hactor getattr sched.policy",
    false,
    1,
    1,
    run_getattr};

const command lsattr_command{"lsattr",
                             group_instance,
                             "lists the attributes of the instance",
                             "[-v]",
                             "Prints their names, a line each. They are set at the start with "
                             "'hactor start -S NAME=VALUE'; 'hactor setattr' changes some later.",
                             lsattr_options,
                             usual_exits,
                             " hactor lsattr -v",
                             false,
                             0,
                             0,
                             run_lsattr};

const command setattr_command{
    "setattr",
    group_instance,
    "changes an attribute",
    "NAME VALUE",
    "Of a running instance log-level can be changed; the others are set at "
    "the start.",
    {},
    usual_exits,
    " hactor setattr log-level debug",
    false,
    2,
    2,
    run_setattr};

const command dmesg_command{
    "dmesg",
    group_instance,
    "prints the broker's log",
    "",
    "The newest lines that the broker of HACTOR_URI keeps in memory, the "
    "oldest first: time, level, rank, who says it, and what. What is logged "
    "is chosen by the attribute log-level; log-filename names a file for "
    "all of it. 'hactor exec -r all hactor dmesg' has those of all brokers.",
    {},
    usual_exits,
    " hactor dmesg",
    false,
    0,
    0,
    run_dmesg};

const command stats_command{
    "stats",
    group_instance,
    "prints counters of the broker's services",
    "",
    "One JSON object: for each service of the broker that answers here what it has counted since "
    "its start, and what it holds now. For finding out what is slow.",
    {},
    usual_exits,
    " hactor stats | jq .scheduler",
    false,
    0,
    0,
    run_stats};

const command shutdown_command{
    "shutdown",
    group_start,
    "ends the instance",
    "",
    "The instance ends as if its script had ended with 0: running jobs "
    "are cancelled, waiting ones are kept in the statedir if there is one.",
    {},
    usual_exits,
    " hactor shutdown",
    false,
    0,
    0,
    run_shutdown};

} // namespace hactor::tools
