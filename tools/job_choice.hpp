// Which jobs a command means that is told by state, name and so on: jobs, job list, watch, pgrep.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <span>

#include "tools/client.hpp"
#include "tools/command.hpp"

namespace hactor::tools {

/// The rows of the options; those of commands that share them stand first in their tables.
#define HACTOR_JOB_CHOICE_ROWS                                                                     \
  {'a', "all", nullptr, "Means ended jobs too."},                                                  \
      {'A', "all-users", nullptr, "The same as -a: an instance has the jobs of its owner only."},  \
      {'c', "count", "N", "Means at most N jobs; 0: all of them. Default: 1000."},                 \
      {'f', "filter", "STATE|RESULT,..",                                                           \
       "Means jobs in these states (depend, priority, sched, run, cleanup, inactive, pending, "    \
       "running, active) or with these results (completed, failed, canceled, timeout, "            \
       "node_failed). Default: pending,running."},                                                 \
      {0, "since", "WHEN",                                                                         \
       "Means ended jobs too, but those only that ended after WHEN: -1h for an hour ago, "         \
       "2026-12-24, '2026-12-24T18:00', 18:00, yesterday, or seconds since the epoch."},           \
      {0, "name", "NAME", "Means jobs of this name only."},                                        \
      {'q', "queue", "NAME", "Means jobs of this queue only."},                                    \
      {'i', "include", "HOSTS|RANKS",                                                              \
       "Means jobs that have one of these hosts (n[1-3]) or ranks (0-3) only."},                   \
      {0, "constraint", "JSON",                                                                    \
       "Means jobs in any state that this constraint matches (RFC 31, 43), as {\"and\": "          \
       "[{\"states\": [\"running\"]}, {\"t_run\": [\">1790000000\"]}]}; operators are and, or, "   \
       "not, userid, name, queue, states, results, hostlist, ranks and t_* times. The options "    \
       "beside it narrow it."},                                                                    \
  {                                                                                                \
    'u', "user", "USER", "Means jobs of this user only, by name or number; all: of everybody."     \
  }

/// The parameters of job.list by these options; ids among the operands mean ended jobs too.
/// Errors: ec::bad_argument, naming the option.
caf::expected<json> list_params(const parsed_options& options);

/// Sets `userid` by a name or a number; "all" sets nothing. Errors: ec::bad_argument.
caf::error add_user(const std::string& text, json& params);

/// Job ids in any spelling, and ranges "ID..ID" of active jobs; without ranges nobody is asked.
/// Errors: ec::bad_id; ec::unknown_job for a range with no job in it; the broker's.
caf::expected<std::vector<std::string>> choose_ids(client& broker,
                                                   std::span<const std::string> texts);

/// The ids of the jobs in these states, of this user ("" and "all": of everybody).
/// Errors: ec::bad_argument; the broker's.
caf::expected<std::vector<std::string>> ids_in_states(client& broker, unsigned states,
                                                      const std::string& user);

/// Is there a queue of that name among `queues`, as "queue" tells them? Errors: ec::unknown_key,
/// naming those that there are.
caf::error find_queue(const json& queues, const std::string& name);

/// All jobs that a request means; a long list comes in several parts. Errors: the broker's.
caf::expected<json> list_all(client& broker, const json& params);

/// The jobs, as the instance lists them. Errors: the broker's, ec::bad_id, ec::unknown_key (there
/// are none, and no queue of the name that was asked for).
caf::expected<json> fetch_jobs(const parsed_options& options, client& broker, json params);

} // namespace hactor::tools
