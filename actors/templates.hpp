// Texts with places for what is known of a job and its task: names of output files, and the words
// of a command. Callers: launch_plan, output_files, shell_core.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/ids.hpp"

namespace hactor {

struct template_values {
  std::string id;
  std::string name;
  int64_t cc = -1;
  int64_t task = -1;
  uint32_t node = 0;
  uint32_t size = 1;
  std::string host{};
  std::string tmpdir{};
  uint32_t local = 0; // the task's number on its node
  uint32_t nnodes = 1;
  uint32_t attempt = 1;
  std::string array{}; // id of its first job; "": it is of none
};

/// Fills a file's template: {{id}} {{jobid}} ({{id.dec}} and other forms), {{name}}, {{size}}
/// {{ntasks}}, {{nnodes}}, {{taskid}} {{task.id}} {{task.rank}}, {{task.index}} on its node,
/// {{nodeid}} {{node.id}} {{node.index}}, {{node.name}}, {{tmpdir}}, {{attempt}}, {{array.id}} and
/// {{array.index}} of an array, {cc}, {cc+N}, {cc-N}, and Slurm's %j %A %x %t %n %N %a %u %%, where
/// %4t is padded with zeros. What is none of these stays.
std::string fill_template(const std::string& text, const template_values& values);

/// A place for the number of a copy: {cc}, or {cc+N} and {cc-N} for one that is greater or less.
struct cc_place {
  size_t size = 0; // bytes
  int64_t offset = 0;
};

/// The place at the beginning of `text`, if there is one.
std::optional<cc_place> cc_place_at(std::string_view text);

/// True when there is one anywhere in `text`.
bool has_cc_place(std::string_view text);

/// Fills the places in {{ }} alone, as in a word of a command.
std::string fill_tags(const std::string& text, const template_values& values);

/// True when the template names a task ({{taskid}}, {{task.id}}, %t ..), so that each has its file.
bool names_task(const std::string& text);

/// True when it names a node or a task: who writes to the file is on one node.
bool names_node(const std::string& text);

} // namespace hactor
