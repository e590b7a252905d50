// The instance's memory that outlives it: the numbered event log, jobspecs, and one compact record
// a job, in LMDB under the state directory. All writes are made by one thread through one write
// transaction at a time (group commit); reads may come from any thread. It tolerates a torn or
// foreign chunk in the log and says what it dropped.
// Tables: meta (name -> bytes), spec (hash -> JSON), refs (hash -> how often it is named, when not
// once), log (sequence -> chunk of events with check), live (id -> record of a job that has not
// ended), job (id -> record of an ended one), done (end time, id -> nothing: newest ended first),
// blob (digest -> bytes), named (digest -> how often the blob is named, when not once), label
// (label, time of the submission, id -> nothing: ended jobs by their owner's word for them).
// Callbacks of the each_ and read_ functions run with no lock and no transaction held: they may
// call any function of the journal. What they see is taken in slices, not from one snapshot.
// Caller: actors/journal.cpp. Format: doc/store-format.md.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"
#include "store/event.hpp"

namespace hactor {

/// xxh3-128 of a jobspec's text, as 16 bytes: equal texts are stored once.
struct spec_hash {
  uint64_t high = 0, low = 0;
  friend auto operator<=>(const spec_hash&, const spec_hash&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, spec_hash& x) {
    return f(x.high, x.low);
  }
};
spec_hash hash_of_spec(std::string_view text);

/// The end of a spec's text by which it keeps another spec, a job's environment, for as long as it
/// is kept itself.
std::string link_to_spec(const spec_hash& h);
/// Which it keeps; zero: none.
spec_hash linked_spec(std::string_view text);

/// What is kept of one job on disk: written at submit, rewritten once when it ends.
struct job_record {
  job_id id;
  spec_hash spec;
  int64_t cc = -1; // value of {cc}, -1 when the job is not one of a --cc list
  bool ended = false;
  job_result result = job_result::none;
  int64_t t_end_ns = 0;          // of the clean event
  std::string rset;              // R as canonical JSON; "" when never allocated
  std::string extra;             // opaque to the store (usage, output index): written by the owner
  std::vector<job_event> events; // the whole eventlog, only when ended
  uint64_t first_sequence = 0; // of the submit event, 0 unknown. commit() fills it in when it is 0
                               // and the batch has the job's submit event, or an older record it
  uint64_t label = 0; // of an ended job: the owner's, by which labelled() finds it; 0: none

  friend bool operator==(const job_record&, const job_record&) = default;
};

/// A change of one blob of the key-value store (kvs_core.hpp), which is found by its digest.
struct blob_change {
  std::string digest;      // 33 bytes: what it is (kvs_tree.hpp), SHA-256 of it
  std::string bytes;       // of a new blob; "": one that is there
  uint64_t references = 0; // how often it is named from now on; 0: it is removed
};

/// Where an ended job stands among those of its label.
struct labelled_job {
  int64_t t_submit_ns = 0; // of its first event
  job_id id;
  friend auto operator<=>(const labelled_job&, const labelled_job&) = default;
};

/// One group commit: everything in it becomes durable together, or not at all.
struct journal_batch {
  std::vector<job_event> events;                         // appended to the log, numbered in order
  std::vector<std::pair<spec_hash, std::string>> specs;  // new jobspecs
  std::vector<job_record> jobs;                          // records to put (submit or end)
  std::vector<std::pair<std::string, std::string>> meta; // names to set; empty text removes one
  std::vector<blob_change> blobs;
};

struct journal_options {
  std::string directory;      // made if absent, mode 0700
  bool sync = true;           // false: survives processes, not the machine (temporary directories)
  uint64_t map_bytes_max = 0; // bound of the file; 0: limits::journal_map_bytes_max
  std::string owner;          // goes into the lock after pid, host and time: the instance's URI
  uint32_t guests_max = 0;    // journals that may be opened within this one's file
  bool read_only = false;     // look at what an instance left: takes no lock, makes no file;
                              // not within the process that owns it
};

/// Names of meta that begin with this are the journal's own.
inline constexpr char reserved_meta_prefix = '.';

/// What opening, or a read that was given one, found. Opening checks the log from
/// restart_sequence() on, and its last 65,536 events; the rest is checked when it is read.
struct journal_findings {
  bool existed = false;           // the directory held a journal before
  uint64_t events_dropped = 0;    // in chunks whose check or form was wrong
  uint64_t records_dropped = 0;   // of jobs, likewise
  std::vector<std::string> notes; // one sentence each, for the log
};

class journal {
public:
  /// Opens or makes the journal and takes its lock. `findings` may be null. Errors: ec::busy (names
  /// pid and host of the owner), ec::store_failed (path and errno; also a directory without a
  /// journal when read_only), ec::store_corrupt (foreign, or of a newer format), ec::disk_full.
  static caf::expected<std::unique_ptr<journal>> open(const journal_options& options,
                                                      journal_findings* findings);

  /// An empty journal in the file of `host`, which it keeps; its tables go with it. `name`: of the
  /// tables, unique in the file. For states that end with their instance: nothing is synced that
  /// `host` does not sync. Errors: ec::store_failed, ec::disk_full.
  static caf::expected<std::unique_ptr<journal>> open_within(const std::shared_ptr<journal>& host,
                                                             const std::string& name);
  ~journal();

  /// Commits one batch; returns the sequence number of its first event (numbers start at 1 and
  /// have no gaps; the next number when the batch has no events). Records whose `ended` is set
  /// replace the live record of the job. Errors, all of which leave the store unchanged and usable:
  /// ec::disk_full, ec::store_failed, ec::unknown_key (a record names a spec that is neither stored
  /// nor in the batch), ec::bad_argument (a reserved name in meta, a name longer than 500 bytes).
  /// On a full disk one that only ends jobs may work from the reserve (see erase_jobs), too.
  caf::expected<uint64_t> commit(const journal_batch& batch);

  /// Removes the log's chunks that lie wholly before `before_sequence`, but none that
  /// restart_sequence() still needs; returns how many events went. Errors: as commit.
  caf::expected<uint64_t> trim_log(uint64_t before_sequence);

  /// Removes all that is kept of these jobs, ended or not, and each spec that no other job names,
  /// with what it alone linked to;
  /// ids without a record are ignored. Returns how many records went. On a full disk it works from
  /// a reserve of 1 MiB, enough for some hundred ids at a time. Errors: as commit.
  caf::expected<uint64_t> erase_jobs(const std::vector<job_id>& ids);

  bool syncs() const;              ///< What is committed survives the machine. Thread-safe.
  uint64_t next_sequence() const;  ///< The number that the next event will get. Thread-safe.
  uint64_t first_sequence() const; ///< The oldest number that the log still has. Thread-safe.

  /// The smallest first_sequence among jobs that have not ended, next_sequence() when there are
  /// none: replaying from here restores all of them. O(jobs that have not ended).
  /// Errors: ec::store_failed.
  caf::expected<uint64_t> restart_sequence() const;

  /// Calls `f` for each event numbered >= since, in order, until it returns false. Damaged chunks
  /// are left out, and counted in `found` when given. Thread-safe. Errors: ec::store_failed.
  caf::error read_log(uint64_t since, const std::function<bool(uint64_t, const job_event&)>& f,
                      journal_findings* found = nullptr) const;

  caf::expected<std::string> spec(const spec_hash& h) const;    ///< Errors: ec::unknown_key.
  bool has_spec(const spec_hash& h) const;                      ///< False also when unreadable.
  caf::expected<job_record> job(job_id id) const;               ///< Errors: ec::unknown_job,
                                                                ///< ec::store_corrupt.
  caf::expected<std::string> meta(std::string_view name) const; ///< Errors: ec::unknown_key.

  /// Names that begin with `prefix`, with their values, in order. Errors: ec::store_failed.
  caf::expected<std::vector<std::pair<std::string, std::string>>>
  meta_with(std::string_view prefix) const;

  /// Thread-safe. Errors: ec::unknown_key, ec::store_failed.
  caf::expected<std::string> blob(std::string_view digest) const;
  /// How often the blob is named; 0: it is not there. Errors: ec::store_failed.
  caf::expected<uint64_t> blob_references(std::string_view digest) const;

  /// Calls `f` for every record in id order until it returns false; `with_events` false leaves the
  /// eventlogs undecoded (faster). Damaged records are left out, and counted in `found` when given.
  caf::error each_job(bool with_events, const std::function<bool(const job_record&)>& f,
                      journal_findings* found = nullptr) const;

  /// As each_job, only those that have not ended; costs nothing per ended job.
  caf::error each_live(const std::function<bool(const job_record&)>& f,
                       journal_findings* found = nullptr) const;

  /// Calls `f` for ended jobs, newest end first, until it returns false.
  caf::error each_ended(const std::function<bool(const job_record&)>& f,
                        journal_findings* found = nullptr) const;

  /// Ids of at most `max` jobs that ended before `before_ns`, oldest end first. O(max).
  /// Errors: ec::store_failed.
  caf::expected<std::vector<job_id>> oldest_ended(size_t max, int64_t before_ns) const;

  /// At most `max` ended jobs of a label, in order, none before `from`. O(max log jobs).
  /// Thread-safe. Errors: ec::store_failed.
  caf::expected<std::vector<labelled_job>> labelled(uint64_t label, labelled_job from,
                                                    size_t max) const;
  /// The last of them; nothing when there is none. Errors: ec::store_failed.
  caf::expected<std::optional<labelled_job>> last_labelled(uint64_t label) const;

  uint64_t ended_count() const; ///< How many ended jobs are kept. O(1). Thread-safe.
  uint64_t live_count() const;  ///< How many jobs have not ended. O(1). Thread-safe.
  uint64_t bytes_used() const;  ///< Bytes of the file's used pages. Thread-safe.

private:
  journal();
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace hactor
