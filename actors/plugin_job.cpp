// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/plugin_job.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include "runtime/json.hpp"

namespace hactor {

namespace {

/// The file that an option names, or the one that is there anyway.
std::string start_file(const std::string& option, const std::string& own) {
  return option == "none" ? std::string{} : option.empty() ? own : option;
}

/// One shell of the job: what it has on one broker.
struct shell_part {
  rank_t broker = 0;
  std::string host;
  uint32_t ntasks = 0;
  idset cores, gpus;
  uint64_t ncores = 0;
};

/// In the order of R.
std::vector<shell_part> shells_of(const launch_order& order, const plugin_place& here) {
  std::vector<shell_part> parts;
  auto& r = order.item.resources;
  auto where = layout(order.plan->request, r);
  for (size_t i = 0; i < r.nodes.size(); ++i) {
    auto broker = static_cast<rank_t>(r.nodes[i].rank % here.brokers);
    auto it = std::find_if(parts.begin(), parts.end(),
                           [&](const shell_part& p) { return p.broker == broker; });
    if (it == parts.end())
      it = parts.insert(parts.end(), {broker, std::string{r.host(i)}, 0, {}, {}, 0});
    it->ntasks += where ? static_cast<uint32_t>(where->tasks[i].size()) : 0;
    it->ncores += r.nodes[i].cores.size();
    for (auto core : r.nodes[i].cores.expand())
      it->cores.add(core);
    for (auto gpu : r.nodes[i].gpus.expand())
      it->gpus.add(gpu);
  }
  return parts;
}

json describe_shells(const std::vector<shell_part>& parts) {
  auto list = json::array();
  for (auto& p : parts)
    list.push_back(
        {{"id", list.size()},
         {"name", p.host},
         {"broker_rank", p.broker},
         {"ntasks", p.ntasks},
         {"resources",
          {{"ncores", p.ncores}, {"cores", p.cores.to_string()}, {"gpus", p.gpus.to_string()}}}});
  return list;
}

/// Takes the variable out of "K=V\0..", and puts it in with its value.
void set_variable(std::string& variables, const plugin_variable& v) {
  for (size_t at = 0; at < variables.size();) {
    auto end = variables.find('\0', at);
    auto entry = std::string_view{variables}.substr(at, end - at);
    if (entry.size() > v.name.size() && entry[v.name.size()] == '=' && entry.starts_with(v.name))
      variables.erase(at, end - at + 1);
    else
      at = end + 1;
  }
  if (v.value)
    ((variables += v.name) += '=').append(*v.value) += '\0';
}

} // namespace

std::string tasks_by_node(const launch_order& order) {
  auto where = layout(order.plan->request, order.item.resources);
  std::string text;
  for (size_t i = 0; where && i < where->tasks.size(); ++i)
    text += (i == 0 ? "" : ";") + where->tasks[i].to_string();
  return text;
}

bool has_plugins(const launch_plan& plan, const plugin_place& here) {
  auto& wanted = plan.plugins;
  return wanted.asked() || !start_file(wanted.initrc, here.system_rc).empty()
         || !start_file(wanted.userrc, here.user_rc).empty();
}

plugin_tasks tasks_for_plugins(const launch_plan& plan, const shell_work& work) {
  plugin_tasks all;
  for (auto& t : work.tasks)
    all.tasks.push_back(
        {t.task_rank, t.local_id, t.node, t.argv, t.variables.substr(work.variables.size())});
  all.patterns = {plan.output, plan.error, plan.input};
  return all;
}

plugin_job describe_to_plugins(const launch_order& order, const shell_work& work,
                               const plugin_place& here, const std::string& host, rank_t self) {
  auto& plan = *order.plan;
  auto parts = shells_of(order, here);
  plugin_job job;
  for (uint32_t i = 0; i < parts.size(); ++i)
    if (parts[i].broker == self)
      job.rank = i;
  json info = {{"jobid", to_string(order.item.id)},
               {"name", plan.name},
               {"rank", job.rank},
               {"size", parts.size()},
               {"ntasks", work.size},
               {"host", host},
               {"tmpdir", work.names.tmpdir},
               {"cwd", work.cwd}};
  job.info = dump(info);
  job.ranks = dump(describe_shells(parts));
  job.jobspec = plan.jobspec;
  job.resources = to_json(order.item.resources);
  job.taskmap = tasks_by_node(order);
  job.environment = work.variables;
  job.tasks = tasks_for_plugins(plan, work).tasks;
  job.verbose = plan.verbose;
  if (auto file = start_file(plan.plugins.initrc, here.system_rc); !file.empty())
    job.start_files.push_back(std::move(file));
  job.system_files = static_cast<uint32_t>(job.start_files.size());
  if (auto file = start_file(plan.plugins.userrc, here.user_rc); !file.empty())
    job.start_files.push_back(std::move(file));
  job.personality = plan.plugins.personality;
  job.load = plan.plugins.load;
  job.start_folders = here.start_folders;
  job.search_path = here.search_path;
  return job;
}

bool meets_others(const launch_order& order, const plugin_place& here) {
  auto& nodes = order.item.resources.nodes;
  return order.plan->plugins.asked()
         && std::any_of(nodes.begin(), nodes.end(), [&](const node_share& n) {
              return n.rank % here.brokers != nodes.front().rank % here.brokers;
            });
}

caf::expected<launch_plan_ptr> with_options(const launch_plan& plan, const std::string& options) {
  auto spec = parse_json(plan.jobspec);
  if (!spec)
    return std::move(spec.error());
  auto wanted = parse_json(options);
  if (!wanted)
    return std::move(wanted.error());
  (*spec)["attributes"]["system"]["shell"]["options"] = std::move(*wanted);
  return make_launch_plan(dump(*spec), plan.environment);
}

void apply_changes(const plugin_changes& changes, shell_work& work) {
  std::map<uint32_t, const plugin_task_change*> by_rank;
  for (auto& c : changes.tasks)
    by_rank[c.rank] = &c;
  for (auto& t : work.tasks) {
    for (auto& v : changes.variables)
      set_variable(t.variables, v);
    auto it = by_rank.find(t.task_rank);
    if (it == by_rank.end())
      continue;
    if (!it->second->argv.empty())
      t.argv = it->second->argv;
    for (auto& v : it->second->variables)
      set_variable(t.variables, v);
    t.patterns = it->second->patterns;
  }
}

} // namespace hactor
