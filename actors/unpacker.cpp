// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/unpacker.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/kvs_types.hpp"

namespace hactor {

namespace {

/// The last part of a path.
std::string_view name_in(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::optional<struct stat> look_at(int folder, const std::string& name) {
  struct stat found {};
  if (::fstatat(folder, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0)
    return std::nullopt;
  return found;
}

const char* kind_of(const struct stat& found) {
  return S_ISLNK(found.st_mode)   ? "a symbolic link"
         : S_ISDIR(found.st_mode) ? "a folder"
                                  : "a file";
}

/// Returns errno, or 0.
int write_at(int fd, std::string_view bytes, uint64_t offset) {
  while (!bytes.empty()) {
    auto n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno;
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return 0;
}

/// Reads all of `to`, if there is as much.
bool read_at(int fd, char* to, size_t size, uint64_t offset) {
  for (size_t done = 0; done < size;) {
    auto n = ::pread(fd, to + done, size - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

/// Are these bytes there, beginning at the offset?
bool has_bytes(int fd, std::string_view bytes, uint64_t offset) {
  std::array<char, 1 << 16> found;
  while (!bytes.empty()) {
    auto size = std::min(found.size(), bytes.size());
    if (!read_at(fd, found.data(), size, offset)
        || std::string_view{found.data(), size} != bytes.substr(0, size))
      return false;
    bytes.remove_prefix(size);
    offset += size;
  }
  return true;
}

/// Is there nothing but zeros? Holes are not read.
bool has_zeros(int fd, uint64_t begin, uint64_t end) {
  constexpr std::array<char, 1 << 16> zeros{};
  while (begin < end) {
    auto data = ::lseek(fd, static_cast<off_t>(begin), SEEK_DATA);
    if (data < 0 && errno == ENXIO)
      return true; // the rest is a hole
    if (data >= 0) // or holes are not known of: all is data
      begin = static_cast<uint64_t>(data);
    auto size = begin < end ? std::min<uint64_t>(zeros.size(), end - begin) : 0;
    if (!has_bytes(fd, {zeros.data(), size}, begin))
      return false;
    begin += size;
  }
  return true;
}

/// Has it the content of `file`? A blob is known by its name: none is asked for.
bool has_content(int fd, const archive_file& file) {
  if (!file.data.empty())
    return has_bytes(fd, file.data, 0);
  uint64_t at = 0;
  std::string bytes;
  for (auto& piece : file.pieces) {
    if (piece.size > limits::kvs_value_bytes_max || !has_zeros(fd, at, piece.offset))
      return false;
    bytes.resize(piece.size);
    if (!read_at(fd, bytes.data(), bytes.size(), piece.offset)
        || archive_blobref(bytes) != piece.blob)
      return false;
    at = piece.offset + piece.size;
  }
  return has_zeros(fd, at, file.size);
}

/// Is what is there what extracting would make, but for times and who may read it?
bool is_same(int folder, const std::string& name, const struct stat& found,
             const archive_file& file) {
  if ((found.st_mode & S_IFMT) != (file.mode & S_IFMT))
    return false;
  if (file.is_link()) {
    std::string target(file.data.size() + 1, '\0');
    auto size = ::readlinkat(folder, name.c_str(), target.data(), target.size());
    return size >= 0 && std::string_view{target.data(), static_cast<size_t>(size)} == file.data;
  }
  // Nothing is waited for, should it have become a fifo.
  owned_fd fd{::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat now {};
  return fd && ::fstat(fd.get(), &now) == 0 && S_ISREG(now.st_mode)
         && static_cast<uint64_t>(now.st_size) == file.size
         && (now.st_mode & S_IXUSR) == (file.mode & S_IXUSR) && has_content(fd.get(), file);
}

/// When it was changed, if that is known; when it was read is of no interest.
struct file_times {
  explicit file_times(const archive_file& file) {
    if (file.mtime_s)
      at[1] = {static_cast<time_t>(*file.mtime_s), 0};
  }
  timespec at[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
};

/// Lets its owner put files into a folder. Returns errno, or 0.
int open_to_owner(int parent, const std::string& name, mode_t mode) {
  if ((mode & S_IRWXU) == S_IRWXU)
    return 0;
  // Of this folder, and not of what comes to have its name: it may allow no other way to open it.
  owned_fd fd{::openat(parent, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  auto path = fmt::format("/proc/self/fd/{}", fd.get());
  return fd && ::chmod(path.c_str(), (mode & 0777) | S_IRWXU) == 0 ? 0 : errno;
}

/// A name that no other makes, on whatever machine: the folder may be one that many share.
std::string temporary_name() {
  uint64_t bits[2] = {};
  (void)::getrandom(bits, sizeof bits, 0); // so few it never refuses
  return fmt::format(".hactor.{:016x}{:016x}", bits[0], bits[1]);
}

} // namespace

/// What we have made and what has no name of its own yet; is removed unless it gets one.
struct unpacker::unfinished {
  unfinished(int folder_fd, std::string as) : folder{folder_fd}, name{std::move(as)} {}
  unfinished(const unfinished&) = delete;
  unfinished& operator=(const unfinished&) = delete;
  ~unfinished() {
    if (folder >= 0)
      (void)::unlinkat(folder, name.c_str(), 0);
  }
  int folder; // -1: it has a name
  std::string name;
};

caf::expected<unpacker> unpacker::open(const std::string& folder, bool overwrite) {
  owned_fd root{::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!root)
    return make_errno_error(ec::system_failed, folder, errno);
  return unpacker{std::move(root), folder, overwrite};
}

caf::error unpacker::failed(const std::string& path, int errno_value) const {
  return make_errno_error(errno_value == ENOSPC || errno_value == EDQUOT ? ec::disk_full
                                                                         : ec::system_failed,
                          name_ + "/" + path, errno_value);
}

caf::error unpacker::refuse(const std::string& path, const std::string& why) const {
  return make_error(ec::wrong_state, fmt::format("{}/{}: {}", name_, path, why));
}

/// The folder that a file is to be in; those on the way are made.
caf::expected<unpacker::place> unpacker::find(const std::string& path) {
  place at{owned_fd{::openat(root_.get(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC)}, {}};
  if (!at.parent)
    return failed(path, errno);
  for (auto above : paths_above(path)) {
    constexpr int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    auto parent = at.parent.get();
    std::string part{name_in(above)};
    owned_fd next{::openat(parent, part.c_str(), flags)};
    if (!next && errno == ENOENT) {
      auto made = ::mkdirat(parent, part.c_str(), 0777) == 0;
      if (made)
        made_.emplace(above);
      if (made || errno == EEXIST)
        next.reset(::openat(parent, part.c_str(), flags));
    }
    if (!next) {
      auto error = errno;
      auto found = look_at(parent, part);
      if (found && !S_ISDIR(found->st_mode))
        return refuse(path, fmt::format("'{}' is {}, through which nothing is put", above,
                                        kind_of(*found)));
      return failed(path, error);
    }
    at.parent = std::move(next);
  }
  at.name = name_in(path);
  return at;
}

/// Is it there, the same, so that nothing is to be done? False: it may be made.
caf::expected<bool> unpacker::is_there(const place& at, const archive_file& file) const {
  auto found = look_at(at.parent.get(), at.name);
  if (!found || (overwrite_ && !S_ISDIR(found->st_mode)))
    return false;
  if (S_ISDIR(found->st_mode))
    return refuse(file.path, "is there already, a folder");
  if (is_same(at.parent.get(), at.name, *found, file))
    return true;
  return make_error(ec::busy, fmt::format("{}/{}: is there already, {}", name_, file.path,
                                          kind_of(*found)));
}

caf::error unpacker::make_folder(const place& at, const archive_file& file) {
  // Until all is in it its owner must be able to put files into it.
  if (::mkdirat(at.parent.get(), at.name.c_str(), 0700 | (file.mode & 0777)) != 0) {
    if (errno != EEXIST)
      return failed(file.path, errno);
    auto found = look_at(at.parent.get(), at.name);
    if (!found || !S_ISDIR(found->st_mode))
      return refuse(file.path, fmt::format("is there already, {}",
                                           found ? kind_of(*found) : "or was a moment ago"));
    if (!overwrite_ && !made_.contains(file.path))
      return {}; // it is somebody else's
    if (auto error = open_to_owner(at.parent.get(), at.name, found->st_mode))
      return failed(file.path, error);
  }
  made_.insert(file.path);
  folders_.insert_or_assign(file.path, file);
  return {};
}

caf::error unpacker::make_link(const place& at, const archive_file& file) const {
  auto parent = at.parent.get();
  auto name = temporary_name();
  if (::symlinkat(file.data.c_str(), parent, name.c_str()) != 0)
    return failed(file.path, errno);
  unfinished made{parent, std::move(name)};
  // That a file system keeps no times of links is no reason to do without the link.
  (void)::utimensat(parent, made.name.c_str(), file_times{file}.at, AT_SYMLINK_NOFOLLOW);
  return put(at, file, made);
}

caf::error unpacker::fill(int fd, const archive_file& file, const blob_loader& load) const {
  if (auto error = write_at(fd, file.data, 0))
    return failed(file.path, error);
  if (!file.data.empty())
    return {}; // that is all of it
  for (auto& piece : file.pieces) {
    auto bytes = load(piece.blob);
    if (!bytes)
      return make_error(code_of(bytes.error()),
                        fmt::format("{}/{}: {}", name_, file.path, render(bytes.error())));
    if (bytes->size() != piece.size)
      return make_error(ec::store_corrupt,
                        fmt::format("{}/{}: blob {} has {} bytes, not {}", name_, file.path,
                                    piece.blob, bytes->size(), piece.size));
    if (auto error = write_at(fd, *bytes, piece.offset))
      return failed(file.path, error);
  }
  // What was not written is a hole.
  if (::ftruncate(fd, static_cast<off_t>(file.size)) != 0)
    return failed(file.path, errno);
  return {};
}

caf::error unpacker::make_file(const place& at, const archive_file& file,
                               const blob_loader& load) const {
  auto name = temporary_name();
  owned_fd fd{::openat(at.parent.get(), name.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fd)
    return failed(file.path, errno);
  unfinished made{at.parent.get(), std::move(name)};
  if (auto e = fill(fd.get(), file, load))
    return e;
  if (::fchmod(fd.get(), file.mode & 0777) != 0
      || ::futimens(fd.get(), file_times{file}.at) != 0)
    return failed(file.path, errno);
  // A file system may tell only now that it had no room.
  if (::close(fd.release()) != 0)
    return failed(file.path, errno);
  return put(at, file, made);
}

/// Gives what is whole its name.
caf::error unpacker::put(const place& at, const archive_file& file, unfinished& made) const {
  auto parent = at.parent.get();
  auto *name = at.name.c_str(), *temporary = made.name.c_str();
  auto done =
      !overwrite_ && ::renameat2(parent, temporary, parent, name, RENAME_NOREPLACE) == 0;
  // Not every file system can refuse to replace; is_there() has looked before.
  if (!done && (overwrite_ || errno == EINVAL))
    done = ::renameat(parent, temporary, parent, name) == 0;
  if (done) {
    made.folder = -1;
    return {};
  }
  if (errno != EEXIST)
    return failed(file.path, errno);
  // Somebody has made it meanwhile: another who extracts the same, maybe.
  auto there = is_there(at, file);
  if (!there)
    return std::move(there.error());
  return *there ? caf::error{} : refuse(file.path, "was there already a moment ago");
}

caf::error unpacker::make(const archive_file& file, const blob_loader& load) {
  auto at = find(file.path);
  if (!at)
    return std::move(at.error());
  if (file.is_folder())
    return make_folder(*at, file);
  auto there = is_there(*at, file);
  if (!there)
    return std::move(there.error());
  if (*there)
    return {};
  return file.is_link() ? make_link(*at, file) : make_file(*at, file, load);
}

caf::error unpacker::finish() {
  // What is in a folder before the folder, as one that is closed cannot be entered.
  for (; !folders_.empty(); folders_.erase(std::prev(folders_.end()))) {
    auto& file = folders_.rbegin()->second;
    auto at = find(file.path);
    if (!at)
      return std::move(at.error());
    owned_fd fd{::openat(at->parent.get(), at->name.c_str(),
                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!fd || ::fchmod(fd.get(), file.mode & 0777) != 0
        || ::futimens(fd.get(), file_times{file}.at) != 0)
      return failed(file.path, errno);
  }
  return {};
}

} // namespace hactor
