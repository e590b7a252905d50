// KVS: the key-value store of an instance, on its lead rank (doc/kvs.md). It hands what has changed
// to the JOURNAL, and reads what is durable from the journal's tables itself.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "actors/interfaces.hpp"
#include "actors/kvs_core.hpp"

namespace hactor {

struct kvs_setup {
  std::shared_ptr<journal> store;
  journal_actor writer;
  uint32_t owner = 0; // user
  std::string title;  // in the log
};

struct kvs_state : kvs_out {
  static inline const char* name = "kvs";
  using pointer = kvs_actor::stateful_pointer<kvs_state>;

  explicit kvs_state(pointer self) : self{self} {}

  void answer_commit(uint64_t request, const kvs_root& root) override;
  void answer_space(uint64_t request, const kvs_spaces& spaces) override;
  void refuse(uint64_t request, const caf::error& e) override;
  void commit(kvs_change change) override;
  void tell(uint64_t watch, const kvs_changed& what) override;
  void end_watch(uint64_t watch) override;

  /// What is in the mailbox already comes before this message to ourselves: that is the group.
  void flush_soon();

  pointer self;
  kvs_setup setup;
  std::unique_ptr<kvs_core> core;
  caf::error broken; // the store could not be read
  bool flushing = false;
  uint64_t last_request = 0;
  std::map<uint64_t, caf::typed_response_promise<kvs_root>> commits;
  std::map<uint64_t, caf::typed_response_promise<kvs_spaces>> spaces;
  struct who {
    caf::actor handle;
    uint64_t tag;
  };
  std::map<uint64_t, who> watchers;
  std::map<std::pair<caf::actor_addr, uint64_t>, uint64_t> watches; // by subscriber and tag
  uint64_t last_watch = 0;
};

kvs_actor::behavior_type kvs_service(kvs_state::pointer self, kvs_setup setup);

} // namespace hactor
