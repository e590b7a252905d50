// Sending from a handler of the poller. On the transport thread the receiver may take its turn
// right there (guests.hpp), which spares waking a worker; elsewhere it is as caf::anon_send.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <caf/abstract_actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/execution_unit.hpp>
#include <caf/mailbox_element.hpp>

namespace hactor {

/// The execution unit of the transport thread when it is the calling one, else nullptr.
caf::execution_unit* unit_here() noexcept;

/// Sends without a sender, and so without an answer.
template <class Handle, class... Ts>
void send_here(const Handle& to, Ts&&... xs) {
  auto what = caf::make_mailbox_element(nullptr, caf::make_message_id(), caf::no_stages,
                                        std::forward<Ts>(xs)...);
  caf::actor_cast<caf::abstract_actor*>(to)->enqueue(std::move(what), unit_here());
}

} // namespace hactor
