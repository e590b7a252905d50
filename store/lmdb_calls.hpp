// LMDB's calls with its assertions turned into MDB_CORRUPTED: on a damaged page LMDB 0.9 does not
// always return an error, it asserts, and a state directory with a bad sector must not end the
// instance. The assertion's handler jumps back into the call made here; between the two there are
// only LMDB's own C frames. After MDB_CORRUPTED end the cursor and, when writing, the transaction.
// Callers: environment.cpp, journal*.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

#include <lmdb.h>

namespace hactor {

/// Makes `env` report failed assertions to the calls below.
void catch_assertions(MDB_env* env);

/// As mdb_get, mdb_put, mdb_del.
int get_value(MDB_txn* txn, MDB_dbi dbi, MDB_val* key, MDB_val* value);
int put_value(MDB_txn* txn, MDB_dbi dbi, MDB_val* key, MDB_val* value, unsigned flags);
int delete_key(MDB_txn* txn, MDB_dbi dbi, MDB_val* key);

/// A cursor that closes itself before its transaction ends.
class cursor {
public:
  cursor(MDB_txn* txn, MDB_dbi dbi) : txn_(txn), dbi_(dbi) { rc_ = open(); }
  cursor(const cursor&) = delete;
  cursor& operator=(const cursor&) = delete;
  ~cursor() { close(); }

  /// Moves; key and value are in `key`, `value`. Returns a code of LMDB. After MDB_CORRUPTED it is
  /// as new: only moves that need no place (MDB_SET_RANGE, MDB_FIRST ...) make sense.
  int move(MDB_cursor_op op);
  int remove(); ///< Deletes the entry it stands on.

  MDB_val key{}, value{};

private:
  int open();
  void close();

  MDB_txn* txn_;
  MDB_dbi dbi_;
  MDB_cursor* cursor_ = nullptr;
  int rc_ = 0;
};

inline bool is_damage(int rc) { return rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND; }

/// Views of LMDB's values.
inline std::string_view view_of(const MDB_val& v) {
  return {static_cast<const char*>(v.mv_data), v.mv_size};
}
inline MDB_val val_of(std::string_view s) { return {s.size(), const_cast<char*>(s.data())}; }
inline MDB_val val_of(const uint64_t& key) { return {sizeof key, const_cast<uint64_t*>(&key)}; }
/// The key of the log, live and job tables. Requires: v holds 8 bytes.
uint64_t integer_of(const MDB_val& v);

} // namespace hactor
