// See the header. What objects look like as text is in kvs_text.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/kvs_tree.hpp"

#include <algorithm>

#include <sodium.h>
#include <xxhash.h>

namespace hactor {

namespace {

/// A directory of more names has parts; one change writes this many names again, and at each level
/// above so many addresses.
constexpr size_t leaf_names_max = 64;
constexpr size_t node_parts = 32, bits_of_part = 5;
constexpr size_t levels_max = 12; // as far as the hash goes

/// Nodes that are kept decoded, by the bytes of their text: what a busy instance writes to.
constexpr uint64_t cache_bytes_max = 16u << 20;

constexpr std::string_view blobref_prefix = "sha256-";

uint64_t hash_of(std::string_view name) { return XXH3_64bits(name.data(), name.size()); }

/// From the top, so that parts stand in the order of the hashes.
size_t part_of(uint64_t hash, size_t level) {
  return (hash >> (64 - bits_of_part * (level + 1))) & (node_parts - 1);
}

caf::error lost(std::string_view address) {
  return make_error(ec::store_corrupt, blobref_of(address) + ": is not in the store, or damaged");
}

uint64_t count_of(const kvs_node& node) {
  if (!node.inner)
    return node.names.size();
  uint64_t n = 0;
  for (auto& part : node.parts)
    n += part.count;
  return n;
}

} // namespace

std::string address_of(blob_kind kind, std::string_view bytes) {
  std::string address(1 + crypto_hash_sha256_BYTES, static_cast<char>(kind));
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(address.data()) + 1,
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return address;
}

std::string blobref_of(std::string_view address) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text{blobref_prefix};
  for (unsigned char c : address.substr(std::min<size_t>(address.size(), 1))) {
    text += digits[c >> 4];
    text += digits[c & 15];
  }
  return text;
}

std::optional<std::string> parse_blobref(blob_kind kind, std::string_view text) {
  if (!text.starts_with(blobref_prefix)
      || text.size() != blobref_prefix.size() + 2 * crypto_hash_sha256_BYTES)
    return std::nullopt;
  text.remove_prefix(blobref_prefix.size());
  std::string address(1, static_cast<char>(kind));
  for (size_t i = 0; i < text.size(); i += 2) {
    int value = 0;
    for (char c : text.substr(i, 2)) {
      if (c >= '0' && c <= '9')
        value = value * 16 + (c - '0');
      else if (c >= 'a' && c <= 'f')
        value = value * 16 + (c - 'a' + 10);
      else
        return std::nullopt;
    }
    address += static_cast<char>(value);
  }
  return address;
}

bool same_object(const kvs_object& a, const kvs_object& b) {
  return a.kind == b.kind && a.bytes == b.bytes && a.space == b.space && a.blobs == b.blobs
         && a.dir.address == b.dir.address;
}

std::vector<std::string> children_of(const kvs_node& node) {
  std::vector<std::string> result;
  for (auto& [name, object] : node.names) {
    result.insert(result.end(), object.blobs.begin(), object.blobs.end());
    if (object.kind == kvs_object::type::dirref)
      result.push_back(object.dir.address);
  }
  for (auto& part : node.parts)
    if (part.count > 0)
      result.push_back(part.address);
  return result;
}

kvs_branch kvs_tree::empty() { return {{}, std::make_shared<kvs_node>(), 0}; }

caf::expected<std::shared_ptr<kvs_node>> kvs_tree::load(const std::string& address) {
  if (auto it = cache_.find(address); it != cache_.end()) {
    order_.splice(order_.begin(), order_, it->second);
    return it->second->node;
  }
  auto bytes = source_.load(address);
  if (!bytes)
    return std::move(bytes.error());
  if (address_of(blob_kind::directory, *bytes) != address)
    return lost(address);
  auto node = decode_node(*bytes);
  if (!node)
    return node;
  remember(address, *node, bytes->size());
  return node;
}

void kvs_tree::remember(const std::string& address, std::shared_ptr<kvs_node> node, size_t bytes) {
  if (auto it = cache_.find(address); it != cache_.end())
    return;
  order_.push_front({address, std::move(node), bytes});
  cache_.emplace(order_.front().address, order_.begin());
  for (cached_bytes_ += bytes; cached_bytes_ > cache_bytes_max && order_.size() > 1;) {
    cached_bytes_ -= order_.back().bytes;
    cache_.erase(order_.back().address);
    order_.pop_back();
  }
}

/// The node of a branch that is about to change: nobody else has it.
caf::expected<kvs_node*> kvs_tree::own(kvs_branch& dir) {
  if (!dir.node) {
    auto node = load(dir.address);
    if (!node)
      return std::move(node.error());
    dir.node = std::move(*node);
  }
  if (dir.node.use_count() > 1)
    dir.node = std::make_shared<kvs_node>(*dir.node);
  dir.address.clear();
  return dir.node.get();
}

caf::expected<std::shared_ptr<const kvs_object>> kvs_tree::find(const kvs_branch& dir,
                                                                std::string_view name) {
  auto node = dir.node;
  std::string address = dir.address;
  for (size_t level = 0;; ++level) {
    if (!node) {
      auto loaded = load(address);
      if (!loaded)
        return std::move(loaded.error());
      node = std::move(*loaded);
    }
    if (!node->inner)
      break;
    auto& part = node->parts[part_of(hash_of(name), level)];
    if (part.count == 0)
      return std::shared_ptr<const kvs_object>{};
    address = part.address;
    node = std::shared_ptr<kvs_node>{part.node}; // assigned from within what it held
  }
  auto it = node->names.find(name);
  if (it == node->names.end())
    return std::shared_ptr<const kvs_object>{};
  return std::shared_ptr<const kvs_object>{node, &it->second};
}

caf::expected<kvs_object*> kvs_tree::edit(kvs_branch& dir, const std::string& name) {
  auto hash = hash_of(name);
  auto there = find(dir, name);
  if (!there)
    return std::move(there.error());
  const bool adds = !*there;
  there->reset(); // or the node would have two owners
  auto* branch = &dir;
  for (size_t level = 0;; ++level) {
    branch->count += adds;
    auto node = own(*branch);
    if (!node)
      return std::move(node.error());
    if (!(*node)->inner && adds && (*node)->names.size() >= leaf_names_max && level < levels_max) {
      auto names = std::move((*node)->names);
      (*node)->names.clear();
      (*node)->inner = true;
      (*node)->parts.resize(node_parts);
      for (auto& [key, object] : names) {
        auto& part = (*node)->parts[part_of(hash_of(key), level)];
        if (part.count++ == 0)
          part.node = std::make_shared<kvs_node>();
        part.node->names.emplace(key, std::move(object));
      }
    }
    if (!(*node)->inner)
      return &(*node)->names[name];
    branch = &(*node)->parts[part_of(hash, level)];
    if (branch->count == 0)
      branch->node = std::make_shared<kvs_node>();
  }
}

caf::expected<bool> kvs_tree::remove(kvs_branch& dir, std::string_view name) {
  auto there = find(dir, name);
  if (!there)
    return std::move(there.error());
  if (!*there)
    return false;
  there->reset();
  return remove_in(dir, name, hash_of(name), 0);
}

caf::expected<bool> kvs_tree::remove_in(kvs_branch& dir, std::string_view name, uint64_t hash,
                                        size_t level) {
  auto node = own(dir);
  if (!node)
    return std::move(node.error());
  dir.count -= dir.count > 0;
  if (!(*node)->inner) {
    (*node)->names.erase((*node)->names.find(name));
    return true;
  }
  auto& part = (*node)->parts[part_of(hash, level)];
  if (auto removed = remove_in(part, name, hash, level + 1); !removed)
    return removed;
  if (part.count == 0)
    part = {};
  if (count_of(**node) > leaf_names_max)
    return true;
  kvs_node leaf;
  for (auto& each : (*node)->parts)
    if (auto err = gather(each, leaf))
      return err;
  **node = std::move(leaf);
  return true;
}

/// All names of a part, when there are few.
caf::error kvs_tree::gather(kvs_branch& part, kvs_node& into) {
  if (part.count == 0)
    return caf::none;
  auto node = part.node;
  if (!node) {
    auto loaded = load(part.address);
    if (!loaded)
      return std::move(loaded.error());
    node = std::move(*loaded);
  }
  HACTOR_CHECK(!node->inner); // one with so few names has no parts
  into.names.insert(node->names.begin(), node->names.end());
  return caf::none;
}

caf::expected<uint64_t> kvs_tree::count(const kvs_branch& dir) {
  if (dir.node)
    return count_of(*dir.node);
  auto node = load(dir.address);
  if (!node)
    return std::move(node.error());
  return count_of(**node);
}

caf::error kvs_tree::each(const kvs_branch& dir, std::string_view after,
                          const std::function<bool(const std::string&, const kvs_object&)>& f) {
  bool begun = after.empty(), go_on = true;
  return each_in(dir, after, hash_of(after), 0, begun, go_on, f);
}

caf::error kvs_tree::each_in(const kvs_branch& dir, std::string_view after, uint64_t hash,
                             size_t level, bool& begun, bool& go_on,
                             const std::function<bool(const std::string&, const kvs_object&)>& f) {
  auto node = dir.node;
  if (!node) {
    auto loaded = load(dir.address);
    if (!loaded)
      return std::move(loaded.error());
    node = std::move(*loaded);
  }
  if (node->inner) {
    // Until the place is reached, parts before it are passed over unread.
    for (size_t i = begun ? 0 : part_of(hash, level); i < node_parts && go_on; ++i) {
      if (node->parts[i].count > 0)
        if (auto err = each_in(node->parts[i], after, hash, level + 1, begun, go_on, f))
          return err;
      begun = true; // what follows is behind it, whether it was there or not
    }
    return caf::none;
  }
  std::vector<std::pair<uint64_t, const std::pair<const std::string, kvs_object>*>> sorted;
  for (auto& entry : node->names) {
    auto place = hash_of(entry.first);
    if (begun || place > hash || (place == hash && entry.first > after))
      sorted.emplace_back(place, &entry);
  }
  begun = true;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](auto& a, auto& b) { return a.first < b.first; });
  for (auto& [place, entry] : sorted) {
    go_on = f(entry->first, entry->second);
    if (!go_on)
      break;
  }
  return caf::none;
}

void kvs_tree::seal(kvs_branch& dir,
                    const std::function<void(const std::string&, std::string)>& made) {
  if (!dir.address.empty()) {
    dir.node = nullptr;
    return;
  }
  for (auto& [name, object] : dir.node->names)
    if (object.kind == kvs_object::type::dirref)
      seal(object.dir, made);
  for (auto& part : dir.node->parts)
    if (part.count > 0)
      seal(part, made);
  auto text = encode_node(*dir.node);
  dir.address = address_of(blob_kind::directory, text);
  remember(dir.address, dir.node, text.size());
  made(dir.address, std::move(text));
  dir.node = nullptr;
}

} // namespace hactor
