// The key-value store of an instance without actors and disk: who waits for which commit, fences,
// and watches. Transactions are applied as they come; those that came while a commit was under way
// are made durable together by the next one, and answered then. Watches look at what is durable
// after each commit: who reads slowly is told of the newest state and not of all between.
// Called by actors/kvs.cpp. The trees: store/kvs_store.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/messages.hpp"
#include "store/kvs_store.hpp"

namespace hactor {

/// Everything the key-value store can cause. Requests and watches have numbers of the caller's.
struct kvs_out {
  virtual ~kvs_out() = default;
  virtual void answer_commit(uint64_t request, const kvs_root& root) = 0;
  virtual void answer_space(uint64_t request, const kvs_spaces& spaces) = 0;
  virtual void refuse(uint64_t request, const caf::error& e) = 0;
  /// Answered by on_committed or on_failed; none other follows before.
  virtual void commit(kvs_change change) = 0;
  virtual void tell(uint64_t watch, const kvs_changed& what) = 0;
  virtual void end_watch(uint64_t watch) = 0; // after the last of `tell`
};

class kvs_core {
public:
  kvs_core(std::shared_ptr<blob_source> source, uint32_t owner)
      : store_{std::move(source), owner} {}

  caf::error restore(const std::vector<std::pair<std::string, std::string>>& records) {
    return store_.restore(records);
  }

  void on_commit_request(uint64_t request, kvs_commit_request& r, kvs_out& out);
  void on_space_request(uint64_t request, const kvs_space_request& r, kvs_out& out);

  /// Something was applied, and no commit is under way: flush() is due.
  bool wants_flush() const { return !committing_ && store_.is_changed(); }
  void flush(kvs_out& out);
  void on_committed(kvs_out& out);
  void on_failed(const caf::error& why, kvs_out& out);

  caf::expected<kvs_lookup_reply> lookup(const kvs_lookup_request& r);
  caf::expected<kvs_root> root(const kvs_root_request& r) { return store_.root(r.space, r.userid); }

  void watch(uint64_t number, kvs_watch_request r, kvs_out& out);
  void credit(uint64_t number, kvs_out& out);
  void unwatch(uint64_t number) { watches_.erase(number); }

  size_t watches() const { return watches_.size(); }
  size_t waiting() const { return gathered_.size() + under_way_.size(); }
  size_t fences() const { return fences_.size(); }
  uint64_t commits() const { return commits_; }
  uint64_t transactions() const { return transactions_; }
  size_t spaces() const { return store_.roots().size(); }
  uint64_t cached_bytes() const { return store_.cached_bytes(); }

private:
  /// Who is answered when the commit is made.
  struct waiter {
    uint64_t request;
    std::string space;
    uint64_t sequence;                          // of the transaction
    kvs_space_verb verb = kvs_space_verb::list; // list: a transaction
  };
  struct fence {
    uint32_t parties;
    std::vector<kvs_op> operations;
    std::vector<uint64_t> requests;
    size_t bytes = 0;
  };
  struct watched {
    kvs_watch_request request;
    bool begun = false;  // it was there once
    bool busy = false;   // told, and not credited
    bool behind = false; // what is there now was not looked at
    bool over = false;   // nothing follows what is queued
    kvs_object last;     // that was told, or is queued
    std::deque<kvs_changed> queue;
    size_t queued_bytes = 0;
  };

  void apply(const kvs_commit_request& r, const std::vector<uint64_t>& requests, kvs_out& out);
  void join_fence(uint64_t request, kvs_commit_request& r, kvs_out& out);
  void forget(uint64_t request, const std::vector<job_id>& jobs, kvs_out& out);
  void drop_fences(const std::string& space, kvs_out& out);
  void answer(const waiter& w, kvs_out& out);
  void observe(watched& w);
  void observe_value(watched& w, kvs_object now);
  void queue(watched& w, std::string value);
  void queue_end(watched& w, const caf::error& why);
  void pump(uint64_t number, kvs_out& out);

  kvs_store store_;
  std::vector<waiter> gathered_, under_way_;
  size_t gathered_bytes_ = 0, under_way_bytes_ = 0, fenced_bytes_ = 0;
  bool committing_ = false;
  std::map<std::pair<std::string, std::string>, fence> fences_;
  std::map<uint64_t, watched> watches_;
  uint64_t commits_ = 0, transactions_ = 0;
};

} // namespace hactor
