// Writing to the journal: group commit, trimming, erasing. Each is one function run in one write
// transaction, and possibly run again when the map had to grow: so none of them may change anything
// outside the transaction but its own local results, which it resets at its start.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <optional>
#include <set>

#include "store/bytes.hpp"
#include "store/journal_impl.hpp"
#include "store/spec_counts.hpp"

namespace hactor {

namespace {

constexpr size_t meta_name_bytes_max = 500; // LMDB's bound is 511

/// Puts values under ascending integer keys: at the end by appending, which fills pages wholly.
class ascending_table {
public:
  ascending_table(MDB_txn* txn, MDB_dbi dbi) : txn_(txn), dbi_(dbi) {
    cursor last{txn, dbi};
    if (last.move(MDB_LAST) == 0)
      least_beyond_ = integer_of(last.key) + 1;
  }

  bool beyond(uint64_t key) const { return key >= least_beyond_; }

  int put(uint64_t key, std::string_view bytes) {
    MDB_val k = val_of(key), v = val_of(bytes);
    const bool append = beyond(key);
    if (append)
      least_beyond_ = key + 1;
    return put_value(txn_, dbi_, &k, &v, append ? MDB_APPEND : 0);
  }

  int get(uint64_t key, std::string_view& bytes) {
    MDB_val k = val_of(key), v{};
    const int rc = beyond(key) ? MDB_NOTFOUND : get_value(txn_, dbi_, &k, &v);
    bytes = rc == 0 ? view_of(v) : std::string_view{};
    return rc;
  }

  int remove(uint64_t key) {
    MDB_val k = val_of(key);
    return delete_key(txn_, dbi_, &k);
  }

private:
  MDB_txn* txn_;
  MDB_dbi dbi_;
  uint64_t least_beyond_ = 0; // no key of the table is as great; neither ids nor numbers reach 2^64
};

/// The records' side of a transaction: live, job, done and label, and what they do to specs.
class record_tables {
public:
  record_tables(MDB_txn* txn, const environment& env, bool counts_links)
      : specs(txn, env, counts_links), txn_(txn), done_(env.dbi(table::done)),
        label_(env.dbi(table::label)),
        live_(txn, env.dbi(table::live)), ended_(txn, env.dbi(table::job)) {}

  int put(const job_record& r, uint64_t first_sequence) {
    record_head before;
    bool was_live = false;
    if (int rc = take_out(r.id, r.ended, before, was_live); rc != 0 && rc != MDB_NOTFOUND)
      return rc;
    specs.change(r.spec, 1);
    if (first_sequence == 0)
      first_sequence = r.first_sequence != 0 ? r.first_sequence : before.first_sequence;
    bytes_.clear();
    encode_record(bytes_, r, first_sequence);
    if (!r.ended)
      return live_.put(r.id.value, bytes_);
    ends_.insert(done_key_of(r.t_end_ns, r.id));
    if (r.label != 0 && !r.events.empty())
      labels_.insert(label_key_of(r.label, {r.events.front().t_ns, r.id}));
    return ended_.put(r.id.value, bytes_);
  }

  /// Returns MDB_NOTFOUND when there is no such record.
  int erase(job_id id) {
    record_head before;
    bool was_live = false;
    return take_out(id, std::nullopt, before, was_live);
  }

  /// Writes what was gathered. Call once, last.
  int finish(std::optional<spec_hash>& unknown_spec) {
    std::string last;
    {
      cursor at{txn_, done_};
      if (at.move(MDB_LAST) == 0)
        last = view_of(at.key);
    }
    for (const auto& key : ends_) { // ascending
      MDB_val k = val_of(key), v{};
      const bool append = last < view_of(k);
      if (int rc = put_value(txn_, done_, &k, &v, append ? MDB_APPEND : 0); rc != 0)
        return rc;
    }
    for (const auto& key : labels_) {
      MDB_val k = val_of(key), v{};
      if (int rc = put_value(txn_, label_, &k, &v, 0); rc != 0)
        return rc;
    }
    return specs.write(unknown_spec);
  }

  spec_counts specs;

private:
  // Undoes an older record of the job: its count, its end, and itself where the new one (`into` the
  // ended or the live table, or nowhere) will not overwrite it.
  int take_out(job_id id, std::optional<bool> into, record_head& before, bool& was_live) {
    std::string_view bytes;
    int rc = live_.get(id.value, bytes);
    was_live = rc == 0;
    if (rc == MDB_NOTFOUND)
      rc = ended_.get(id.value, bytes);
    if (rc != 0)
      return rc;
    if (decode_record_head(bytes, before)) // damaged: it must not keep the job from being written
      before = {};
    else
      specs.change(before.spec, -1);
    if (!was_live) {
      rc = take_key(ends_, done_, done_key_of(before.t_end_ns, id));
      if (rc == 0 && before.label != 0)
        rc = take_key(labels_, label_, label_key_of(before.label, {before.t_submit_ns, id}));
      if (rc != 0)
        return rc;
    }
    if (into && *into != was_live)
      return 0;
    return (was_live ? live_ : ended_).remove(id.value);
  }

  // Of those that are to be put, or else out of the table.
  template <class Key>
  int take_key(std::set<Key>& gathered, MDB_dbi dbi, const Key& key) {
    MDB_val k = val_of(key);
    const int rc = gathered.erase(key) != 0 ? 0 : delete_key(txn_, dbi, &k);
    return rc == MDB_NOTFOUND ? 0 : rc;
  }

  MDB_txn* txn_;
  MDB_dbi done_, label_;
  ascending_table live_, ended_;
  std::set<done_key> ends_;
  std::set<label_key> labels_;
  std::string bytes_;
};

/// Where each submit event of a batch lies in the log, by job id.
class submit_sequences {
public:
  submit_sequences(const journal_batch& batch, uint64_t next) {
    if (batch.jobs.empty())
      return;
    for (const auto& e : batch.events) {
      if (e.kind == event_kind::submit)
        places_.emplace_back(e.id, next);
      ++next;
    }
    if (!std::is_sorted(places_.begin(), places_.end()))
      std::sort(places_.begin(), places_.end());
  }

  uint64_t of(job_id id) const {
    const auto at = std::lower_bound(places_.begin(), places_.end(), std::pair{id, uint64_t{0}});
    return at != places_.end() && at->first == id ? at->second : 0;
  }

private:
  std::vector<std::pair<job_id, uint64_t>> places_;
};

// Records in id order, each job's own in the order given.
std::vector<const job_record*> sorted(const std::vector<job_record>& jobs) {
  std::vector<const job_record*> result;
  result.reserve(jobs.size());
  for (const auto& r : jobs)
    result.push_back(&r);
  const auto by_id = [](const job_record* a, const job_record* b) { return a->id < b->id; };
  if (!std::is_sorted(result.begin(), result.end(), by_id))
    std::stable_sort(result.begin(), result.end(), by_id);
  return result;
}

int put_counter(MDB_txn* txn, MDB_dbi meta, std::string_view name, const uint64_t& value) {
  MDB_val k = val_of(name), v = val_of(value);
  return put_value(txn, meta, &k, &v, 0);
}

// A blob that is named once has no entry in the table of counts, as specs.
int change_blob(MDB_txn* txn, const environment& env, const blob_change& b) {
  MDB_val k = val_of(b.digest), v = val_of(b.bytes);
  const auto bytes = env.dbi(table::blob), counts = env.dbi(table::named);
  int rc = 0;
  if (b.references == 0)
    rc = delete_key(txn, bytes, &k);
  else if (!b.bytes.empty())
    rc = put_value(txn, bytes, &k, &v, 0);
  if (rc != 0 && rc != MDB_NOTFOUND)
    return rc;
  if (b.references > 1) {
    v = val_of(b.references);
    return put_value(txn, counts, &k, &v, 0);
  }
  rc = delete_key(txn, counts, &k);
  return rc == MDB_NOTFOUND ? 0 : rc;
}

int change_meta(MDB_txn* txn, MDB_dbi meta, std::string_view name, std::string_view value) {
  MDB_val k = val_of(name), v = val_of(value);
  if (!value.empty())
    return put_value(txn, meta, &k, &v, 0);
  const int rc = delete_key(txn, meta, &k);
  return rc == MDB_NOTFOUND ? 0 : rc;
}

caf::error check_names(const journal_batch& batch) {
  for (const auto& [name, value] : batch.meta) {
    if (name.empty() || name.front() == reserved_meta_prefix || name.size() > meta_name_bytes_max)
      return make_error(ec::bad_argument, "meta: the name '" + name.substr(0, 64)
                                              + "' is empty, too long, or begins with '.'");
  }
  return {};
}

// LMDB gives pages that one transaction freed to the next but one: an empty one in between lets the
// caller's next commit have them, even where the file cannot grow. Failing does no harm.
void turn_over(environment& env, const uint64_t& next) {
  const auto failed = env.write_freeing(
      [&](MDB_txn* txn) { return put_counter(txn, env.dbi(table::meta), next_key, next); });
  static_cast<void>(failed);
  env.make_reserve();
}

/// True when the batch gives room back and takes none: such a one is possible on a full disk, too.
bool only_removes(const journal_batch& b) {
  return !(b.meta.empty() && b.blobs.empty()) && b.events.empty() && b.specs.empty()
         && b.jobs.empty()
         && std::all_of(b.meta.begin(), b.meta.end(), [](auto& m) { return m.second.empty(); })
         && std::all_of(b.blobs.begin(), b.blobs.end(), [](auto& c) { return c.bytes.empty(); });
}

/// True when jobs end with the batch and nothing begins: on a full disk that is possible as well,
/// so that they can be erased.
bool only_ends(const journal_batch& b) {
  return !b.jobs.empty() && b.specs.empty() && b.meta.empty() && b.blobs.empty()
         && std::all_of(b.jobs.begin(), b.jobs.end(), [](auto& r) { return r.ended; })
         && std::none_of(b.events.begin(), b.events.end(),
                         [](auto& e) { return e.kind == event_kind::submit; });
}

caf::error unknown_spec_error() {
  return make_error(ec::unknown_key, "a record names a jobspec that is not stored");
}

} // namespace

caf::expected<uint64_t> journal::commit(const journal_batch& batch) {
  if (auto err = check_names(batch))
    return err;
  std::lock_guard guard{impl_->writing};
  const uint64_t first = impl_->next;
  const uint64_t next = first + batch.events.size();
  std::string log_bytes;
  std::vector<chunk_extent> chunks;
  encode_chunks(log_bytes, chunks, first, batch.events);
  const auto records = sorted(batch.jobs);
  const submit_sequences submits{batch, first};
  std::optional<spec_hash> unknown_spec;
  const auto apply = [&](MDB_txn* txn) {
    const auto meta = impl_->dbi(table::meta);
    if (!chunks.empty()) {
      ascending_table log{txn, impl_->dbi(table::log)};
      for (const auto& c : chunks)
        if (int rc = log.put(c.sequence, std::string_view{log_bytes}.substr(c.offset, c.size)))
          return rc;
      if (int rc = put_counter(txn, meta, next_key, next))
        return rc;
    }
    if (!batch.specs.empty() || !records.empty()) {
      record_tables tables{txn, *impl_->env, impl_->counts_links};
      for (const auto& [hash, text] : batch.specs)
        if (int rc = tables.specs.add(hash, text))
          return rc;
      for (const auto* r : records)
        if (int rc = tables.put(*r, submits.of(r->id)))
          return rc;
      if (int rc = tables.finish(unknown_spec))
        return rc;
    }
    for (const auto& [name, value] : batch.meta)
      if (int rc = change_meta(txn, meta, name, value))
        return rc;
    for (const auto& b : batch.blobs)
      if (int rc = change_blob(txn, *impl_->env, b))
        return rc;
    return 0;
  };
  auto& env = *impl_->env;
  auto frees = only_removes(batch);
  auto err = frees              ? env.write_freeing(apply)
             : only_ends(batch) ? env.write_ending(apply)
                                : env.write(apply);
  if (err)
    return unknown_spec ? unknown_spec_error() : err;
  if (frees)
    turn_over(env, impl_->next);
  impl_->next = next;
  return first;
}

caf::expected<uint64_t> journal::trim_log(uint64_t before_sequence) {
  std::lock_guard guard{impl_->writing};
  auto needed = restart_sequence();
  if (!needed)
    return std::move(needed.error());
  const uint64_t old_first = impl_->first, end = impl_->next;
  const auto before = std::min(before_sequence, *needed);
  if (before <= old_first)
    return uint64_t{0};
  uint64_t first = old_first;
  const auto apply = [&](MDB_txn* txn) {
    first = old_first;
    cursor at{txn, impl_->dbi(table::log)};
    // A chunk may go once the next one, or the log's end, begins at or before the bound.
    int rc = at.move(MDB_FIRST);
    while (rc == 0) {
      cursor ahead{txn, impl_->dbi(table::log)};
      ahead.key = at.key;
      uint64_t chunk_end = end;
      rc = ahead.move(MDB_SET);
      if (rc == 0)
        rc = ahead.move(MDB_NEXT);
      if (rc == 0)
        chunk_end = integer_of(ahead.key);
      else if (rc != MDB_NOTFOUND)
        return rc;
      if (chunk_end > before)
        break;
      if (rc = at.remove(); rc != 0)
        return rc;
      first = chunk_end;
      rc = at.move(MDB_FIRST);
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
      return rc;
    return first == old_first ? 0 : put_counter(txn, impl_->dbi(table::meta), first_key, first);
  };
  if (auto err = impl_->env->write_freeing(apply))
    return err;
  impl_->first = first;
  if (first != old_first)
    turn_over(*impl_->env, end);
  return first - old_first;
}

caf::expected<uint64_t> journal::erase_jobs(const std::vector<job_id>& ids) {
  std::lock_guard guard{impl_->writing};
  uint64_t erased = 0;
  std::optional<spec_hash> unknown_spec;
  const auto apply = [&](MDB_txn* txn) {
    erased = 0;
    record_tables tables{txn, *impl_->env, impl_->counts_links};
    for (const auto id : ids) {
      const int rc = tables.erase(id);
      if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;
      erased += rc == 0;
    }
    return tables.finish(unknown_spec);
  };
  if (auto err = impl_->env->write_freeing(apply))
    return err;
  if (erased > 0)
    turn_over(*impl_->env, impl_->next.load());
  return erased;
}

} // namespace hactor
