// What the methods of the client protocol share, and those that are not in the file of the table.
// Callers: client_methods.cpp, client_resources.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>

#include "actors/connector.hpp"

namespace hactor {

/// True when the parameters were wrong and the client was told so.
bool refused(const client_call& c, const client_params& p);

/// Answers the client with an error.
std::function<void(const caf::error&)> fail_call(const client_call& c);

/// Calls `use` with the lead's services, or answers the client with the error.
void with_lead(const client_call& c, std::function<void(const rank_services&)> use);

void list_resources(const client_call& c, client_params& p);
void drain_resources(const client_call& c, client_params& p);
void ask_queues(const client_call& c, client_params& p);
void explain_job(const client_call& c, client_params& p);

} // namespace hactor
