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
