// See the header. LMDB asserts on some damaged files; that becomes an error here.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/lmdb_calls.hpp"

#include <csetjmp>
#include <cstring>

#include "runtime/error.hpp"

namespace hactor {

namespace {

// Where the running call of this thread goes back to; null when none is guarded, and then LMDB
// aborts with its message.
thread_local jmp_buf* way_back = nullptr;

extern "C" void on_assertion(MDB_env*, const char*) {
  if (way_back != nullptr)
    std::longjmp(*way_back, 1);
}

// `f` calls LMDB and nothing else: no destructor may be jumped over.
template <class F>
[[gnu::noinline]] int guarded(const F& f) {
  jmp_buf here;
  if (_setjmp(here) != 0) { // keeps no signal mask: cheap
    way_back = nullptr;
    return MDB_CORRUPTED;
  }
  way_back = &here;
  const int rc = f();
  way_back = nullptr;
  return rc;
}

} // namespace

void catch_assertions(MDB_env* env) { mdb_env_set_assert(env, &on_assertion); }

int get_value(MDB_txn* txn, MDB_dbi dbi, MDB_val* key, MDB_val* value) {
  return guarded([&] { return mdb_get(txn, dbi, key, value); });
}

int put_value(MDB_txn* txn, MDB_dbi dbi, MDB_val* key, MDB_val* value, unsigned flags) {
  return guarded([&] { return mdb_put(txn, dbi, key, value, flags); });
}

int delete_key(MDB_txn* txn, MDB_dbi dbi, MDB_val* key) {
  return guarded([&] { return mdb_del(txn, dbi, key, nullptr); });
}

int cursor::open() { return mdb_cursor_open(txn_, dbi_, &cursor_); }

void cursor::close() {
  if (cursor_ != nullptr)
    mdb_cursor_close(cursor_);
  cursor_ = nullptr;
}

int cursor::move(MDB_cursor_op op) {
  if (rc_ != 0)
    return rc_;
  const int rc = guarded([&] { return mdb_cursor_get(cursor_, &key, &value, op); });
  if (is_damage(rc)) { // it may stand on a page that LMDB would trust
    close();
    rc_ = open();
  }
  return rc;
}

int cursor::remove() {
  return guarded([&] { return mdb_cursor_del(cursor_, 0); });
}

uint64_t integer_of(const MDB_val& v) {
  HACTOR_CHECK(v.mv_size == sizeof(uint64_t));
  uint64_t result = 0;
  std::memcpy(&result, v.mv_data, sizeof result);
  return result;
}

} // namespace hactor
