// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/shell_core.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "actors/job_spec.hpp"
#include "actors/job_state.hpp"
#include "actors/pmi_core.hpp"
#include "graph/rset_extra.hpp"
#include "graph/slot_amounts.hpp"
#include "runtime/duration.hpp"
#include "runtime/hostlist.hpp"

namespace hactor {

namespace {

void set(std::string& variables, std::string_view name, std::string_view value) {
  variables += name;
  variables += '=';
  variables += value;
  variables += '\0';
}

std::string path_of(job_id id, const shell_place& place) {
  return (place.instance.empty() ? "/" : "/" + place.instance + "/") + to_string(id);
}

/// The job that holds the instance; "" in the outermost.
std::string enclosing_of(const shell_place& place) {
  return place.instance.substr(place.instance.rfind('/') + 1); // npos + 1: all of it
}

/// What tasks of another system would see (--compat); "%d" ids, since scripts there count with
/// them.
void add_compat_variables(std::string& v, const launch_plan& plan, const launch_item& item,
                          const job_layout& where, const shell_place& place) {
  auto nnodes = std::to_string(item.resources.nodes.size());
  auto slots = std::accumulate(where.slots.begin(), where.slots.end(), 0u);
  auto told = plan.compat_tasks.value_or(where.ntasks);
  auto ntasks = std::max(told != 0 ? told : slots, 1u);
  auto size = std::to_string(ntasks);
  // Where a slot is for several tasks, or has none, as those of an instance.
  auto cores = plan.request.cores_per_slot;
  if (plan.compat_tasks)
    cores = std::max(cores * slots / ntasks, 1u);
  if (plan.compat == "flux") {
    set(v, "FLUX_URI", place.uri);
    set(v, "FLUX_JOB_ID", to_string(item.id));
    set(v, "FLUX_JOB_ID_PATH", path_of(item.id, place));
    if (auto id = enclosing_of(place); !id.empty())
      set(v, "FLUX_ENCLOSING_ID", id);
    set(v, "FLUX_KVS_NAMESPACE", "job-" + to_string(item.id));
    set(v, "FLUX_JOB_SIZE", size);
    set(v, "FLUX_JOB_NNODES", nnodes);
    set(v, "FLUX_JOB_TMPDIR", place.tmpdir);
    if (item.cc >= 0 && item.with_cc_env)
      set(v, "FLUX_JOB_CC", std::to_string(item.cc));
    return;
  }
  auto id = std::to_string(item.id.value);
  auto hosts = format_hostlist(item.resources.nodelist);
  std::pair<const char*, std::string> rows[] = {
      {"SLURM_JOB_ID", id},
      {"SLURM_JOBID", id},
      {"SLURM_JOB_NAME", plan.name},
      {"SLURM_NTASKS", size},
      {"SLURM_NPROCS", size},
      {"SLURM_NNODES", nnodes},
      {"SLURM_JOB_NUM_NODES", nnodes},
      {"SLURM_JOB_NODELIST", hosts},
      {"SLURM_NODELIST", hosts},
      {"SLURM_SUBMIT_DIR", plan.cwd},
      {"SLURM_CPUS_PER_TASK", std::to_string(cores)},
      {"TMPDIR", place.tmpdir}};
  for (auto& [name, value] : rows)
    set(v, name, value);
  if (item.cc >= 0)
    set(v, "SLURM_ARRAY_TASK_ID", std::to_string(item.cc));
  if (item.cc >= 0 && !plan.array.empty()) {
    auto& values = plan.array;
    set(v, "SLURM_ARRAY_JOB_ID", std::to_string(array_of(item.id, values, item.cc).value));
    set(v, "SLURM_ARRAY_TASK_COUNT", std::to_string(values.size()));
    set(v, "SLURM_ARRAY_TASK_MIN", std::to_string(values.first()));
    set(v, "SLURM_ARRAY_TASK_MAX", std::to_string(values.last()));
  }
  if (plan.request.duration_s > 0)
    set(v, "SLURM_JOB_END_TIME",
        std::to_string(moment_after(place.now_ns, plan.request.duration_s) / 1'000'000'000));
}

/// The same of one task.
void add_compat_task(std::string& v, const launch_plan& plan, const shell_task& t, uint32_t node) {
  auto slurm = plan.compat == "slurm";
  set(v, slurm ? "SLURM_PROCID" : "FLUX_TASK_RANK", std::to_string(t.task_rank));
  set(v, slurm ? "SLURM_LOCALID" : "FLUX_TASK_LOCAL_ID", std::to_string(t.local_id));
  if (slurm)
    set(v, "SLURM_NODEID", std::to_string(node));
}

/// What every task of the job sees (formats.md 3.29; doc/architecture.md, "What a task sees").
std::string job_variables(const launch_plan& plan, const launch_item& item,
                          const job_layout& where, const shell_place& place) {
  auto v = plan.has_cc ? fill_cc(plan.variables, item.cc) : plan.variables;
  set(v, "HACTOR_URI", place.uri);
  set(v, "HACTOR_JOB_ID", to_string(item.id));
  set(v, "HACTOR_JOB_ID_PATH", path_of(item.id, place));
  if (auto enclosing = enclosing_of(place); !enclosing.empty())
    set(v, "HACTOR_ENCLOSING_ID", enclosing);
  set(v, "HACTOR_KVS_NAMESPACE", "job-" + to_string(item.id));
  set(v, "HACTOR_JOB_SIZE", std::to_string(where.ntasks));
  set(v, "HACTOR_JOB_NNODES", std::to_string(item.resources.nodes.size()));
  set(v, "HACTOR_JOB_TMPDIR", place.tmpdir);
  if (plan.hwloc_file) {
    set(v, "HWLOC_XMLFILE", place.tmpdir + "/" + topology_name);
    set(v, "HWLOC_THISSYSTEM", "1"); // else hwloc would pretend to bind
  }
  set(v, "HACTOR_LEVEL", std::to_string(place.instance_level));
  if (item.cc >= 0 && item.with_cc_env) {
    set(v, "HACTOR_JOB_CC", std::to_string(item.cc));
    set(v, "HACTOR_ARRAY_INDEX", std::to_string(item.cc));
    if (!plan.array.empty())
      set(v, "HACTOR_ARRAY_ID", to_string(array_of(item.id, plan.array, item.cc)));
  }
  if (item.attempt > 1)
    set(v, "HACTOR_JOB_ATTEMPT", std::to_string(item.attempt));
  if (!plan.compat.empty())
    add_compat_variables(v, plan, item, where, place);
  return v;
}

/// By task rank: which host it is on, counted from 0. Brokers of one host count as one.
std::vector<uint32_t> places_of(const job_layout& where, const rset& r) {
  std::vector<uint32_t> places(where.ntasks);
  std::map<std::string_view, uint32_t> hosts;
  for (size_t i = 0; i < where.tasks.size(); ++i) {
    auto [host, added] = hosts.try_emplace(r.host(i), static_cast<uint32_t>(hosts.size()));
    for (auto task : where.tasks[i].expand())
      places[task] = host->second;
  }
  return places;
}

/// By task rank: its broker, as exec_core divides the entries of R.
std::vector<rank_t> brokers_of(const job_layout& where, const rset& r, size_t brokers) {
  std::vector<rank_t> result(where.ntasks);
  for (size_t i = 0; i < where.tasks.size(); ++i)
    for (auto task : where.tasks[i].expand())
      result[task] = static_cast<rank_t>(r.nodes[i].rank % brokers);
  return result;
}

/// What a client of PMIx looks for in its environment (the PMIx standard leaves it to the library;
/// these are OpenPMIx's, as PMIx_server_setup_fork would set them), less what its world, its rank
/// and the address are.
void add_pmix_variables(std::string& variables, const std::string& host, job_id id,
                        const std::string& tmpdir) {
  set(variables, "PMIX_SECURITY_MODE", "native");
  set(variables, "PMIX_GDS_MODULE", "hash"); // by messages: no file of the server is shared
  set(variables, "PMIX_BFROP_BUFFER_TYPE", "PMIX_BFROP_BUFFER_NON_DESC");
  set(variables, "PMIX_HOSTNAME", host);
  set(variables, "PMIX_SERVER_TMPDIR", tmpdir);
  // Open MPI 4 asks no PMIx server but of a launcher that it knows by name, and this is one.
  set(variables, "FLUX_JOB_ID", to_string(id));
}

} // namespace

std::string pmix_space(const pmix_place& place, job_id id, const mpi_world& world) {
  return fmt::format("{}-{}{}", place.spaces, to_string(id), suffix_of(world));
}

pmix_job describe_pmix(const shell_work& work, const mpi_world& world, const shell_place& place,
                       job_id id) {
  pmix_job job;
  job.space = pmix_space(*place.pmix, id, world);
  // Not the job's own folder, nor one for several worlds: Open MPI has it emptied behind the first
  // rank that ends.
  job.folder = place.tmpdir + "/.mpi" + suffix_of(world);
  std::map<std::string_view, uint32_t> hosts;
  for (auto rank = 0u; rank < world.size; ++rank) {
    auto& host = (*place.pmix->hosts)[work.brokers[world.first + rank]];
    auto [it, added] = hosts.try_emplace(host, static_cast<uint32_t>(hosts.size()));
    if (added)
      job.hosts.push_back(host);
    job.places.push_back(it->second);
  }
  for (auto& task : work.tasks)
    if (world.holds(task.task_rank))
      job.ranks.push_back(task.task_rank - world.first);
  return job;
}

void set_pmix_server(shell_work& work, uint16_t port) {
  auto uri = fmt::format("{}.0;tcp4://127.0.0.1:{}", pmix_server_name, port);
  for (auto& task : work.tasks)
    for (auto name : {"PMIX_SERVER_URI41", "PMIX_SERVER_URI4", "PMIX_SERVER_URI3",
                      "PMIX_SERVER_URI21", "PMIX_SERVER_URI2"})
      set(task.variables, name, uri);
}

namespace {

/// A job of one task has no PMI, and says so to what looks for it (but see add_meeting).
constexpr std::string_view alone_variables{"PMI_RANK=0\0PMI_SIZE=1\0", 22};

/// What the tasks of one plan have in common, and which ways to meet they are offered.
struct common_part {
  std::vector<std::vector<std::string>> commands;
  std::string variables;
  bool pmi = false, pmix = false;
  std::vector<mpi_world> worlds{}; // empty when they do not meet
  std::vector<std::string> spaces{}; // of these, for PMIx
};

/// Which rank the task is in its world.
void set_rank(std::string& variables, const common_part& common, uint32_t task) {
  if (common.worlds.empty())
    return;
  auto& world = world_of(common.worlds, task);
  auto rank = std::to_string(task - world.first);
  if (common.pmi) {
    set(variables, "PMI_RANK", rank);
    set(variables, "PMI_SIZE", std::to_string(world.size));
    set(variables, "PMI_SPAWNED", "0");
  }
  if (common.pmix) {
    set(variables, "PMIX_RANK", rank);
    set(variables, "PMIX_NAMESPACE", common.spaces[&world - common.worlds.data()]);
  }
}

shell_task make_task(const launch_plan& plan, const common_part& common,
                     const template_values& work_names, const job_layout& where,
                     std::string_view host, shell_task t) {
  t.entry = static_cast<uint32_t>(where.entry_of(t.task_rank));
  t.argv = common.commands[t.entry];
  if (plan.has_tags) {
    auto names = work_names;
    names.task = t.task_rank;
    names.local = t.local_id;
    names.node = t.node;
    names.host = host;
    for (auto& word : t.argv)
      word = fill_tags(word, names);
  }
  t.variables = common.variables;
  set(t.variables, "HACTOR_TASK_RANK", std::to_string(t.task_rank));
  set(t.variables, "HACTOR_TASK_LOCAL_ID", std::to_string(t.local_id));
  if (!plan.compat.empty())
    add_compat_task(t.variables, plan, t, t.node);
  set_rank(t.variables, common, t.task_rank);
  return t;
}

/// The variables by which tasks of several meet, for those ways that the plan and the place have.
caf::error add_meeting(const launch_plan& plan, const launch_item& item, const job_layout& where,
                       const std::vector<uint32_t>& entries, const shell_place& place,
                       shell_work& work, common_part& common) {
  // Open MPI takes FLUX_JOB_ID for a launcher that has PMI, also for one task.
  auto meets = where.ntasks > 1 || plan.compat == "flux";
  common.pmi = plan.pmi && meets;
  if (plan.pmi && !common.pmi)
    common.variables += alone_variables;
  if (plan.needs_pmix && !place.pmix)
    return make_error(ec::exec_failed,
                      "-O pmi=pmix: this hactor was built without libpmix, or its program "
                      "lib/hactor/hactor-pmix is not beside it; on Debian: apt-get install "
                      "libpmix-dev, and build again");
  common.pmix = work.pmix = plan.pmix && place.pmix && meets;
  if (common.pmi || common.pmix)
    common.worlds = work.worlds = worlds_of(where, plan.world_each);
  if (common.pmi) {
    work.places = places_of(where, item.resources);
    set(common.variables, "PMI_FD", std::to_string(pmi_fd));
  }
  if (common.pmix || work.worlds.size() > 1)
    work.brokers = brokers_of(where, item.resources, place.brokers);
  if (common.pmix) {
    auto& hosts = *place.pmix->hosts;
    auto here = item.resources.nodes[entries.front()].rank % hosts.size();
    add_pmix_variables(common.variables, hosts[here], item.id, place.tmpdir);
    for (auto& world : work.worlds)
      common.spaces.push_back(pmix_space(*place.pmix, item.id, world));
  }
  return {};
}

/// `of_entries`: amounts_of_tasks.
std::vector<slot_amounts> amounts_by_task(const std::vector<slot_amounts>& of_entries,
                                          const job_layout& where, const idset& tasks) {
  std::vector<slot_amounts> amounts;
  if (!of_entries.empty())
    for (auto task : tasks.expand())
      amounts.push_back(of_entries[where.entry_of(task)]);
  return amounts;
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
  work.names.nnodes = static_cast<uint32_t>(item.resources.nodes.size());
  work.names.attempt = item.attempt;
  if (item.cc >= 0 && !plan.array.empty())
    work.names.array = to_string(array_of(item.id, plan.array, item.cc));
  work.size = where->ntasks;
  common_part common{plan.commands, job_variables(plan, item, *where, place)};
  if (plan.has_cc)
    for (auto& command : common.commands)
      for (auto& word : command)
        word = fill_cc(std::move(word), item.cc);
  if (!plan.coprocesses.empty() || plan.staging)
    work.beside = common.variables;
  if (auto e = add_meeting(plan, item, *where, entries, place, work, common))
    return e;
  work.variables = common.variables;
  auto extra = parse_rset_extra(item.resources.scheduling);
  auto amounts = amounts_of_tasks(plan.request);
  for (auto entry : entries) {
    auto& share = item.resources.nodes[entry];
    auto& tasks = where->tasks[entry];
    auto host = item.resources.host(entry);
    auto& wants = plan.request;
    auto near = extra ? extra->near_on(share.rank) : std::vector<near_group>{};
    auto bound = bind_tasks(wants.cpus, wants.gpus, share, host, place.machine.get(),
                            static_cast<uint32_t>(tasks.size()), near,
                            amounts_by_task(amounts, *where, tasks));
    if (!bound)
      return std::move(bound.error());
    confine(*bound, place.within);
    uint32_t local = 0;
    for (auto task : tasks.expand()) {
      auto& own = bound->tasks[local];
      shell_task t;
      t.task_rank = task;
      t.local_id = local++;
      t.node = entry;
      t = make_task(plan, common, work.names, *where, host, std::move(t));
      if (plan.verbose || wants.cpus.verbose || wants.gpus.verbose)
        t.note = describe_binding(task, host, *bound, own);
      if (wants.gpus.kind != affinity_kind::off && !wants.gpus.dry_run)
        append_visible_gpus(t.variables, own.gpus);
      t.cpus = std::move(own.cpus);
      work.tasks.push_back(std::move(t));
    }
  }
  return work;
}

void shell_core::on_failed(const std::string& host, const std::string& what, int error,
                           bool of_command, const std::string& why) {
  ++started_;
  ++ended_;
  auto code = of_command && error == ENOENT ? 127 : 126;
  if (!report_.failure.empty())
    return; // the first failure is the cause
  report_.status = code << 8;
  report_.failure = fmt::format("{}: {}", host, what);
  if (error != 0)
    report_.failure += fmt::format(": {}", !why.empty()                    ? why
                                           : of_command && error == ENOENT ? "command not found"
                                                                           : std::strerror(error));
}

void shell_core::on_exited(int wait_status, const usage& used) {
  ++ended_;
  if (report_.failure.empty())
    report_.status = worse_status(report_.status, wait_status);
  report_.used.add(used);
}

void shell_core::note_end(std::string how, int wait_status, bool is_bad) {
  if (is_bad && shell_code(wait_status) > shell_code(worst_status_)) {
    worst_end_ = how;
    worst_status_ = wait_status;
  }
  if (is_bad && first_bad_.empty())
    first_bad_ = how;
  if (first_end_.empty())
    first_end_ = std::move(how);
}

void shell_core::on_broken(const std::string& host, const std::string& what, int wait_status) {
  if (!report_.failure.empty())
    return;
  report_.status = wait_status;
  report_.failure = fmt::format("{}: {}", host, what);
}

void shell_core::break_off(const std::string& host, std::string what, int wait_status) {
  auto of_tasks = report_.status;
  if (of_tasks != 0 && shell_code(of_tasks) >= shell_code(wait_status)) {
    wait_status = of_tasks;
    if (worst_status_ == of_tasks && what.find(worst_end_) == what.npos)
      what += "; " + worst_end_;
  }
  on_broken(host, what, wait_status);
}

job_report shell_core::report(bool ended) const {
  auto r = report_;
  r.started = all_started() && report_.failure.empty();
  r.task_ended = ended_ > 0;
  r.tasks_ended = all_ended();
  r.ended = ended;
  if (!ended) {
    r.used = {}; // it is summed once
    r.warning = worst_end_.empty() ? first_end_ : worst_end_;
  } else if (r.failure.empty() && !worst_end_.empty()) { // else that is the cause
    auto end = worst_end_;
    if (first_bad_ != worst_end_) // it may be why the other ended so
      end += ", after " + first_bad_;
    r.warning = end + (r.warning.empty() ? "" : "; ") + r.warning;
  }
  return r;
}

} // namespace hactor
