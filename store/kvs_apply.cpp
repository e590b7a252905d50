// Transactions on the key-value store's working trees.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include "store/kvs_key.hpp"
#include "store/kvs_overlay.hpp"

namespace hactor {

namespace {

using type = kvs_object::type;

/// Values of so many bytes stand in their directory; of larger ones only addresses do.
constexpr size_t inline_bytes_max = 128;

/// Blobs that a value is cut into (RFC 10).
constexpr size_t blob_bytes_max = 1u << 20;

/// The last blob of a value that grows is written again with what is appended while it is smaller:
/// otherwise a log of short lines would be a blob a line.
constexpr uint64_t tail_bytes_min = 4096;

caf::error refuse(ec code, const std::string& key, const std::string& why) {
  return make_error(code, "key '" + key + "': " + why);
}

caf::error too_big(const std::string& key, uint64_t bytes) {
  return refuse(ec::too_big, key,
                "a value of " + std::to_string(bytes) + " bytes; at most "
                    + std::to_string(limits::kvs_value_bytes_max)
                    + " are allowed: put it into a file, and its name here");
}

bool lies_within(const std::vector<std::string>& inner, const std::vector<std::string>& outer) {
  return inner.size() >= outer.size() && std::equal(outer.begin(), outer.end(), inner.begin());
}

} // namespace

caf::expected<uint64_t> kvs_store::apply(const std::string& space, uint32_t userid,
                                         const std::vector<kvs_op>& operations) {
  auto s = open(space, userid);
  if (!s)
    return std::move(s.error());
  size_t bytes = 0;
  for (auto& op : operations)
    bytes += op.key.size() + op.value.size();
  if (bytes > limits::kvs_transaction_bytes_max || operations.size() > limits::kvs_operations_max)
    return make_error(ec::too_big,
                      "a transaction of " + std::to_string(operations.size()) + " operations and "
                          + std::to_string(bytes) + " bytes; at most "
                          + std::to_string(limits::kvs_operations_max) + " and "
                          + std::to_string(limits::kvs_transaction_bytes_max) + " are allowed");
  auto before = (*s)->working;
  for (auto& op : operations)
    if (auto err = apply_one(space, **s, userid, op)) {
      (*s)->working = std::move(before);
      return err;
    }
  (*s)->changed = changed_ = true;
  return ++(*s)->working_sequence;
}

caf::error kvs_store::apply_one(const std::string& name, space_state& s, uint32_t userid,
                                const kvs_op& op) {
  if (op.verb == kvs_verb::move)
    return apply_move(name, s, userid, op);
  auto names = parse_kvs_key(op.key);
  if (!names)
    return std::move(names.error());
  if (names->empty())
    return refuse(ec::bad_argument, op.key, "is the root directory, which stays");
  if (op.value.size() > limits::kvs_value_bytes_max)
    return too_big(op.key, op.value.size());
  auto at = find({true, false, userid}, name, s.working, std::move(*names));
  if (!at)
    return std::move(at.error());
  if (at->space != name)
    return refuse(ec::bad_argument, op.key,
                  "leads into namespace '" + at->space + "': write it there");
  kvs_object object;
  switch (op.verb) {
  case kvs_verb::put:
    if (at->object && at->object->kind == type::dirref)
      return refuse_directory(at->object->dir, op.key,
                              "; a value would take its place: remove it first (kvs unlink -R)");
    add_blobs(object, op.value);
    break;
  case kvs_verb::append: {
    auto value = grown(at->object.get(), op.value);
    if (!value)
      return refuse(code_of(value.error()), op.key, render(value.error()));
    object = std::move(*value);
    break;
  }
  case kvs_verb::unlink:
    return unlink(s, *at, op);
  case kvs_verb::mkdir:
    if (at->object && at->object->kind == type::dirref)
      return caf::none;
    if (at->object)
      return refuse(ec::wrong_state, op.key, "is there, and no directory");
    object.kind = type::dirref;
    object.dir = kvs_tree::empty();
    break;
  default: {
    auto given = given_object(name, userid, op);
    if (!given)
      return std::move(given.error());
    object = std::move(*given);
  }
  }
  at->object.reset(); // or the tree would be copied
  return set(s, at->names, std::move(object));
}

/// What a link, a tree object or a copy puts in place, whatever was there.
caf::expected<kvs_object> kvs_store::given_object(const std::string& name, uint32_t userid,
                                                  const kvs_op& op) {
  kvs_object object;
  if (op.verb == kvs_verb::link) {
    if (auto target = parse_kvs_key(op.value); !target)
      return std::move(target.error());
    if (!op.space.empty())
      if (auto err = check_kvs_space(op.space))
        return err;
    object.kind = type::symlink;
    object.bytes = op.value;
    object.space = op.space;
    return object;
  }
  if (op.verb == kvs_verb::treeobj) {
    auto read = decode_object(op.value);
    if (!read)
      return read;
    if (auto err = adopt(*read))
      return err;
    return read;
  }
  auto from = find_from({true, false, userid}, op.space.empty() ? name : op.space, op.value);
  if (!from)
    return std::move(from.error());
  if (!from->object)
    return refuse(ec::unknown_key, op.value, "does not exist");
  object = *from->object;
  // Copies of copies would make a tree in memory as deep as there are of them: what is copied gets
  // its address now.
  if (object.kind == type::dirref)
    seal(object.dir);
  return object;
}

caf::error kvs_store::apply_move(const std::string& name, space_state& s, uint32_t userid,
                                 const kvs_op& op) {
  auto from = find_from({true, false, userid}, name, op.value);
  if (!from)
    return std::move(from.error());
  auto to = find_from({true, false, userid}, name, op.key);
  if (!to)
    return std::move(to.error());
  if (from->space == to->space && lies_within(to->names, from->names))
    return refuse(ec::bad_argument, op.key, "lies within '" + op.value + "', which is to be moved");
  if (from->space == to->space && lies_within(from->names, to->names))
    return refuse(ec::bad_argument, op.key, "has '" + op.value + "' in it, which is to be moved");
  from->object.reset();
  to->object.reset();
  if (auto err = apply_one(name, s, userid, {kvs_verb::copy, op.key, op.value}))
    return err;
  return apply_one(name, s, userid, {kvs_verb::unlink, op.value, {}, {}, true});
}

/// The directory that the last name is in; those on the way are made.
caf::expected<kvs_branch*> kvs_store::parent_of(space_state& s,
                                                const std::vector<std::string>& names) {
  auto* dir = &s.working;
  for (size_t i = 0; i + 1 < names.size(); ++i) {
    auto there = tree_.find(*dir, names[i]);
    if (!there)
      return std::move(there.error());
    const bool absent = !*there;
    if (!absent && (*there)->kind != type::dirref)
      return refuse(ec::wrong_state,
                    join_kvs_key({names.begin(), names.begin() + static_cast<ptrdiff_t>(i) + 1}),
                    "is not a directory");
    there->reset();
    auto object = tree_.edit(*dir, names[i]);
    if (!object)
      return std::move(object.error());
    if (absent) {
      (*object)->kind = type::dirref;
      (*object)->dir = kvs_tree::empty();
    }
    dir = &(*object)->dir;
  }
  return dir;
}

caf::error kvs_store::set(space_state& s, const std::vector<std::string>& names,
                          kvs_object object) {
  auto dir = parent_of(s, names);
  if (!dir)
    return std::move(dir.error());
  auto place = tree_.edit(**dir, names.back());
  if (!place)
    return std::move(place.error());
  **place = std::move(object);
  return caf::none;
}

caf::error kvs_store::refuse_directory(const kvs_branch& dir, const std::string& key,
                                       const std::string& what_then) {
  auto names = tree_.count(dir);
  if (!names)
    return std::move(names.error());
  return refuse(ec::wrong_state, key,
                "is a directory with " + std::to_string(*names) + (*names == 1 ? " name" : " names")
                    + what_then);
}

caf::error kvs_store::unlink(space_state& s, const place& at, const kvs_op& op) {
  if (!at.object)
    return op.force ? caf::error{} : refuse(ec::unknown_key, op.key, "does not exist");
  if (at.object->kind == type::dirref && !op.recursive) {
    auto names = tree_.count(at.object->dir);
    if (!names)
      return std::move(names.error());
    if (*names > 0)
      return refuse_directory(at.object->dir, op.key, "; -R removes them, too");
  }
  auto dir = parent_of(s, at.names);
  if (!dir)
    return std::move(dir.error());
  auto removed = tree_.remove(**dir, at.names.back());
  return removed ? caf::error{} : std::move(removed.error());
}

/// Makes a value of these bytes, or continues one with them.
void kvs_store::add_blobs(kvs_object& object, std::string_view bytes) {
  if (object.blobs.empty() && bytes.size() <= inline_bytes_max) {
    object.bytes = bytes;
    return;
  }
  object.kind = type::valref;
  while (!bytes.empty()) {
    auto piece = bytes.substr(0, blob_bytes_max);
    bytes.remove_prefix(piece.size());
    auto address = address_of(blob_kind::value, piece);
    blobs_->fresh.try_emplace(address, piece);
    object.blobs.push_back(std::move(address));
    object.size += piece.size();
    object.tail = piece.size();
  }
}

caf::expected<kvs_object> kvs_store::grown(const kvs_object* before, std::string_view bytes) {
  kvs_object object;
  if (before == nullptr) {
    add_blobs(object, bytes);
    return object;
  }
  if (!before->is_value())
    return make_error(ec::wrong_state, "is no value: nothing can be appended to it");
  auto size = before->value_size() + bytes.size();
  if (size > limits::kvs_value_bytes_max)
    return make_error(ec::too_big, "would become " + std::to_string(size) + " bytes; at most "
                                       + std::to_string(limits::kvs_value_bytes_max)
                                       + " are allowed");
  if (before->kind == type::val) {
    add_blobs(object, before->bytes + std::string{bytes});
    return object;
  }
  object = *before;
  if (object.tail >= tail_bytes_min || bytes.empty()) {
    add_blobs(object, bytes);
    return object;
  }
  auto tail = blobs_->load(object.blobs.back());
  if (!tail)
    return std::move(tail.error());
  object.size -= tail->size();
  object.blobs.pop_back();
  if (object.blobs.empty())
    object = {};
  add_blobs(object, tail->append(bytes));
  return object;
}

caf::expected<bool> kvs_store::exists(const std::string& address) {
  if (address == empty_address())
    blobs_->fresh.try_emplace(address, empty_directory());
  if (blobs_->fresh.count(address) != 0)
    return true;
  auto references = blobs_->references(address);
  if (!references)
    return std::move(references.error());
  return *references > 0;
}

/// Makes an object that a person gave fit for the tree: what it names must be there.
caf::error kvs_store::adopt(kvs_object& object) {
  auto absent = [](const std::string& address) {
    return make_error(ec::unknown_key, blobref_of(address) + ": there is no such blob (any more)");
  };
  if (object.kind == type::val && object.bytes.size() > inline_bytes_max) {
    if (object.bytes.size() > limits::kvs_value_bytes_max)
      return make_error(ec::too_big, "tree object: its value is too large");
    kvs_object made;
    add_blobs(made, object.bytes);
    object = std::move(made);
  } else if (object.kind == type::valref) {
    object.size = 0;
    for (auto& address : object.blobs) {
      auto there = exists(address);
      if (!there)
        return std::move(there.error());
      if (!*there)
        return absent(address);
      auto bytes = blobs_->load(address);
      if (!bytes)
        return std::move(bytes.error());
      object.tail = bytes->size();
      if (object.size += bytes->size(); object.size > limits::kvs_value_bytes_max)
        return make_error(ec::too_big, "tree object: its value is too large");
    }
  } else if (object.kind == type::dirref && !object.dir.node) {
    auto there = exists(object.dir.address);
    if (!there)
      return std::move(there.error());
    if (!*there)
      return absent(object.dir.address);
  } else if (object.kind == type::dirref) {
    auto whole = std::exchange(object.dir, kvs_tree::empty());
    for (auto& [name, child] : whole.node->names) {
      if (auto err = adopt(child))
        return err;
      auto place = tree_.edit(object.dir, name);
      if (!place)
        return std::move(place.error());
      **place = std::move(child);
    }
  }
  return caf::none;
}

} // namespace hactor
