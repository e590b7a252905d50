// The services that an instance has once, on its lead rank: the outermost one's, and those of
// nested ones.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/events.hpp"
#include "actors/graph_changes.hpp"
#include "actors/id_source.hpp"
#include "actors/interfaces.hpp"
#include "actors/job_manager_core.hpp"
#include "actors/job_spec.hpp"
#include "actors/rank_map.hpp"
#include "actors/scheduler_core.hpp"
#include "actors/service_maker.hpp"
#include "graph/rset.hpp"
#include "runtime/config.hpp"
#include "store/journal.hpp"

namespace hactor {

/// What they are made of.
struct lead_parts {
  std::shared_ptr<journal> store;
  std::shared_ptr<spec_cache> specs;
  std::shared_ptr<job_manager_core> restored; // null: nothing was there
  rset resources;
  scheduler_settings scheduling;
  std::shared_ptr<resource_graph> graph; // null: made of the resources
  std::shared_ptr<const config> attributes;
  graph_changes changes; // that people made in the graph before
  rank_map where;
  std::string instance; // path; "": the outermost
  std::vector<int64_t> memory; // of its jobs' launches (launch_request)
  rank_t rank = 0;      // of this broker
  broker_actor broker;
  exec_actor exec;
  std::shared_ptr<id_source> ids; // of this rank
  events_setup stream; // what of it does not come from the store
};

struct lead_services {
  events_actor events;
  job_manager_actor job_manager;
  resource_actor resource;
  archive_actor archive;
  kvs_actor kvs;
  scheduler_actor scheduler; // or what stands in its place
  bool distributes = false;  // a distributor stands there
};

lead_services make_lead_services(service_maker& m, lead_parts p);

} // namespace hactor
