// The files into which a user asked tasks to write (--output, --error): opened once a name, handed
// to the tasks as their stdout and stderr, so that their bytes never pass through hactor; with
// labels the lines pass through the shell, which writes them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "actors/launch_plan.hpp"
#include "actors/owned_fd.hpp"
#include "runtime/error.hpp"

namespace hactor {

class output_files {
public:
  /// Opens the file of `pattern` for one task, once per name; relative names are below `cwd`.
  /// `truncate`: this is the job's first node, which makes the file empty; the others append.
  /// Returns the name. Errors: ec::exec_failed, naming the file.
  caf::expected<std::string> open(const std::string& pattern, const template_values& names,
                                  const std::string& cwd, bool truncate);

  /// A new descriptor of an opened file. Errors: ec::system_failed.
  caf::expected<owned_fd> share(const std::string& name) const;

  /// Appends whole lines, each preceded by "TASK: ". Errors: ec::disk_full, ec::exec_failed.
  caf::error write_labelled(const std::string& name, uint32_t task, std::string_view lines);

private:
  std::map<std::string, owned_fd> files_;
};

} // namespace hactor
