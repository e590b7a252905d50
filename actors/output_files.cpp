// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/output_files.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace hactor {

caf::expected<std::string> output_files::open(const std::string& pattern,
                                              const template_values& names,
                                              const std::string& cwd, bool truncate) {
  auto name = fill_template(pattern, names);
  if (!name.empty() && name[0] != '/')
    name = cwd + "/" + name;
  if (files_.count(name) != 0)
    return name;
  auto flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (truncate ? O_TRUNC : 0);
  owned_fd fd{::open(name.c_str(), flags, 0666)};
  if (!fd)
    return make_errno_error(ec::exec_failed, "output file " + name, errno);
  files_.emplace(name, std::move(fd));
  return name;
}

caf::expected<owned_fd> output_files::share(const std::string& name) const {
  owned_fd fd{::fcntl(files_.at(name).get(), F_DUPFD_CLOEXEC, 3)};
  if (!fd)
    return make_errno_error(ec::system_failed, "descriptor for " + name, errno);
  return fd;
}

caf::error output_files::write_labelled(const std::string& name, uint32_t task,
                                        std::string_view lines) {
  std::string out;
  auto label = std::to_string(task) + ": ";
  while (!lines.empty()) {
    auto end = lines.find('\n');
    auto line = lines.substr(0, end == std::string_view::npos ? end : end + 1);
    out += label;
    out += line;
    lines.remove_prefix(line.size());
  }
  std::string_view rest = out;
  while (!rest.empty()) {
    auto n = ::write(files_.at(name).get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return make_errno_error(errno == ENOSPC ? ec::disk_full : ec::exec_failed, name, errno);
    rest.remove_prefix(static_cast<size_t>(n));
  }
  return caf::none;
}

} // namespace hactor
