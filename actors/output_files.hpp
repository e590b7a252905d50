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
#include "runtime/line_labels.hpp"

namespace hactor {

/// Opens the file from which one task reads (--input), a regular file or a character device; a
/// relative name is below `cwd`. Never waits, as open() of a FIFO would for who writes it. Errors:
/// ec::exec_failed, naming the file.
caf::expected<owned_fd> open_input(const std::string& pattern, const template_values& names,
                                   const std::string& cwd);

class output_files {
public:
  /// Opens the file of `pattern` for one task, once per name; relative names are below `cwd`.
  /// `truncate`: this is the job's first node, which makes the file empty; the others append.
  /// Never waits: a FIFO must have its reader. Returns the name. Errors: ec::exec_failed, naming
  /// the file.
  caf::expected<std::string> open(const std::string& pattern, const template_values& names,
                                  const std::string& cwd, bool truncate);

  /// The same of a file for write_labelled, which must not wait: a regular one, or as /dev/null.
  caf::expected<std::string> open_labelled(const std::string& pattern,
                                           const template_values& names, const std::string& cwd,
                                           bool truncate);

  /// A new descriptor of an opened file. Errors: ec::system_failed.
  caf::expected<owned_fd> share(const std::string& name) const;

  /// How lines are labelled from here on: `before` the task's number, and whether bytes are written
  /// `at_once`, in place of by lines.
  void set_labels(std::string before, bool at_once);

  /// Appends lines, each preceded by its label; no bytes end the stream's last line. A line is
  /// written whole, unless it is very long. Errors: ec::disk_full, ec::exec_failed.
  caf::error write_labelled(const std::string& name, uint32_t task, uint8_t stream,
                            std::string_view bytes);

private:
  std::map<std::string, owned_fd> files_;
  line_labels labels_{{}, true}; // as they are at the beginning of a file
  std::map<std::string, line_labels> labelled_;
};

} // namespace hactor
