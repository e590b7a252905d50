// SCHEDULER: the actor around scheduler_core. Passes are coalesced: however many messages ask for
// one, one pass follows what is in the mailbox.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <memory>

#include "actors/interfaces.hpp"
#include "actors/job_spec.hpp"
#include "actors/scheduler_core.hpp"

namespace hactor {

struct scheduler_state : scheduler_out {
  static inline const char* name = "scheduler";
  using pointer = scheduler_actor::stateful_pointer<scheduler_state>;

  explicit scheduler_state(pointer self) : self{self} {}
  void granted(job_id id, rset&& resources) override;
  void denied(job_id id, std::string note) override;
  void cancelled(job_id id) override;

  void want_pass();
  void tell();

  pointer self;
  job_manager_actor job_manager;
  std::shared_ptr<spec_cache> specs;
  scheduler_core core;
  alloc_decision decision;
  bool pass_wanted = false;
  int64_t passes = 0, grants = 0;
};

scheduler_actor::behavior_type scheduler_service(scheduler_state::pointer self,
                                                 std::shared_ptr<spec_cache> specs);

} // namespace hactor
