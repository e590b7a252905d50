// Archives of files as JSON (RFC 37): what one file is in them. An archive is a mapping of paths to
// files, or a list of files with their paths; content stands in it, or in blobs whose names it has.
// Plain values. Callers: actors/job_files (files that a jobspec carries), tools/archive* (hactor
// archive). On the disk they are made by actors/unpacker. In the key-value store: doc/kvs.md.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"
#include "runtime/json.hpp"

namespace hactor {

/// A part of a file's content that is a blob.
struct archive_piece {
  uint64_t offset = 0; // bytes, from the beginning of the file
  uint64_t size = 0;   // bytes; never 0
  std::string blob{};  // its blobref
};

struct archive_file {
  std::string path;             // below a folder; without "." and ".."
  uint32_t mode = 0;            // st_mode; of a regular file, a folder or a symbolic link
  std::string data{};           // content that stands here, or where the link leads
  std::optional<int64_t> mtime_s{}; // since the epoch
  uint64_t size = 0;            // bytes of a regular file; what is in no data and no piece is zeros
  std::vector<archive_piece> pieces{}; // by offset, none in another
  bool in_blobs = false;               // its content is said to be in blobs, if there are none too

  bool is_folder() const;
  bool is_link() const;
};

/// What is between the slashes of a path: one part at least, which may be "".
std::vector<std::string_view> path_parts(std::string_view path);

/// The paths of the folders above a file, from the outermost: "a/b/c" has "a" and "a/b".
std::vector<std::string_view> paths_above(std::string_view path);

/// Is it relative, and nowhere up? Then a file of this path lies below the folder that it is put
/// into, as long as no link is followed.
bool is_archive_path(std::string_view path);

/// Reads an archive: a mapping, or a list. Errors: where.code, starting with where.prefix and the
/// path of the file (and .KEY): what is wrong and what would be right.
caf::expected<std::vector<archive_file>> read_archive(const json& archive, json_where where);

/// The files of an archive that is being made, one of each path, and none below one that is no
/// folder.
class archive_list {
public:
  /// Takes the place of those that cannot be beside it: of the same path; what is below it, if it
  /// is no folder; what is above it and no folder.
  void add(archive_file file);

  /// By path: a folder stands before what is in it.
  const auto& files() const { return files_; }

  /// The archive, JSON that is a list. Requires: paths and links are UTF-8.
  std::string text() const;

  /// Bytes of that.
  size_t text_bytes() const { return text_bytes_; }

private:
  using path_map = std::map<std::string, archive_file, std::less<>>;
  path_map::iterator remove(path_map::iterator file);

  path_map files_;
  size_t text_bytes_ = 2; // "[]"
};

/// The file as an object of an archive that is a list. Requires: path and link are UTF-8.
json to_archive_json(const archive_file& file);

/// The blobref of a blob with these bytes: "sha256-HEX".
std::string archive_blobref(std::string_view bytes);

/// Can it be the name of an archive? Its keys are archive.NAME, a value, and archive.NAME_blobs.
/// Errors: ec::bad_argument, with what is right.
caf::error check_archive_name(std::string_view name);

} // namespace hactor
