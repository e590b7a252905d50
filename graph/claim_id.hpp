// The ids under which the ledger knows claims: what programs hold that are no jobs of the instance
// (reapi, doc/graph.md). Claims have numbers of their own, so that none can be taken for a job:
// ids of jobs begin with a time, and these are those of 17 to 25 years after an instance's start.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "runtime/ids.hpp"

namespace hactor {

/// Numbers of claims are less.
inline constexpr uint64_t claims_max = uint64_t{1} << 62;

/// Requires: number < claims_max.
inline job_id claim_id(uint64_t number) { return {claims_max * 2 + number}; }

inline bool is_claim(job_id id) { return id.value >= claims_max * 2 && id.value < claims_max * 3; }

/// Requires: is_claim.
inline uint64_t claim_number(job_id id) { return id.value - claims_max * 2; }

} // namespace hactor
