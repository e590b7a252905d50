// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/shell_core.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "actors/job_spec.hpp"
#include "actors/job_state.hpp"

namespace hactor {

namespace {

void set(std::string& variables, std::string_view name, std::string_view value) {
  variables += name;
  variables += '=';
  variables += value;
  variables += '\0';
}

/// What every task of the job sees (formats.md 3.29; doc/architecture.md, "What a task sees").
std::string job_variables(const launch_plan& plan, const launch_item& item, uint32_t ntasks,
                          const shell_place& place) {
  auto v = plan.has_cc ? fill_cc(plan.variables, item.cc) : plan.variables;
  set(v, "HACTOR_URI", place.uri);
  set(v, "HACTOR_JOB_ID", to_string(item.id));
  set(v, "HACTOR_JOB_SIZE", std::to_string(ntasks));
  set(v, "HACTOR_JOB_NNODES", std::to_string(item.resources.nodes.size()));
  set(v, "HACTOR_JOB_TMPDIR", place.tmpdir);
  set(v, "HACTOR_LEVEL", std::to_string(place.instance_level));
  if (item.cc >= 0 && item.with_cc_env)
    set(v, "HACTOR_JOB_CC", std::to_string(item.cc));
  return v;
}

} // namespace

caf::expected<shell_work> plan_shell(const launch_plan& plan, const launch_item& item,
                                     const std::vector<uint32_t>& entries,
                                     const shell_place& place) {
  auto where = layout(plan.request, item.resources);
  if (!where)
    return std::move(where.error());
  shell_work work;
  work.cwd = plan.has_cc ? fill_cc(plan.cwd, item.cc) : plan.cwd;
  work.names = {to_string(item.id), plan.name, item.cc, -1, 0, where->ntasks, {}, place.tmpdir};
  auto argv = plan.command;
  if (plan.has_cc)
    for (auto& a : argv)
      a = fill_cc(std::move(a), item.cc);
  auto variables = job_variables(plan, item, where->ntasks, place);
  for (auto entry : entries) {
    auto& share = item.resources.nodes[entry];
    auto& tasks = where->tasks[entry];
    auto host = item.resources.host(entry);
    auto& wants = plan.request;
    auto bound = bind_tasks(wants.cpus, wants.gpus, share, host, place.machine.get(),
                            static_cast<uint32_t>(tasks.size()));
    if (!bound)
      return std::move(bound.error());
    uint32_t local = 0;
    for (auto task : tasks.expand()) {
      auto& own = bound->tasks[local];
      if (plan.verbose || wants.cpus.verbose || wants.gpus.verbose)
        work.notes += describe_binding(task, host, *bound, own);
      shell_task t;
      t.task_rank = task;
      t.local_id = local++;
      t.argv = argv;
      t.variables = variables;
      set(t.variables, "HACTOR_TASK_RANK", std::to_string(task));
      set(t.variables, "HACTOR_TASK_LOCAL_ID", std::to_string(t.local_id));
      if (wants.gpus.kind != affinity_kind::off)
        append_visible_gpus(t.variables, own.gpus);
      t.cpus = std::move(own.cpus);
      work.tasks.push_back(std::move(t));
    }
  }
  return work;
}

void shell_core::on_failed(const std::string& host, const std::string& what, int error,
                           bool of_command) {
  ++started_;
  ++ended_;
  auto code = of_command && error == ENOENT ? 127 : 126;
  if (!report_.failure.empty())
    return; // the first failure is the cause
  report_.status = code << 8;
  report_.failure = fmt::format("{}: {}", host, what);
  if (error != 0)
    report_.failure += fmt::format(": {}", of_command && error == ENOENT ? "command not found"
                                                                         : std::strerror(error));
}

void shell_core::on_exited(int wait_status, const usage& used) {
  ++ended_;
  if (report_.failure.empty())
    report_.status = worse_status(report_.status, wait_status);
  report_.used.maxrss_kb = std::max(report_.used.maxrss_kb, used.maxrss_kb);
  report_.used.user_us += used.user_us;
  report_.used.system_us += used.system_us;
}

job_report shell_core::report(bool ended) const {
  auto r = report_;
  r.started = all_started() && report_.failure.empty();
  r.ended = ended;
  return r;
}

} // namespace hactor
