// Messages about the key-value store (doc/kvs.md): connectors ask the KVS of their instance. A part
// of messages.hpp, which alone is included by others. In all of them `space` is the namespace, and
// `userid` who asks. Errors of all: ec::unknown_key (no such namespace or key), ec::not_permitted,
// ec::bad_argument (a key, a tree object), ec::wrong_state (a directory where a value is wanted,
// and the other way round), ec::store_failed, ec::store_corrupt.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/actor.hpp>

#include "actors/message_inspect.hpp"
#include "store/kvs_types.hpp"

namespace hactor {

/// connector -> KVS: all of these operations, or none. Answered by kvs_root when they are durable.
/// With `fence` when so many requests with that name have come, all of them together.
/// Errors: ec::too_big, ec::busy (too much waits for the disk), ec::disk_full.
struct kvs_commit_request {
  std::string space;
  uint32_t userid = 0;
  std::vector<kvs_op> operations;
  std::string fence;
  uint32_t parties = 0;
};
HACTOR_INSPECT(kvs_commit_request, x.space, x.userid, x.operations, x.fence, x.parties)

enum class kvs_want : uint8_t { value, treeobj, listing, link };

/// connector -> KVS. `at`: a tree object to look into, instead of the namespace as it is now.
struct kvs_lookup_request {
  std::string space;
  uint32_t userid = 0;
  std::string key;
  std::string at;
  kvs_want want = kvs_want::value;
  std::string after; // listing: the last name of the part before; "": from the beginning
};
HACTOR_INSPECT(kvs_lookup_request, x.space, x.userid, x.key, x.at, x.want, x.after)

struct kvs_lookup_reply {
  std::string value;              // bytes, or JSON of the tree object, or a link's target
  std::string space;              // of a link's target
  std::vector<kvs_entry> entries; // of a listing
  bool more = false;              // of a listing: ask again, after the last of these
};
HACTOR_INSPECT(kvs_lookup_reply, x.value, x.space, x.entries, x.more)

/// connector -> KVS. Answered by kvs_root.
struct kvs_root_request {
  std::string space;
  uint32_t userid = 0;
};
HACTOR_INSPECT(kvs_root_request, x.space, x.userid)

enum class kvs_space_verb : uint8_t { list, create, remove, forget };

/// connector -> KVS; forget: journal -> KVS, before the jobs are forgotten. Answered by kvs_spaces
/// when it is durable: all, or the one that was made. Errors: ec::busy (the name is taken; one that
/// is to be forgotten is just being made), ec::disk_full.
struct kvs_space_request {
  kvs_space_verb verb = kvs_space_verb::list;
  std::string space;
  uint32_t userid = 0;
  uint32_t owner = 0;    // create: whose it is
  std::string reference; // create: the root directory that it begins with; "": an empty one
  std::vector<job_id> jobs{}; // forget: whose namespaces, as far as they have any
};
HACTOR_INSPECT(kvs_space_request, x.verb, x.space, x.userid, x.owner, x.reference, x.jobs)

/// KVS -> journal, once: jobs may be purged, and the KVS is asked about them before. Null when it
/// could not read what is there, and has nothing to remove.
struct kvs_begin {
  caf::actor kvs;
};
HACTOR_INSPECT(kvs_begin, x.kvs)

struct kvs_spaces {
  std::vector<kvs_root> roots;
};
HACTOR_INSPECT(kvs_spaces, x.roots)

enum class kvs_follow : uint8_t {
  value,  // the value, and then each that takes its place
  append, // the value, and then what is appended to it
  version // until the namespace has reached `sequence`
};

/// connector -> KVS: tell `subscriber` by kvs_changed of what `key` is and becomes.
struct kvs_watch_request {
  std::string space;
  uint32_t userid = 0;
  std::string key;
  kvs_follow follow = kvs_follow::value;
  bool wait_create = false; // a key or namespace that is not there yet is no error
  uint64_t sequence = 0;
  uint64_t tag = 0;
  caf::actor subscriber;
};
HACTOR_INSPECT(kvs_watch_request, x.space, x.userid, x.key, x.follow, x.wait_create, x.sequence,
               x.tag, x.subscriber)

/// KVS -> subscriber, who answers each with kvs_watch_credit before the next is sent.
struct kvs_changed {
  uint64_t tag = 0;
  uint64_t sequence = 0; // of the namespace
  std::string value;
  uint8_t code = 0; // of enum class ec; not 0: the watch is over, and why
  std::string why;
};
HACTOR_INSPECT(kvs_changed, x.tag, x.sequence, x.value, x.code, x.why)

struct kvs_watch_credit {
  uint64_t tag = 0;
  caf::actor subscriber;
};
HACTOR_INSPECT(kvs_watch_credit, x.tag, x.subscriber)

struct kvs_unwatch {
  uint64_t tag = 0;
  caf::actor subscriber;
};
HACTOR_INSPECT(kvs_unwatch, x.tag, x.subscriber)

} // namespace hactor
