// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/shell_plugins.hpp"

#include <string_view>

#include <sys/wait.h>

#include <fmt/format.h>

#include "actors/shell_start.hpp"

namespace hactor {

spawn_request plugin_process(const plugin_place& place, const shell_work& work) {
  spawn_request r;
  r.argv = {place.program};
  r.cwd = work.cwd;
  // The job's environment, by which the libraries of plugins are found, but for the tasks' sockets.
  for (std::string_view rest = work.variables; !rest.empty();) {
    auto entry = rest.substr(0, rest.find('\0'));
    if (!entry.starts_with("PMI_") && !entry.starts_with("PMIX_"))
      r.environment.append(entry) += '\0';
    rest.remove_prefix(entry.size() + 1);
  }
  return r;
}

std::string how_process_ended(int wait_status) {
  return WIFSIGNALED(wait_status)
             ? fmt::format("was ended by signal {}", WTERMSIG(wait_status))
             : fmt::format("ended with exit code {}", WEXITSTATUS(wait_status));
}

caf::error take_options(const std::string& options, shell_start& start) {
  if (options.empty())
    return {};
  auto plan = with_options(*start.order.plan, options);
  if (!plan)
    return std::move(plan.error());
  auto had_topology = start.order.plan->hwloc_file && !(*plan)->hwloc_restrict;
  start.order.plan = std::move(*plan);
  if (!had_topology)
    if (auto e = write_topology(start.order, start.entries, start.place))
      return e;
  auto work = plan_shell(*start.order.plan, start.order.item, start.entries, start.place);
  if (!work)
    return std::move(work.error());
  if (work->tasks.size() != start.work.tasks.size())
    return make_error(ec::exec_failed, "the options that plugins have set change how many tasks a "
                                       "node has");
  start.work = std::move(*work);
  return {};
}

} // namespace hactor
