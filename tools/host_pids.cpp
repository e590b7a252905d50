// See host_pids.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/host_pids.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "tools/task_places.hpp"

namespace hactor::tools {

namespace {

/// Runs on each node of the job, whose shell says there which processes its tasks are: what they
/// have of their environment tells nothing. Prints "RANK PID PROGRAM" lines.
constexpr const char* finder = R"SH(IFS=,
for t in ${HACTOR_TASK_PIDS?not set: there are too many tasks}; do
  echo "${t%:*} ${t#*:} $(readlink "/proc/${t#*:}/exe")"
done)SH";

/// Reads "RANK PID PROGRAM"; false for anything else.
bool read_process(std::string_view line, task_process& p) {
  auto end = line.data() + line.size();
  auto [after_task, bad_task] = std::from_chars(line.data(), end, p.task);
  if (bad_task != std::errc{} || after_task == end)
    return false;
  auto [after_pid, bad_pid] = std::from_chars(after_task + 1, end, p.pid);
  if (bad_pid != std::errc{} || after_pid == end)
    return false;
  p.program.assign(after_pid + 1, end);
  return true;
}

} // namespace

caf::expected<std::vector<task_process>> find_processes(client& broker, const std::string& id) {
  auto places = find_tasks(broker, id);
  if (!places)
    return std::move(places.error());
  auto nodes = places->nodes();
  json params{{"ranks", "all"},
              {"job", id},
              {"argv", {"/bin/sh", "-c", finder, "hostpids"}},
              {"cwd", "/"},
              {"env", {{"PATH", "/usr/bin:/bin"}}}};
  std::map<uint32_t, std::string> parts; // by node: chunks may end inside a line
  std::string complaint;
  auto reply = broker.ask("exec", params, 0, [&](const frame& f) {
    if (auto part = f.kind == frame_kind::output ? read_output(f.payload) : std::nullopt)
      (part->stream == 1 ? parts[part->task] : complaint) += part->bytes;
  });
  if (!reply)
    return std::move(reply.error());
  if (!complaint.empty())
    return make_error(ec::wrong_state, complaint.substr(0, complaint.find('\n')));
  std::map<uint64_t, task_process> found;
  for (auto& [rank, text] : parts) {
    std::string_view rest = text;
    while (!rest.empty()) {
      auto end = std::min(rest.find('\n'), rest.size());
      task_process p{};
      auto node = read_process(rest.substr(0, end), p) ? nodes.find(p.task) : nodes.end();
      if (node != nodes.end()) {
        p.host = places->host(node->second);
        found[p.task] = std::move(p);
      }
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  std::vector<task_process> tasks;
  for (auto& [task, process] : found)
    tasks.push_back(std::move(process));
  return tasks;
}

} // namespace hactor::tools
