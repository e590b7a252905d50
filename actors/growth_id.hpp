// The ids under which a job manager asks its scheduler for what a job is to have besides its first
// grant. No job has such an id: ids of jobs begin with the time, and these are the last quarter of
// a second of the 34 years that it counts.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "graph/claim_id.hpp"
#include "runtime/ids.hpp"

namespace hactor {

inline constexpr uint64_t growths_max = uint64_t{1} << 32;

/// Requires: n < growths_max.
inline job_id growth_id(uint64_t n) { return {UINT64_MAX - n}; }

inline bool is_growth(job_id id) { return id.value > UINT64_MAX - growths_max; }

/// As a part of a sentence: "job fA2", or what stands behind the id of a growth or a claim.
inline std::string holder_text(job_id id) {
  return is_growth(id)  ? "a job that grows"
         : is_claim(id) ? "claim " + std::to_string(claim_number(id))
                        : "job " + to_string(id);
}

} // namespace hactor
