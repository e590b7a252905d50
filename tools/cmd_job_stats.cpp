// hactor job stats, hactor job namespace: numbers for programs, and where a job's keys are.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/commands.hpp"
#include "tools/instance_facts.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

int run_stats(const invocation& call) {
  return with_broker(call, [](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("uptime", json::object());
    if (!reply)
      return std::move(reply.error());
    print_line(dump(job_stats(*reply)));
    return exit_ok;
  });
}

int run_namespace(const invocation& call) {
  auto ids = read_ids(call.options.operands);
  if (!ids)
    return fail_usage(call, ids.error());
  for (auto& id : *ids)
    print_line("job-" + id);
  return exit_ok;
}

} // namespace

const command job_stats_command{
    "job stats",
    group_jobs,
    "counts jobs for programs, as JSON",
    "",
    "Prints how many jobs are in each state, and how many have ended with each result: "
    "{\"job_states\": {\"depend\": N, .., \"total\": N}, \"successful\": N, \"failed\": N, "
    "\"canceled\": N, \"timeout\": N, \"node_failed\": N}. What was purged is not counted. 'hactor "
    "jobs --stats-only' "
    "says the same to a person.",
    {},
    usual_exits,
    " hactor job stats | jq .job_states.run",
    false,
    0,
    0,
    run_stats};

const command job_namespace_command{
    "job namespace",
    group_jobs,
    "prints the names of jobs' key-value namespaces",
    "ID...",
    "What the tasks of a job put with 'hactor kvs' is in a namespace of the job's own, and stays "
    "there when it has ended.",
    {},
    usual_exits,
    " hactor kvs -N \"$(hactor job namespace f3xK2)\" dir",
    false,
    1,
    any_number,
    run_namespace};

} // namespace hactor::tools
