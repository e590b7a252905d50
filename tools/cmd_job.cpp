// hactor job: status, wait, wait-event, info, eventlog, id, submit.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include <unistd.h>

#include "runtime/clock.hpp"
#include "runtime/duration.hpp"
#include "runtime/ids.hpp"
#include "runtime/near.hpp"
#include "tools/commands.hpp"
#include "tools/event_text.hpp"
#include "tools/job_fields.hpp"
#include "tools/session.hpp"
#include "tools/submitted.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

/// Of many jobs that failed, so many are told of one by one.
constexpr size_t failures_told_max = 10;

constexpr option_spec status_options[] = {
    {'e', "exception-exit-code", "N",
     "Exit code for jobs that an exception ended (cancelled, out of time ..). Default: that of "
     "their "
     "tasks, 128+N for signal N; 1 if none ran."},
    {'j', "json", nullptr, "Prints the jobs' records as JSON lines."},
    {'v', "verbose", nullptr, "Prints a line for each job that ends: its id and result."},
};

constexpr option_spec wait_options[] = {
    {'a', "all", nullptr,
     "Without ids: waits until all jobs have ended, not for one."},
    {'n', "count", "K",
     "Waits for K jobs to end: of those with the ids, or the next K. Default: all "
     "of the ids; without ids one."},
    {0, "any", nullptr, "Returns when the first of them has ended, and prints its id."},
    {'t', "timeout", "DURATION", "Gives up after this time. Default: never."},
    {'v', "verbose", nullptr, "Prints a line for each job that ends."},
};

constexpr option_spec wait_event_options[] = {
    {'t', "timeout", "DURATION", "Gives up after this time. Default: never."},
    {'c', "count", "N", "Waits for the event to happen N times. Default: 1."},
    {'f', "format", "json|text", "How the event is printed. Default: text."},
    {'q', "quiet", nullptr, "Does not print the event."},
    {'p', "path", "LOG", "In which eventlog, as for 'hactor job eventlog'. Default: main."},
    {'m', "match-context", "KEY=VALUE",
     "Only events whose context has this: stage=main, note=\"two words\". May be repeated: all of "
     "them."},
    {'v', "verbose", nullptr, "Prints the events before it, too."},
    {'T', "time-format", "raw|iso|offset|human", "How times are printed. Default: raw."},
    {'H', "human", nullptr, "The same as --time-format=human."},
};

constexpr option_spec eventlog_options[] = {
    {'f', "format", "json|text", "How events are printed. Default: text."},
    {'T', "time-format", "raw|iso|offset|human", "How times are printed. Default: raw."},
    {'H', "human", nullptr, "The same as --time-format=human."},
    {'F', "follow", nullptr, "Goes on with later events until the job has ended."},
    {'p', "path", "LOG",
     "Which of its logs: main (all that happens to it), exec (guest.exec.eventlog: its shells and "
     "tasks, with the end of the first of these), output (guest.output: what its "
     "tasks write, or to which files) or input (guest.input: the first 64 KiB of what is sent to "
     "them, but for what is typed at a terminal). Default: main."},
};

constexpr option_spec info_options[] = {
  {'o', "original", nullptr, "The jobspec or R as it was before 'hactor update' changed it.",
   "-b --base"},
  {'F', "follow", nullptr, "Goes on until the job has ended: prints new events, and jobspec or R "
                           "once more whenever it has changed."},
};

constexpr option_spec id_options[] = {
  {0, "to", "FORM", "dec, hex, dothex, kvs, f58, f58plain, words or emoji. Default: f58plain."},
};

constexpr option_spec job_submit_options[] = {
  {0, "urgency", "N", "0 to 31. Default: 16."},
  {0, "cc", "IDSET", "One job for each value, with {cc} replaced."},
};

int run_job(const invocation& call) {
  complain(call, "needs a verb; 'hactor job --help' lists them");
  return exit_usage;
}

/// The code for a job that has ended.
int code_of_end(const json& end, int on_exception) {
  auto excepted = end.contains("exception_severity") && number_at(end, "exception_severity") == 0;
  return excepted ? on_exception : static_cast<int>(number_at(end, "status", 1));
}

int run_status(const invocation& call) {
  auto& o = call.options;
  auto ids = read_ids(o.operands);
  if (!ids)
    return fail_usage(call, ids.error());
  auto on_exception = o.number("exception-exit-code", 256, 0, 255);
  if (!on_exception)
    return fail_usage(call, on_exception.error());
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    int code = exit_ok;
    auto err = ask_each(broker, "job.wait", *ids, json::object(), 0,
                        [&](size_t i, caf::expected<json> end) {
                          if (!end) {
                            complain(call, (*ids)[i] + ": " + render(end.error()));
                            code = std::max<int>(code, exit_failed);
                            return true;
                          }
                          if (o.has("json"))
                            print_line(dump(*end));
                          if (o.has("verbose"))
                            print_line((*ids)[i] + " " + text_at(*end, "result"));
                          auto plain = static_cast<int>(number_at(*end, "status", 1));
                          auto own = *on_exception == 256
                                       ? plain
                                       : code_of_end(*end, static_cast<int>(*on_exception));
                          code = std::max(code, own);
                          return true;
                        });
    if (err)
      return err;
    return code;
  });
}

/// Why a job has not ended well, as far as `end` tells: "f3xK2: Signaled: Killed", or from the few
/// facts of job.wait-any "f3xK2: FAILED, exit code 137".
std::string failure_of(const json& end) {
  auto reason = job_field(end, "inactive_reason", 0);
  if (reason.empty())
    reason = text_at(end, "result") + ", exit code "
             + std::to_string(static_cast<int>(number_at(end, "status", 1)));
  return text_at(end, "id") + ": " + reason;
}

/// As of timeout(1).
constexpr int exit_time_up = 124;

int time_is_up(const invocation& call, const std::string& who, double timeout_s) {
  complain(call, who + " not ended within " + format_fsd(timeout_s));
  return exit_time_up;
}

/// Who waits, in whichever process it asks: the program that runs this one, a shell script say.
std::string waiter_name() {
  char host[256] = "";
  ::gethostname(host, sizeof(host) - 1);
  auto parent = ::getppid();
  std::ifstream file{"/proc/" + std::to_string(parent) + "/stat"};
  std::string stat{std::istreambuf_iterator<char>{file}, {}};
  // What follows the name, which may have spaces: the state, and as the 20th word the start.
  std::istringstream words{stat.substr(std::min(stat.rfind(')') + 1, stat.size()))};
  std::string start;
  for (int i = 0; i < 20; ++i)
    words >> start;
  return std::string{host} + ":" + std::to_string(parent) + ":" + start;
}

/// Waits for the next job, or for all, of whose ends this waiter has not been told.
caf::expected<int> wait_for_any(const invocation& call, client& broker, double timeout_s) {
  auto& o = call.options;
  auto reply = broker.ask("job.wait-any", {{"all", o.has("all")}, {"waiter", waiter_name()}},
                          timeout_s);
  if (!reply && code_of(reply.error()) == ec::unknown_job) {
    complain(call, render(reply.error()));
    return 2;
  }
  if (!reply && code_of(reply.error()) == ec::timed_out && timeout_s > 0)
    return time_is_up(call, o.has("all") ? "some of the jobs have" : "the next job has", timeout_s);
  if (!reply)
    return std::move(reply.error());
  size_t failed = 0;
  auto& jobs = object_at(*reply, "jobs");
  if (jobs.is_array())
    for (auto& j : jobs) {
      if (number_at(j, "status", 1) != 0 && ++failed <= failures_told_max)
        complain(call, failure_of(j));
      if (o.has("verbose"))
        print_line(text_at(j, "id") + " " + text_at(j, "result"));
      else if (!o.has("all"))
        print_line(text_at(j, "id"));
    }
  if (failed > failures_told_max)
    complain(call, "and " + std::to_string(failed - failures_told_max)
                     + " more; 'hactor jobs -a -f failed,canceled,timeout' lists them");
  return failed == 0 ? exit_ok : exit_failed;
}

/// Waits for the next K that nobody has waited for, one after another.
caf::expected<int> wait_for_next(const invocation& call, client& broker, uint64_t count,
                                 double timeout_s) {
  auto until = now_s() + timeout_s;
  int code = exit_ok;
  for (uint64_t i = 0; i < count && code != 2 && code != exit_time_up; ++i) {
    auto left = timeout_s > 0 ? std::max(until - now_s(), 1e-3) : 0;
    auto one = wait_for_any(call, broker, left);
    if (!one)
      return one;
    code = std::max(code, *one);
  }
  return code;
}

/// Waits for `count` of the jobs; what ends is told of by its id when that is not all of them.
caf::expected<int> wait_for(const invocation& call, client& broker,
                            const std::vector<std::string>& ids, uint64_t count, double timeout_s) {
  int code = exit_ok;
  bool some = call.options.has("any") || call.options.has("count");
  std::vector<bool> over(ids.size());
  auto on_end = [&](size_t i, caf::expected<json> end) {
    over[i] = true;
    auto failed = !end || number_at(*end, "status", 1) != 0;
    auto unknown = !end && code_of(end.error()) == ec::unknown_job;
    if (failed)
      code = std::max<int>(code, unknown ? exit_usage : exit_failed);
    if (!end)
      complain(call, ids[i] + ": " + render(end.error()));
    else if (failed)
      complain(call, failure_of(*end));
    if (end && some)
      print_line(ids[i]);
    else if (end && call.options.has("verbose"))
      print_line(ids[i] + " " + text_at(*end, "result"));
    return --count > 0;
  };
  auto err = ask_each(broker, "job.wait", ids, json::object(), timeout_s, on_end);
  if (code_of(err) == ec::timed_out && timeout_s > 0) {
    auto first = static_cast<size_t>(std::ranges::find(over, false) - over.begin());
    auto open = static_cast<size_t>(std::ranges::count(over, false));
    return time_is_up(call,
                      open == 1 ? "job " + ids[first] + " has"
                                : std::to_string(open) + " jobs, the first of them " + ids[first]
                                      + ", have",
                      timeout_s);
  }
  return err ? caf::expected<int>{err} : code;
}

int run_wait(const invocation& call) {
  auto& o = call.options;
  auto words = o.operands;
  if (auto from_input = std::find(words.begin(), words.end(), "-"); from_input != words.end()) {
    words.erase(from_input);
    for (std::string word; std::cin >> word;)
      words.push_back(word);
    if (words.empty()) { // not the next of all jobs: who names none waits for none
      complain(call, "standard input names no jobs");
      return exit_usage;
    }
  }
  auto ids = read_ids(words);
  if (!ids)
    return fail_usage(call, ids.error());
  auto timeout = duration_option(o, "timeout", 0);
  if (!timeout)
    return fail_usage(call, timeout.error());
  auto all = ids->empty() || o.has("any") ? 1 : ids->size();
  auto count = o.number("count", all, 1, ids->empty() ? UINT32_MAX : ids->size());
  if (!count)
    return fail_usage(call, count.error());
  if (o.has("all") + o.has("any") + o.has("count") > 1)
    return fail_usage(call,
                      make_error(ec::bad_argument, "--all, --any and --count exclude each other"));
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    if (ids->empty())
      return wait_for_next(call, broker, *count, *timeout);
    return wait_for(call, broker, *ids, *count, *timeout);
  });
}

/// An eventlog of a job, by what people call it, and the events that it may have.
struct known_log {
  const char* name;
  const char* key;
  std::vector<std::string_view> events; // empty: the broker knows
};

caf::expected<known_log> read_log(const parsed_options& o) {
  static const known_log logs[] = {
      {"main", "eventlog", {}},
      {"exec",
       "guest.exec.eventlog",
       {std::begin(execution_events), std::end(execution_events)}},
      {"output", "guest.output", {"header", "data", "redirect", "log"}},
      {"input", "guest.input", {"header", "data", "redirect", "log"}},
  };
  auto said = o.value("path", "main");
  for (auto& log : logs)
    if (said == log.name || said == log.key)
      return log;
  return make_error(ec::bad_argument, "--path: '" + said + "' is not main, exec, output or input");
}

/// Which event is waited for.
struct wanted_event {
  std::string name;
  uint64_t count = 1;
  std::vector<std::pair<std::string, std::string>> context; // keys, and values as text or JSON

  bool is(const json& event) const {
    auto& has = object_at(event, "context");
    return text_at(event, "name") == name
           && std::all_of(context.begin(), context.end(), [&](auto& wanted) {
                auto i = has.is_object() ? has.find(wanted.first) : has.end();
                return has.is_object() && i != has.end()
                       && (i->is_string() ? i->template get<std::string>() : dump(*i))
                              == wanted.second;
              });
  }
};

caf::expected<wanted_event> read_wanted(const parsed_options& o, uint64_t count) {
  wanted_event w{o.operands[1], count, {}};
  for (auto& [option, text] : o.values) {
    if (option->name != std::string_view{"match-context"})
      continue;
    auto equals = text.find('=');
    if (equals == 0 || equals == text.npos)
      return make_error(ec::bad_argument, "--match-context=" + text + ": must be KEY=VALUE");
    w.context.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return w;
}

/// The line of the event that is waited for in a log that is followed; `before` sees the others.
caf::expected<std::string> await_line(client& broker, const std::string& id, const known_log& log,
                                      wanted_event wanted, double timeout_s,
                                      const std::function<void(const std::string&)>& before) {
  auto tag = broker.request("job.watch", {{"id", id}, {"key", log.key}});
  auto until = steady_ns() + static_cast<int64_t>(timeout_s * 1e9);
  for (;;) {
    auto left_s = static_cast<double>(until - steady_ns()) * 1e-9;
    auto f = broker.receive(timeout_s > 0 ? std::max(left_s, 1e-3) : 0);
    if (!f)
      return std::move(f.error());
    if (f->tag == tag && f->kind == frame_kind::error)
      return result_of(*f).error();
    if (f->tag == tag && f->kind == frame_kind::reply)
      return make_error(ec::wrong_state,
                        id + ": the job has ended without the event \"" + wanted.name + '"');
    if (f->kind != frame_kind::lines)
      continue;
    std::string_view rest = f->payload;
    while (!rest.empty()) {
      auto end = std::min(rest.find('\n'), rest.size());
      auto line = std::string{rest.substr(0, end)};
      rest.remove_prefix(std::min(end + 1, rest.size()));
      auto event = parse_object(line);
      if (event && wanted.is(*event) && --wanted.count == 0)
        return line + "\n";
      before(line + "\n");
    }
  }
}

int run_wait_event(const invocation& call) {
  auto& o = call.options;
  auto ids = read_ids(std::span{o.operands}.first(1));
  if (!ids)
    return fail_usage(call, ids.error());
  auto count = o.number("count", 1, 1, 1u << 20);
  auto timeout = duration_option(o, "timeout", 0);
  if (!count || !timeout)
    return fail_usage(call, !count ? count.error() : timeout.error());
  auto log = read_log(o);
  if (!log)
    return fail_usage(call, log.error());
  auto wanted = read_wanted(o, *count);
  auto times = parse_time_format(o.has("human") ? "human" : o.value("time-format", "raw"));
  if (!wanted || !times)
    return fail_usage(call, !wanted ? wanted.error() : times.error());
  auto& name = o.operands[1];
  if (auto& known = log->events;
      !known.empty() && std::find(known.begin(), known.end(), name) == known.end())
    return fail_usage(call,
                      make_error(ec::bad_argument, "'" + name + "' is not an event of " + log->key
                                                       + did_you_mean(name, known)));
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto why_not = [&](const caf::error& e) {
      return e == ec::timed_out
                 ? make_error(ec::timed_out, "job " + ids->front() + ": there was no '" + name
                                                 + "' within " + format_fsd(*timeout))
                 : e;
    };
    auto as_json = o.value("format", "text") == "json";
    event_text texts{*times};
    caf::error unreadable;
    auto show = [&](const std::string& line, bool wanted) {
      auto text = as_json ? caf::expected<std::string>{line} : texts.line(line); // counts times
      if (!text)
        unreadable = text.error();
      else if (wanted)
        print(as_json ? *text : *text + "\n");
    };
    std::string line;
    // The broker knows the names, and sends nothing else.
    if (log->events.empty() && wanted->context.empty() && *times == time_format::raw
        && !o.has("verbose")) {
      auto reply = broker.ask("job.wait-event",
                              {{"id", ids->front()}, {"name", name}, {"count", *count}}, *timeout);
      if (!reply)
        return why_not(reply.error());
      line = text_at(*reply, "line");
    } else {
      auto found = await_line(broker, ids->front(), *log, *wanted, *timeout,
                              [&](auto& other) { show(other, o.has("verbose")); });
      if (!found)
        return why_not(found.error());
      line = std::move(*found);
    }
    show(line, !o.has("quiet"));
    if (unreadable)
      return unreadable;
    return exit_ok;
  });
}

int run_info(const invocation& call) {
  auto ids = read_ids(std::span{call.options.operands}.first(1));
  if (!ids)
    return fail_usage(call, ids.error());
  auto& key = call.options.operands[1];
  if (call.options.has("follow") && call.options.has("original"))
    return fail_usage(call, make_error(ec::bad_argument, "--follow shows what a document becomes, "
                                                         "--original what it was"));
  auto show = [](const std::string& value) {
    print(value.empty() || value.back() != '\n' ? value + "\n" : value);
  };
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    json params{{"id", ids->front()}, {"key", key}};
    if (call.options.has("follow") && key.ends_with("eventlog"))
      return print_lines(broker, "job.watch", params);
    if (key == "guest.output" || key == "guest.input") {
      params["follow"] = call.options.has("follow");
      return print_lines(broker, "job.watch", params);
    }
    if (call.options.has("follow")) {
      auto end = broker.ask("job.watch", params, 0, [&show](const frame& f) {
        if (auto item = parse_object(f.payload))
          show(text_at(*item, "value"));
        flush_output(); // somebody may wait for it
      });
      return end ? caf::expected<int>{exit_ok} : std::move(end.error());
    }
    params["original"] = call.options.has("original");
    auto reply = broker.ask("job.info", params);
    if (!reply)
      return std::move(reply.error());
    show(text_at(*reply, "value"));
    return exit_ok;
  });
}

int run_eventlog(const invocation& call) {
  auto& o = call.options;
  auto ids = read_ids(o.operands);
  if (!ids)
    return fail_usage(call, ids.error());
  auto format = parse_time_format(o.value("time-format", o.has("human") ? "human" : "raw"));
  if (!format)
    return fail_usage(call, format.error());
  auto log = read_log(o);
  if (!log)
    return fail_usage(call, log.error());
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    json params{{"id", ids->front()}, {"key", log->key}, {"follow", o.has("follow")}};
    auto as_json = o.value("format", "text") == "json";
    event_text text{*format};
    return print_lines(broker, "job.watch", params, [&](std::string_view line) {
      if (as_json)
        return std::string{line};
      auto changed = text.line(line);
      return changed ? *changed : std::string{line};
    });
  });
}

/// An id, or ID/ID: one within instances.
caf::expected<std::string> rewrite_id(std::string_view word, id_form form) {
  std::string path;
  for (size_t at = 0; at <= word.size();) {
    auto end = std::min(word.find('/', at), word.size());
    auto id = parse_job_id(word.substr(at, end - at));
    if (!id)
      return std::move(id.error());
    path += (path.empty() ? "" : "/") + format_job_id(*id, form);
    at = end + 1;
  }
  return path;
}

int run_id(const invocation& call) {
  auto form = parse_id_form(call.options.value("to", "f58plain"));
  if (!form)
    return fail_usage(call, form.error());
  auto& words = call.options.operands;
  std::string word;
  for (size_t i = 0; words.empty() ? bool{std::cin >> word} : i < words.size(); ++i) {
    auto id = rewrite_id(words.empty() ? word : words[i], *form);
    if (!id)
      return fail(call, id.error());
    print_line(*id);
  }
  return exit_ok;
}

int run_job_submit(const invocation& call) {
  auto text = read_file(call.options.operands[0]);
  if (!text)
    return fail(call, text.error());
  auto urgency = call.options.number("urgency", 16, 0, 31);
  if (!urgency)
    return fail_usage(call, urgency.error());
  json params{{"jobspec", *text}, {"urgency", *urgency}, {"flags", json::array({"waitable"})}};
  if (call.options.has("cc"))
    params["cc"] = call.options.value("cc");
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto ids = submit_job(broker, params);
    if (!ids)
      return std::move(ids.error());
    for (auto& id : *ids)
      print_line(id);
    return exit_ok;
  });
}

} // namespace

const command job_command{"job",
                          group_jobs,
                          "looks at one job and controls it",
                          "VERB ...",
                          "One job's output, state, events and documents.\n\n"
                          "An ID may be in any spelling (see 'hactor job id'). For all commands "
                          "that take jobs ID.INDEX is a job of an array (--cc, --array), ID.[0-3] "
                          "are several of them, and ID/ID is a job of the instance that a job "
                          "holds, as 'hactor jobs -R' lists it.",
                          {},
                          usual_exits,
                          " hactor job attach f3xK2\n hactor job eventlog f3xK2.17\n"
                          " hactor job info f3xK2/f7QzR R",
                          false,
                          0,
                          any_number,
                          run_job};

const command job_status_command{
    "job status",
    group_jobs,
    "waits for jobs and exits with their exit code",
    "[OPTIONS] ID...",
    "Exits with the largest exit code of the jobs once all have ended.",
    status_options,
    " n  the largest exit code of the jobs, 128+N for signal N\n"
    " 1  no such job, or no instance answers\n 2  the command line is wrong",
    " hactor job status f3xK2 && hactor submit ./next\n hactor job status -e 0 f3xK2.[0-99]",
    false,
    1,
    any_number,
    run_status};

const command job_wait_command{
    "job wait",
    group_jobs,
    "waits for jobs to end",
    "[OPTIONS] [ID...|-]",
    "Waits for the jobs with the ids, for '-' those that stand in standard input. Without ids: for "
    "the next job to end that was submitted (not "
    "run), and prints its id; with --count for the next K, with --all for all of these. A job "
    "that ended before counts too, if nobody has been told of it. Any number may wait at once: a "
    "waiter is told once of each end from its first wait on, whoever else waits, until it hears "
    "that there are no more or has waited for --all. The waiter is the program that runs 'hactor "
    "job wait', as a shell does: a loop of a script misses no end. Of a job that was waited for by "
    "its id only those are told who wait already. Two windows of jobs that are kept full at once "
    "need the ids of their jobs, since either is told of the other's. Without ids it is about what "
    "ends while the instance runs: after a restart, jobs that had ended before it are told by "
    "their ids only.",
    wait_options,
    " 0    they ended well\n 1    one failed, or no instance answers\n 2    there are no more jobs "
    "to wait for, there is no such job, or the command line is wrong\n 124  the time was up",
    " hactor job wait --all\n while id=$(hactor job wait); do ./evaluate \"$id\"; done\n"
    " hactor submit --cc=1-9 ./case {cc} | hactor job wait -n 3 -",
    false,
    0,
    any_number,
    run_wait};

const command job_wait_event_command{
    "job wait-event",
    group_jobs,
    "waits until an event happened to a job",
    "[OPTIONS] ID EVENT",
    "Events are those of 'hactor job eventlog': submit, alloc, start, finish, clean, exception ... "
    "With --path=exec: init, starting, shell.init, shell.start, shell.task-exit, complete, done; "
    "with --path=output or input: header, data, redirect; of input also log, when it was cut.",
    wait_event_options,
    " 0  it happened\n 1  the job ended without it, the time was up, or there is no such job\n"
    " 2  the command line is wrong",
    " hactor job wait-event f3xK2 start",
    false,
    2,
    2,
    run_wait_event};

const command job_info_command{
    "job info",
    group_jobs,
    "prints a document of a job",
    "[OPTIONS] ID KEY",
    "KEY is jobspec: what was asked; R: what was granted (RFC 20); both as they are by now; "
    "eventlog: its events (RFC 18); guest.exec.eventlog: those of its execution, named as in Flux "
    "(init, shell.start, complete, done ..); guest.output: what its tasks have written, "
    "guest.input: "
    "what they were sent, its first 64 KiB, as eventlogs (RFC 24); J: the jobspec as it was "
    "submitted, in the form of signed ones (RFC 15), signed by nobody; record: what a listing "
    "shows.",
    info_options,
    usual_exits,
    " hactor job info f3xK2 R",
    false,
    2,
    2,
    run_info};

const command job_eventlog_command{
  "job eventlog", group_jobs, "prints the events of a job", "[OPTIONS] ID",
  "One line an event: its time, its name, and what belongs to it.", eventlog_options, usual_exits,
  " hactor job eventlog -H -F f3xK2", false, 1, 1, run_eventlog};

const command job_id_command{
    "job id",
    group_jobs,
    "writes job ids in another form",
    "[--to=FORM] [ID...]",
    "Without ids: those that stand in standard input, one a line. Reads ids in any form, as all "
    "commands do; so they do with ID.INDEX, the job of an array (--cc) "
    "with this index, ID.[1,3-5], several of them, and ID/ID, a job of the instance that a job "
    "holds "
    "(a path that begins with '/' begins in the outermost one). Words are four that can be said on "
    "the phone, like babil-volur-mulud-kubov, and not the English ones of Flux; emoji are Flux's "
    "(RFC 19).",
    id_options,
    usual_exits,
    " hactor job id --to=dec f3xK2\n hactor job id f3xK2.7\n"
    " hactor jobs -n -o '{id}' | hactor job id --to=hex",
    false,
    0,
    any_number,
    run_id};

const command job_submit_command{
  "job submit", group_submit, "submits a jobspec from a file", "[OPTIONS] FILE|-",
  "The file is a jobspec (RFC 14) in JSON or YAML; '-' reads standard input.", job_submit_options,
  usual_exits, " hactor submit --dry-run -n 4 ./a | hactor job submit -", false, 1, 1,
  run_job_submit};

} // namespace hactor::tools
