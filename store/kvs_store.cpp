// Namespaces, and what of them is made durable. Transactions are in kvs_apply.cpp, reading in
// kvs_lookup.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/kvs_store.hpp"

#include <algorithm>

#include "runtime/json.hpp"
#include "store/kvs_key.hpp"
#include "store/kvs_overlay.hpp"

namespace hactor {

namespace {

/// Roots of a namespace that are kept: a snapshot can be read so many commits long.
constexpr size_t roots_max = 16;

caf::error no_space(const std::string& space) {
  return make_error(ec::unknown_key, "namespace '" + space + "' does not exist");
}

std::string record_of(uint32_t owner, uint64_t sequence, const std::vector<std::string>& roots) {
  auto list = json::array();
  for (auto& address : roots)
    list.push_back(blobref_of(address));
  return dump({{"owner", owner}, {"roots", std::move(list)}, {"sequence", sequence}});
}

} // namespace

/// How often the blobs are named once a change is made. All that is named more is counted first,
/// then what is named less, whose end may be the end of what it names.
class kvs_store::counting {
public:
  counting(overlay& blobs, kvs_tree& tree) : blobs_{blobs}, tree_{tree} {}

  void add(const std::string& address, int64_t by) { changes_[address] += by; }

  caf::error finish(kvs_change& change) {
    if (auto err = add_named())
      return err;
    if (auto err = drop_named())
      return err;
    return write(change);
  }

private:
  static bool is_directory(const std::string& address) {
    return address.front() == static_cast<char>(blob_kind::directory);
  }

  /// A directory that is stored names its children already; one that is new does so from now on.
  caf::error add_named() {
    std::vector<std::string> open;
    for (auto& [address, by] : changes_)
      if (by > 0)
        open.push_back(address);
    std::set<std::string> seen;
    while (!open.empty()) {
      auto address = std::move(open.back());
      open.pop_back();
      if (!is_directory(address) || !seen.insert(address).second)
        continue;
      auto stored = blobs_.stored_references(address);
      if (!stored)
        return std::move(stored.error());
      if (*stored > 0)
        continue;
      auto node = tree_.load(address);
      if (!node)
        return std::move(node.error());
      for (auto& child : children_of(**node)) {
        add(child, 1);
        open.push_back(child);
      }
    }
    return caf::none;
  }

  caf::error drop_named() {
    std::vector<std::string> less;
    for (auto& [address, by] : changes_)
      if (by < 0)
        less.push_back(address);
    std::set<std::string> gone;
    while (!less.empty()) {
      auto address = std::move(less.back());
      less.pop_back();
      auto stored = blobs_.stored_references(address);
      if (!stored)
        return std::move(stored.error());
      if (static_cast<int64_t>(*stored) + changes_[address] > 0 || !gone.insert(address).second
          || !is_directory(address))
        continue;
      auto node = tree_.load(address);
      if (!node)
        return std::move(node.error());
      for (auto& child : children_of(**node))
        if (--changes_[child] < 0)
          less.push_back(child);
    }
    return caf::none;
  }

  caf::error write(kvs_change& change) {
    for (auto& [address, by] : changes_) {
      if (by == 0)
        continue;
      auto stored = blobs_.stored_references(address);
      if (!stored)
        return std::move(stored.error());
      auto now = static_cast<int64_t>(*stored) + by;
      if (*stored == 0 && now <= 0)
        continue;
      blob_change b{address, {}, static_cast<uint64_t>(std::max<int64_t>(now, 0))};
      if (*stored == 0) {
        auto bytes = blobs_.load(address);
        if (!bytes)
          return std::move(bytes.error());
        blobs_.arriving[address] = *bytes;
        b.bytes = std::move(*bytes);
      } else if (now <= 0) {
        blobs_.leaving.insert(address);
      }
      change.blobs.push_back(std::move(b));
    }
    return caf::none;
  }

  overlay& blobs_;
  kvs_tree& tree_;
  std::map<std::string, int64_t> changes_;
};

kvs_store::kvs_store(std::shared_ptr<blob_source> source, uint32_t owner)
    : blobs_{std::make_shared<overlay>(std::move(source))}, tree_{*blobs_}, owner_{owner} {
  auto& primary = spaces_[kvs_primary];
  primary.owner = owner;
  primary.working = durable_root(primary);
}

caf::error kvs_store::restore(const std::vector<std::pair<std::string, std::string>>& records) {
  for (auto& [name, text] : records) {
    auto bad = [&name = name](const std::string& why) {
      return make_error(ec::store_corrupt, "record of namespace '" + name + "': " + why);
    };
    auto j = parse_json(text);
    if (!j)
      return bad(render(j.error()));
    auto owner = get_int(*j, "owner"), sequence = get_int(*j, "sequence");
    auto roots = get_array(*j, "roots");
    if (!owner || !sequence || !roots)
      return bad("has no owner, sequence or roots");
    space_state s;
    s.owner = static_cast<uint32_t>(*owner);
    s.sequence = s.working_sequence = static_cast<uint64_t>(*sequence);
    for (auto& root : **roots) {
      auto address = root.is_string()
                         ? parse_blobref(blob_kind::directory, root.get_ref<const std::string&>())
                         : std::nullopt;
      if (!address)
        return bad("a root is no blobref");
      s.roots.push_back(std::move(*address));
    }
    s.working = durable_root(s);
    spaces_[name] = std::move(s);
  }
  return caf::none;
}

kvs_branch kvs_store::durable_root(const space_state& s) const {
  return {s.roots.empty() ? empty_address() : s.roots.front(), nullptr, 0};
}

bool kvs_store::has(const std::string& space) const {
  auto it = spaces_.find(space);
  return it != spaces_.end() && !it->second.made;
}

caf::expected<const kvs_store::space_state*> kvs_store::open(const std::string& space,
                                                             uint32_t userid, bool working) const {
  auto it = spaces_.find(space);
  if (it == spaces_.end() || (working ? it->second.removed : it->second.made))
    return no_space(space);
  auto& s = it->second;
  if (userid != 0 && userid != owner_ && userid != s.owner)
    return make_error(ec::not_permitted, "namespace '" + space + "' belongs to user "
                                             + std::to_string(s.owner) + "; you are user "
                                             + std::to_string(userid));
  return &s;
}

caf::expected<kvs_store::space_state*> kvs_store::open(const std::string& space, uint32_t userid) {
  auto found = open(space, userid, true);
  if (!found)
    return std::move(found.error());
  return &spaces_[space];
}

caf::error kvs_store::create(const std::string& space, uint32_t userid, uint32_t owner,
                             const std::string& reference) {
  if (auto err = check_kvs_space(space))
    return err;
  if (userid != 0 && userid != owner_)
    return make_error(ec::not_permitted, "only the owner of the instance makes namespaces");
  if (spaces_.count(space) != 0)
    return make_error(ec::busy, "namespace '" + space + "' exists already");
  space_state s;
  s.owner = owner;
  s.made = s.changed = true;
  s.working = kvs_tree::empty();
  if (!reference.empty()) {
    kvs_object root;
    auto address = parse_blobref(blob_kind::directory, reference);
    if (!address)
      return make_error(ec::bad_argument, "'" + reference + "' is not a blobref, sha256-HEX");
    root.kind = kvs_object::type::dirref;
    root.dir = {std::move(*address), nullptr, 0};
    if (auto err = adopt(root))
      return err;
    s.working = root.dir;
  }
  spaces_.emplace(space, std::move(s));
  changed_ = true;
  return caf::none;
}

caf::error kvs_store::remove(const std::string& space, uint32_t userid) {
  if (space == kvs_primary)
    return make_error(ec::bad_argument, "namespace 'primary' cannot be removed");
  auto s = open(space, userid);
  if (!s)
    return std::move(s.error());
  if ((*s)->made)
    return make_error(ec::busy, "namespace '" + space + "' is just being made");
  (*s)->removed = (*s)->changed = true;
  changed_ = true;
  return caf::none;
}

/// Gives what has changed below a directory its addresses. Those that a change names are written.
void kvs_store::seal(kvs_branch& dir) {
  tree_.seal(dir, [this](const std::string& address, std::string bytes) {
    blobs_->fresh.try_emplace(address, std::move(bytes));
  });
}

void kvs_store::prepare_space(const std::string& name, space_state& s, counting& counts,
                              kvs_change& change) {
  coming next{name, {}, s.working_sequence, s.removed};
  if (s.removed) {
    for (auto& root : s.roots)
      counts.add(root, -1);
    change.records.emplace_back(name, "");
    coming_.push_back(std::move(next));
    return;
  }
  seal(s.working);
  next.roots = s.roots;
  next.roots.insert(next.roots.begin(), s.working.address);
  counts.add(s.working.address, 1);
  for (; next.roots.size() > roots_max; next.roots.pop_back())
    counts.add(next.roots.back(), -1);
  change.records.emplace_back(name, record_of(s.owner, s.working_sequence, next.roots));
  coming_.push_back(std::move(next));
}

caf::expected<kvs_change> kvs_store::prepare() {
  HACTOR_CHECK(coming_.empty());
  kvs_change change;
  counting counts{*blobs_, tree_};
  for (auto& [name, s] : spaces_)
    if (s.changed) {
      prepare_space(name, s, counts, change);
      s.changed = false;
    }
  changed_ = false;
  if (auto err = counts.finish(change))
    return err;
  blobs_->fresh.clear();
  return change;
}

void kvs_store::committed() {
  for (auto& c : coming_) {
    auto& s = spaces_[c.space];
    if (c.removed) {
      spaces_.erase(c.space);
      continue;
    }
    s.roots = std::move(c.roots);
    s.sequence = c.sequence;
    s.made = false;
  }
  coming_.clear();
  blobs_->settle();
}

void kvs_store::failed() {
  for (auto it = spaces_.begin(); it != spaces_.end();) {
    auto& s = it->second;
    if (s.made) {
      it = spaces_.erase(it);
      continue;
    }
    s.working = durable_root(s);
    s.working_sequence = s.sequence;
    s.changed = s.removed = false;
    ++it;
  }
  changed_ = false;
  coming_.clear();
  blobs_->fresh.clear();
  blobs_->settle();
}

} // namespace hactor
