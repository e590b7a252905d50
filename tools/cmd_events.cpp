// hactor events: the instance's event stream.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/commands.hpp"
#include "tools/job_choice.hpp"
#include "tools/job_fields.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec options[] = {
    {0, "since", "N",
     "Begins with event number N; 0: with the oldest that is kept. Default: with the "
     "next one that happens."},
    {0, "no-follow", nullptr, "Ends when all events that exist have been printed."},
    {'S', "states", "STATE,..",
     "Events only after which the job is in one of these states (depend, priority, sched, run, "
     "cleanup, inactive, pending, running, active).",
     "--filter"},
    {'u', "user", "USER", "Events of this user's jobs only, by name or number. Default: all."},
    {0, "names", "NAME,..",
     "Events of these names only: submit, alloc, start, finish, clean, "
     "exception ..."},
};

int run_events(const invocation& call) {
  auto& o = call.options;
  auto ids = read_ids(o.operands);
  if (!ids)
    return fail_usage(call, ids.error());
  auto since = o.number("since", 0, 0, UINT64_MAX);
  if (!since)
    return fail_usage(call, since.error());
  json params{{"follow", !o.has("no-follow")}};
  if (o.has("since") || o.has("no-follow"))
    params["since"] = *since;
  if (!ids->empty())
    params["ids"] = *ids;
  if (o.has("names"))
    params["names"] = split_commas(o.value("names"));
  if (o.has("states")) {
    auto filter = parse_state_filter(o.value("states"));
    if (!filter)
      return fail_usage(call, filter.error());
    params["states"] = filter->states;
  }
  if (o.has("user"))
    if (auto e = add_user(o.value("user"), params))
      return fail_usage(call, e);
  return with_broker(call,
                     [&](client& broker) { return print_lines(broker, "events", params); });
}

} // namespace

const command events_command{
  "events",
  group_jobs,
  "follows every state change of every job",
  "[OPTIONS] [ID...]",
  "Prints one JSON object a line, in the order in which things happened: the event's number (seq), "
  "the job (id), its name and context (RFC 18, 21), and the job's state after it. A follower that "
  "was cut off goes on with --since=NUMBER+1 and misses nothing.",
  options,
  usual_exits,
  " hactor events --since 0 --names=finish,exception",
  false,
  0,
  any_number,
  run_events};

} // namespace hactor::tools
