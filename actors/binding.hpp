// Which CPUs and GPUs each task of a job gets on one node: from what the job asked
// (graph/affinity), what it was granted, and what the machine has. Called by shell_core.
//
// Where nothing real is granted (resource.fake, a graph of other hosts) nothing is bound. Where
// ranks of one host share cores, the same core is granted by each of them; binding to it would let
// tasks crowd there while others idle, so it is done only when asked for.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/affinity.hpp"
#include "graph/nearness.hpp"
#include "graph/rset.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// The machine under a broker.
struct machine_cpus {
  std::string host;             // as R names it
  std::vector<idset> core_cpus; // by logical core: the operating system's numbers
  bool shared = false;          // other brokers of the host have the same cores
  std::vector<near_group> near{}; // of the whole machine
};

/// What one task gets.
struct task_binding {
  idset cpus; // OS numbers; empty: not bound
  idset gpus; // as R names them
};

struct node_binding {
  std::vector<task_binding> tasks; // by local id
  const char* unbound = nullptr;   // why no task is bound; null when they are
};

/// Binds `count` tasks to their parts of `share`, which is of `host`. `here` is null when all
/// resources are pretended. `near`: what R says of the node; where it says nothing the machine is
/// asked. Errors: ec::bad_argument, when what a person asked for cannot be done.
caf::expected<node_binding> bind_tasks(const affinity& cpus, const affinity& gpus,
                                       const node_share& share, std::string_view host,
                                       const machine_cpus* here, uint32_t count,
                                       std::span<const near_group> near = {});

/// True when tasks are bound where their job has cores of this machine.
bool binds(const affinity& how, const machine_cpus& here);

/// Tasks that are not bound get `within`, which is what the instance of their job may use on this
/// node; empty: all.
void confine(node_binding& node, const idset& within);

/// The CPUs of `share`'s cores, which is of `host`; nothing when its resources are pretended.
std::optional<idset> cpus_of_share(const node_share& share, std::string_view host,
                                   const machine_cpus* here);

/// A line about one task, for --verbose.
std::string describe_binding(uint32_t task, std::string_view host, const node_binding& node,
                             const task_binding& of);

/// Appends "NAME=VALUE\0" texts by which the libraries of CUDA, ROCm and oneAPI see these GPUs and
/// no others.
void append_visible_gpus(std::string& variables, const idset& gpus);

/// True for the names that append_visible_gpus sets.
bool is_gpu_variable(std::string_view name);

} // namespace hactor
