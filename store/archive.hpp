// Archives of files as JSON (RFC 37): what one file is in them. An archive is a mapping of paths to
// files, or a list of files with their paths; content stands in it, or in blobs whose names it has.
// Plain values. Callers: actors/job_files (files that a jobspec carries), tools/archive* (hactor
// archive). On the disk they are made by actors/unpacker. In the key-value store: doc/kvs.md.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
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

/// Is it relative, and nowhere up? Then a file of this path lies below the folder that it is put
/// into, as long as no link is followed.
bool is_archive_path(std::string_view path);

/// Reads an archive: a mapping, or a list. Errors: where.code, starting with where.prefix and the
/// path of the file (and .KEY): what is wrong and what would be right.
caf::expected<std::vector<archive_file>> read_archive(const json& archive, json_where where);

/// The file as an object of an archive that is a list. Requires: path and link are UTF-8.
json to_archive_json(const archive_file& file);

/// The blobref of a blob with these bytes: "sha256-HEX".
std::string archive_blobref(std::string_view bytes);

/// Can it be the name of an archive? Its keys are archive.NAME, a value, and archive.NAME_blobs.
/// Errors: ec::bad_argument, with what is right.
caf::error check_archive_name(std::string_view name);

} // namespace hactor
