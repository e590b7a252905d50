// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/packer.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/owned_fd.hpp"
#include "workflow/utf8_words.hpp"

namespace hactor::tools {

namespace {

caf::error failed(const std::string& name, int errno_value) {
  return make_errno_error(ec::system_failed, name, errno_value);
}

caf::error changed(const std::string& name) {
  return make_error(ec::wrong_state, name + ": has changed while it was read");
}

const char* kind_of(mode_t mode) {
  return S_ISFIFO(mode)  ? "a fifo"
         : S_ISSOCK(mode) ? "a socket"
                          : "a device";
}

/// Reads so many bytes at an offset. Errors: of pread; ec::wrong_state when there are not so many.
caf::expected<std::string> read_at(int fd, const std::string& name, uint64_t offset,
                                   uint64_t size) {
  std::string bytes(size, '\0');
  for (size_t done = 0; done < size;) {
    auto n = ::pread(fd, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return failed(name, errno);
    if (n == 0)
      return changed(name);
    done += static_cast<size_t>(n);
  }
  return bytes;
}

/// Names in a folder, sorted: equal folders make equal archives.
caf::expected<std::vector<std::string>> names_in(const std::string& folder) {
  std::unique_ptr<DIR, int (*)(DIR*)> dir{::opendir(folder.c_str()), ::closedir};
  if (!dir)
    return failed(folder, errno);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    auto* entry = ::readdir(dir.get());
    if (entry == nullptr && errno != 0)
      return failed(folder, errno);
    if (entry == nullptr)
      break;
    if (std::string name = entry->d_name; name != "." && name != "..")
      names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

caf::expected<std::string> target_of(const std::string& name) {
  char target[PATH_MAX];
  auto size = ::readlink(name.c_str(), target, sizeof target);
  if (size < 0)
    return failed(name, errno);
  if (static_cast<size_t>(size) == sizeof target)
    return failed(name, ENAMETOOLONG);
  std::string text{target, static_cast<size_t>(size)};
  if (auto e = workflow::check_utf8(text))
    return make_error(code_of(e), name + " -> " + render(e));
  return text;
}

} // namespace

caf::expected<std::string> archive_path_of(const std::string& path) {
  if (auto e = workflow::check_utf8(path))
    return e;
  std::string clean;
  for (auto part : path_parts(path)) {
    if (part == "..")
      return make_error(ec::bad_argument, path + ": leads out of the folder in which we are; -C "
                                                 "chooses another");
    if (!part.empty() && part != ".")
      clean.append(clean.empty() ? "" : "/").append(part);
  }
  return clean;
}

caf::error packer::add(const std::string& path) {
  if (path.empty())
    return make_error(ec::bad_argument, "'': is no path");
  auto clean = archive_path_of(path);
  if (!clean)
    return std::move(clean.error());
  return clean->empty() ? add_folder(path, {}) : add_one(path, *clean);
}

/// Through a link nothing is extracted: what was reached through one that is itself in the archive
/// cannot be there, too.
caf::error packer::check_place(const std::string& name, const archive_file& file) const {
  for (auto path : paths_above(file.path)) {
    auto above = paths_.find(path);
    if (above != paths_.end() && !above->second)
      return make_error(ec::wrong_state, fmt::format("{}: '{}' above it is in the archive, and no "
                                                     "folder",
                                                     name, above->first));
  }
  auto below = paths_.lower_bound(file.path + "/");
  if (!file.is_folder() && below != paths_.end() && below->first.starts_with(file.path + "/"))
    return make_error(ec::wrong_state, fmt::format("{}: is no folder, and '{}' below it is in the "
                                                   "archive",
                                                   name, below->first));
  return {};
}

caf::error packer::add_entry(archive_file file) {
  paths_.emplace(file.path, file.is_folder());
  return add_(std::move(file));
}

caf::error packer::add_folder(const std::string& name, const std::string& path) {
  auto names = names_in(name);
  if (!names)
    return std::move(names.error());
  for (auto& one : *names)
    if (auto e = add_one(name + "/" + one, path.empty() ? one : path + "/" + one))
      return e;
  return {};
}

caf::error packer::add_one(const std::string& name, const std::string& path) {
  struct stat found {};
  if (::lstat(name.c_str(), &found) != 0)
    return failed(name, errno);
  if (auto e = workflow::check_utf8(path))
    return e;
  archive_file file{path, found.st_mode};
  file.mtime_s = found.st_mtime;
  auto is_new = !paths_.contains(path);
  if (auto e = check_place(name, file))
    return e;
  if (file.is_folder()) {
    if (auto e = is_new ? add_entry(std::move(file)) : caf::error{})
      return e;
    return add_folder(name, path);
  }
  if (!is_new)
    return {};
  if (file.is_link()) {
    auto target = target_of(name);
    if (!target)
      return std::move(target.error());
    file.mode |= 0777;
    file.data = std::move(*target);
  } else if (S_ISREG(found.st_mode)) {
    if (auto e = read_file(name, file))
      return e;
  } else {
    return make_error(ec::wrong_state, name + ": is " + kind_of(found.st_mode)
                                           + "; an archive has files, folders and symbolic links");
  }
  return add_entry(std::move(file));
}

caf::error packer::read_file(const std::string& name, archive_file& file) {
  // Nothing is waited for, should it have become a fifo.
  owned_fd fd{::open(name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat before {}, after {};
  if (!fd || ::fstat(fd.get(), &before) != 0)
    return failed(name, errno);
  if (!S_ISREG(before.st_mode))
    return changed(name);
  file.mode = before.st_mode;
  file.mtime_s = before.st_mtime;
  file.size = static_cast<uint64_t>(before.st_size);
  if (file.size != 0 && file.size <= sizes_.small_bytes) {
    auto bytes = read_at(fd.get(), name, 0, file.size);
    if (!bytes)
      return std::move(bytes.error());
    file.data = std::move(*bytes);
  } else if (auto e = read_pieces(fd.get(), name, file)) {
    return e;
  }
  if (::fstat(fd.get(), &after) != 0)
    return failed(name, errno);
  if (after.st_size != before.st_size || after.st_mtim.tv_sec != before.st_mtim.tv_sec
      || after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
    return changed(name);
  return {};
}

caf::error packer::read_pieces(int fd, const std::string& name, archive_file& file) {
  for (uint64_t at = 0; at < file.size;) {
    auto data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO)
      return {}; // the rest is a hole
    auto start = data < 0 ? at : static_cast<uint64_t>(data); // holes are not known of: all is data
    auto hole = data < 0 ? -1 : ::lseek(fd, static_cast<off_t>(start), SEEK_HOLE);
    auto end = hole < 0 ? file.size : std::min(static_cast<uint64_t>(hole), file.size);
    for (at = start; at < end;) {
      auto size = std::min(sizes_.chunk_bytes, end - at);
      auto bytes = read_at(fd, name, at, size);
      if (!bytes)
        return std::move(bytes.error());
      file.in_blobs = true;
      file.pieces.push_back({at, size, archive_blobref(*bytes)});
      if (auto e = take_(file.pieces.back().blob, std::move(*bytes)))
        return e;
      at += size;
    }
    at = std::max(at, end);
  }
  return {};
}

} // namespace hactor::tools
