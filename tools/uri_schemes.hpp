// Instances that are named by what they run in or by what runs in them: a process of this machine,
// a job of the batch system around them, a job that holds one. Names as those of flux-uri(1).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/error.hpp"
#include "workflow/instance_note.hpp"

namespace hactor::tools {

/// What a target may be, for sentences that say so.
inline constexpr const char* target_forms =
    "a target is ID[/ID..] or jobid:ID[/ID..] (jobs that hold instances), pid:PID (a process of "
    "this machine), slurm:ID, lsf:ID or pbs:ID (the job around the instance), an id or a name that "
    "'hactor ps' shows, or a URI (local://, tcp://, ssh://)";

/// A process of this machine. What cannot be read of it is empty.
struct process_facts {
  int32_t parent = 0;
  std::string program; ///< The name of its file, without the folder.
  std::string uri;     ///< HACTOR_URI of its environment.
};

using process_table = std::map<int32_t, process_facts>;

/// All processes that there are now.
process_table read_processes();

/// The URI of the instance of a process: the one whose lead broker it is, the one of its
/// HACTOR_URI, the one whose broker is above it, or, for what has started brokers, the one below
/// it. `here`: notes of instances that run on this machine. Errors: ec::no_instance;
/// ec::bad_argument when several are below.
caf::expected<std::string> uri_of_process(int32_t pid, const process_table& all,
                                          const std::vector<workflow::instance_note>& here);

/// The instance within a job of another manager, "slurm:4711". `notes`: those that are not gone.
/// Errors: ec::no_instance; ec::bad_argument when several are.
caf::expected<workflow::instance_note>
note_within(const std::string& job, const std::vector<workflow::instance_note>& notes);

/// The URI that holds here of what a word with a scheme names, with /ID[/ID..] behind it for an
/// instance within that one; nothing for words without a scheme, and URIs. Errors: those above,
/// ec::bad_argument (no such scheme, no number), ec::bad_id.
std::optional<caf::expected<std::string>> uri_by_scheme(const std::string& word);

} // namespace hactor::tools
