// What jobs wrote, when the jobs are forgotten: their records name the brokers that have it, and
// these are told. Callers: the journal, and an instance that ends.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <chrono>
#include <map>
#include <utility>

#include "actors/interfaces.hpp"
#include "actors/job_manager_core.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"
#include "store/journal.hpp"

namespace hactor {

/// The output of some jobs.
struct outputs_by_rank {
  std::map<rank_t, output_forget> ranks;

  void add(const job_record& r) {
    for (auto& [rank, address] : decode_extra(r.extra).outputs)
      ranks[rank].jobs.emplace_back(r.id, address);
  }
};

/// Tells the brokers. What one that is not there has is left to it.
template <class Self>
void forget_outputs(Self* self, const broker_actor& broker, outputs_by_rank outputs) {
  for (auto& [rank, forget] : outputs.ranks)
    self->request(broker, std::chrono::seconds(limits::request_timeout_s), peer_request{rank})
      .then(
        [self, forget = std::move(forget)](const rank_services& s) {
          self->send(caf::actor_cast<output_actor>(s.output), forget);
        },
        [rank = rank](const caf::error& e) {
          log_debug("output of forgotten jobs stays on rank {}: {}", rank, render(e));
        });
}

} // namespace hactor
