// Reading the journal: copies a slice out of a short read transaction, then decodes it and calls
// out with nothing held; so a slow reader keeps no old pages alive and may write in its callback.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <limits>
#include <optional>

#include "store/journal_impl.hpp"

namespace hactor {

namespace {

// Bytes copied in one transaction: some 100 us of work.
constexpr size_t slice_bytes = 256u << 10;

/// Values copied out of one transaction, under their keys.
struct slice {
  struct entry {
    uint64_t key = 0;
    size_t offset = 0, size = 0;
  };
  std::string bytes;
  std::vector<entry> entries;

  bool full() const { return bytes.size() >= slice_bytes; }
  void clear() {
    bytes.clear();
    entries.clear();
  }
  void add(uint64_t key, std::string_view value) {
    entries.push_back({key, bytes.size(), value.size()});
    bytes += value;
  }
  std::string_view value_of(const entry& e) const {
    return std::string_view{bytes}.substr(e.offset, e.size);
  }
};

constexpr auto key_max = std::numeric_limits<uint64_t>::max();

/// Steps over a damaged page: the first key >= `from`, at most `end`, that can be read; nullopt
/// when none is left. Strides double until a key is found and are then halved, so the cost is some
/// hundred lookups whatever the keys; a good page between two damaged ones may be stepped over too.
/// Each lookup has its own transaction: LMDB gives one up after damage.
std::optional<uint64_t> next_readable(const environment& env, table t, uint64_t from,
                                      uint64_t end) {
  std::optional<uint64_t> found;
  const auto readable = [&](uint64_t key) {
    auto at = env.read();
    if (!at)
      return true; // the caller's next read says why
    cursor c{at->txn(), env.dbi(t)};
    c.key = val_of(key);
    const int rc = c.move(MDB_SET_RANGE);
    if (is_damage(rc))
      return false;
    found = rc == 0 ? std::optional{integer_of(c.key)} : std::nullopt;
    return true;
  };
  uint64_t bad = from, good = from;
  for (uint64_t stride = 1; !readable(good); stride *= 2) {
    if (good >= end)
      return std::nullopt;
    bad = good;
    good = end - good > stride ? good + stride : end;
  }
  while (good - bad > 1) {
    const auto middle = bad + (good - bad) / 2;
    (readable(middle) ? good : bad) = middle;
  }
  readable(good);
  return found;
}

/// The key of the chunk in which `since` lies, or `since` where none does.
uint64_t chunk_start(const environment& env, uint64_t since) {
  auto at = env.read();
  if (!at)
    return since;
  cursor c{at->txn(), env.dbi(table::log)};
  c.key = val_of(since);
  int rc = c.move(MDB_SET_RANGE);
  if (is_damage(rc) || (rc == 0 && integer_of(c.key) == since))
    return since;
  rc = c.move(rc == 0 ? MDB_PREV : MDB_LAST);
  return rc == 0 ? std::min(integer_of(c.key), since) : since;
}

void note_gap(journal_findings* found, uint64_t from, uint64_t to) {
  if (found == nullptr || from >= to)
    return;
  found->events_dropped += to - from;
  found->notes.push_back("log: events " + std::to_string(from) + " to " + std::to_string(to - 1)
                         + " are damaged and left out");
}

void note_record(journal_findings* found, const caf::error& why) {
  if (found == nullptr)
    return;
  ++found->records_dropped;
  found->notes.push_back(context_of(why));
}

} // namespace

bool journal::syncs() const { return impl_->options.sync; }

uint64_t journal::next_sequence() const { return impl_->next; }

uint64_t journal::first_sequence() const { return impl_->first; }

uint64_t journal::bytes_used() const { return impl_->env->bytes_used(); }

uint64_t journal::ended_count() const { return impl_->env->entries(table::job); }

uint64_t journal::live_count() const { return impl_->env->entries(table::live); }

caf::expected<uint64_t> journal::restart_sequence() const {
  auto at = impl_->env->read();
  if (!at)
    return std::move(at.error());
  uint64_t smallest = impl_->next;
  cursor c{at->txn(), impl_->dbi(table::live)};
  int rc = c.move(MDB_FIRST);
  for (; rc == 0; rc = c.move(MDB_NEXT)) {
    record_head head;
    // A job whose beginning is not known needs whatever there is.
    if (decode_record_head(view_of(c.value), head) || head.first_sequence == 0)
      return uint64_t{impl_->first};
    smallest = std::min(smallest, head.first_sequence);
  }
  if (is_damage(rc))
    return uint64_t{impl_->first};
  if (rc != MDB_NOTFOUND)
    return impl_->env->failure(rc, "read");
  return std::max(smallest, impl_->first.load());
}

caf::error journal::read_log(uint64_t since,
                             const std::function<bool(uint64_t, const job_event&)>& f,
                             journal_findings* found) const {
  const uint64_t end = impl_->next;
  uint64_t expected = std::max(since, impl_->first.load());
  bool stopped = false;
  slice s;
  for (uint64_t from = expected < end ? chunk_start(*impl_->env, expected) : end;
       from < end && !stopped;) {
    s.clear();
    int rc = 0;
    {
      auto at = impl_->env->read();
      if (!at)
        return std::move(at.error());
      cursor c{at->txn(), impl_->dbi(table::log)};
      c.key = val_of(from);
      rc = c.move(MDB_SET_RANGE);
      for (; rc == 0 && !s.full(); rc = c.move(MDB_NEXT)) {
        s.add(integer_of(c.key), view_of(c.value));
        from = s.entries.back().key + 1;
      }
    }
    impl_->env->looked_at(s.bytes.size());
    if (is_damage(rc))
      from = next_readable(*impl_->env, table::log, from, end).value_or(end);
    else if (rc != 0 && rc != MDB_NOTFOUND)
      return impl_->env->failure(rc, "read log");
    if (s.entries.empty() && !is_damage(rc))
      break;
    for (const auto& e : s.entries) {
      if (e.key >= end || stopped)
        break;
      if (e.key > expected) { // trimmed meanwhile, or damaged
        note_gap(found, std::max(expected, std::min(impl_->first.load(), e.key)), e.key);
        expected = e.key;
      }
      uint64_t next = e.key;
      // What a damaged chunk should have held shows as a gap before the next one.
      decode_chunk(s.value_of(e), e.key, since, f, &next, &stopped);
      expected = std::max(expected, next);
    }
  }
  if (!stopped)
    note_gap(found, expected, end);
  return {};
}

caf::expected<std::string> journal::spec(const spec_hash& h) const {
  auto at = impl_->env->read();
  if (!at)
    return std::move(at.error());
  const auto key = spec_key_of(h);
  MDB_val k = val_of(key), v{};
  const int rc = get_value(at->txn(), impl_->dbi(table::spec), &k, &v);
  if (rc == MDB_NOTFOUND)
    return make_error(ec::unknown_key, "no jobspec has this hash");
  if (rc != 0)
    return impl_->env->failure(rc, "read spec");
  return std::string{view_of(v)};
}

bool journal::has_spec(const spec_hash& h) const {
  auto at = impl_->env->read();
  const auto key = spec_key_of(h);
  MDB_val k = val_of(key), v{};
  return at && get_value(at->txn(), impl_->dbi(table::spec), &k, &v) == 0;
}

caf::expected<std::string> journal::meta(std::string_view name) const {
  auto at = impl_->env->read();
  if (!at)
    return std::move(at.error());
  MDB_val k = val_of(name), v{};
  int rc = MDB_NOTFOUND;
  if (!name.empty() && name.front() != reserved_meta_prefix && name.size() < 512)
    rc = get_value(at->txn(), impl_->dbi(table::meta), &k, &v);
  if (rc == MDB_NOTFOUND)
    return make_error(ec::unknown_key, "the journal has no '" + std::string{name} + "'");
  if (rc != 0)
    return impl_->env->failure(rc, "read meta");
  return std::string{view_of(v)};
}

caf::expected<std::vector<std::pair<std::string, std::string>>>
journal::meta_with(std::string_view prefix) const {
  auto at = impl_->env->read();
  if (!at)
    return std::move(at.error());
  std::vector<std::pair<std::string, std::string>> found;
  cursor c{at->txn(), impl_->dbi(table::meta)};
  c.key = val_of(prefix);
  int rc = c.move(MDB_SET_RANGE);
  for (; rc == 0 && view_of(c.key).starts_with(prefix); rc = c.move(MDB_NEXT))
    found.emplace_back(view_of(c.key), view_of(c.value));
  if (rc != 0 && rc != MDB_NOTFOUND)
    return impl_->env->failure(rc, "read meta");
  return found;
}

caf::expected<std::string> journal::blob(std::string_view digest) const {
  auto at = impl_->env->read();
  if (!at)
    return std::move(at.error());
  MDB_val k = val_of(digest), v{};
  const int rc = get_value(at->txn(), impl_->dbi(table::blob), &k, &v);
  if (rc == MDB_NOTFOUND)
    return make_error(ec::unknown_key, "the journal has no such blob");
  if (rc != 0)
    return impl_->env->failure(rc, "read blob");
  return std::string{view_of(v)};
}

caf::expected<uint64_t> journal::blob_references(std::string_view digest) const {
  auto at = impl_->env->read();
  if (!at)
    return std::move(at.error());
  MDB_val k = val_of(digest), v{};
  int rc = get_value(at->txn(), impl_->dbi(table::named), &k, &v);
  if (rc == 0)
    return integer_of(v);
  if (rc == MDB_NOTFOUND)
    rc = get_value(at->txn(), impl_->dbi(table::blob), &k, &v);
  if (rc != 0 && rc != MDB_NOTFOUND)
    return impl_->env->failure(rc, "read blob");
  return uint64_t{rc == 0};
}

caf::expected<job_record> journal::job(job_id id) const {
  auto at = impl_->env->read();
  if (!at)
    return std::move(at.error());
  for (const auto t : {table::live, table::job}) {
    MDB_val k = val_of(id.value), v{};
    const int rc = get_value(at->txn(), impl_->dbi(t), &k, &v);
    if (rc == MDB_NOTFOUND)
      continue;
    if (rc != 0)
      return impl_->env->failure(rc, "read job");
    job_record r;
    if (auto err = decode_record(view_of(v), id, true, r))
      return err;
    return r;
  }
  return make_error(ec::unknown_job, "no job " + to_string(id));
}

namespace {

/// Where reading the two tables of records goes on; nullopt when a table is at its end.
struct record_places {
  std::optional<uint64_t> live = 0, ended = 0;
};

/// Copies records out of both tables, in id order, up to a slice's size, and moves `places` on.
/// Damage ends the slice; it is stepped over outside the transaction.
int copy_records(const environment& env, record_places& places, slice& s) {
  int live_rc = MDB_NOTFOUND, ended_rc = MDB_NOTFOUND;
  {
    auto at = env.read();
    if (!at)
      return MDB_BAD_TXN;
    cursor live{at->txn(), env.dbi(table::live)}, ended{at->txn(), env.dbi(table::job)};
    const auto begin = [](cursor& c, const std::optional<uint64_t>& from) {
      if (!from)
        return MDB_NOTFOUND;
      c.key = val_of(*from);
      return c.move(MDB_SET_RANGE);
    };
    live_rc = begin(live, places.live);
    ended_rc = is_damage(live_rc) ? MDB_NOTFOUND : begin(ended, places.ended);
    while (!s.full() && !is_damage(live_rc) && !is_damage(ended_rc)
           && (live_rc == 0 || ended_rc == 0)) {
      const bool from_live =
          ended_rc != 0 || (live_rc == 0 && integer_of(live.key) < integer_of(ended.key));
      auto& c = from_live ? live : ended;
      const auto id = integer_of(c.key);
      s.add(id, view_of(c.value));
      const auto next = id < key_max ? std::optional{id + 1} : std::nullopt;
      places = {places.live ? next : std::nullopt, places.ended ? next : std::nullopt};
      (from_live ? live_rc : ended_rc) = c.move(MDB_NEXT);
    }
  }
  if (is_damage(live_rc))
    places.live = next_readable(env, table::live, *places.live, key_max);
  if (is_damage(ended_rc))
    places.ended = next_readable(env, table::job, *places.ended, key_max);
  if (s.entries.empty() && live_rc == MDB_NOTFOUND && ended_rc == MDB_NOTFOUND)
    places = {std::nullopt, std::nullopt};
  for (const int rc : {live_rc, ended_rc})
    if (rc != 0 && rc != MDB_NOTFOUND && !is_damage(rc))
      return rc;
  return 0;
}

caf::error each_record(const environment& env, bool ended_too, bool with_events,
                       const std::function<bool(const job_record&)>& f, journal_findings* found) {
  slice s;
  job_record r;
  record_places places;
  if (!ended_too)
    places.ended.reset();
  while (places.live || places.ended) {
    s.clear();
    if (int rc = copy_records(env, places, s); rc != 0)
      return env.failure(rc, "read jobs");
    env.looked_at(s.bytes.size());
    for (const auto& e : s.entries) {
      if (auto err = decode_record(s.value_of(e), {e.key}, with_events, r))
        note_record(found, err);
      else if (!f(r))
        return {};
    }
  }
  return {};
}

} // namespace

caf::error journal::each_job(bool with_events, const std::function<bool(const job_record&)>& f,
                             journal_findings* found) const {
  return each_record(*impl_->env, true, with_events, f, found);
}

caf::error journal::each_live(const std::function<bool(const job_record&)>& f,
                              journal_findings* found) const {
  return each_record(*impl_->env, false, true, f, found);
}

caf::error journal::each_ended(const std::function<bool(const job_record&)>& f,
                               journal_findings* found) const {
  slice s;
  std::string below; // the smallest end seen; "" at the start
  job_record r;
  do {
    s.clear();
    {
      auto at = impl_->env->read();
      if (!at)
        return std::move(at.error());
      cursor c{at->txn(), impl_->dbi(table::done)};
      int rc = MDB_NOTFOUND;
      if (below.empty()) {
        rc = c.move(MDB_LAST);
      } else {
        c.key = val_of(below);
        rc = c.move(MDB_SET_RANGE) == 0 ? c.move(MDB_PREV) : c.move(MDB_LAST);
      }
      for (; rc == 0 && !s.full(); rc = c.move(MDB_PREV)) {
        below = view_of(c.key);
        const auto id = job_of(below);
        MDB_val k = val_of(id.value), v{};
        if (get_value(at->txn(), impl_->dbi(table::job), &k, &v) == 0)
          s.add(id.value, view_of(v));
      }
      if (rc != 0 && rc != MDB_NOTFOUND)
        return impl_->env->failure(rc, "read ended jobs");
    }
    impl_->env->looked_at(s.bytes.size());
    for (const auto& e : s.entries) {
      if (auto err = decode_record(s.value_of(e), {e.key}, true, r))
        note_record(found, err);
      else if (!f(r))
        return {};
    }
  } while (!s.entries.empty());
  return {};
}

caf::expected<std::vector<labelled_job>> journal::labelled(uint64_t label, labelled_job from,
                                                           size_t max) const {
  std::vector<labelled_job> found;
  auto at = impl_->env->read();
  if (!at)
    return std::move(at.error());
  cursor c{at->txn(), impl_->dbi(table::label)};
  const auto begin = label_key_of(label, from);
  const auto prefix = view_of(val_of(begin)).substr(0, sizeof label);
  c.key = val_of(begin);
  int rc = c.move(MDB_SET_RANGE);
  for (; rc == 0 && found.size() < max && view_of(c.key).starts_with(prefix); rc = c.move(MDB_NEXT))
    found.push_back(labelled_of(view_of(c.key)));
  if (rc != 0 && rc != MDB_NOTFOUND)
    return impl_->env->failure(rc, "read labels");
  return found;
}

caf::expected<std::optional<labelled_job>> journal::last_labelled(uint64_t label) const {
  auto at = impl_->env->read();
  if (!at)
    return std::move(at.error());
  cursor c{at->txn(), impl_->dbi(table::label)};
  constexpr auto last = std::numeric_limits<int64_t>::max();
  const auto end = label_key_of(label, {last, job_id{key_max}}); // no job is this one
  const auto prefix = view_of(val_of(end)).substr(0, sizeof label);
  c.key = val_of(end);
  int rc = c.move(MDB_SET_RANGE);
  if (rc == 0 || rc == MDB_NOTFOUND)
    rc = c.move(rc == 0 ? MDB_PREV : MDB_LAST);
  if (rc != 0 && rc != MDB_NOTFOUND)
    return impl_->env->failure(rc, "read labels");
  if (rc == MDB_NOTFOUND || !view_of(c.key).starts_with(prefix))
    return std::optional<labelled_job>{};
  return std::optional{labelled_of(view_of(c.key))};
}

caf::expected<std::vector<job_id>> journal::oldest_ended(size_t max, int64_t before_ns) const {
  std::vector<job_id> ids;
  auto at = impl_->env->read();
  if (!at)
    return std::move(at.error());
  cursor c{at->txn(), impl_->dbi(table::done)};
  const auto bound = done_key_of(before_ns, job_id{});
  const std::string_view before{reinterpret_cast<const char*>(bound.data()), bound.size()};
  int rc = c.move(MDB_FIRST);
  for (; rc == 0 && ids.size() < max && view_of(c.key) < before; rc = c.move(MDB_NEXT))
    ids.push_back(job_of(view_of(c.key)));
  if (rc != 0 && rc != MDB_NOTFOUND)
    return impl_->env->failure(rc, "read ended jobs");
  return ids;
}

} // namespace hactor
