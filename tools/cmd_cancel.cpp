// hactor cancel, job cancelall, kill, killall, raise, raiseall, urgency: what ends jobs or reorders
// them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <utility>

#include "runtime/ids.hpp"
#include "runtime/signals.hpp"
#include "tools/commands.hpp"
#include "tools/job_choice.hpp"
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
    {'u', "user", "USER", "With --all: jobs of this user only, by name or number."},
    {'n', "dry-run", nullptr, "Says how many jobs are meant, and cancels none."},
    {'m', "message", "TEXT", "Why, for the jobs' records; in place of words behind '--'."},
    {'q', "quiet", nullptr, "Does not say how many jobs were meant."},
};

constexpr option_spec kill_options[] = {
  {'s', "signal", "SIGNAL", "Name or number of the signal. Default: TERM."},
};

// Of those that mean all jobs.
#define HACTOR_ALL_ROWS                                                                            \
  {'f', "force", nullptr,                                                                          \
   "Does it. Without this it is only told how many jobs are meant, and the exit code is 1 if "     \
   "there are any."},                                                                              \
      {'u', "user", "USER",                                                                        \
       "Jobs of this user only, by name or number; all: of everybody. "                            \
       "Default: of everybody."},                                                                  \
  {                                                                                                \
    'q', "quiet", nullptr, "Does not say how many jobs were meant."                                \
  }

#define HACTOR_STATES_ROW                                                                          \
  {                                                                                                \
    'S', "states", "STATE,..",                                                                     \
        "Jobs in these states only (depend, priority, sched, run, pending, running, active). "     \
        "Default: active.",                                                                        \
        "--filter"                                                                                 \
  }

constexpr option_spec killall_options[] = {
    HACTOR_ALL_ROWS,
    {'s', "signal", "SIGNAL", "Name or number of the signal. Default: TERM."},
};

constexpr option_spec cancelall_options[] = {
    HACTOR_ALL_ROWS,
    HACTOR_STATES_ROW,
};

constexpr option_spec raiseall_options[] = {
    HACTOR_ALL_ROWS,
    HACTOR_STATES_ROW,
    {'s', "severity", "N", "0 ends the jobs, up to 7 only records. Default: 7."},
};

constexpr option_spec raise_options[] = {
    {'t', "type", "TYPE", "Type of the exception. Default: cancel."},
    {'s', "severity", "N", "0 ends the job, up to 7 only records. Default: 0."},
    {'m', "message", "TEXT", "The note; in place of words behind the ids."},
};

constexpr const char* all_exits =
    " 0  done, or no jobs are meant\n"
    " 1  nothing was done: -f is missing, no instance answers, or it refuses\n"
    " 2  the command line is wrong";

constexpr const char* note_twice = "the message stands behind the ids and in --message";

caf::expected<int> count_of(const invocation& call, client& broker, const char* method,
                            const json& params, bool say) {
  auto reply = broker.ask(method, params, 0);
  if (!reply)
    return std::move(reply.error());
  if (say)
    complain(call, std::to_string(static_cast<uint64_t>(number_at(*reply, "count"))) + " jobs");
  return exit_ok;
}

/// Asks for the jobs that `texts` name.
int ask_count(const invocation& call, const char* method, std::span<const std::string> texts,
              json params) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto ids = choose_ids(broker, texts);
    if (!ids)
      return std::move(ids.error());
    params["ids"] = *ids;
    if (ids->size() > texts.size()) // ranges: of what is listed some end meanwhile
      params["states"] = states_active;
    return count_of(call, broker, method, params, false);
  });
}

/// Asks it for all jobs in some states and of some user.
caf::expected<int> ask_all(const invocation& call, client& broker, const char* method,
                           unsigned states, json params) {
  auto& o = call.options;
  auto say = !o.has("quiet");
  params["states"] = states;
  auto user = o.value("user", "all");
  if (user == "all") { // what comes meanwhile is meant too
    params["all"] = true;
    return count_of(call, broker, method, params, say);
  }
  auto ids = ids_in_states(broker, states, user);
  if (!ids)
    return std::move(ids.error());
  if (!ids->empty()) {
    params["ids"] = *ids; // some end meanwhile
    return count_of(call, broker, method, params, say);
  }
  if (say)
    complain(call, "0 jobs");
  return exit_ok;
}

/// The same if --force says so, else tells how many jobs it would be.
int ask_all_if_forced(const invocation& call, const char* method, unsigned states, json params) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    if (call.options.has("force"))
      return ask_all(call, broker, method, states, std::move(params));
    auto ids = ids_in_states(broker, states, call.options.value("user"));
    if (!ids)
      return std::move(ids.error());
    complain(call, std::to_string(ids->size()) + " jobs are meant; -f confirms it");
    return ids->empty() ? exit_ok : exit_failed;
  });
}

caf::expected<unsigned> read_states(const parsed_options& o, unsigned otherwise) {
  if (!o.has("states"))
    return otherwise;
  auto filter = parse_state_filter(o.value("states"));
  if (!filter)
    return std::move(filter.error());
  return filter->states;
}

/// cancel: what the jobs are, and what is said of them.
caf::expected<int> cancel_with(const invocation& call, client& broker,
                               std::span<const std::string> texts, json params) {
  auto& o = call.options;
  auto all = o.has("all");
  auto states = read_states(o, states_active);
  if (!states)
    return fail_usage(call, states.error());
  if (all && !o.has("dry-run"))
    return ask_all(call, broker, "job.cancel", *states, std::move(params));
  auto ids = all ? ids_in_states(broker, *states, o.value("user")) : choose_ids(broker, texts);
  if (!ids)
    return std::move(ids.error());
  if (o.has("dry-run")) {
    complain(call, std::to_string(ids->size()) + " jobs would be cancelled");
    return exit_ok;
  }
  params["ids"] = *ids;
  if (ids->size() > texts.size()) // of what was listed some end meanwhile
    params["states"] = *states;
  return count_of(call, broker, "job.cancel", params, false);
}

int run_cancel(const invocation& call) {
  auto& o = call.options;
  auto [texts, message] = split_message(o);
  // "cancel --all -- why": that "--" ended the options, so that no second one is there to see.
  if (o.has("all") && o.after_separator)
    for (auto& word : std::exchange(texts, {}))
      message += (message.empty() ? "" : " ") + word;
  if (o.has("message") && !message.empty())
    return fail_usage(call, make_error(ec::bad_argument, note_twice));
  message = o.value("message", message);
  json params = json::object();
  if (!message.empty())
    params["message"] = message;
  if (o.has("all") == !texts.empty())
    return fail_usage(call, make_error(ec::bad_argument,
                                       "name the jobs by their ids, or all of them with --all"));
  for (auto* name : {"user", "states"})
    if (!o.has("all") && o.has(name))
      return fail_usage(call, make_error(ec::bad_argument, std::string{"--"} + name
                                                               + " goes with --all"));
  return with_broker(
      call, [&](client& broker) { return cancel_with(call, broker, texts, std::move(params)); });
}

int run_killall(const invocation& call) {
  auto signal = parse_signal(call.options.value("signal", "TERM"));
  if (!signal)
    return fail_usage(call, signal.error());
  return ask_all_if_forced(call, "job.kill", states_running, {{"signal", *signal}});
}

/// The words of a message; a "--" before them is left out.
std::string message_of(std::span<const std::string> words) {
  std::string text;
  for (auto& word : words)
    if (word != "--")
      text += (text.empty() ? "" : " ") + word;
  return text;
}

int run_cancelall(const invocation& call) {
  auto& o = call.options;
  auto states = read_states(o, states_active);
  if (!states)
    return fail_usage(call, states.error());
  json params = json::object();
  if (auto message = message_of(o.operands); !message.empty())
    params["message"] = message;
  return ask_all_if_forced(call, "job.cancel", *states, std::move(params));
}

int run_raiseall(const invocation& call) {
  auto& o = call.options;
  auto states = read_states(o, states_active);
  if (!states)
    return fail_usage(call, states.error());
  auto severity = o.number("severity", 7, 0, 7);
  if (!severity)
    return fail_usage(call, severity.error());
  return ask_all_if_forced(call, "job.raise", *states,
                           {{"type", o.operands.front()},
                            {"severity", *severity},
                            {"note", message_of(std::span{o.operands}.subspan(1))}});
}

int run_kill(const invocation& call) {
  auto signal = parse_signal(call.options.value("signal", "TERM"));
  if (!signal)
    return fail_usage(call, signal.error());
  return ask_count(call, "job.kill", call.options.operands, {{"signal", *signal}});
}

int run_raise(const invocation& call) {
  auto [texts, note] = split_message(call.options);
  // As for flux-job: the note begins with the first word that is no id, by "--" or not.
  auto first = std::find_if(texts.begin() + !texts.empty(), texts.end(),
                            [](auto& word) { return !parse_job_id(word); });
  std::string words;
  for (auto word = first; word != texts.end(); ++word)
    words += (words.empty() ? "" : " ") + *word;
  texts.erase(first, texts.end());
  note = words + (words.empty() || note.empty() ? "" : " ") + note;
  if (call.options.has("message") && !note.empty())
    return fail_usage(call, make_error(ec::bad_argument, note_twice));
  note = call.options.value("message", note);
  auto severity = call.options.number("severity", 0, 0, 7);
  if (!severity)
    return fail_usage(call, severity.error());
  return ask_count(call, "job.raise", texts,
                   {{"type", call.options.value("type", "cancel")},
                    {"severity", *severity},
                    {"note", note}});
}

int run_urgency(const invocation& call) {
  auto& words = call.options.operands;
  auto urgency = parse_urgency(words.back());
  if (!urgency)
    return fail_usage(call, urgency.error());
  return ask_count(call, "job.urgency", std::span{words}.first(words.size() - 1),
                   {{"urgency", *urgency}});
}

} // namespace

const command cancel_command{
  "cancel",
  group_jobs,
  "ends jobs, whether they wait or run",
  "[OPTIONS] ID...|--all [-- MESSAGE]",
  "A job that waits never starts; the tasks of one that runs get SIGTERM and, after "
  "exec.kill_timeout, SIGKILL. Returns when the cancel is recorded, which may be before the last "
  "task is gone. ID..ID means all active jobs between the two.",
  cancel_options,
  usual_exits,
  " hactor cancel f3xK2 -- no longer needed\n hactor cancel f3xK2..f3xZ9\n"
  " hactor cancel --all --states=pending",
  false,
  0,
  any_number,
  run_cancel};

const command job_kill_command{"job kill",
                               group_jobs,
                               "sends a signal to the tasks of running jobs",
                               "[-s SIGNAL] ID...",
                               "The jobs must be running; their state changes only if their "
                               "tasks end by it. STOP stops them, CONT lets them go on; TSTP "
                               "means something only to a program that catches it, for a task "
                               "leads a session of its own. 'hactor cancel' ends jobs, by more "
                               "signals if the first does not do.",
                               kill_options,
                               usual_exits,
                               " hactor job kill -s USR1 f3xK2",
                               false,
                               1,
                               any_number,
                               run_kill};

const command job_killall_command{
    "job killall",
    group_jobs,
    "sends a signal to the tasks of all running jobs",
    "[OPTIONS]",
    "As 'hactor job kill' for all jobs that run. Says how many they are; without -f nothing else "
    "happens.",
    killall_options,
    all_exits,
    " hactor job killall -f -s USR1",
    false,
    0,
    0,
    run_killall};

const command job_cancelall_command{
    "job cancelall",
    group_jobs,
    "ends all jobs, whether they wait or run",
    "[OPTIONS] [[--] MESSAGE...]",
    "What 'hactor cancel --all' does, in the way of flux-job: says how many jobs are meant, and "
    "without -f nothing else happens.",
    cancelall_options,
    all_exits,
    " hactor job cancelall -f --states=pending the input was wrong",
    false,
    0,
    any_number,
    run_cancelall};

const command job_raiseall_command{
    "job raiseall",
    group_jobs,
    "raises an exception on all jobs",
    "[OPTIONS] TYPE [NOTE...]",
    "As 'hactor job raise' for all active jobs, or those in the states of --states. Says how many "
    "they are; without -f nothing else happens. An exception ends the jobs with -s 0 only.",
    raiseall_options,
    all_exits,
    " hactor job raiseall -f --states=pending note the input was wrong",
    false,
    1,
    any_number,
    run_raiseall};

const command job_raise_command{"job raise",
                                group_jobs,
                                "raises an exception on jobs",
                                "[-t TYPE] [-s SEVERITY] ID... [[--] NOTE]",
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
