// Archives in the key-value store. archive.NAME is the archive, JSON of RFC 37; the blobs that it
// names are the values archive.NAME_blobs.BLOBREF, since what no key has is not kept. While an
// archive is being made all it has so far is below a key of its own, archive.NAME_new-..: blobs, in
// the beginning a copy of the list that is to grow, and .begun, without which nothing goes on: it
// was removed then. One transaction makes both keys of it, so that nobody sees an archive that is
// not whole. Caller: cmd_archive.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <set>
#include <string>
#include <vector>

#include "actors/unpacker.hpp"
#include "tools/client.hpp"

namespace hactor::tools {

/// Which archive, and of which namespace.
struct archive_name {
  std::string space;
  std::string name;

  std::string key() const { return "archive." + name; }
  std::string blobs() const { return key() + "_blobs"; }
};

/// Errors: ec::unknown_key, with the names that there are.
caf::expected<json> load_archive(client& broker, const archive_name& of);

/// Gets blobs of the archive, one by one. `broker` must outlive it.
blob_loader blobs_of(client& broker, const archive_name& of);

/// Removes the archive, and what a create that was killed has left; one that is under way fails.
/// Errors: ec::unknown_key, when there is nothing of that, unless `force`.
caf::error remove_archive(client& broker, const archive_name& of, bool force);

enum class archive_start : uint8_t { fresh, overwrite, append };

/// An archive that is being made.
class archive_maker {
public:
  /// What is to grow is that of this moment, list and blobs. Errors: ec::busy, when it is there and
  /// neither to be replaced nor to grow.
  static caf::expected<archive_maker> begin(client& broker, archive_name of, archive_start how);

  /// Keeps a blob of the next file; many go together. Errors: ec::too_big, as add();
  /// ec::unknown_key, when the archive was removed meanwhile.
  caf::error take(const std::string& blob, std::string bytes);

  /// Adds a file, which replaces what the archive had there. Errors: ec::too_big, when the list
  /// gets larger than a value may be.
  caf::error add(archive_file file);

  /// Makes it be there, with the files it had (append) and those added. Errors: ec::busy, when
  /// another has made one that is not to be replaced; ec::unknown_key, when it was removed.
  caf::error finish();

  /// Removes all that was taken.
  void give_up();

private:
  archive_maker(client& broker, archive_name of, archive_start how);
  caf::error begin_empty();
  caf::error begin_with_old();
  caf::error read_old();
  void refuse_if_there();
  caf::error send();
  caf::error flush();
  caf::error check_bytes(size_t bytes) const;

  client* broker_;
  archive_name of_;
  archive_start how_;
  std::string key_; // of what is not yet the archive
  archive_list list_;
  size_t old_bytes_ = 0;        // of it before the first add()
  std::set<std::string> taken_; // blobs
  size_t piece_bytes_ = 0;      // of those of the next file, in its list, at least
  json operations_ = json::array();
  size_t waiting_bytes_ = 0; // of these
};

} // namespace hactor::tools
