// INSTANCE: a nested instance, on the first rank of the job whose grant it has. It makes the
// services that an instance has once, and ends when the process that asked for it has ended: first
// what runs in it, then the services, then itself. Brokers, execs and outputs are those of the
// system around it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "actors/id_source.hpp"
#include "actors/interfaces.hpp"
#include "actors/job_spec.hpp"
#include "actors/service_maker.hpp"
#include "runtime/poller.hpp"
#include "store/journal_pool.hpp"

namespace hactor {

/// What all nested instances led by this rank share.
struct instance_context {
  poller* sockets = nullptr; // outlives the actor system
  rank_t rank = 0;
  uint32_t brokers = 1;
  std::string uri;    // of the outermost instance, on this rank
  uint32_t owner = 0; // user id
  uint32_t level = 0; // of the outermost instance
  std::chrono::nanoseconds patience = std::chrono::seconds{11}; // for the jobs of one that ends
  std::shared_ptr<spec_cache> specs;
  std::shared_ptr<id_source> ids;
  std::shared_ptr<journal_pool> journals;
};

class process_watch;

struct instance_state {
  static inline const char* name = "instance";
  using pointer = instance_actor::stateful_pointer<instance_state>;

  explicit instance_state(pointer self) : self{self} {}
  ~instance_state();

  caf::error start(const instance_request& r);
  /// `of_script`: its script ends with it, as that of an outermost instance does.
  void end(const std::string& reason, bool of_script);
  void finish();
  void forget_what_jobs_wrote();

  pointer self;
  std::shared_ptr<const instance_context> context;
  broker_actor broker;
  exec_actor exec;
  job_id job;
  instance_reply about;
  std::shared_ptr<journal> store;
  job_manager_actor job_manager;
  bool distributes = false; // to children of its own
  resource_actor resource;
  scheduler_actor scheduler;
  std::vector<caf::actor> services;
  std::vector<caf::actor> watchers; // connectors, which hear of changes of its nodes
  std::shared_ptr<process_watch> watch; // over the process that asked for it
  bool ending = false;
  bool ends_script = false; // it still runs, and nobody else tells it to end
};

instance_actor::behavior_type instance_service(instance_state::pointer self,
                                               std::shared_ptr<const instance_context> context,
                                               broker_actor broker, exec_actor exec,
                                               const instance_request& request);

} // namespace hactor
