// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/shell_start.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "actors/binding.hpp"
#include "runtime/hardware.hpp"

namespace hactor {

caf::error write_topology(const launch_order& order, const std::vector<uint32_t>& entries,
                          const shell_place& place) {
  if (!order.plan->hwloc_file)
    return caf::none;
  std::optional<idset> cpus;
  if (order.plan->hwloc_restrict) {
    auto& r = order.item.resources;
    auto entry = entries.front();
    cpus = cpus_of_share(r.nodes[entry], r.host(entry), place.machine.get());
  }
  auto text = discover_topology(cpus);
  if (!text)
    return std::move(text.error());
  // Options that plugins have set may ask for another than was made before.
  (void)::unlink((place.tmpdir + "/" + topology_name).c_str());
  return write_job_files({archive_file{topology_name, S_IFREG | 0600, std::move(*text)}},
                         place.tmpdir);
}

caf::expected<prepared> prepare(shell_state& st, const launch_plan& plan, const shell_work& work,
                                shell_task& t, bool first_node) {
  prepared p;
  p.request.argv = std::move(t.argv);
  p.request.environment = std::move(t.variables);
  p.request.cwd = work.cwd;
  p.request.limits = plan.limits;
  p.request.oom_adjust = plan.oom_adjust;
  p.request.stop_in_exec = plan.stop_in_exec;
  p.request.group = plan.own_groups ? spawn_group::session : spawn_group::job;
  for (auto cpu : t.cpus.expand())
    p.request.cpus.push_back(static_cast<int32_t>(cpu));
  auto names = work.names;
  names.task = t.task_rank;
  names.local = t.local_id;
  names.node = t.node;
  names.host = st.context->host;
  p.pipes.unbuffered = plan.unbuffered;
  if (plan.has_terminal(t.task_rank)) {
    p.pipes = {true, true, true, true, true, true, plan.rows, plan.columns};
    p.pipes.control = !work.places.empty();
    return p;
  }
  p.pipes.control = !work.places.empty();
  p.pipes.input =
      plan.input_attached && (!plan.input_tasks || plan.input_tasks->contains(t.task_rank));
  auto patterns = std::move(t.patterns);
  if (patterns.size() != 3)
    patterns = {plan.output, plan.error, plan.input};
  auto& output = patterns[0];
  auto& error = patterns[1];
  if (!patterns[2].empty()) {
    auto fd = open_input(patterns[2], names, work.cwd);
    if (!fd)
      return std::move(fd.error());
    p.request.pass(0, std::move(*fd));
  }
  p.pipes.output = output.empty() || plan.label;
  p.pipes.error = (error.empty() && output.empty()) || plan.label;
  // Opened in any case, so that a directory that is missing is seen at once.
  auto& error_pattern = error.empty() ? output : error;
  for (int stream : {1, 2}) {
    auto& pattern = stream == 1 ? output : error_pattern;
    if (pattern.empty())
      continue;
    // Who writes a file alone makes it empty; one of several nodes is emptied by the first.
    auto truncate =
        !plan.append_output && work.names.attempt == 1 && (first_node || names_node(pattern));
    auto labelled = stream == 1 ? p.pipes.output : p.pipes.error;
    auto name = labelled ? st.files.open_labelled(pattern, names, work.cwd, truncate)
                         : st.files.open(pattern, names, work.cwd, truncate);
    if (!name)
      return std::move(name.error());
    if (labelled) {
      st.labelled[{t.task_rank, stream}] = std::move(*name);
      continue;
    }
    auto fd = st.files.share(*name);
    if (!fd)
      return std::move(fd.error());
    p.request.pass(stream, std::move(*fd));
  }
  return p;
}

size_t descriptors_of(const launch_plan& plan, const shell_work& work) {
  constexpr size_t of_terminal = 8; // make_terminal's: two of ours, three of the task, two to make
  size_t of_control = work.places.empty() ? 0 : 3;
  size_t all = 0;
  for (auto& t : work.tasks) {
    all += of_control;
    if (plan.has_terminal(t.task_rank)) {
      all += of_terminal;
      continue;
    }
    // Both ends of a pipe, or a file and its copy for the task; or both, with labels.
    all += plan.label ? 8 : 4;
    auto has_file = t.patterns.size() == 3 ? !t.patterns[2].empty() : !plan.input.empty();
    auto has_pipe =
        plan.input_attached && (!plan.input_tasks || plan.input_tasks->contains(t.task_rank));
    all += has_pipe ? 2 : has_file ? 1 : 0;
  }
  return all;
}

void empty_shared_files(shell_state& st, const shell_start& start) {
  auto& plan = *start.order.plan;
  if (start.entries.front() != 0 || !plan.shares_files() || start.work.names.attempt != 1)
    return;
  for (auto* pattern : {&plan.output, &plan.error}) {
    // A name with places that only plugins know is not whole yet.
    auto whole = fill_template(*pattern, start.work.names).find("{{") == std::string::npos;
    if (!pattern->empty() && whole && !names_node(*pattern))
      (void)st.files.open(*pattern, start.work.names, start.work.cwd, true);
  }
}

caf::expected<job_folders::slot> make_folder(shell_state& st, const launch_order& order,
                                             const std::vector<uint32_t>& entries,
                                             shell_place& place) {
  auto folder = st.context->folders->take();
  if (!folder)
    return folder;
  st.folder = *folder;
  place.tmpdir = folder->path;
  if (auto e = write_job_files(order.plan->files, folder->path))
    return e;
  if (auto e = write_topology(order, entries, place))
    return e;
  return folder;
}

} // namespace hactor
