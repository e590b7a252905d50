// The tree of the key-value store: objects (RFC 11), directories of them, and blobs found by their
// SHA-256 (RFC 10). A directory of more than a few names is a tree of parts, chosen by bits of the
// name's hash, whose form follows from its names alone: a change costs the parts on its way,
// however many names there are, and equal directories are one blob. Nodes are shared and copied
// when they are changed, so who keeps a branch keeps the tree as it was. Callers:
// store/kvs_core.cpp. Format: doc/store-format.md.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/error.hpp"

namespace hactor {

/// What a blob is, before its digest: an address. The same bytes as a value and as a directory are
/// two blobs, since only a directory names others.
enum class blob_kind : char { value = 'v', directory = 'd' };

std::string address_of(blob_kind kind, std::string_view bytes);

/// "sha256-0123...", and back; nothing when it is none.
std::string blobref_of(std::string_view address);
std::optional<std::string> parse_blobref(blob_kind kind, std::string_view text);

struct kvs_node;

/// A directory or a part of one: its address, or while it is being changed only the node.
struct kvs_branch {
  std::string address;            // "": changed, and not sealed
  std::shared_ptr<kvs_node> node; // null: to be loaded
  uint64_t count = 0;             // names in it, when it is a part
};

/// What has a name.
struct kvs_object {
  enum class type : uint8_t { val, valref, dirref, symlink };

  type kind = type::val;
  std::string bytes{};              // val: the value; symlink: the target
  std::string space{};              // symlink: namespace of the target; "": the same
  std::vector<std::string> blobs{}; // valref: addresses
  uint64_t size = 0;                // valref: bytes of all blobs ...
  uint64_t tail = 0;                // ... and of the last
  kvs_branch dir{};                 // dirref

  bool is_value() const { return kind == type::val || kind == type::valref; }
  uint64_t value_size() const { return kind == type::val ? bytes.size() : size; }
};

/// The same value, directory or link. Requires: both are sealed.
bool same_object(const kvs_object& a, const kvs_object& b);

struct kvs_node {
  bool inner = false;
  std::map<std::string, kvs_object, std::less<>> names; // not inner
  std::vector<kvs_branch> parts;                        // inner: 32 of them, or empty ones
};

/// Where blobs are kept.
class blob_source {
public:
  virtual ~blob_source() = default;
  virtual caf::expected<std::string> load(std::string_view address) = 0;
  /// How often a blob is named; 0: it is not there.
  virtual caf::expected<uint64_t> references(std::string_view address) = 0;
};

class kvs_tree {
public:
  explicit kvs_tree(blob_source& source) : source_{source} {}

  static kvs_branch empty();

  /// The object of this name, which lives as long as the pointer; null when there is none.
  /// Errors of all: ec::store_corrupt, ec::store_failed, ec::unknown_key (a blob is not there).
  caf::expected<std::shared_ptr<const kvs_object>> find(const kvs_branch& dir,
                                                        std::string_view name);

  /// The object to be changed, which is made when it is not there: its kind is then val, empty.
  caf::expected<kvs_object*> edit(kvs_branch& dir, const std::string& name);

  /// False when there is none.
  caf::expected<bool> remove(kvs_branch& dir, std::string_view name);

  caf::expected<uint64_t> count(const kvs_branch& dir);

  /// Names and objects in the order of their hashes, behind `after` unless it is "", until `f` says
  /// false.
  caf::error each(const kvs_branch& dir, std::string_view after,
                  const std::function<bool(const std::string&, const kvs_object&)>& f);

  /// Gives each changed node its address, and its bytes to `made`, children first.
  void seal(kvs_branch& dir,
            const std::function<void(const std::string& address, std::string bytes)>& made);

  caf::expected<std::shared_ptr<kvs_node>> load(const std::string& address);

  uint64_t cached_bytes() const { return cached_bytes_; }

private:
  caf::expected<kvs_node*> own(kvs_branch& dir);
  caf::expected<bool> remove_in(kvs_branch& dir, std::string_view name, uint64_t hash,
                                size_t level);
  caf::error gather(kvs_branch& part, kvs_node& into);
  caf::error each_in(const kvs_branch& dir, std::string_view after, uint64_t hash, size_t level,
                     bool& begun, bool& go_on,
                     const std::function<bool(const std::string&, const kvs_object&)>& f);
  void remember(const std::string& address, std::shared_ptr<kvs_node> node, size_t bytes);

  blob_source& source_;
  struct cached {
    std::string address;
    std::shared_ptr<kvs_node> node;
    size_t bytes;
  };
  std::list<cached> order_; // used last first
  std::unordered_map<std::string_view, std::list<cached>::iterator> cache_;
  uint64_t cached_bytes_ = 0;
};

/// Addresses that a directory's node names, each as often as it does.
std::vector<std::string> children_of(const kvs_node& node);

/// JSON of RFC 11. A directory that is not sealed stands there in full.
std::string encode_node(const kvs_node& node);
std::string encode_object(const kvs_object& object);

/// Errors: ec::store_corrupt.
caf::expected<std::shared_ptr<kvs_node>> decode_node(std::string_view text);

/// An object that a person gave; a directory written out in full becomes a node. Sizes of valref
/// are absent then, 0. Errors: ec::bad_argument, ec::bad_json.
caf::expected<kvs_object> decode_object(std::string_view text);

} // namespace hactor
