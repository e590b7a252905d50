// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/folders.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/owned_fd.hpp"
#include "runtime/log.hpp"
#include "workflow/instance_note.hpp"

namespace hactor {

namespace {

caf::error make_folder(const std::string& path) {
  std::error_code err;
  std::filesystem::create_directories(path, err);
  if (err)
    return make_errno_error(ec::store_failed, path, err.value());
  if (::chmod(path.c_str(), 0700) != 0 || ::access(path.c_str(), W_OK | X_OK) != 0)
    return make_errno_error(ec::store_failed, path, errno);
  return caf::none;
}

constexpr std::string_view run_prefix = "hactor-";
constexpr size_t run_suffix_size = 6; // of mkdtemp
constexpr const char* owner_name = "owner";

std::string temporary_folder() {
  auto* tmp = std::getenv("TMPDIR");
  return tmp != nullptr && *tmp != '\0' ? tmp : "/tmp";
}

/// What an owner writes: the lock says whether it lives, but only to processes of its own kernel.
std::string owner_line() {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0)
    return "unknown\n";
  return std::string{host} + "\n";
}

/// Marks the folder as ours for as long as this process and its forks live. The file appears under
/// its name only when it is locked, so that no sweep can come in between. Where there are no locks
/// there is no mark, and nothing is swept.
void own(const std::string& folder) {
  auto path = folder + "/" + owner_name;
  auto fresh = path + ".new";
  owned_fd fd{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  auto line = owner_line();
  if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0
      || ::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())
      || ::rename(fresh.c_str(), path.c_str()) != 0) {
    ::unlink(fresh.c_str());
    return;
  }
  (void)fd.release(); // held until the process ends: that is its use
}

bool is_run_name(std::string_view name) {
  return name.size() == run_prefix.size() + run_suffix_size && name.starts_with(run_prefix)
         && std::all_of(name.begin() + run_prefix.size(), name.end(),
                        [](unsigned char c) { return std::isalnum(c) != 0; });
}

/// The open and now locked owner file of a folder whose owner has gone; nothing if it has not, or
/// if this is no run folder of ours.
owned_fd take_over(const std::string& path) {
  owned_fd folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat info {};
  if (!folder || ::fstat(folder.get(), &info) != 0 || info.st_uid != ::getuid()
      || (info.st_mode & 07777) != 0700)
    return {};
  owned_fd owner{::openat(folder.get(), owner_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC)};
  if (!owner || ::fstat(owner.get(), &info) != 0 || !S_ISREG(info.st_mode)
      || info.st_uid != ::getuid())
    return {};
  char buffer[512];
  auto size = ::pread(owner.get(), buffer, sizeof buffer, 0);
  if (size <= 0 || std::string_view{buffer, static_cast<size_t>(size)} != owner_line()
      || ::flock(owner.get(), LOCK_EX | LOCK_NB) != 0)
    return {};
  return owner;
}

} // namespace

size_t sweep_run_folders() {
  std::error_code err;
  std::vector<std::string> found;
  for (std::filesystem::directory_iterator at{temporary_folder(), err}, end; !err && at != end;
       at.increment(err))
    if (is_run_name(at->path().filename().string()))
      found.push_back(at->path().string());
  size_t removed = 0;
  for (auto& path : found)
    if (auto owner = take_over(path)) {
      log_notice("{}: its instance was killed: removed", path);
      remove_run_folder(path);
      ++removed;
    }
  return removed;
}

caf::expected<std::string> make_run_folder(const std::string& rundir,
                                           std::optional<rank_t> rank) {
  if (!rundir.empty() && rank) {
    auto run = rundir + "/" + std::to_string(*rank);
    if (auto err = make_folder(run))
      return err;
    own(run);
    return run;
  }
  if (!rundir.empty()) {
    if (auto err = make_folder(rundir))
      return err;
    auto pattern = rundir + "/broker-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
      return make_errno_error(ec::store_failed, pattern, errno);
    own(pattern);
    return pattern;
  }
  auto pattern = temporary_folder() + "/" + std::string{run_prefix} + "XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr)
    return make_errno_error(ec::store_failed, pattern, errno);
  own(pattern);
  return pattern;
}

caf::expected<broker_folders> make_folders(const std::string& statedir, const std::string& run,
                                           rank_t rank) {
  broker_folders f;
  f.run = run;
  f.lasting = !statedir.empty();
  std::error_code ignored;
  f.state = f.lasting ? std::filesystem::absolute(statedir, ignored).string() : f.run + "/state";
  f.output = f.state + "/output." + std::to_string(rank);
  if (f.lasting && rank == 0)
    if (auto err = make_folder(f.state))
      return err;
  return f;
}

void remove_run_folder(const std::string& run) {
  std::error_code err;
  broker_folders folders;
  folders.run = run;
  if (auto note = std::filesystem::read_symlink(note_link(run), err); !err)
    workflow::remove_note(note.string(), "local://" + folders.socket());
  std::filesystem::remove_all(run, err);
  if (err)
    log_warning("{}: not removed: {}", run, err.message());
}

} // namespace hactor
