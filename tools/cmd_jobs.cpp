// hactor jobs: lists jobs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <filesystem>
#include <tuple>

#include <sys/stat.h>

#include "actors/job_archive.hpp"
#include "actors/job_json.hpp"
#include "actors/job_log.hpp"
#include "runtime/duration.hpp"
#include "runtime/hostlist.hpp"
#include "runtime/idset.hpp"
#include "tools/commands.hpp"
#include "tools/instance_facts.hpp"
#include "tools/job_choice.hpp"
#include "tools/job_fields.hpp"
#include "tools/job_formats.hpp"
#include "tools/job_log_reader.hpp"
#include "tools/nested.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

/// So many options at the front of the table say which jobs are meant, the others how they look.
constexpr size_t selecting_options = 11;

constexpr option_spec options[] = {
    HACTOR_JOB_CHOICE_ROWS,
    {0, "from", "STATEDIR|FILE|last",
     "Lists the jobs that an instance which has ended has left in its state directory; its active "
     "jobs as they were, and those that ran until the last event that is known. Or those of a file "
     "that --dump or 'hactor job list' has written, or that an instance without a state directory "
     "has left in ~/.local/state/hactor/jobs (XDG_STATE_HOME); last is the last of these. Of a "
     "file all jobs are meant, as with -a."},
    {'n', "no-header", nullptr, "Leaves the titles out.", "--suppress-header"},
    {'o', "format", "FORMAT",
     "Columns, as '{id:>12} {name:<10.10} {runtime!F:>8h}', or one of the "
     "names default, cute, long, deps, endreason, usage, or of hactor/jobs.toml in a folder of "
     "configuration (XDG): [formats.NAME] format = '..'. In front of a field ?: leaves an empty "
     "column out, +: widens it; !D !d !F !H !P after its name convert times and shares "
     "({t_run!d:%H:%M::>6}: a form of strftime(3) and a width), h after the width writes - for "
     "nothing, + marks what was cut. 'help' lists fields and formats; for instance.* the instances "
     "are asked that jobs hold. "
     "Default: HACTOR_JOBS_FORMAT_DEFAULT, or default."},
    {0, "sort", "[-]FIELD,..",
     "Sorts by these fields, with a minus sign downwards; before the format's own order."},
    {'R', "recursive", nullptr,
     "Lists the jobs of nested instances too, below the path of ids of the job that holds them; "
     "the field id.path has it before each id, as commands take it. Of all users, whom an instance "
     "has one of.",
     "--recurse-all"},
    {'L', "level", "N",
     "With -R: goes down N levels of nested instances at most. Default: all there are."},
    {0, "threads", "N", "Accepted for scripts of flux-jobs: one connection is fast enough here."},
    {0, "json", nullptr, "Prints JSON: {\"jobs\": [..]}, or the object of a single id."},
    {0, "color", nullptr, "Accepted for scripts, also with =WHEN: nothing is coloured here."},
    {0, "color-text", "WHEN", "The same as --color=WHEN."},
    {0, "stats", nullptr, "Prints the numbers of jobs before the list."},
    {0, "stats-only", nullptr,
     "Prints the numbers of jobs only; the exit code says if any is active."},
};

caf::expected<table_format> read_format(const parsed_options& o) {
  auto found = find_job_format(o.value("format"));
  if (!found)
    return std::move(found.error());
  auto text = std::move(*found);
  if (o.has("sort")) // an order that stands in front of another goes before it
    text = "sort:" + o.value("sort")
           + (text.starts_with("sort:") ? "," + text.substr(5) : " " + text);
  return parse_format(text, job_field_names());
}

// One line as flux-jobs prints it. True if any job is active.
caf::expected<bool> print_stats(client& broker) {
  auto reply = broker.ask("uptime", json::object());
  if (!reply)
    return std::move(reply.error());
  auto& jobs = object_at(*reply, "jobs");
  auto sum = [&jobs](std::initializer_list<const char*> keys) {
    uint64_t n = 0;
    for (auto* key : keys)
      n += jobs.is_object() ? static_cast<uint64_t>(number_at(jobs, key)) : 0;
    return n;
  };
  auto running = sum({"run", "cleanup"});
  auto pending = sum({"new", "depend", "priority", "sched"});
  auto text = std::to_string(running) + " running, " + std::to_string(pending) + " pending, ";
  if (jobs.is_object() && jobs.contains("completed"))
    text += std::to_string(sum({"completed"})) + " completed, "
            + std::to_string(sum({"failed", "canceled", "timeout"})) + " failed";
  else
    text += std::to_string(sum({"inactive"})) + " ended";
  if (auto lost = sum({"node_failed"}); lost > 0) // else the line is that of flux-jobs
    text += ", " + std::to_string(lost) + " lost with a node";
  print_line(text);
  return running + pending > 0;
}

int print_field_names(const invocation& call) {
  auto formats = job_formats();
  if (!formats)
    return fail(call, formats.error());
  for (auto& f : job_field_names())
    print_line(std::string{f.name});
  for (auto& f : *formats)
    print_line("\n" + f.name + ": " + f.description + "\n  " + f.text);
  return exit_ok;
}

/// By the same parameters as an instance that runs is asked.
caf::expected<list_request> request_of(const parsed_options& o, const json& params) {
  list_request r;
  for (auto& word : o.operands) {
    auto id = parse_job_id(word);
    if (!id)
      return std::move(id.error());
    r.ids.push_back(*id);
  }
  r.states = static_cast<uint32_t>(number_at(params, "states", r.states));
  r.results = static_cast<uint32_t>(number_at(params, "results", r.results));
  r.max = static_cast<uint64_t>(number_at(params, "max"));
  r.name = text_at(params, "name");
  r.queue = text_at(params, "queue");
  r.userid = static_cast<int64_t>(number_at(params, "userid", -1));
  if (auto ranks = idset::parse(text_at(params, "ranks")))
    r.ranks = std::move(*ranks);
  if (auto& hosts = object_at(params, "hosts"); hosts.is_array())
    r.hosts = hosts.get<std::vector<std::string>>();
  r.since_ns = moment_after(0, std::max(number_at(params, "since"), 0.0));
  if (params.contains("constraint")) {
    auto read = job_constraint::parse(params["constraint"], comparisons_max);
    if (!read)
      return std::move(read.error());
    r.constraint = dump(params["constraint"]);
    r.comparisons = comparisons_max;
  }
  return r;
}

struct left_jobs {
  json jobs;
  double as_of = now_s(); // until when something is known of those that ran
};

/// When the last event of the log happened; what ran then may have ended at any time after it.
double last_event_s(const journal& store) {
  double last = 0;
  std::ignore = store.read_log(store.next_sequence() - 1, [&last](uint64_t, const job_event& e) {
    last = static_cast<double>(e.t_ns) / 1e9;
    return true;
  });
  return last;
}

/// The jobs of an instance that is gone.
caf::expected<left_jobs> read_jobs(const invocation& call, const json& params) {
  auto r = request_of(call.options, params);
  if (!r)
    return std::move(r.error());
  auto from = call.options.value("from");
  if (from == "last") {
    auto last = last_job_log(job_log_folder());
    if (!last)
      return std::move(last.error());
    from = std::move(*last);
  }
  if (std::error_code none; std::filesystem::is_regular_file(from, none)) {
    if (!call.options.has("filter")) // nothing of it is active any more
      r->states = states_all;
    auto log = read_job_log(from, *r);
    if (!log)
      return std::move(log.error());
    if (!log->left_out.empty())
      complain(call, from + ": " + log->left_out);
    left_jobs left{std::move(log->jobs)};
    if (struct ::stat written; ::stat(from.c_str(), &written) == 0)
      left.as_of = static_cast<double>(written.st_mtim.tv_sec)
                   + static_cast<double>(written.st_mtim.tv_nsec) / 1e9;
    return left;
  }
  journal_options options;
  options.directory = from;
  options.read_only = true;
  auto store = journal::open(options, nullptr);
  if (!store)
    return std::move(store.error());
  spec_cache specs;
  auto list = list_stored(**store, specs, *r);
  if (!list)
    return std::move(list.error());
  left_jobs left{json::array(), last_event_s(**store)};
  for (auto& s : *list)
    left.jobs.push_back(to_json(s));
  return left;
}

/// Asks for one more than are listed where nobody has said how many, to know whether there is one.
json one_more(const parsed_options& o, json params) {
  auto max = number_at(params, "max");
  if (!o.has("count") && max > 0)
    params["max"] = static_cast<uint64_t>(max) + 1;
  return params;
}

/// Leaves that one out, and says so.
void leave_out_more(const invocation& call, const json& params, json& jobs) {
  auto max = static_cast<size_t>(number_at(params, "max"));
  if (call.options.has("count") || max == 0 || jobs.size() <= max)
    return;
  jobs.erase(jobs.begin() + static_cast<ptrdiff_t>(max), jobs.end());
  complain(call, "there are more than these " + std::to_string(max)
                     + " jobs; '-c 0' lists all, '-c N' the first N");
}

int print_jobs(const parsed_options& o, const json& jobs, const table_format& format,
               double now = now_s()) {
  if (o.has("json")) {
    bool single = o.operands.size() == 1 && jobs.size() == 1;
    print_line(dump(single ? jobs[0] : json{{"jobs", jobs}}));
    return exit_ok;
  }
  table_settings settings;
  settings.header = !o.has("no-header");
  settings.width_max = terminal_width();
  print(render_table(
    format, job_field_names(), jobs.size(),
    [&](size_t row, const std::string& field) { return job_field(jobs[row], field, now); },
    settings));
  return exit_ok;
}

/// Puts what the instance that a job holds says of itself into it, as "instance".
void add_facts(const std::string& uri, json& jobs) {
  for (auto& job : jobs) {
    if (!holds_instance(job))
      continue;
    auto broker = client::connect(uri_of(uri, job));
    auto facts = broker ? instance_facts(*broker) : caf::expected<json>{broker.error()};
    if (facts) // else it has ended since
      job["instance"] = std::move(*facts);
  }
}

/// Puts the jobs of the instance that a job holds into it, as "jobs", and so on `levels` down.
void fetch_nested(const parsed_options& o, const std::string& uri, const std::string& path,
                  const json& params, const table_format& format, uint64_t levels, json& jobs) {
  if (shows_instances(format))
    add_facts(uri, jobs);
  if (levels == 0)
    return;
  for (auto& job : jobs) {
    if (!holds_instance(job))
      continue;
    auto inside = uri_of(uri, job);
    auto broker = client::connect(inside);
    auto list = broker ? fetch_jobs(o, *broker, params) : caf::expected<json>{broker.error()};
    if (!list)
      continue; // it has ended since
    auto below = path + (path.empty() ? "" : "/") + text_at(job, "id");
    for (auto& one : *list)
      one["path"] = below;
    fetch_nested(o, inside, below, params, format, levels - 1, *list);
    job["jobs"] = std::move(*list);
  }
}

/// Those that fetch_nested found, a table for each instance.
void print_nested(const parsed_options& o, const std::string& path, const json& jobs,
                  const table_format& format) {
  for (auto& job : jobs) {
    auto& inside = object_at(job, "jobs");
    if (!inside.is_array())
      continue;
    auto below = path + (path.empty() ? "" : "/") + text_at(job, "id");
    print_line("\n" + below + ":");
    print_jobs(o, inside, format);
    print_nested(o, below, inside, format);
  }
}

caf::expected<int> list_jobs(const invocation& call, client& broker, json params,
                             const table_format& format) {
  auto& o = call.options;
  bool only = o.has("stats-only");
  if (only || o.has("stats")) {
    auto active = print_stats(broker);
    if (!active || only)
      return active ? caf::expected<int>{*active ? exit_ok : exit_failed}
                    : caf::expected<int>{std::move(active.error())};
  }
  auto jobs = fetch_jobs(o, broker, one_more(o, params));
  if (!jobs)
    return std::move(jobs.error());
  leave_out_more(call, params, *jobs);
  auto levels = o.number("level", UINT32_MAX, 0, UINT32_MAX);
  if (!levels)
    return fail_usage(call, levels.error());
  if (o.has("level") && !o.has("recursive"))
    return fail_usage(call, make_error(ec::bad_argument, "--level needs --recursive"));
  auto threads = o.number("threads", 1, 1, UINT32_MAX);
  if (!threads)
    return fail_usage(call, threads.error());
  bool recursive = o.has("recursive");
  if (!recursive && !shows_instances(format))
    return print_jobs(o, *jobs, format);
  auto own = workflow::own_uri();
  if (!own)
    return std::move(own.error());
  fetch_nested(o, *own, "", params, format, recursive ? *levels : 0, *jobs);
  auto code = print_jobs(o, *jobs, format);
  if (recursive && !o.has("json"))
    print_nested(o, "", *jobs, format);
  return code;
}

int run_jobs(const invocation& call) {
  if (call.options.value("format") == "help")
    return print_field_names(call);
  auto params = list_params(call.options);
  if (!params)
    return fail_usage(call, params.error());
  auto format = read_format(call.options);
  if (!format)
    return fail_usage(call, format.error());
  if (call.options.has("recursive") && (call.options.has("from") || !call.options.operands.empty()))
    return fail_usage(call, make_error(ec::bad_argument, "--recursive lists what an instance that "
                                                         "runs has: it goes with no ids and no "
                                                         "--from"));
  if (!call.options.has("from"))
    return with_broker(call,
                       [&](client& broker) { return list_jobs(call, broker, *params, *format); });
  if (call.options.has("stats") || call.options.has("stats-only"))
    return fail_usage(call, make_error(ec::bad_argument, "--stats asks an instance that runs"));
  auto jobs = read_jobs(call, one_more(call.options, *params));
  if (!jobs)
    return fail(call, jobs.error());
  leave_out_more(call, *params, jobs->jobs);
  return print_jobs(call.options, jobs->jobs, *format, jobs->as_of);
}

int run_job_list(const invocation& call) {
  auto params = list_params(call.options);
  if (!params)
    return fail_usage(call, params.error());
  auto print_all = [](const json& jobs) {
    for (auto& job : jobs)
      print_line(dump(job));
    return exit_ok;
  };
  if (call.options.has("from")) {
    auto jobs = read_jobs(call, one_more(call.options, *params));
    if (!jobs)
      return fail(call, jobs.error());
    leave_out_more(call, *params, jobs->jobs);
    return print_all(jobs->jobs);
  }
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto jobs = fetch_jobs(call.options, broker, one_more(call.options, *params));
    if (!jobs)
      return std::move(jobs.error());
    leave_out_more(call, *params, *jobs);
    return print_all(*jobs);
  });
}

} // namespace

const command job_list_command{
  "job list",
  group_jobs,
  "lists jobs for programs, as JSON lines",
  "[OPTIONS] [ID...]",
  "The jobs of 'hactor jobs', one JSON object a line, as 'hactor job info ID record' prints it.",
  std::span{options}.first(selecting_options),
  usual_exits,
  " hactor job list -a -c 0 | jq -r 'select(.status == 3).id'",
  false,
  0,
  any_number,
  run_job_list};

const command jobs_command{
    "jobs",
    group_jobs,
    "lists jobs",
    "[OPTIONS] [ID...]",
    "Lists the active jobs, or those with the ids: pending ones by priority, then running ones by "
    "start, latest first, then ended ones by end, latest first. ST is the state: D waits for "
    "dependencies, P for a priority, S for resources, R runs, C cleans up; or the result: CD "
    "completed, F failed, CA canceled, TO timeout, NF lost with a node. TIME is the time asked for "
    "until the job starts "
    "and its run time from then on. INFO is why a job waits, its nodes, or why it ended.\n\n"
    "An ID may also be ID.INDEX, a job of an array, or ID/ID, one of the instance that a job "
    "holds; "
    "fields {id.index}, {array} and {index} show the first, -R the second.",
    options,
    " 0  listed; with --stats-only: jobs are active\n 1  it failed; with --stats-only: no job is "
    "active\n 2  the command line is wrong",
    " hactor jobs -a -f failed,timeout\n while hactor jobs --stats-only; do sleep 5; done\n"
    " hactor jobs -n -o '{id} {returncode}' -a\n hactor jobs -a -o '{id.index:>14} "
    "{status_abbrev}' f3xK2.[0-9]\n hactor jobs -R",
    false,
    0,
    any_number,
    run_jobs};

} // namespace hactor::tools
