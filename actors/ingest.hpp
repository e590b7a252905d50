// INGEST: the door for jobs. Reads and checks jobspecs (spec_reader), asks the scheduler
// whether each could ever run, gives ids, and hands them to the job manager; the client's answer is
// the job manager's, when all is durable. Any rank, so that parsing is not the lead's work alone.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <memory>

#include "actors/id_source.hpp"
#include "actors/interfaces.hpp"
#include "actors/spec_reader.hpp"

namespace hactor {

struct ingest_peers {
  scheduler_actor scheduler;
  job_manager_actor job_manager;
};

struct ingest_state {
  static inline const char* name = "ingest";
  using pointer = ingest_actor::stateful_pointer<ingest_state>;

  ingest_peers peers;
  std::shared_ptr<spec_cache> specs;
  std::unique_ptr<spec_reader> reader;
  std::shared_ptr<id_source> ids;
  int64_t requests = 0, jobs = 0;
};

/// `default_duration_s` is that of spec_reader.
ingest_actor::behavior_type ingest_service(ingest_state::pointer self, ingest_peers peers,
                                           std::shared_ptr<spec_cache> specs,
                                           std::shared_ptr<id_source> ids,
                                           double default_duration_s);

} // namespace hactor
