// What the key-value store is asked and what it answers, as values: operations, roots, entries.
// A namespace is a tree of directories; what has a name in one is a value, a directory or a link.
// Callers: store/kvs*.cpp, and actors, which send these to one another.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hactor {

namespace limits {

/// Bytes of one value, also of one that grew by appending: what is larger belongs into a file. It
/// is held in memory while it is written and read, and in base64 must fit into a client's frame.
inline constexpr size_t kvs_value_bytes_max = 16u << 20;

/// Bytes of all keys and values of one transaction, and operations in it.
inline constexpr size_t kvs_transaction_bytes_max = 32u << 20;
inline constexpr size_t kvs_operations_max = 100'000;

/// Bytes of transactions that wait for the disk; beyond it more are refused (ec::busy).
inline constexpr size_t kvs_waiting_bytes_max = 256u << 20;

/// Bytes of one component of a key, and components: what walks a tree recurses.
inline constexpr size_t kvs_name_bytes_max = 255;
inline constexpr size_t kvs_depth_max = 64;

/// Links that one key may lead through; more are a circle.
inline constexpr size_t kvs_links_max = 10;

/// Bytes of a namespace's name: it is a part of a key in the journal, whose bound is 500.
inline constexpr size_t kvs_space_bytes_max = 255;

/// Names in one part of a listing.
inline constexpr size_t kvs_listing_entries_max = 10'000;

} // namespace limits

/// The namespace that is there from the beginning, and cannot be removed.
inline constexpr const char* kvs_primary = "primary";

enum class kvs_verb : uint8_t { put, append, unlink, mkdir, link, treeobj, copy, move };

/// One operation of a transaction.
struct kvs_op {
  kvs_verb verb = kvs_verb::put;
  std::string key;
  std::string value{}; // put, append: bytes; link: the target; treeobj: JSON; copy, move: of what
  std::string space{}; // link: namespace of the target, copy: of what is copied; "": the same
  bool recursive = false; // unlink: also a directory that is not empty
  bool force = false;     // unlink: also what is not there

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, kvs_op& x) {
    return f(x.verb, x.key, x.value, x.space, x.recursive, x.force);
  }
};

/// Where a namespace stands.
struct kvs_root {
  std::string space;
  std::string reference; // blobref of its root directory
  uint64_t sequence = 0; // counts transactions
  uint32_t owner = 0;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, kvs_root& x) {
    return f(x.space, x.reference, x.sequence, x.owner);
  }
};

enum class kvs_kind : uint8_t { value, directory, link };

/// What has a name in a directory.
struct kvs_entry {
  std::string name;
  kvs_kind kind = kvs_kind::value;
  uint64_t size = 0;   // of a value, in bytes
  std::string value{}; // a small one's bytes; a link's target
  std::string space{}; // of a link's target; "": the same
  bool whole = true;   // `value` is all of the value

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, kvs_entry& x) {
    return f(x.name, x.kind, x.size, x.value, x.space, x.whole);
  }
};

} // namespace hactor
