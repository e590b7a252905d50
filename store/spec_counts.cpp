// See the header. A stored spec without an entry in refs is named once: the common case costs
// nothing.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/spec_counts.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "store/bytes.hpp"

namespace hactor {

namespace {

constexpr std::string_view link_mark = "\nenv:";
constexpr size_t link_digits = 32;
constexpr std::string_view counted_key = ".links"; // of meta: links are counted

/// Hashes of the specs that have a count of 0, and how often each spec is linked to.
struct link_survey {
  std::vector<spec_hash> unnamed;
  std::map<spec_hash, uint64_t> linked;
};

spec_hash hash_of_key(std::string_view key) {
  spec_hash h;
  bytes::take_fixed(key, h.high);
  bytes::take_fixed(key, h.low);
  return h;
}

/// Returns a code of LMDB.
int survey(const environment& env, MDB_txn* txn, link_survey& found) {
  cursor text{txn, env.dbi(table::spec)};
  int rc = text.move(MDB_FIRST);
  for (; rc == 0; rc = text.move(MDB_NEXT))
    if (const auto link = linked_spec(view_of(text.value)); link != spec_hash{})
      ++found.linked[link];
  if (rc != MDB_NOTFOUND)
    return rc;
  cursor count{txn, env.dbi(table::refs)};
  rc = count.move(MDB_FIRST);
  for (; rc == 0; rc = count.move(MDB_NEXT))
    if (integer_of(count.value) == 0)
      found.unnamed.push_back(hash_of_key(view_of(count.key)));
  return rc == MDB_NOTFOUND ? 0 : rc;
}

int remove(MDB_txn* txn, MDB_dbi dbi, const spec_hash& h) {
  const auto key = spec_key_of(h);
  MDB_val k = val_of(key);
  const int rc = delete_key(txn, dbi, &k);
  return rc == MDB_NOTFOUND ? 0 : rc;
}

int write_survey(const environment& env, MDB_txn* txn, const link_survey& found) {
  for (const auto& h : found.unnamed) {
    int rc = remove(txn, env.dbi(table::refs), h);
    if (rc == 0 && found.linked.count(h) == 0)
      rc = remove(txn, env.dbi(table::spec), h);
    if (rc != 0)
      return rc;
  }
  for (const auto& [h, times] : found.linked) {
    if (times == 1)
      continue;
    const auto key = spec_key_of(h);
    MDB_val k = val_of(key), v = val_of(times);
    if (int rc = put_value(txn, env.dbi(table::refs), &k, &v, 0); rc != 0)
      return rc;
  }
  MDB_val k = val_of(counted_key), v = val_of(std::string_view{"1"});
  return put_value(txn, env.dbi(table::meta), &k, &v, 0);
}

} // namespace

std::string link_to_spec(const spec_hash& h) {
  return fmt::format("{}{:016x}{:016x}", link_mark, h.high, h.low);
}

spec_hash linked_spec(std::string_view text) {
  spec_hash h;
  if (text.size() < link_mark.size() + link_digits)
    return h;
  const auto link = text.substr(text.size() - link_mark.size() - link_digits);
  if (link.substr(0, link_mark.size()) != link_mark)
    return h;
  const auto* digits = link.data() + link_mark.size();
  for (auto* half : {&h.high, &h.low}) {
    const auto* end = digits + link_digits / 2;
    if (std::from_chars(digits, end, *half, 16).ptr != end)
      return {};
    digits = end;
  }
  return h;
}

int spec_counts::add(const spec_hash& h, std::string_view text) {
  const auto key = spec_key_of(h);
  MDB_val k = val_of(key), v = val_of(text);
  const int rc = put_value(txn_, spec_, &k, &v, MDB_NOOVERWRITE);
  if (rc != 0)
    return rc == MDB_KEYEXIST ? 0 : rc;
  changes_[h].fresh = true;
  if (links_)
    change(linked_spec(text), 1);
  return 0;
}

void spec_counts::change(const spec_hash& h, int64_t by) {
  if (h == spec_hash{})
    return;
  if (last_ == changes_.end() || last_->first != h)
    last_ = changes_.try_emplace(h).first;
  last_->second.by += by;
}

int spec_counts::write(std::optional<spec_hash>& unknown) {
  changes unlinked, none;
  for (const auto& [h, c] : changes_) {
    if (const int rc = write_one(h, c, unlinked); rc == MDB_NOTFOUND && c.by > 0) {
      unknown = h;
      return environment::refused;
    } else if (rc != 0 && rc != MDB_NOTFOUND) {
      return rc;
    }
  }
  for (const auto& [h, c] : unlinked)
    if (const int rc = write_one(h, c, none); rc != 0 && rc != MDB_NOTFOUND)
      return rc;
  return 0;
}

int spec_counts::write_one(const spec_hash& h, const counted& c, changes& unlinked) {
  if (c.by == 0 && !c.fresh)
    return 0;
  const auto key = spec_key_of(h);
  MDB_val k = val_of(key), v{};
  int64_t before = 0;
  bool entry = false;
  if (!c.fresh) {
    int rc = get_value(txn_, refs_, &k, &v);
    entry = rc == 0;
    if (entry)
      before = static_cast<int64_t>(integer_of(v));
    if (rc == MDB_NOTFOUND) {
      before = 1;
      rc = get_value(txn_, spec_, &k, &v);
    }
    if (rc != 0)
      return rc;
  }
  const auto count = static_cast<uint64_t>(std::max<int64_t>(before + c.by, 0));
  if (count == 0 && !c.fresh) {
    if (int rc = get_value(txn_, spec_, &k, &v); rc != 0)
      return rc;
    if (const auto link = linked_spec(view_of(v)); links_ && link != spec_hash{})
      --unlinked[link].by;
    if (int rc = delete_key(txn_, spec_, &k); rc != 0)
      return rc;
  } else if (count != 1) {
    v = val_of(count);
    return put_value(txn_, refs_, &k, &v, 0);
  }
  return entry ? delete_key(txn_, refs_, &k) : 0;
}

caf::expected<bool> count_links(environment& env, std::vector<std::string>& notes) {
  link_survey found;
  {
    auto at = env.read();
    if (!at)
      return std::move(at.error());
    MDB_val k = val_of(counted_key), v{};
    int rc = get_value(at->txn(), env.dbi(table::meta), &k, &v);
    if (rc == 0)
      return true;
    if (rc == MDB_NOTFOUND)
      rc = survey(env, at->txn(), found);
    if (is_damage(rc)) {
      notes.emplace_back("the jobspecs cannot all be read: environments of jobs are kept for good");
      return false;
    }
    if (rc != 0)
      return env.failure(rc, "count links");
  }
  if (auto err = env.write([&](MDB_txn* txn) { return write_survey(env, txn, found); }))
    return err;
  return true;
}

} // namespace hactor
