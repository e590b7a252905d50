// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/binding.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace hactor {

namespace {

constexpr std::array gpu_variables{"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER",
                                   "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES",
                                   "ZE_AFFINITY_MASK"};

/// The CPUs of the job's cores. Errors: ec::bad_argument when the machine has not such a core.
caf::expected<idset> cpus_of(const idset& cores, const machine_cpus& here) {
  idset cpus;
  for (auto core : cores.expand()) {
    if (core >= here.core_cpus.size())
      return make_error(ec::bad_argument, fmt::format("core {} was granted, but there are {} here",
                                                      core, here.core_cpus.size()));
    cpus.add_all(here.core_cpus[core]);
  }
  return cpus;
}

bool is_pretended(std::string_view host, const machine_cpus* here) {
  return here == nullptr || (!host.empty() && host != here->host);
}

/// Why tasks are left unbound although nobody refused; null when they are to be bound.
const char* reason_to_leave(const affinity& how, const node_share& share, std::string_view host,
                            const machine_cpus* here) {
  if (how.kind == affinity_kind::off)
    return "off";
  if (is_pretended(host, here))
    return "the resources are pretended";
  if (how.dry_run)
    return "dry-run";
  if (how.asked)
    return nullptr;
  if (here->shared)
    return "other ranks share the cores";
  return share.cores.empty() ? "the job has no cores here" : nullptr;
}

caf::error bind_cpus(const affinity& how, const node_share& share, const machine_cpus& here,
                     const std::vector<task_parts>& dealt, node_binding& to) {
  if (share.cores.empty())
    return make_error(ec::bad_argument, "the job has no cores here to which its tasks could be "
                                        "bound");
  auto count = static_cast<uint32_t>(to.tasks.size());
  auto all = cpus_of(share.cores, here);
  if (!all)
    return std::move(all.error());
  for (uint32_t i = 0; i < count; ++i) {
    // Whole cores are dealt; a map names CPUs, which are less.
    auto part = how.kind == affinity_kind::per_task
                    ? cpus_of(dealt[i].cores, here)
                    : task_share(how, *all, i, "CPUs");
    if (!part)
      return std::move(part.error());
    to.tasks[i].cpus = std::move(*part);
  }
  return {};
}

std::string list_of(const idset& ids) { return fmt::format("{}", fmt::join(ids.expand(), ",")); }

} // namespace

caf::expected<node_binding> bind_tasks(const affinity& cpus, const affinity& gpus,
                                       const node_share& share, std::string_view host,
                                       const machine_cpus* here, uint32_t count,
                                       std::span<const near_group> near) {
  auto named = [host](const char* option, const caf::error& e) {
    return make_error(
        ec::bad_argument,
        fmt::format("{} on {}: {}", option, host.empty() ? "this node" : host, context_of(e)));
  };
  if (near.empty() && !is_pretended(host, here))
    near = here->near;
  auto dealt = deal_near(share.cores, share.gpus, near, count);
  node_binding result;
  result.tasks.resize(count);
  result.unbound = reason_to_leave(cpus, share, host, here);
  if (result.unbound == nullptr)
    if (auto e = bind_cpus(cpus, share, *here, dealt, result))
      return named("cpu-affinity", e);
  for (uint32_t i = 0; i < count; ++i) {
    if (gpus.kind == affinity_kind::off)
      break;
    if (gpus.kind == affinity_kind::per_task) {
      result.tasks[i].gpus = std::move(dealt[i].gpus);
      continue;
    }
    auto part = task_share(gpus, share.gpus, i, "GPUs");
    if (!part)
      return named("gpu-affinity", part.error());
    result.tasks[i].gpus = std::move(*part);
  }
  return result;
}

bool binds(const affinity& how, const machine_cpus& here) {
  return how.kind != affinity_kind::off && !how.dry_run && (how.asked || !here.shared);
}

void confine(node_binding& node, const idset& within) {
  if (node.unbound == nullptr || within.empty())
    return;
  node.unbound = nullptr;
  for (auto& task : node.tasks)
    task.cpus = within;
}

std::optional<idset> cpus_of_share(const node_share& share, std::string_view host,
                                   const machine_cpus* here) {
  if (is_pretended(host, here))
    return std::nullopt;
  auto cpus = cpus_of(share.cores, *here);
  if (!cpus || cpus->empty())
    return std::nullopt;
  return std::move(*cpus);
}

std::string describe_binding(uint32_t task, std::string_view host, const node_binding& node,
                             const task_binding& of) {
  auto where = node.unbound == nullptr ? "CPUs " + of.cpus.to_string()
                                       : fmt::format("not bound ({})", node.unbound);
  return fmt::format("hactor: task {} on {}: {}, {}\n", task, host, where,
                     of.gpus.empty() ? "no GPUs" : "GPUs " + of.gpus.to_string());
}

void append_visible_gpus(std::string& variables, const idset& gpus) {
  auto list = gpus.empty() ? std::string{"-1"} : list_of(gpus);
  // ROCm's lower library takes its list first and counts what is left from 0: so does HIP's list.
  auto of_those = gpus.empty() ? std::string{"-1"}
                               : list_of(idset::range(0, static_cast<uint32_t>(gpus.size()) - 1));
  // oneAPI knows no word for none; a number that no device has leaves none.
  auto mask = gpus.empty() ? std::string{"65535"} : list;
  const std::string* values[] = {&list, nullptr, &list, &of_those, &mask};
  for (size_t i = 0; i < gpu_variables.size(); ++i) {
    variables += gpu_variables[i];
    variables += '=';
    variables += values[i] == nullptr ? "PCI_BUS_ID" : *values[i];
    variables += '\0';
  }
}

bool is_gpu_variable(std::string_view name) {
  return std::find(gpu_variables.begin(), gpu_variables.end(), name) != gpu_variables.end();
}

} // namespace hactor
