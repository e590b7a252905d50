// Reading the key-value store: from a key to its object, from an object to its bytes or its names.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include "store/kvs_key.hpp"
#include "store/kvs_overlay.hpp"

namespace hactor {

namespace {

using type = kvs_object::type;

/// Values of so many bytes come with a listing.
constexpr size_t listed_bytes_max = 1024;

std::string front_of(const std::vector<std::string>& names, size_t n) {
  return join_kvs_key({names.begin(), names.begin() + static_cast<ptrdiff_t>(n)});
}

} // namespace

/// Walks from a root along the names, through links, to what they lead to. Where something is
/// missing on the way the names stand as they are, and there is no object.
caf::expected<kvs_store::place> kvs_store::find(const walk& w, std::string space, kvs_branch root,
                                                std::vector<std::string> names) {
  size_t links = 0;
  auto dir = root;
  for (size_t i = 0; i < names.size();) {
    auto object = tree_.find(dir, names[i]);
    if (!object)
      return std::move(object.error());
    const bool last = i + 1 == names.size();
    if (!*object)
      return place{std::move(space), std::move(names), nullptr};
    auto& found = **object;
    if (found.kind == type::symlink && (!last || w.follow_last)) {
      if (++links > limits::kvs_links_max)
        return make_error(ec::bad_argument, "key '" + front_of(names, i + 1)
                                                + "': leads through more than "
                                                + std::to_string(limits::kvs_links_max) + " links");
      auto target = parse_kvs_key(found.bytes);
      if (!target)
        return std::move(target.error());
      target->insert(target->end(), names.begin() + static_cast<ptrdiff_t>(i) + 1, names.end());
      if (target->size() > limits::kvs_depth_max)
        return make_error(ec::bad_argument,
                          "key '" + front_of(names, i + 1) + "': leads to a key of too many names");
      if (!found.space.empty() && found.space != space) {
        space = found.space;
        auto s = open(space, w.userid, w.working);
        if (!s)
          return std::move(s.error());
        root = w.working ? (*s)->working : durable_root(**s);
      }
      names = std::move(*target);
      dir = root;
      i = 0;
      continue;
    }
    if (last)
      return place{std::move(space), std::move(names), std::move(*object)};
    if (found.kind != type::dirref)
      return make_error(ec::wrong_state,
                        "key '" + front_of(names, i + 1) + "': is not a directory");
    dir = kvs_branch{found.dir};
    ++i;
  }
  auto object = std::make_shared<kvs_object>();
  object->kind = type::dirref;
  object->dir = std::move(root);
  return place{std::move(space), std::move(names), std::move(object)};
}

caf::expected<kvs_store::place> kvs_store::find_from(const walk& w, const std::string& space,
                                                     const std::string& key) {
  auto names = parse_kvs_key(key);
  if (!names)
    return std::move(names.error());
  auto s = open(space, w.userid, w.working);
  if (!s)
    return std::move(s.error());
  return find(w, space, w.working ? (*s)->working : durable_root(**s), std::move(*names));
}

caf::expected<kvs_root> kvs_store::root(const std::string& space, uint32_t userid) const {
  auto s = open(space, userid, false);
  if (!s)
    return std::move(s.error());
  return kvs_root{space, blobref_of(durable_root(**s).address), (*s)->sequence, (*s)->owner};
}

std::vector<kvs_root> kvs_store::roots() const {
  std::vector<kvs_root> result;
  for (auto& [name, s] : spaces_)
    if (!s.made)
      result.push_back({name, blobref_of(durable_root(s).address), s.sequence, s.owner});
  return result;
}

caf::expected<kvs_object> kvs_store::lookup(const question& q) {
  caf::expected<place> at{ec::unknown_key};
  const walk w{false, q.follow_last, q.userid};
  if (q.at.empty()) {
    at = find_from(w, q.space, q.key);
  } else {
    auto names = parse_kvs_key(q.key);
    if (!names)
      return std::move(names.error());
    kvs_object top;
    if (auto address = parse_blobref(blob_kind::directory, q.at)) {
      top.kind = type::dirref;
      top.dir.address = std::move(*address);
    } else {
      auto read = decode_object(q.at);
      if (!read)
        return std::move(read.error());
      top = std::move(*read);
    }
    if (names->empty())
      return top;
    if (top.kind != type::dirref)
      return make_error(ec::wrong_state, "the tree object to look into is not a directory");
    at = find(w, q.space, top.dir, std::move(*names));
  }
  if (!at)
    return std::move(at.error());
  if (!at->object)
    return make_error(ec::unknown_key, "key '" + q.key + "': does not exist");
  return *at->object;
}

caf::expected<std::string> kvs_store::read_value(const kvs_object& object) {
  return read_value(object, 0);
}

caf::expected<std::string> kvs_store::read_value(const kvs_object& object, uint64_t from) {
  if (object.kind == type::val)
    return object.bytes.substr(std::min<size_t>(from, object.bytes.size()));
  if (object.kind != type::valref)
    return make_error(ec::wrong_state, object.kind == type::dirref ? "is a directory, not a value"
                                                                   : "is a link, not a value");
  // Of a person's tree object the size is not known.
  const auto wanted = object.size == 0 ? limits::kvs_value_bytes_max + 1
                                       : object.size - std::min(from, object.size);
  std::vector<std::string> pieces; // last first
  size_t bytes = 0;
  for (auto it = object.blobs.rbegin(); it != object.blobs.rend() && bytes < wanted; ++it) {
    auto piece = blobs_->load(*it);
    if (!piece)
      return std::move(piece.error());
    if (address_of(blob_kind::value, *piece) != *it)
      return make_error(ec::store_corrupt, blobref_of(*it) + ": is damaged");
    bytes += piece->size();
    if (bytes > limits::kvs_value_bytes_max)
      return make_error(ec::too_big, "tree object: its value is too large");
    pieces.push_back(std::move(*piece));
  }
  std::string value;
  value.reserve(bytes);
  for (auto it = pieces.rbegin(); it != pieces.rend(); ++it)
    value += *it;
  if (object.size != 0 && bytes > wanted)
    value.erase(0, bytes - wanted);
  return value;
}

caf::expected<bool> kvs_store::continues(const kvs_object& before, const kvs_object& now) {
  if (!before.is_value() || !now.is_value() || now.value_size() < before.value_size())
    return false;
  if (same_object(before, now))
    return true;
  // All but the last blob stand as they were; the last may have been written again.
  auto whole = before.blobs.size() - !before.blobs.empty();
  if (now.blobs.size() < whole
      || !std::equal(before.blobs.begin(), before.blobs.begin() + static_cast<ptrdiff_t>(whole),
                     now.blobs.begin()))
    return false;
  const auto tail_begin = before.kind == type::val ? 0 : before.size - before.tail;
  auto old_tail = read_value(before, tail_begin);
  if (!old_tail && code_of(old_tail.error()) == ec::unknown_key)
    return true;
  if (!old_tail)
    return std::move(old_tail.error());
  auto new_tail = read_value(now, tail_begin);
  if (!new_tail)
    return std::move(new_tail.error());
  return new_tail->starts_with(*old_tail);
}

caf::expected<kvs_store::listing> kvs_store::list(const kvs_object& object,
                                                  const std::string& after) {
  if (object.kind != type::dirref)
    return make_error(ec::wrong_state, "is not a directory");
  listing result;
  auto err = tree_.each(object.dir, after, [&](const std::string& name, const kvs_object& o) {
    if (result.entries.size() == limits::kvs_listing_entries_max) {
      result.more = true;
      return false;
    }
    kvs_entry e{name};
    e.kind = o.is_value()             ? kvs_kind::value
             : o.kind == type::dirref ? kvs_kind::directory
                                      : kvs_kind::link;
    e.size = o.is_value() ? o.value_size() : 0;
    e.value = o.bytes;
    e.space = o.space;
    e.whole = o.kind != type::valref;
    if (o.kind == type::valref && o.size > 0 && o.size <= listed_bytes_max)
      if (auto bytes = read_value(o)) { // else who asks for it hears why
        e.value = std::move(*bytes);
        e.whole = true;
      }
    result.entries.push_back(std::move(e));
    return true;
  });
  if (err)
    return err;
  return result;
}

} // namespace hactor
