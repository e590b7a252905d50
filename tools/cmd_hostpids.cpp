// hactor job hostpids: where a job's processes are, for debuggers and profilers.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <charconv>
#include <map>

#include "runtime/idset.hpp"
#include "tools/commands.hpp"
#include "tools/session.hpp"
#include "tools/task_places.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec options[] = {
    {'d', "delimiter", "TEXT", "What stands between two. Default: a comma."},
    {'r', "ranks", "RANKS", "Of these tasks only. Default: all."},
};

/// Finds the tasks of a job among the processes of a node: they have its id in their environment,
/// and are not children of one that has. Prints "RANK PID" lines.
constexpr const char* finder =
    R"(for e in $(grep -lszxF "HACTOR_JOB_ID=$1" /proc/[0-9]*/environ); do
  d=${e%/environ}
  read -r stat <"$d/stat" 2>/dev/null || continue
  set -- "$1" ${stat##*)}
  ! grep -qszxF "HACTOR_JOB_ID=$1" "/proc/$3/environ" || continue
  rank=$(tr '\0' '\n' <"$d/environ" 2>/dev/null | sed -n 's/^HACTOR_TASK_RANK=//p')
  [ -z "$rank" ] || echo "$rank ${d#/proc/}"
done)";

caf::expected<std::map<uint64_t, std::string>> pids_of(client& broker, const std::string& id) {
  std::string lines;
  json params{{"ranks", "all"},
              {"argv", {"/bin/sh", "-c", finder, "hostpids", id}},
              {"cwd", "/"},
              {"env", {{"PATH", "/usr/bin:/bin"}}}};
  std::map<uint32_t, std::string> parts; // by broker: chunks may end inside a line
  auto reply = broker.ask("exec", params, 0, [&](const frame& f) {
    if (auto part = f.kind == frame_kind::output ? read_output(f.payload) : std::nullopt;
        part && part->stream == 1)
      parts[part->task] += part->bytes;
  });
  if (!reply)
    return std::move(reply.error());
  std::map<uint64_t, std::string> pids;
  for (auto& [rank, text] : parts) {
    std::string_view rest = text;
    while (!rest.empty()) {
      auto end = std::min(rest.find('\n'), rest.size());
      auto line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      uint64_t task = 0;
      auto [at, code] = std::from_chars(line.data(), line.data() + line.size(), task);
      if (code == std::errc{} && at != line.data() + line.size())
        pids[task] = std::string{at + 1, line.data() + line.size()};
    }
  }
  return pids;
}

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
    auto tasks = find_tasks(broker, ids->front());
    if (!tasks)
      return std::move(tasks.error());
    auto nodes = tasks->nodes();
    auto pids = pids_of(broker, ids->front());
    if (!pids)
      return std::move(pids.error());
    std::string text;
    for (auto& [task, pid] : *pids) {
      auto node = nodes.find(task);
      if (node == nodes.end() || (wanted && !wanted->contains(static_cast<uint32_t>(task))))
        continue;
      text += text.empty() ? "" : o.value("delimiter", ",");
      text += std::string{tasks->host(node->second)} + ":" + pid;
    }
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
    "attach to. Asks all nodes of the instance.",
    options,
    " 0  printed\n 1  no such task runs, or no instance answers\n 2  the command line is wrong",
    " hactor job hostpids f3xK2",
    false,
    1,
    1,
    run_hostpids};

} // namespace hactor::tools
