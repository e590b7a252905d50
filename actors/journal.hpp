// JOURNAL and ARCHIVE: the two actors before store/journal. The journal is the only writer, and
// commits together whatever has gathered while the last commit ran; the archive reads what is
// durable, so that a listing of a million ended jobs never delays a commit.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cmath>
#include <deque>
#include <memory>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/job_manager_core.hpp"
#include "actors/job_spec.hpp"

namespace hactor {

/// How long the journal keeps jobs that have ended.
struct retention {
  double age_s = HUGE_VAL;
  uint64_t count = UINT64_MAX;
};

struct journal_state {
  static inline const char* name = "journal";
  std::shared_ptr<journal> store;
  events_actor events;
  journal_batch gathered;
  struct part {
    uint64_t events; // how many of the batch are this requester's
    caf::typed_response_promise<committed> promise;
  };
  std::vector<part> parts;
  bool flushing = false;
  retention keep;
  std::string title; // in the log
  struct purge {
    purge_request request;
    caf::typed_response_promise<count_reply> promise; // none: by retention
    uint64_t count = 0;
  };
  std::deque<purge> purges; // the first is under way
  bool begun = false;       // until the KVS has come nothing is purged
  kvs_actor kvs;            // has what the jobs kept; null: it cannot tell
  broker_actor broker;      // knows who has what they wrote
  int64_t commits = 0, committed_events = 0;
};

/// Commits to `store` and passes what was committed on to `events`. Spawn detached.
journal_actor::behavior_type journal_service(journal_actor::stateful_pointer<journal_state> self,
                                             std::shared_ptr<journal> store, events_actor events,
                                             broker_actor broker, retention keep,
                                             std::string title);

struct archive_state {
  static inline const char* name = "archive";
  std::shared_ptr<journal> store;
  std::shared_ptr<spec_cache> specs;
};

/// Reads from `store`. Spawn detached.
archive_actor::behavior_type archive_service(archive_actor::stateful_pointer<archive_state> self,
                                             std::shared_ptr<journal> store,
                                             std::shared_ptr<spec_cache> specs);

} // namespace hactor
