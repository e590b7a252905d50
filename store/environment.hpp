// One LMDB environment with the journal's tables: opening and its many ways to fail, read and write
// transactions, growth of the map, and the return from a full disk. Knows nothing of what is in the
// tables. The map grows by closing and opening again, which waits for readers: so readers must be
// short, and must not hold a transaction while they call out.
// MDB_WRITEMAP stays off: writes go through pwrite, so a full disk is an error and never SIGBUS.
// Callers: journal*.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/error.hpp"
#include "store/lmdb_calls.hpp"

namespace hactor {

enum class table : uint8_t { meta, spec, refs, log, live, job, done, blob, named, table_count };

struct environment_options {
  std::string directory; ///< Exists already.
  bool sync = true;
  bool read_only = false;
  uint64_t map_bytes_max = 0;
  uint32_t guests_max = 0; ///< Environments that may be opened within its file.
};

class environment {
public:
  /// A read transaction; the map cannot move while it lives.
  class snapshot {
  public:
    snapshot(std::shared_lock<std::shared_mutex> lock, MDB_txn* txn)
        : lock_(std::move(lock)), txn_(txn) {}
    snapshot(snapshot&& other) noexcept
        : lock_(std::move(other.lock_)), txn_(std::exchange(other.txn_, nullptr)) {}
    snapshot& operator=(snapshot&&) = delete;
    ~snapshot() {
      if (txn_ != nullptr)
        mdb_txn_abort(txn_);
    }
    MDB_txn* txn() const { return txn_; }

  private:
    std::shared_lock<std::shared_mutex> lock_;
    MDB_txn* txn_;
  };

  /// Opens or makes data.mdb; appends to `notes` what a person should know. `*existed` tells
  /// whether it held tables. Errors: ec::store_failed, ec::store_corrupt, ec::disk_full.
  static caf::expected<std::unique_ptr<environment>>
  open(const environment_options& options, bool* existed, std::vector<std::string>* notes);

  /// Tables of their own in the file of `host`, under names that begin with `prefix`; they are
  /// empty and go with the result. Errors: as write.
  static caf::expected<std::unique_ptr<environment>>
  open_within(std::shared_ptr<environment> host, const std::string& prefix);
  ~environment();

  MDB_dbi dbi(table t) const { return dbis_[static_cast<size_t>(t)]; }

  /// Errors: ec::store_failed.
  caf::expected<snapshot> read() const;

  /// A reader of many entries has copied so many bytes. Its pages are let go now and then.
  void looked_at(uint64_t bytes) const;

  /// What `apply` returns to give up a transaction for a reason of its caller's.
  static constexpr int refused = -1;

  /// Runs `apply` in a write transaction and commits it; `apply` returns 0 or a code of LMDB, and
  /// is run again from the start when the map had to grow. On any error nothing has changed.
  /// Errors: ec::disk_full, ec::store_failed. Callers wait for each other.
  caf::error write(const std::function<int(MDB_txn*)>& apply);

  /// As write, for what makes room: on a full disk it may use the reserve. Call make_reserve when
  /// done.
  caf::error write_freeing(const std::function<int(MDB_txn*)>& apply);

  /// As write, for what must be there before it can be freed: it may use half of the reserve.
  caf::error write_ending(const std::function<int(MDB_txn*)>& apply);

  /// Sets disk space aside (the file "reserve") for write_freeing, if there is any; even removing
  /// needs new pages. Without it, room has to come from outside the journal.
  void make_reserve();

  /// The error for a code of LMDB or errno: "DIR/data.mdb: WHAT: text".
  caf::error failure(int rc, std::string_view what) const;

  /// Bytes of all tables' pages. 0 when unreadable.
  uint64_t bytes_used() const;

  /// Entries of one table. 0 when unreadable.
  uint64_t entries(table t) const;

private:
  explicit environment(environment_options options) : options_(std::move(options)) {}
  int open_guest_tables(MDB_txn* txn);
  caf::error open_env(uint64_t map_bytes);
  caf::error open_tables(bool* existed);
  int open_tables_in(MDB_txn* txn, bool* existed, caf::error* why);
  caf::error extend_short_file(std::vector<std::string>* notes);
  caf::error reopen(uint64_t map_bytes);
  caf::error grow();
  int write_once(const std::function<int(MDB_txn*)>& apply);
  void release_pages();
  uint64_t file_bytes() const;
  void close();

  environment_options options_;
  std::shared_ptr<environment> host_; // in whose file the tables are; null: our own
  std::string prefix_;                // of their names there
  MDB_env* env_ = nullptr;
  uint64_t map_bytes_ = 0;
  char* map_begin_ = nullptr;   // where the file is mapped; null: not known
  uint64_t released_bytes_ = 0; // of the file, when pages were last released
  mutable std::atomic<uint64_t> looked_at_{0}; // by readers since
  std::array<MDB_dbi, static_cast<size_t>(table::table_count)> dbis_{};
  std::mutex writing_;                // held during a write, also over its reopening
  std::set<environment*> guests_;     // guarded by writing_
  mutable std::shared_mutex mutex_; // shared: env_ is in use; unique: env_ is being replaced
};

} // namespace hactor
