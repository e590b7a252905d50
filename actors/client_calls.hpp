// What the methods of the client protocol share, and those that are not in the file of the table.
// Callers: client_methods.cpp, client_resources.cpp, client_kvs.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/connector.hpp"

namespace hactor {

/// True when the parameters were wrong and the client was told so.
bool refused(const client_call& c, const client_params& p);

/// Answers the client with an error.
std::function<void(const caf::error&)> fail_call(const client_call& c);

/// Calls `use` with the lead's services, or answers the client with the error.
void with_lead(const client_call& c, std::function<void(const rank_services&)> use);

/// A request for whoever looks, who is not kept waiting by all that happens. On this rank it goes
/// ahead of what waits; CAF 0.17 loses the answers of such requests between ranks.
template <class Actor, class What>
auto ask_soon(connector_state::pointer self, const caf::actor& whom, caf::duration deadline,
              What&& what) {
  auto to = caf::actor_cast<Actor>(whom);
  return whom.node() == self->node()
           ? self->request<caf::message_priority::high>(to, deadline, std::forward<What>(what))
           : self->request(to, deadline, std::forward<What>(what));
}

/// Why jobs wait, of those for which the scheduler has more to say than that they are next.
using waiting_reasons = std::unordered_map<job_id, job_reason>;

/// Jobs of a listing of which is asked why they wait, the first in the queue: a reason costs the
/// scheduler microseconds, and `hactor jobs` shows so many unless told otherwise.
inline constexpr size_t explained_jobs_max = 1'000;

/// Asks the scheduler about those of the jobs that are in its hands, the first so many. When it
/// does not answer there are no reasons.
void with_reasons(const client_call& c, const rank_services& lead,
                  const std::vector<job_summary>& jobs,
                  std::function<void(const waiting_reasons&)> use);

void start_instance(const client_call& c, client_params& p);
void wait_instance(const client_call& c, client_params& p);
void list_resources(const client_call& c, client_params& p);
void drain_resources(const client_call& c, client_params& p);
void grow_instance_of(const client_call& c, client_params& p);
/// Its client has gone, and wants nothing any more.
void withdraw_growth(const client_call& c, const resize_request& wish);
void shrink_instance_of(const client_call& c, client_params& p);
void ask_graph(const client_call& c, client_params& p);
void ask_claims(const client_call& c, client_params& p);
void ask_scheduler(const client_call& c, client_params& p);
void ask_queues(const client_call& c, client_params& p);
void commit_kvs(const client_call& c, client_params& p);
void get_kvs(const client_call& c, client_params& p);
void list_kvs(const client_call& c, client_params& p);
void tell_kvs_root(const client_call& c, client_params& p);
void change_kvs_spaces(const client_call& c, client_params& p);
void job_info(const client_call& c, client_params& p);
void explain_job(const client_call& c, client_params& p);
void list_job_waits(const client_call& c, client_params& p);

} // namespace hactor
