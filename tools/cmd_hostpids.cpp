// hactor job hostpids: where a job's processes are, for debuggers and profilers.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <optional>

#include "runtime/idset.hpp"
#include "tools/commands.hpp"
#include "tools/host_pids.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec options[] = {
    {'d', "delimiter", "TEXT", "What stands between two. Default: a comma."},
    {'r', "ranks", "RANKS", "Of these tasks only. Default: all."},
};

int run_hostpids(const invocation& call) {
  auto& o = call.options;
  auto ids = read_ids(o.operands);
  if (!ids)
    return fail_usage(call, ids.error());
  std::optional<idset> wanted;
  if (o.has("ranks")) {
    auto set = idset::parse(o.value("ranks"));
    if (!set)
      return fail_usage(call, set.error());
    wanted = std::move(*set);
  }
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto tasks = find_processes(broker, ids->front());
    if (!tasks)
      return std::move(tasks.error());
    std::string text;
    for (auto& t : *tasks)
      if (!wanted || wanted->contains(static_cast<uint32_t>(t.task)))
        text +=
            (text.empty() ? "" : o.value("delimiter", ",")) + t.host + ":" + std::to_string(t.pid);
    if (text.empty())
      return make_error(ec::wrong_state, ids->front() + ": no such task of the job runs");
    print_line(text);
    return exit_ok;
  });
}

} // namespace

const command job_hostpids_command{
    "job hostpids",
    group_jobs,
    "prints the host and process id of each task of a running job",
    "[OPTIONS] ID",
    "HOST:PID for each task in the order of their ranks, as debuggers and profilers want them to "
    "attach to. Asks the nodes of the job.",
    options,
    " 0  printed\n 1  no such task runs, or no instance answers\n 2  the command line is wrong",
    " hactor job hostpids f3xK2",
    false,
    1,
    1,
    run_hostpids};

} // namespace hactor::tools
