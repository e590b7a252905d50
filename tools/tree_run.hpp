// One instance of a 'hactor tree' at work: a leaf submits its share of jobs in bulk and hears of
// their ends by events; another level submits its children, each an instance in a job, and reads
// what they report. Caller: cmd_tree.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "graph/rset.hpp"
#include "tools/client.hpp"
#include "tools/command.hpp"
#include "tools/tree_report.hpp"

namespace hactor::tools {

struct tree_task {
  tree_share share;
  std::vector<tree_level> levels; ///< Below this instance; empty: it is a leaf.
  std::vector<std::string> command;
  json jobspec; ///< In place of the command; null: none.
  // As they were given; "": not at all. Folders are absolute.
  std::string output, error, logs, rundir, compat;
  bool outside = false; ///< The leaf's jobs are scripts that its scheduler knows nothing of.
  bool reports = false; ///< To the level above, on standard output; else to a person.
};

/// What all instances of a tree have in common, as text, and back. Errors: ec::bad_json,
/// ec::bad_argument.
std::string text_of(const tree_task& task);
caf::error read_task(std::string_view text, tree_task& task);

/// The commands of the children of an instance, in the order of their shares: 'hactor tree' with
/// what is theirs. Those without jobs are left out.
struct tree_child {
  tree_share share;
  std::vector<std::string> command;
};
std::vector<tree_child> children_of(const tree_task& task);

/// The command of a leaf's jobs, and the variables that they have beside others, with {cc} for
/// their index.
std::vector<std::string> leaf_command(const tree_task& task);
std::vector<std::pair<std::string, std::string>> leaf_variables(const tree_task& task);

/// Of what resource.list has answered, the nodes that jobs can get some time: up and not drained.
/// Errors: ec::bad_json.
caf::expected<rset> usable_nodes(const json& reply);

/// Runs the instance's part to its end, which SIGINT, SIGTERM or SIGHUP hasten unless it reports:
/// then all that it has submitted is cancelled and waited for. The worst is set by signal and by
/// children that ended without a report. Errors: the connection's, a refused submit.
caf::expected<tree_report> run_tree(const invocation& call, client& broker, const tree_task& task);

} // namespace hactor::tools
