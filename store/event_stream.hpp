// The lines in which an instance tells of its events (doc/client-protocol.md): every event of every
// job passes here once for each that reads along.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "store/event.hpp"

namespace hactor {

/// Writes one event after the other. Neighbours mostly are of one moment or of one job: what was
/// written for those serves again.
class stream_writer {
public:
  /// Appends {"seq":N,"id":"f...","t_ns":N,"timestamp":S.N,"name":"...","context":{...},
  /// "state":"SCHED"}\n
  void append(std::string& out, uint64_t seq, const job_event& e);

  struct piece {
    std::array<char, 96> text;
    size_t size = 0; // 0: of nothing yet
  };

private:
  job_id id_{};
  int64_t t_ns_ = 0;
  piece id_text_, time_text_;
};

/// Appends the line that stands in the stream for events [from, next) that are no longer kept:
/// {"seq":next-1,"name":"gap","context":{"events":N}}\n
void append_gap_line(std::string& out, uint64_t from, uint64_t next);

} // namespace hactor
