// Reads files and folders from the disk into what an archive has of them (store/archive.hpp): the
// opposite of actors/unpacker. Content is held a chunk at a time, small files whole; holes are not
// read. Caller: cmd_archive.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <string>

#include "store/archive.hpp"

namespace hactor::tools {

struct pack_sizes {
  uint64_t small_bytes = 1024;     // files up to this size stand in the archive itself
  uint64_t chunk_bytes = 1 << 20;  // of a blob; not 0
};

/// The path that a file has in the archive: relative, without "." and without slashes at its ends;
/// "": the folder itself in which one is, of which an archive has only what is in it. Errors:
/// ec::bad_argument, when it leads up ("..") or is not UTF-8.
caf::expected<std::string> archive_path_of(const std::string& path);

class packer {
public:
  /// `take` gets each blob by its blobref, and `add` then the file of which they are; a folder
  /// before what is in it. The first error ends it all.
  packer(pack_sizes sizes,
         std::function<caf::error(const std::string& blob, std::string bytes)> take,
         std::function<caf::error(archive_file)> add)
      : sizes_{sizes}, take_{std::move(take)}, add_{std::move(add)} {}

  /// Adds a file, or a folder with all that is in it, by its path from where we are. What was added
  /// is not added again. Errors: ec::bad_argument, ec::system_failed (it cannot be read),
  /// ec::wrong_state (it is no file, folder or link; it changes while it is read; it could never be
  /// put beside what was added), those of `take` and `add`.
  caf::error add(const std::string& path);

private:
  caf::error add_one(const std::string& name, const std::string& path);
  caf::error add_folder(const std::string& name, const std::string& path);
  caf::error read_file(const std::string& name, archive_file& file);
  caf::error read_pieces(int fd, const std::string& name, archive_file& file);
  caf::error check_place(const std::string& name, const archive_file& file) const;
  caf::error add_entry(archive_file file);

  pack_sizes sizes_;
  std::function<caf::error(const std::string&, std::string)> take_;
  std::function<caf::error(archive_file)> add_;
  std::map<std::string, bool, std::less<>> paths_; // of what was added; is it a folder?
};

} // namespace hactor::tools
