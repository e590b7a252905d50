// The actors of one rank, made in the order in which they need each other.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>

#include "actors/binding.hpp"
#include "actors/broker.hpp"
#include "actors/connector.hpp"
#include "actors/graph_changes.hpp"
#include "actors/guarded.hpp"
#include "actors/job_manager_core.hpp"
#include "actors/job_spec.hpp"
#include "actors/output_gate.hpp"
#include "actors/scheduler_core.hpp"
#include "actors/task_host.hpp"
#include "graph/rset.hpp"
#include "runtime/config.hpp"
#include "runtime/transport.hpp"
#include "store/journal.hpp"
#include "store/spool.hpp"

namespace hactor {

/// What a rank's actors are made of.
struct service_parts {
  transport* net = nullptr; // outlives the actor system
  std::shared_ptr<config> attributes;
  std::shared_ptr<task_host> tasks;
  std::shared_ptr<output_gate> gate;
  std::shared_ptr<spool> output;
  std::string uri;
  std::string rundir;
  std::shared_ptr<const machine_cpus> machine; // null: resources are pretended
  std::string pmix_spaces; // what no stranger can guess: with it begin the names of MPI jobs
  int64_t epoch_ns = 0;
  int64_t started_ns = 0;
  uint64_t last_id_ms = 0;
  std::function<bool(std::string)> on_shutdown;
  std::function<void(rank_t)> on_peer_lost;
  std::function<void()> on_lead_lost;
  service_failed on_service_failed;
  // lead only
  std::shared_ptr<journal> store;
  std::shared_ptr<spec_cache> specs;
  std::shared_ptr<job_manager_core> restored;
  rset resources;
  scheduler_settings scheduling;
  std::shared_ptr<resource_graph>
      graph; // of a file, or what was found; null: made of the resources
  graph_changes changes; // that are in the graph
};

/// The handles that main itself needs.
struct rank_actors {
  broker_actor broker;
  connector_actor connector;
  job_manager_actor job_manager; // lead only
  resource_actor resource;       // likewise
  std::vector<caf::actor> all;   // in the order of their making
  std::vector<std::pair<std::string, caf::actor>> named; // those who answer waits_atom
  std::vector<caf::actor> modules; // of users: they end first, whether they want or not
};

/// Makes and publishes the actors. On other ranks it waits for the lead's. Errors: ec::timed_out,
/// ec::rank_lost, ec::system_failed.
caf::expected<rank_actors> start_services(caf::actor_system& system, const service_parts& parts);

/// The instance ends at another time than it did, in seconds since 1970; 0: at none. On the lead.
void move_end(const rank_actors& actors, double expiration);

/// Writes to the log what each of them waits for, a line each; who does not answer within 2 s is
/// said not to.
void log_waits(caf::actor_system& system, const rank_actors& actors);

/// Ends them all, users' modules first, the others in the reverse order of their making.
void stop_services(rank_actors& actors);

} // namespace hactor
