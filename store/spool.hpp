// Output of many jobs' tasks of one node in few files: append-only segments in which records of all
// jobs lie mixed, and per job one index record that says where its parts are. So a million small
// jobs make no million files, and their output never enters the journal.
// A record has a head with a check, so a torn tail is recognised; a segment is made when its first
// byte is written. Appended bytes are buffered, and readers see them at once all the same.
// One thread appends; any thread reads. Format: doc/store-format.md. Caller: actors (shell,
// output).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/error.hpp"
#include "runtime/ids.hpp"

namespace hactor {

/// One or more whole records that lie behind one another, heads included: where they begin in which
/// segment and how many bytes they take. Size 0 is nothing.
struct spool_extent {
  uint32_t segment = 0; // from 1
  uint64_t offset = 0;
  uint32_t size = 0;

  friend bool operator==(const spool_extent&, const spool_extent&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, spool_extent& x) {
    return f(x.segment, x.offset, x.size);
  }
};

/// A part of a job's output, in the order in which it was written.
struct spool_part {
  uint32_t task = 0;
  uint8_t stream = 0; // 1 stdout, 2 stderr
  spool_extent extent;

  friend bool operator==(const spool_part&, const spool_part&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, spool_part& x) {
    return f(x.task, x.stream, x.extent);
  }
};

/// Adds a part to a job's index: one that continues the last part of the same task and stream
/// lengthens it.
void add_part(std::vector<spool_part>& index, const spool_part& part);

struct spool_options {
  std::string directory;                // made with its first segment, mode 0700
  uint64_t segment_bytes = 64ull << 20; // at most 4 GiB
  size_t buffer_bytes = 256u << 10;     // written out when it is full
};

/// What opening found.
struct spool_findings {
  uint32_t segments = 0;
  uint64_t torn_bytes = 0;        // at the end of the newest segment, behind its last good record
  std::vector<std::string> notes; // one sentence each, for the log
};

class spool {
public:
  /// Looks at the segments in the directory, which need not exist; checks the newest. Appending
  /// goes on in it, or in a new one when its tail is torn or another process writes it. `findings`
  /// may be null. Errors: ec::store_failed, ec::bad_argument (options).
  static caf::expected<std::unique_ptr<spool>> open(const spool_options& options,
                                                    spool_findings* findings);
  ~spool(); ///< Flushes; what cannot be written is lost.

  /// Appends output of one task. No bytes give an extent of size 0. Errors: ec::disk_full and
  /// ec::store_failed (nothing was taken, the spool stays usable), ec::too_big (more than a segment
  /// holds).
  caf::expected<spool_extent> append(job_id id, uint32_t task, uint8_t stream,
                                     std::string_view bytes);

  /// Appends a job's index; returns its address, never 0. Errors: as append.
  caf::expected<uint64_t> append_index(job_id id, const std::vector<spool_part>& index);

  caf::error
  flush();           ///< Hands what is buffered to the kernel. Errors: ec::disk_full, store_failed.
  caf::error sync(); ///< Flushes, and waits until the newest segment is on the disk.

  /// The output in an extent, without heads. Errors: ec::unknown_key (its segment was erased),
  /// ec::store_corrupt, ec::store_failed.
  caf::expected<std::string> read(const spool_extent& extent) const;

  /// A job's index by its address. Errors: as read.
  caf::expected<std::vector<spool_part>> read_index(uint64_t address) const;

  /// Calls `f` with each good record of a segment until it returns false: how output of jobs that
  /// never got an index is found again. Index records are left out. Errors: as read.
  caf::error each_part(uint32_t segment,
                       const std::function<bool(job_id, const spool_part&)>& f) const;

  /// Gives up the output of jobs, each named with its index's address, which goes, too. Room comes
  /// back at once where the file system can make holes in files, else when all of a segment is
  /// given up. What cannot be read, or is another job's, stays. Returns how many jobs' output went.
  /// After a crash some may be taken for used for ever, but nothing that is used for given up.
  size_t forget(const std::vector<std::pair<job_id, uint64_t>>& jobs);

  /// The same of output that has no index.
  void forget_parts(const std::vector<spool_part>& parts);

  /// The same of an index alone, for one that repeats it has been written.
  void forget_index(job_id id, uint64_t address);

  struct segment_info {
    uint32_t segment = 0;
    uint64_t bytes = 0;
  };
  std::vector<segment_info> segments() const; ///< Ascending; with what is still buffered.

  /// Removes a segment; appending goes on in a new one if it was the newest. Errors:
  /// ec::unknown_key, ec::store_failed.
  caf::error erase_segment(uint32_t segment);

private:
  spool();
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace hactor
