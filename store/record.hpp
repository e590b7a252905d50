// Byte forms of the journal's values: a job's record and a chunk of the event log. Both end or
// begin with a check seeded by their key, so that a value that lies under the wrong key is seen as
// well. Format: doc/store-format.md. Callers: journal*.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "store/journal.hpp"

namespace hactor {

/// Bytes of the largest chunk that LMDB keeps within a page of 4 KiB, two a page: (4096 - 16 of
/// page head) / 2, less 2 of index, 8 of node head and 8 of key. Chunks of one event may be larger.
inline constexpr size_t chunk_bytes_max = 2022;

/// Appends the record's bytes. `first_sequence` is written in place of the record's own.
void encode_record(std::string& out, const job_record& r, uint64_t first_sequence);

/// Reads what encode_record wrote for job `id`; without `with_events` the record's events stay
/// empty. Errors: ec::store_corrupt.
caf::error decode_record(std::string_view in, job_id id, bool with_events, job_record& r);

/// Reads only the fields that commit() needs of an older record. Errors: ec::store_corrupt.
struct record_head {
  spec_hash spec;
  bool ended = false;
  int64_t t_end_ns = 0;
  uint64_t first_sequence = 0;
  uint64_t label = 0; // 0: none, and then no time of its submission
  int64_t t_submit_ns = 0;
};
caf::error decode_record_head(std::string_view in, record_head& h);

/// One value of the log: `count` events from `sequence` on, in bytes[offset, offset + size).
struct chunk_extent {
  uint64_t sequence = 0;
  uint32_t count = 0;
  size_t offset = 0, size = 0;
};

/// Cuts events numbered from `sequence` on into chunks; their bytes are appended to `out`.
void encode_chunks(std::string& out, std::vector<chunk_extent>& chunks, uint64_t sequence,
                   const std::vector<job_event>& events);

/// Checks one chunk and returns how many events it holds. Errors: ec::store_corrupt.
caf::expected<uint32_t> check_chunk(std::string_view chunk, uint64_t sequence);

/// Checks and decodes the chunk that begins at `sequence`; calls `f` for its events numbered >=
/// since until it returns false, which sets `*stopped`. When an event cannot be read, those before
/// it have been given to `f`. `*next` becomes the number after the last good event.
/// Errors: ec::store_corrupt.
caf::error decode_chunk(std::string_view chunk, uint64_t sequence, uint64_t since,
                        const std::function<bool(uint64_t, const job_event&)>& f, uint64_t* next,
                        bool* stopped);

} // namespace hactor
