// What values under keys cost a client of an instance, beside the same keys and values in an LMDB
// of its own, on the same disk, in the same run. The script of an instance with a state directory;
// figures are for test/bench/run. Usage: bench_kvs FOLDER, which is made.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <lmdb.h>

#include "test/bench/measure.hpp"
#include "workflow/client.hpp"

namespace {

using namespace hactor;
using namespace hactor::bench;
using namespace hactor::workflow;

constexpr int singles = 300, many = 10'000, in_flight = 100, batch = 1000;

template <class T>
T must(caf::expected<T> x) {
  if (!x)
    fail(render(x.error()));
  return std::move(*x);
}

void check(int rc) {
  if (rc != 0)
    fail(mdb_strerror(rc));
}

std::string key_of(int i) { return "bench.k" + std::to_string(i); }
std::string value_of(int i) { return "value " + std::to_string(i); }

json put(int i) { return {{"op", "put"}, {"key", key_of(i)}, {"value", value_of(i)}}; }

/// Requests per second with so many unanswered.
double rate(client& c, int requests, int window, std::string_view method, json (*params)(int)) {
  auto begin = steady_ns();
  int sent = 0;
  for (int answered = 0; answered < requests;) {
    for (; sent < requests && sent - answered < window; ++sent)
      c.request(method, params(sent));
    must(result_of(must(c.receive(60))));
    ++answered;
  }
  return requests / seconds_since(begin);
}

json commit_one(int i) { return {{"ops", {put(i)}}}; }

json commit_batch(int n) {
  auto ops = json::array();
  for (int i = 0; i < batch; ++i)
    ops.push_back(put(n * batch + i));
  return {{"ops", std::move(ops)}};
}

json get(int i) { return {{"key", key_of(i)}}; }

class bare {
public:
  explicit bare(const std::string& folder) {
    std::filesystem::create_directories(folder);
    check(mdb_env_create(&env_));
    check(mdb_env_set_mapsize(env_, 1u << 30));
    check(mdb_env_open(env_, folder.c_str(), MDB_NOTLS, 0600));
  }
  ~bare() { mdb_env_close(env_); }

  double put_rate(int values, int a_transaction) {
    auto begin = steady_ns();
    for (int i = 0; i < values;) {
      auto* txn = open(0);
      for (int n = 0; n < a_transaction; ++n, ++i) {
        auto key = key_of(i), value = value_of(i);
        MDB_val k{key.size(), key.data()}, v{value.size(), value.data()};
        check(mdb_put(txn, dbi_, &k, &v, 0));
      }
      check(mdb_txn_commit(txn));
    }
    return values / seconds_since(begin);
  }

  double get_rate(int values) {
    auto begin = steady_ns();
    for (int i = 0; i < values; ++i) {
      auto* txn = open(MDB_RDONLY);
      auto key = key_of(i);
      MDB_val k{key.size(), key.data()}, v{};
      check(mdb_get(txn, dbi_, &k, &v));
      mdb_txn_abort(txn);
    }
    return values / seconds_since(begin);
  }

private:
  MDB_txn* open(unsigned flags) {
    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(env_, nullptr, flags, &txn));
    check(mdb_dbi_open(txn, nullptr, 0, &dbi_));
    return txn;
  }

  MDB_env* env_ = nullptr;
  MDB_dbi dbi_ = 0;
};

} // namespace

int main(int argc, char** argv) {
  if (argc != 2)
    fail("usage: bench_kvs FOLDER");
  auto c = must(client::connect());
  bare lmdb{argv[1]};
  tell("lmdb_put_one_s", lmdb.put_rate(singles, 1));
  tell("kvs_put_one_s", rate(c, singles, 1, "kvs.commit", commit_one));
  tell("lmdb_put_many_s", lmdb.put_rate(many, in_flight));
  tell("kvs_put_many_s", rate(c, many, in_flight, "kvs.commit", commit_one));
  tell("lmdb_put_batch_s", lmdb.put_rate(many, batch));
  tell("kvs_put_batch_s", batch * rate(c, many / batch, 2, "kvs.commit", commit_batch));
  tell("lmdb_get_s", lmdb.get_rate(many));
  tell("kvs_get_one_s", rate(c, many, 1, "kvs.get", get));
  tell("kvs_get_many_s", rate(c, many, in_flight, "kvs.get", get));
  std::filesystem::remove_all(argv[1]);
}
