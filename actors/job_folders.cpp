// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_folders.hpp"

#include <cerrno>
#include <filesystem>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/log.hpp"

namespace hactor {

namespace {

/// Lets the owner of the folders in it, and of itself, remove what is in them.
void open_to_owner(const std::string& folder) {
  char* roots[] = {const_cast<char*>(folder.c_str()), nullptr}; // which fts_open does not change
  std::unique_ptr<FTS, int (*)(FTS*)> walk{
      ::fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, nullptr), ::fts_close};
  // A folder is told of before it is read.
  while (auto* found = walk ? ::fts_read(walk.get()) : nullptr)
    if (found->fts_info == FTS_D)
      ::chmod(found->fts_path, S_IRWXU);
}

} // namespace

caf::expected<std::shared_ptr<job_folders>> job_folders::open(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return make_errno_error(ec::store_failed, folder, errno);
  auto result = std::make_shared<job_folders>();
  result->folder_ = folder;
  result->fd_.reset(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!result->fd_)
    return make_errno_error(ec::store_failed, folder, errno);
  return result;
}

caf::expected<job_folders::slot> job_folders::take() {
  slot s;
  {
    std::lock_guard guard{mutex_};
    if (!free_.empty()) {
      s = std::move(free_.back());
      free_.pop_back();
      return s;
    }
    s.name = std::to_string(++last_);
  }
  s.path = folder_ + "/" + s.name;
  struct stat info {};
  if (::mkdirat(fd_.get(), s.name.c_str(), 0700) != 0
      || ::fstatat(fd_.get(), s.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return make_errno_error(ec::exec_failed, "the job's folder " + s.path, errno);
  s.changed = info.st_ctim;
  return s;
}

/// The time of change tells of entries made and removed, of modes and owners; but it is only as
/// fine as the kernel's tick, so entries are looked for as well.
bool job_folders::is_untouched(const slot& s) const {
  owned_fd fd{::openat(fd_.get(), s.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0 || info.st_ctim.tv_sec != s.changed.tv_sec
      || info.st_ctim.tv_nsec != s.changed.tv_nsec)
    return false;
  alignas(dirent64) char entries[512];
  size_t count = 0;
  auto size = ::getdents64(fd.get(), entries, sizeof entries);
  for (ssize_t at = 0; at < size; ++count)
    at += reinterpret_cast<const dirent64*>(entries + at)->d_reclen;
  return size >= 0 && count <= 2; // "." and ".."
}

bool job_folders::give_back(const slot& s) {
  if (is_untouched(s)) {
    std::lock_guard guard{mutex_};
    free_.push_back(s);
    return true;
  }
  return ::unlinkat(fd_.get(), s.name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
}

void job_folders::remove_all(const slot& s) const {
  // Others may remove beside us (a PMIx server does, behind ranks that ended): what is gone already
  // ends one pass over the folder, and the next finds less.
  constexpr int passes_max = 100;
  std::error_code err;
  bool opened = false;
  for (int pass = 0; pass < passes_max; ++pass) {
    std::filesystem::remove_all(s.path, err);
    if (err == std::errc::permission_denied && !std::exchange(opened, true))
      open_to_owner(s.path);
    else if (err != std::errc::no_such_file_or_directory)
      break;
  }
  if (err)
    log_warning("{}: not removed: {}", s.path, err.message());
}

} // namespace hactor
