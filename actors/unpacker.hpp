// Makes the files of an archive (store/archive.hpp) below one folder, and nowhere else: no part of
// a path is followed that is a symbolic link. A file has its name when all of it is there: who is
// stopped in between leaves none that is half written. Content is held a blob at a time. Callers:
// job_files (before a job's tasks), tools/cmd_archive.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "actors/owned_fd.hpp"
#include "store/archive.hpp"

namespace hactor {

/// The bytes of a blob, by its blobref.
using blob_loader = std::function<caf::expected<std::string>(const std::string& blob)>;

class unpacker {
public:
  /// `overwrite`: files that are there are replaced. Else those are left as they are that are the
  /// same: files of the same content, executable by their owner or not as those of the archive, and
  /// links to the same target. So what was stopped goes on when it is done again. Folders always
  /// keep what is in them.
  /// Errors: ec::system_failed, naming the folder.
  static caf::expected<unpacker> open(const std::string& folder, bool overwrite);

  /// Makes one file, and the folders above it. Errors, all naming the file: ec::busy (another is
  /// there that `overwrite` would replace), ec::wrong_state (what is there is never replaced, or
  /// its path leads through something that is no folder), ec::system_failed, ec::disk_full,
  /// ec::store_corrupt (a blob of another size), and those of `load`.
  caf::error make(const archive_file& file, const blob_loader& load);

  /// Gives the folders their modes and times, which while files are put into them they cannot have.
  /// Errors: ec::system_failed.
  caf::error finish();

private:
  unpacker(owned_fd root, std::string name, bool overwrite)
      : root_{std::move(root)}, name_{std::move(name)}, overwrite_{overwrite} {}

  struct place {
    owned_fd parent;
    std::string name; // in it
  };
  struct unfinished;
  caf::expected<place> find(const std::string& path);
  caf::error failed(const std::string& path, int errno_value) const;
  caf::error refuse(const std::string& path, const std::string& why) const;
  caf::expected<bool> is_there(const place& at, const archive_file& file) const;
  caf::error make_folder(const place& at, const archive_file& file);
  caf::error make_link(const place& at, const archive_file& file) const;
  caf::error make_file(const place& at, const archive_file& file, const blob_loader& load) const;
  caf::error fill(int fd, const archive_file& file, const blob_loader& load) const;
  caf::error put(const place& at, const archive_file& file, unfinished& made) const;

  owned_fd root_;
  std::string name_;
  bool overwrite_;
  std::set<std::string> made_;                  // folders
  std::map<std::string, archive_file> folders_; // by path: whose modes and times are due
};

} // namespace hactor
