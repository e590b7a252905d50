// The broker's handle for the transport thread, which starts before there is a broker and may tell
// it of losses while it ends.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <mutex>

#include "actors/interfaces.hpp"

namespace hactor {

struct broker_slot {
  std::mutex mutex;
  broker_actor broker;

  void set(broker_actor b) {
    std::lock_guard guard{mutex};
    broker = std::move(b);
  }
  void clear() {
    std::lock_guard guard{mutex};
    broker = nullptr;
  }
  void tell(rank_t lost) {
    std::lock_guard guard{mutex};
    if (broker)
      caf::anon_send(broker, rank_lost{lost});
  }
};

} // namespace hactor
