// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/output_files.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/major.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace hactor {

namespace {

std::string path_of(const std::string& pattern, const template_values& names,
                    const std::string& cwd) {
  auto name = fill_template(pattern, names);
  return name.empty() || name[0] == '/' ? name : cwd + "/" + name;
}

/// What a file is that no task can be given; "": it can.
std::string_view why_not(mode_t mode, bool to_read) {
  switch (mode & S_IFMT) {
  case S_IFREG:
  case S_IFCHR:
    return {};
  case S_IFDIR:
    return "is a directory";
  case S_IFIFO:
    return to_read ? "is a FIFO; let the command open it, as in: sh -c 'exec PROGRAM <FIFO'" : "";
  case S_IFSOCK:
    return "is a socket";
  case S_IFBLK:
    return "is a block device";
  default:
    return "is no regular file";
  }
}

caf::error refused(std::string_view what, const std::string& name, std::string_view why) {
  return make_error(ec::exec_failed, fmt::format("{} {} {}", what, name, why));
}

/// Opens without waiting, whatever is there; who has the descriptor waits, as for a file of its
/// own. `what`: for errors.
caf::expected<owned_fd> open_at_once(std::string_view what, const std::string& name, int flags) {
  auto to_read = (flags & O_ACCMODE) == O_RDONLY;
  owned_fd fd{::open(name.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666)};
  struct stat found {};
  if (!fd) {
    auto error = errno;
    auto is_there = error == ENXIO && ::stat(name.c_str(), &found) == 0;
    if (is_there && S_ISFIFO(found.st_mode))
      return refused(what, name, "is a FIFO that nobody reads; start its reader first");
    if (is_there && S_ISSOCK(found.st_mode))
      return refused(what, name, why_not(found.st_mode, to_read));
    return make_errno_error(ec::exec_failed, fmt::format("{} {}", what, name), error);
  }
  if (::fstat(fd.get(), &found) != 0)
    return make_errno_error(ec::exec_failed, fmt::format("{} {}", what, name), errno);
  if (auto why = why_not(found.st_mode, to_read); !why.empty())
    return refused(what, name, why);
  auto now = ::fcntl(fd.get(), F_GETFL);
  if (now < 0 || ::fcntl(fd.get(), F_SETFL, now & ~O_NONBLOCK) != 0)
    return make_errno_error(ec::exec_failed, fmt::format("{} {}", what, name), errno);
  return fd;
}

/// Whether a write to it returns at once: into a file, or one of the kernel's own devices as
/// /dev/null; a terminal or the reader of a FIFO may take its time.
bool takes_at_once(int fd) {
  struct stat found {};
  return ::fstat(fd, &found) == 0
         && (S_ISREG(found.st_mode)
             || (S_ISCHR(found.st_mode) && major(found.st_rdev) == MEM_MAJOR));
}

} // namespace

caf::expected<owned_fd> open_input(const std::string& pattern, const template_values& names,
                                   const std::string& cwd) {
  return open_at_once("input file", path_of(pattern, names, cwd), O_RDONLY);
}

caf::expected<std::string> output_files::open(const std::string& pattern,
                                              const template_values& names,
                                              const std::string& cwd, bool truncate) {
  auto name = path_of(pattern, names, cwd);
  if (files_.count(name) != 0)
    return name;
  auto fd =
      open_at_once("output file", name, O_WRONLY | O_CREAT | O_APPEND | (truncate ? O_TRUNC : 0));
  if (!fd)
    return std::move(fd.error());
  files_.emplace(name, std::move(*fd));
  return name;
}

caf::expected<std::string> output_files::open_labelled(const std::string& pattern,
                                                       const template_values& names,
                                                       const std::string& cwd, bool truncate) {
  auto name = open(pattern, names, cwd, truncate);
  if (name && !takes_at_once(files_.at(*name).get()))
    return refused("output file", *name,
                   "is no regular file; only into such does hactor write lines with labels");
  return name;
}

caf::expected<owned_fd> output_files::share(const std::string& name) const {
  owned_fd fd{::fcntl(files_.at(name).get(), F_DUPFD_CLOEXEC, 3)};
  if (!fd)
    return make_errno_error(ec::system_failed, "descriptor for " + name, errno);
  return fd;
}

void output_files::set_labels(std::string before, bool at_once) {
  labels_ = line_labels{std::move(before), true, at_once ? 0 : line_labels::held_bytes_max};
}

caf::error output_files::write_labelled(const std::string& name, uint32_t task, uint8_t stream,
                                        std::string_view bytes) {
  auto& labels = labelled_.try_emplace(name, labels_).first->second;
  auto out = labels.add(task, stream, bytes);
  // One call: what others append to the file does not come between.
  std::string_view rest = out;
  while (!rest.empty()) {
    auto n = ::write(files_.at(name).get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return make_errno_error(errno == ENOSPC || errno == EDQUOT ? ec::disk_full : ec::exec_failed,
                              name, errno);
    rest.remove_prefix(static_cast<size_t>(n));
  }
  return caf::none;
}

} // namespace hactor
