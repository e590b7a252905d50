// hactor cancel, job kill, job raise, job urgency: what changes jobs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <utility>

#include "runtime/signals.hpp"
#include "tools/commands.hpp"
#include "tools/job_fields.hpp"
#include "tools/session.hpp"
#include "tools/submit_options.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec cancel_options[] = {
    {0, "all", nullptr, "Cancels all active jobs, or those in the states of --states."},
    {'f', "states", "STATE,..",
     "With --all: jobs in these states only (depend, priority, sched, run, "
     "pending, running, active). Default: active.",
     "-S --filter"},
    {'q', "quiet", nullptr, "Does not say how many jobs were meant."},
};

constexpr option_spec kill_options[] = {
  {'s', "signal", "SIGNAL", "Name or number of the signal. Default: TERM."},
};

constexpr option_spec raise_options[] = {
  {'t', "type", "TYPE", "Type of the exception. Default: cancel."},
  {'s', "severity", "N", "0 ends the job, up to 7 only records. Default: 0."},
};

int ask_count(const invocation& call, const char* method, json params, bool say) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask(method, params, 0);
    if (!reply)
      return std::move(reply.error());
    if (say)
      complain(call, std::to_string(static_cast<uint64_t>(number_at(*reply, "count"))) + " jobs");
    return exit_ok;
  });
}

int run_cancel(const invocation& call) {
  auto& o = call.options;
  auto [texts, message] = split_message(o);
  // "cancel --all -- why": that "--" ended the options, so that no second one is there to see.
  if (o.has("all") && o.after_separator)
    for (auto& word : std::exchange(texts, {}))
      message += (message.empty() ? "" : " ") + word;
  json params = json::object();
  if (!message.empty())
    params["message"] = message;
  if (o.has("all") == !texts.empty())
    return fail_usage(call, make_error(ec::bad_argument,
                                       "name the jobs by their ids, or all of them with --all"));
  if (o.has("all")) {
    params["all"] = true;
    if (o.has("states")) {
      auto filter = parse_state_filter(o.value("states"));
      if (!filter)
        return fail_usage(call, filter.error());
      params["states"] = filter->states;
    }
  } else {
    auto ids = read_ids(texts);
    if (!ids)
      return fail_usage(call, ids.error());
    params["ids"] = *ids;
  }
  return ask_count(call, "job.cancel", params, o.has("all") && !o.has("quiet"));
}

int run_kill(const invocation& call) {
  auto signal = parse_signal(call.options.value("signal", "TERM"));
  if (!signal)
    return fail_usage(call, signal.error());
  auto ids = read_ids(call.options.operands);
  if (!ids)
    return fail_usage(call, ids.error());
  return ask_count(call, "job.kill", {{"ids", *ids}, {"signal", *signal}}, false);
}

int run_raise(const invocation& call) {
  auto [texts, note] = split_message(call.options);
  auto ids = read_ids(texts);
  if (!ids)
    return fail_usage(call, ids.error());
  auto severity = call.options.number("severity", 0, 0, 7);
  if (!severity)
    return fail_usage(call, severity.error());
  return ask_count(call, "job.raise",
                   {{"ids", *ids},
                    {"type", call.options.value("type", "cancel")},
                    {"severity", *severity},
                    {"note", note}},
                   false);
}

int run_urgency(const invocation& call) {
  auto& words = call.options.operands;
  auto urgency = parse_urgency(words.back());
  if (!urgency)
    return fail_usage(call, urgency.error());
  auto ids = read_ids(std::span{words}.first(words.size() - 1));
  if (!ids)
    return fail_usage(call, ids.error());
  return ask_count(call, "job.urgency", {{"ids", *ids}, {"urgency", *urgency}}, false);
}

} // namespace

const command cancel_command{
  "cancel",
  group_jobs,
  "ends jobs, whether they wait or run",
  "[OPTIONS] ID...|--all [-- MESSAGE]",
  "A job that waits never starts; the tasks of one that runs get SIGTERM and, after "
  "exec.kill_timeout, SIGKILL. Returns when the cancel is recorded, which may be before the last "
  "task is gone.",
  cancel_options,
  usual_exits,
  " hactor cancel f3xK2 -- no longer needed\n hactor cancel --all --states=pending",
  false,
  0,
  any_number,
  run_cancel};

const command job_kill_command{"job kill",
                               group_jobs,
                               "sends a signal to the tasks of running jobs",
                               "[-s SIGNAL] ID...",
                               "The state of the jobs does not change by it.",
                               kill_options,
                               usual_exits,
                               " hactor job kill -s USR1 f3xK2",
                               false,
                               1,
                               any_number,
                               run_kill};

const command job_raise_command{"job raise",
                                group_jobs,
                                "raises an exception on jobs",
                                "[-t TYPE] [-s SEVERITY] ID... [-- NOTE]",
                                "An exception of severity 0 ends a job; others are only recorded.",
                                raise_options,
                                usual_exits,
                                " hactor job raise -t mine -s 7 f3xK2 -- look at this one",
                                false,
                                1,
                                any_number,
                                run_raise};

const command job_urgency_command{"job urgency",
                                  group_jobs,
                                  "changes the urgency of waiting jobs",
                                  "ID... N|hold|default|expedite",
                                  "0 (hold) keeps a job waiting, 31 (expedite) puts it first; the "
                                  "default is 16.",
                                  {},
                                  usual_exits,
                                  " hactor job urgency f3xK2 hold",
                                  false,
                                  2,
                                  any_number,
                                  run_urgency};

} // namespace hactor::tools
