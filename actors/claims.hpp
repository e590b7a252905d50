// Claims, as the scheduler's actor looks after them: what programs hold that are no jobs of the
// instance (scheduler_core.hpp). A claim stays until it is cancelled, also over a restart, unless
// the client that made it said that it is to end with it. Callers: scheduler.cpp alone.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>

#include "actors/scheduler.hpp"

namespace hactor {

caf::result<claim_reply> ask_claim(scheduler_state& st, const claim_request& r);

/// Ends the claims of a client of the connector that says so.
void end_claims_of(scheduler_state& st, const claimant_gone& gone);

/// Ends the claims of a client, or of all clients of a connector.
void drop_claims_of(scheduler_state& st, const caf::actor_addr& connector,
                    std::optional<uint64_t> client = {});

/// Says which claims were lost since it was asked last, and forgets them on disk too.
void tell_lost_claims(scheduler_state& st);

/// Takes up those of the instance before this one. What cannot be read is left out.
void restore_claims(scheduler_state& st, const std::string& text);

} // namespace hactor
