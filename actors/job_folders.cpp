// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_folders.hpp"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/log.hpp"

namespace hactor {

caf::expected<job_folders> job_folders::open(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return make_errno_error(ec::store_failed, folder, errno);
  job_folders result;
  result.folder_ = folder;
  result.fd_.reset(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!result.fd_)
    return make_errno_error(ec::store_failed, folder, errno);
  return result;
}

caf::error job_folders::make(job_id id) const {
  if (::mkdirat(fd_.get(), to_string(id).c_str(), 0700) != 0)
    return make_errno_error(ec::exec_failed, "the job's folder " + path(id), errno);
  return caf::none;
}

bool job_folders::remove_empty(job_id id) const {
  return ::unlinkat(fd_.get(), to_string(id).c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
}

void job_folders::remove_all(job_id id) const {
  std::error_code err;
  std::filesystem::remove_all(path(id), err);
  if (err)
    log_warning("{}: not removed: {}", path(id), err.message());
}

} // namespace hactor
