// OUTPUT: what the tasks of this rank wrote, in the rank's spool; the only writer of it. Readers
// pull at their own pace, so one that stalls costs nothing; a task that outruns the disk is slowed
// by the gate. One actor a rank.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>
#include <variant>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/output_gate.hpp"
#include "store/spool.hpp"

namespace hactor {

struct output_state {
  static inline const char* name = "output";
  using pointer = output_actor::stateful_pointer<output_state>;

  struct waiting_reader {
    caf::actor handle;
    uint64_t tag;
  };
  struct live_job {
    std::vector<spool_part> index;
    std::vector<waiting_reader> waiting;
    bool is_read = false;    // somebody has asked for it
    uint64_t before = 0;     // address of the index that an earlier attempt left, if any
    size_t before_parts = 0; // at the front of the index: that attempt's
  };
  using forgotten_job = std::pair<job_id, uint64_t>; // with the address of its index

  /// Something that must wait until the disk has room, in its order.
  struct stuck_seal {
    job_id id;
    caf::typed_response_promise<output_sealed> promise;
  };
  using stuck_work = std::variant<output_append, stuck_seal>;

  rank_t rank = 0;
  std::shared_ptr<spool> store;
  std::shared_ptr<output_gate> gate;
  std::unordered_map<job_id, live_job> live; // not sealed yet
  std::deque<stuck_work> stuck;
  int64_t bytes = 0;
  bool complained = false; // of a full disk, until it works again
  bool retry_armed = false;
  // Ended jobs that somebody is reading, by the addresses of their indexes: when they last read.
  std::unordered_map<uint64_t, int64_t> reading;
  size_t reading_max = 1000; // when those are looked for who do not come any more
  std::vector<forgotten_job> kept_for_readers; // forgotten, once they are read
  bool look_armed = false;
};

output_actor::behavior_type output_service(output_state::pointer self, rank_t rank,
                                           std::shared_ptr<spool> store,
                                           std::shared_ptr<output_gate> gate);

} // namespace hactor
