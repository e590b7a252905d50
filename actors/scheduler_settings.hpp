// From what a person sets to what the scheduler works with: attributes sched.* and resource.graph,
// and the states of queues that outlive a restart.
// Callers: mpi-boot (at the start), scheduler.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/scheduler_core.hpp"
#include "graph/resource_graph.hpp"
#include "runtime/config.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// Reads sched.policy, sched.queue_depth, sched.reservation_depth, sched.match, sched.queues,
/// sched.default_queue, sched.traverser, sched.match_format and sched.prune_filters. Errors:
/// ec::bad_argument, naming the attribute.
caf::expected<scheduler_settings> read_scheduler_settings(const config& attributes);

/// The attributes that read_scheduler_settings reads, with their values.
std::vector<std::pair<std::string, std::string>> changeable_settings(const config& attributes);

/// Sets some of these. Errors: ec::not_permitted (another attribute), those of config::set.
caf::error change_settings(config& attributes,
                           const std::vector<std::pair<std::string, std::string>>& to);

/// Sets an attribute of a nested instance. Errors: ec::bad_argument (not one of its own: sched.*,
/// retention.*), those of config::set.
caf::error set_of_nested(config& to, std::string_view name, std::string_view value);

/// The text of sched.queues: queues separated by ";", each a name and key=value pairs: policy,
/// depth, reservations, requires (properties, comma separated), hosts (a hostlist), ranks (an
/// idset). What a queue does not say is as in `otherwise`. Errors: ec::bad_argument.
caf::expected<std::vector<queue_settings>> parse_queues(const std::string& text,
                                                        const queue_settings& otherwise);

/// Where the graph of an instance comes from, and what of it.
struct graph_source {
  std::string path;                   ///< Of a file; "": what is really there.
  std::string format;                 ///< Of the file.
  std::string nested;                 ///< Subsystems with commas between.
  std::string subsystems;             ///< Those that requests are matched in; "": all.
  std::vector<std::string> allowlist; ///< Types; none: all.

  bool has(std::string_view type) const {
    return allowlist.empty()
           || std::find(allowlist.begin(), allowlist.end(), type) != allowlist.end();
  }
};

/// Reads resource.graph, sched.graph_format, resource.nested, resource.subsystems and
/// resource.allowlist. Errors: ec::bad_argument, naming the attribute.
caf::expected<graph_source> read_graph_source(const config& attributes);

/// A graph of a file, and what R says of it. Errors: as read_graph and resource_pool::make,
/// starting with the file; ec::system_failed.
struct graph_inventory {
  std::shared_ptr<resource_graph> graph;
  rset all;
};
caf::expected<graph_inventory> load_graph(const graph_source& from);

/// What a person should be told at the start, a sentence each: settings without effect, queues
/// without nodes, and where a graph and the brokers do not meet.
std::vector<std::string> scheduling_notes(const config& attributes,
                                          const scheduler_settings& settings, const rset& all,
                                          uint32_t brokers);

/// Those of them that are about queues and policies, which a reload changes.
std::vector<std::string> queue_notes(const config& attributes, const scheduler_settings& settings,
                                     const rset& all);

/// The states of all queues as JSON, and back; queues that are no more are passed over.
std::string queue_states_json(const scheduler_core& core);
void restore_queue_states(const std::string& text, scheduler_core& core);

} // namespace hactor
