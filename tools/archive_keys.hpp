// Archives in the key-value store. archive.NAME is the archive, JSON of RFC 37; the blobs that it
// names are the values archive.NAME_blobs.BLOBREF, since what no key has is not kept. While an
// archive is being made its blobs are at a key of their own, archive.NAME_new-..; one transaction
// makes both keys, so that nobody sees an archive that is not whole. Caller: cmd_archive.cpp.
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

/// Removes the archive, and what a create that was killed has left. Errors: ec::unknown_key, unless
/// `force`.
caf::error remove_archive(client& broker, const archive_name& of, bool force);

enum class archive_start : uint8_t { fresh, overwrite, append };

/// An archive that is being made.
class archive_maker {
public:
  /// Errors: ec::busy, when it is there and neither to be replaced nor to grow.
  static caf::expected<archive_maker> begin(client& broker, archive_name of, archive_start how);

  /// Keeps a blob; many go together.
  caf::error take(const std::string& blob, std::string bytes);

  /// Makes it be there, with the files it had (append) and these, which replace those of the same
  /// path. Errors: ec::too_big.
  caf::error finish(const std::vector<archive_file>& files);

  /// Removes all that was taken.
  void give_up();

private:
  archive_maker(client& broker, archive_name of);
  caf::error flush();

  client* broker_;
  archive_name of_;
  std::string key_;                  // of the blobs so far
  std::vector<archive_file> before_; // what it has
  std::set<std::string> taken_;      // blobs
  json operations_ = json::array();
  size_t waiting_bytes_ = 0; // of these
};

} // namespace hactor::tools
