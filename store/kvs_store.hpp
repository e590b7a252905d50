// Namespaces of the key-value store: transactions on them, what they become on disk, and reading
// them. What is applied is seen when it is durable: transactions change a working tree; prepare()
// makes of all that were applied one change for the journal, and committed() lets it be read. Blobs
// that no tree names any more go with the change that drops them; the last roots of each namespace
// are kept, so that a reader whose answers take several steps finds what it began with.
// No clock, no actors; the journal is what the owner makes of `blob_source` and kvs_change.
// Caller: actors/kvs_core.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/journal.hpp"
#include "store/kvs_tree.hpp"
#include "store/kvs_types.hpp"

namespace hactor {

/// What is to be made durable, all or nothing.
struct kvs_change {
  std::vector<std::pair<std::string, std::string>> records; // of namespaces; "": it is removed
  std::vector<blob_change> blobs;
};

class kvs_store {
public:
  /// `owner`: of the instance, who may do everything.
  kvs_store(std::shared_ptr<blob_source> source, uint32_t owner);

  /// What was there: the records of namespaces. Errors: ec::store_corrupt.
  caf::error restore(const std::vector<std::pair<std::string, std::string>>& records);

  // -- changing -----------------------------------------------------------------------------------

  /// Applies all operations or none; returns the sequence number that the namespace has then.
  /// Errors: ec::unknown_key, ec::not_permitted, ec::bad_argument, ec::bad_json, ec::wrong_state,
  /// ec::too_big, ec::store_failed, ec::store_corrupt.
  caf::expected<uint64_t> apply(const std::string& space, uint32_t userid,
                                const std::vector<kvs_op>& operations);

  /// `reference`: blobref of the directory that it begins with; "": an empty one.
  /// Errors: ec::busy, ec::bad_argument, ec::unknown_key, ec::not_permitted.
  caf::error create(const std::string& space, uint32_t userid, uint32_t owner,
                    const std::string& reference);

  /// Errors: ec::unknown_key, ec::not_permitted, ec::bad_argument (primary).
  caf::error remove(const std::string& space, uint32_t userid);

  /// Something was applied that is not in a change yet.
  bool is_changed() const { return changed_; }

  /// One change of all that was applied. Requires: the one before is committed or has failed.
  caf::expected<kvs_change> prepare();
  void committed(); ///< The change is durable.
  void failed();    ///< It is not: all that was applied is forgotten, also what came after it.

  // -- reading what is durable --------------------------------------------------------------------

  /// Errors: ec::unknown_key, ec::not_permitted.
  caf::expected<kvs_root> root(const std::string& space, uint32_t userid) const;
  std::vector<kvs_root> roots() const;
  bool has(const std::string& space) const;

  struct question {
    std::string space;
    uint32_t userid = 0;
    std::string key;
    std::string at{};        // JSON of an object, or a blobref: look into it
    bool follow_last = true; // when the key names a link: what it leads to
  };
  /// The object of a key. Errors: ec::unknown_key, ec::not_permitted, ec::bad_argument,
  /// ec::bad_json, ec::wrong_state (it leads through a value), ec::store_corrupt.
  caf::expected<kvs_object> lookup(const question& q);

  /// Errors: ec::wrong_state (no value), ec::too_big (of a person's object), ec::store_corrupt.
  caf::expected<std::string> read_value(const kvs_object& object);

  /// The part of a value behind its first `from` bytes. Cost: the blobs that hold it.
  caf::expected<std::string> read_value(const kvs_object& object, uint64_t from);

  /// Whether `now` is `before` with something appended, or nothing. As far as `before` can still be
  /// read; lengths and whole blobs are always compared. Errors: ec::store_corrupt.
  caf::expected<bool> continues(const kvs_object& before, const kvs_object& now);

  struct listing {
    std::vector<kvs_entry> entries; // in no order that means anything
    bool more = false;
  };
  /// At most limits::kvs_listing_entries_max of a directory, behind the name `after`.
  /// Errors: ec::wrong_state (no directory), ec::store_corrupt.
  caf::expected<listing> list(const kvs_object& object, const std::string& after);

  uint64_t cached_bytes() const { return tree_.cached_bytes(); }

private:
  /// Blobs that the journal has, and those that are on their way to it.
  class overlay;
  struct space_state {
    uint32_t owner = 0;
    uint64_t sequence = 0;          // durable
    std::vector<std::string> roots; // durable: addresses, newest first; none: empty from the start
    kvs_branch working;
    uint64_t working_sequence = 0;
    bool changed = false;
    bool made = false;    // not durable yet
    bool removed = false; // durably there still
  };
  struct walk {
    bool working = false; // in the working tree; else what is durable
    bool follow_last = true;
    uint32_t userid = 0;
  };
  struct place {
    std::string space;
    std::vector<std::string> names;           // without links
    std::shared_ptr<const kvs_object> object; // null: nothing is there
  };

  caf::expected<space_state*> open(const std::string& space, uint32_t userid);
  caf::expected<const space_state*> open(const std::string& space, uint32_t userid,
                                         bool working) const;
  kvs_branch durable_root(const space_state& s) const;
  caf::expected<place> find(const walk& w, std::string space, kvs_branch root,
                            std::vector<std::string> names);
  caf::expected<place> find_from(const walk& w, const std::string& space, const std::string& key);

  caf::error apply_one(const std::string& name, space_state& s, uint32_t userid, const kvs_op& op);
  caf::expected<kvs_object> given_object(const std::string& name, uint32_t userid,
                                         const kvs_op& op);
  caf::error apply_move(const std::string& name, space_state& s, uint32_t userid, const kvs_op& op);
  caf::error set(space_state& s, const std::vector<std::string>& names, kvs_object object);
  caf::expected<kvs_branch*> parent_of(space_state& s, const std::vector<std::string>& names);
  caf::expected<kvs_object> grown(const kvs_object* before, std::string_view bytes);
  caf::error unlink(space_state& s, const place& at, const kvs_op& op);
  caf::error refuse_directory(const kvs_branch& dir, const std::string& key,
                              const std::string& what_then);
  void add_blobs(kvs_object& object, std::string_view bytes);
  void seal(kvs_branch& dir);
  caf::error adopt(kvs_object& object);
  caf::expected<bool> exists(const std::string& address);

  class counting;
  void prepare_space(const std::string& name, space_state& s, counting& counts, kvs_change& change);

  std::shared_ptr<overlay> blobs_;
  kvs_tree tree_;
  uint32_t owner_;
  std::map<std::string, space_state> spaces_;
  bool changed_ = false;
  struct coming {
    std::string space;
    std::vector<std::string> roots;
    uint64_t sequence;
    bool removed;
  };
  std::vector<coming> coming_; // of the change that was prepared
};

/// What a namespace's record in the journal is called.
inline constexpr const char* kvs_record_prefix = "kvs/";

} // namespace hactor
