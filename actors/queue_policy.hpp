// In which order the jobs of a queue are looked at, which of them are promised a time, and whether
// one that does not fit holds up the others. A policy is data and an order; the pass that follows
// it is scheduler_core's. Users may load their own (graph/policy.h).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "graph/request.hpp"
#include "runtime/error.hpp"
#include "runtime/ids.hpp"

namespace hactor {

/// What an order may look at.
struct job_facts {
  job_id id;
  uint32_t priority = 16;
  int64_t t_submit_ns = 0;
  const resource_request* request = nullptr;
};

class queue_policy {
public:
  virtual ~queue_policy() = default;

  /// A strict order of any two jobs: priority, then submit time, then id.
  virtual bool before(const job_facts& a, const job_facts& b) const;

  /// True once a user's order has failed: from then on the usual one holds.
  virtual bool gave_up() const { return false; }

  std::string name;
  uint32_t reservation_depth = 0; ///< Jobs that do not fit now and are promised a time.
  bool stop_at_blocked = false;   ///< Nothing behind a job that does not fit is looked at.
};

/// What EASY, HYBRID and CONSERVATIVE differ in.
inline constexpr uint32_t hybrid_depth_default = 64;
inline constexpr uint32_t reservation_depth_max = 100'000;

/// By name (fcfs, easy, hybrid, conservative), or from a library by its path. `reservation_depth`:
/// 0 for the policy's own; only hybrid and libraries take another. Errors: ec::bad_argument, naming
/// what was asked and the names that there are; as load_policies.
caf::expected<std::shared_ptr<const queue_policy>> make_queue_policy(const std::string& name,
                                                                     uint32_t reservation_depth);

} // namespace hactor
