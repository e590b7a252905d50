// hactor watch, pgrep, pkill, job last, job timeleft, job taskmap: short questions about jobs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <regex>

#include "runtime/duration.hpp"
#include "tools/commands.hpp"
#include "tools/ending.hpp"
#include "tools/job_choice.hpp"
#include "tools/job_fields.hpp"
#include "tools/session.hpp"
#include "tools/task_places.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec watch_options[] = {
    HACTOR_JOB_CHOICE_ROWS,
    {'l', "label-io", nullptr,
     "Puts the task's number before each line of output; of several jobs the id as well, "
     "'f3xK2:0: ', or 'ID.INDEX:0: ' of an array."},
    {0, "progress", nullptr,
     "Shows a bar of the jobs that have ended, jobs/s and the time that is left, on standard "
     "error, "
     "if that is a terminal."},
    {0, "jps", nullptr, "Says at the end how many jobs ended each second."},
};

constexpr option_spec grep_options[] = {
    HACTOR_JOB_CHOICE_ROWS,
    {'o', "format", "FORMAT", "Fields, as for 'hactor jobs'. Default: '{id}'."},
};

constexpr option_spec kill_options[] = {
    HACTOR_JOB_CHOICE_ROWS,
    {'w', "wait", nullptr, "Waits until the jobs have ended."},
};

constexpr option_spec timeleft_options[] = {
    {'H', "human", nullptr, "Prints a duration like 1.5h instead of seconds."},
};

constexpr option_spec taskmap_options[] = {
    {0, "to", "FORM",
     "rfc34 (a JSON list of blocks), raw (the tasks of each node, '0-1;2-3'), pmi (blocks as PMI "
     "has them), multiline (for each task a line with its node's number) or hosts (a line for each "
     "host). Default: rfc34."},
    {0, "taskids", "NODE", "Prints the tasks of the job's node of this number, from 0."},
    {0, "ntasks", "NODE", "Prints how many they are."},
    {0, "nodeid", "TASK", "Prints the number of the node of this task."},
    {0, "hostname", "TASK", "Prints the name of its host."},
};

std::vector<std::string> ids_of(const json& jobs) {
  std::vector<std::string> ids;
  for (auto& job : jobs)
    ids.push_back(text_at(job, "id"));
  return ids;
}

/// Which job a line is of, when there are several.
std::vector<std::string> job_labels(const json& jobs) {
  std::vector<std::string> labels;
  for (auto& job : jobs)
    labels.push_back(jobs.size() == 1 ? "" : job_field(job, "id.index", 0) + ":");
  return labels;
}

int run_watch(const invocation& call) {
  auto& o = call.options;
  auto params = list_params(o);
  if (!params)
    return fail_usage(call, params.error());
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto jobs = fetch_jobs(o, broker, *params);
    if (!jobs)
      return std::move(jobs.error());
    if (jobs->empty())
      return exit_ok;
    return wait_for_ends(call, broker, ids_of(*jobs),
                         {true, o.has("label-io"), o.has("progress"), o.has("jps"),
                          job_labels(*jobs)});
  });
}

/// A pattern or a range of ids, "ID..ID"; "name:" in front says that it is a pattern.
struct job_pattern {
  std::regex name;
  uint64_t first = 0, last = UINT64_MAX;
  bool is_range = false;

  bool matches(const json& job) const {
    if (!is_range)
      return std::regex_search(text_at(job, "name"), name);
    auto id = parse_job_id(text_at(job, "id"));
    return id && id->value >= first && id->value <= last;
  }
};

caf::expected<job_pattern> read_pattern(std::string_view text) {
  job_pattern p;
  auto dots = text.find("..");
  auto first = parse_job_id(text.substr(0, dots));
  if (dots != text.npos && first) {
    auto last = parse_job_id(text.substr(dots + 2));
    if (!last)
      return std::move(last.error());
    p.first = first->value;
    p.last = last->value;
    p.is_range = true;
    return p;
  }
  if (text.starts_with("name:"))
    text.remove_prefix(5);
  try {
    p.name = std::regex{std::string{text}, std::regex::extended};
  } catch (const std::regex_error& e) {
    return make_error(ec::bad_argument, "'" + std::string{text} + "' is no pattern: " + e.what());
  }
  return p;
}

/// The jobs that match all of the operands.
caf::expected<json> find_jobs(const parsed_options& o, client& broker, const json& params,
                              const std::vector<job_pattern>& patterns) {
  auto all = o;
  all.operands.clear(); // they are patterns, not ids
  auto jobs = fetch_jobs(all, broker, params);
  if (!jobs)
    return jobs;
  auto found = json::array();
  for (auto& job : *jobs)
    if (std::all_of(patterns.begin(), patterns.end(), [&](auto& p) { return p.matches(job); }))
      found.push_back(job);
  return found;
}

/// What pgrep and pkill do before they differ.
int with_found(const invocation& call,
               const std::function<caf::expected<int>(client&, const json&)>& use) {
  auto own = call.options;
  std::vector<job_pattern> patterns;
  for (auto& text : own.operands) {
    auto p = read_pattern(text);
    if (!p)
      return fail_usage(call, p.error());
    patterns.push_back(std::move(*p));
  }
  own.operands.clear();
  auto params = list_params(own);
  if (!params)
    return fail_usage(call, params.error());
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto jobs = find_jobs(own, broker, *params, patterns);
    if (!jobs)
      return std::move(jobs.error());
    return jobs->empty() ? caf::expected<int>{exit_failed} : use(broker, *jobs);
  });
}

int run_pgrep(const invocation& call) {
  auto format = parse_format(call.options.value("format", "{id}"), job_field_names());
  if (!format)
    return fail_usage(call, format.error());
  return with_found(call, [&](client&, const json& jobs) -> caf::expected<int> {
    auto now = now_s();
    table_settings settings;
    settings.header = false;
    print(render_table(
        *format, job_field_names(), jobs.size(),
        [&](size_t row, const std::string& field) { return job_field(jobs[row], field, now); },
        settings));
    return exit_ok;
  });
}

int run_pkill(const invocation& call) {
  return with_found(call, [&](client& broker, const json& jobs) -> caf::expected<int> {
    auto ids = ids_of(jobs);
    // Of several that are named one may have ended since: the others are cancelled all the same.
    auto cancelled = broker.ask("job.cancel", {{"ids", ids}}, 0);
    if (!cancelled)
      return std::move(cancelled.error());
    complain(call, std::to_string(static_cast<uint64_t>(number_at(*cancelled, "count"))) + " jobs");
    if (call.options.has("wait"))
      if (auto e = ask_each(broker, "job.wait", ids, json::object(), 0,
                            [](size_t, caf::expected<json>) { return true; }))
        return e;
    return exit_ok;
  });
}

/// Which of `size` jobs a person means by "3", the first three, or by a slice of Python, "[-1:]".
/// Nothing when it is neither.
std::optional<std::vector<size_t>> choose_last(std::string_view text, size_t size) {
  auto count = static_cast<int64_t>(size);
  int64_t parts[] = {0, 0, 1}; // start, stop, step
  bool said[] = {false, false, false};
  bool slice = text.size() > 2 && text.front() == '[' && text.back() == ']';
  auto rest = slice ? text.substr(1, text.size() - 2) : text;
  size_t n = 0;
  for (;; ++n) {
    auto end = std::min(rest.find(':'), rest.size());
    auto [stop, code] = std::from_chars(rest.data(), rest.data() + end, parts[n]);
    said[n] = end > 0;
    if (said[n] && (code != std::errc{} || stop != rest.data() + end))
      return std::nullopt;
    if (end == rest.size())
      break;
    if (n == 2)
      return std::nullopt;
    rest.remove_prefix(end + 1);
  }
  if (slice ? n == 0 || parts[2] == 0 : n > 0 || parts[0] < 1)
    return std::nullopt;
  if (!slice)
    parts[1] = std::exchange(parts[0], 0);
  auto step = parts[2];
  // Where a slice may begin and end: one before the first when it goes down.
  auto low = step > 0 ? int64_t{0} : int64_t{-1};
  auto high = step > 0 ? count : count - 1;
  auto place = [&](bool is_said, int64_t value, int64_t otherwise) {
    return is_said ? std::clamp(value < 0 ? value + count : value, low, high) : otherwise;
  };
  auto first = place(slice && said[0], parts[0], step > 0 ? low : high);
  auto last = place(!slice || said[1], parts[1], step > 0 ? high : low);
  std::vector<size_t> chosen;
  // A step beyond the list is as good as one that just leaves it, and does not overflow.
  for (auto i = first; step > 0 ? i < last : i > last; i += std::clamp(step, -count, count))
    chosen.push_back(static_cast<size_t>(i));
  return chosen;
}

int run_last(const invocation& call) {
  auto& operands = call.options.operands;
  auto text = operands.empty() ? std::string{"1"} : operands.front();
  if (!choose_last(text, 1))
    return fail_usage(call, make_error(ec::bad_argument, "'" + text
                                                             + "' is neither a number from 1 "
                                                               "on nor a slice like '[0:3]'"));
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    parsed_options none;
    auto jobs = fetch_jobs(none, broker, {{"states", states_all}, {"max", 0}});
    if (!jobs)
      return std::move(jobs.error());
    auto ids = ids_of(*jobs);
    auto value = [](const std::string& id_text) {
      auto id = parse_job_id(id_text);
      return id ? id->value : 0;
    };
    std::sort(ids.begin(), ids.end(),
              [&](auto& a, auto& b) { return value(a) > value(b); }); // the newest first
    if (ids.empty())
      return make_error(ec::unknown_job, "no job was submitted yet");
    auto chosen = choose_last(text, ids.size());
    for (auto index : *chosen)
      print_line(ids[index]);
    return exit_ok;
  });
}

void print_left(const invocation& call, double seconds) {
  seconds = std::max(seconds, 0.0);
  print_line(call.options.has("human") ? format_fsd(seconds)
                                       : std::to_string(static_cast<uint64_t>(seconds)));
}

/// Of the instance that holds this process, which ends with its job.
int print_instance_left(const invocation& call) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("resource.list", json::object());
    if (!reply)
      return std::move(reply.error());
    auto end = number_at(object_at(object_at(*reply, "all"), "execution"), "expiration");
    if (end > 0)
      print_left(call, end - now_s());
    else
      print_line("infinity");
    return exit_ok;
  });
}

int run_timeleft(const invocation& call) {
  std::vector<std::string> texts = call.options.operands;
  if (auto* own = std::getenv("HACTOR_JOB_ID"); texts.empty() && own != nullptr)
    texts.emplace_back(own);
  auto ids = read_ids(texts);
  if (!ids)
    return fail_usage(call, ids.error());
  if (ids->empty() && std::getenv("HACTOR_ENCLOSING_ID") != nullptr)
    return print_instance_left(call);
  if (ids->empty())
    return fail_usage(call,
                      make_error(ec::bad_argument, "needs an ID: this process is not a job's"));
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto record = broker.ask("job.info", {{"id", ids->front()}, {"key", "record"}});
    if (!record)
      return std::move(record.error());
    auto job = parse_object(text_at(*record, "value"));
    if (!job)
      return std::move(job.error());
    auto limit = number_at(*job, "duration"), end = number_at(*job, "expiration");
    if (number_at(*job, "t_inactive") > 0)
      return make_error(ec::wrong_state, ids->front() + ": the job has ended");
    // The limit counts from the start: what waits has all of it.
    if (end > 0 || limit > 0)
      print_left(call, end > 0 ? end - now_s() : limit);
    else
      print_line("infinity");
    return exit_ok;
  });
}

/// "(vector,(NODE,NODES,TASKS),..)": blocks that repeat stand there as often.
std::string taskmap_pmi(const std::string& rfc34) {
  std::string text = "(vector";
  if (auto blocks = parse_json(rfc34))
    for (auto& b : *blocks)
      for (auto n = b[3].get<uint64_t>(); n > 0; --n)
        text += ",(" + dump(b[0]) + "," + dump(b[1]) + "," + dump(b[2]) + ")";
  return text + ")";
}

/// In the form that is wanted.
std::string taskmap_of(const task_places& tasks, const std::string& form) {
  if (form == "rfc34")
    return taskmap_json(tasks.where) + "\n";
  if (form == "pmi")
    return taskmap_pmi(taskmap_json(tasks.where)) + "\n";
  if (form == "multiline") {
    std::string lines;
    for (auto& [task, node] : tasks.nodes())
      lines += std::to_string(task) + ": " + std::to_string(node) + "\n";
    return lines;
  }
  std::string text;
  for (size_t i = 0; i < tasks.where.tasks.size(); ++i) {
    auto here = tasks.where.tasks[i].to_string();
    text += form == "hosts" ? std::string{tasks.host(i)} + ": " + here + "\n"
                            : (i == 0 ? "" : ";") + here;
  }
  return form == "hosts" ? text : text + "\n";
}

/// What is asked of one node or of one task; nothing when all of the map is.
caf::expected<std::optional<std::string>> look_up(const parsed_options& o,
                                                  const task_places& tasks) {
  for (std::string name : {"taskids", "ntasks", "nodeid", "hostname"}) {
    if (!o.has(name))
      continue;
    auto of_node = name == "taskids" || name == "ntasks";
    auto count = of_node ? tasks.where.tasks.size() : tasks.nodes().size();
    auto which = o.number(name, 0, 0, count - 1);
    if (!which)
      return std::move(which.error());
    if (!of_node) {
      auto node = tasks.nodes().at(*which);
      return name == "nodeid" ? std::to_string(node) : std::string{tasks.host(node)};
    }
    auto& here = tasks.where.tasks[*which];
    return name == "taskids" ? here.to_string() : std::to_string(here.size());
  }
  return std::optional<std::string>{};
}

int run_taskmap(const invocation& call) {
  auto& o = call.options;
  if (o.has("to") + o.has("taskids") + o.has("ntasks") + o.has("nodeid") + o.has("hostname") > 1)
    return fail_usage(call, make_error(ec::bad_argument, "--to, --taskids, --ntasks, --nodeid and "
                                                         "--hostname exclude each other"));
  auto form = o.value("to", "rfc34");
  if (form != "rfc34" && form != "raw" && form != "hosts" && form != "pmi" && form != "multiline")
    return fail_usage(call, make_error(ec::bad_argument, "--to: '" + form + "' is not rfc34, raw, "
                                                         "pmi, multiline or hosts"));
  auto ids = read_ids(call.options.operands);
  if (!ids)
    return fail_usage(call, ids.error());
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto tasks = find_tasks(broker, ids->front());
    if (!tasks)
      return std::move(tasks.error());
    auto one = look_up(o, *tasks);
    if (!one)
      return fail_usage(call, one.error());
    print(*one ? **one + "\n" : taskmap_of(*tasks, form));
    return exit_ok;
  });
}

} // namespace

const command watch_command{
    "watch",
    group_jobs,
    "prints the output of many jobs and waits for their end",
    "[OPTIONS] [ID...]",
    "Follows the jobs with the ids, or those that the options mean, the active ones by default: "
    "what "
    "they have written so far, and what comes. Says which of them have failed. Nothing to follow "
    "is no "
    "failure.",
    watch_options,
    " n  the largest exit code of the jobs, 128+N for signal N; 0 when there are none\n"
    " 1  no instance answers\n 2  the command line is wrong",
    " hactor watch\n hactor watch --progress --name=simulate\n hactor watch f3xK2.[0-9]",
    false,
    0,
    any_number,
    run_watch};

const command pgrep_command{
    "pgrep",
    group_jobs,
    "finds jobs by their names",
    "[OPTIONS] PATTERN|ID..ID ...",
    "Prints the ids of the active jobs, or of those that the options mean, whose name has the "
    "pattern "
    "in it (an extended regular expression), or whose id is in the range. Of several all must "
    "hold; "
    "'name:' in front of a pattern says that it is none of ids.",
    grep_options,
    " 0  jobs were found\n 1  none was found\n 2  the command line is wrong",
    " hactor pgrep -a -f failed '^sim'",
    false,
    1,
    any_number,
    run_pgrep};

const command pkill_command{
    "pkill",
    group_jobs,
    "cancels jobs by their names",
    "[OPTIONS] PATTERN|ID..ID ...",
    "Cancels the jobs that 'hactor pgrep' would find, as 'hactor cancel' does, and says how many.",
    kill_options,
    " 0  jobs were cancelled\n 1  none was found, or it failed\n 2  the command line is wrong",
    " hactor pkill --wait '^sim'\n hactor pkill f3xK2..f3xL9",
    false,
    1,
    any_number,
    run_pkill};

const command job_last_command{"job last",
                               group_jobs,
                               "prints the ids of the jobs that were submitted last",
                               "[N|[SLICE]]",
                               "The newest first. Default of N: 1. A slice of Python in brackets "
                               "chooses others: '[1:3]' the second and third, '[::-1]' all, the "
                               "oldest first.",
                               {},
                               usual_exits,
                               " hactor submit true; hactor job attach $(hactor job last)",
                               false,
                               0,
                               1,
                               run_last};

const command job_timeleft_command{
    "job timeleft",
    group_jobs,
    "prints how much of a job's time limit is left",
    "[OPTIONS] [ID]",
    "In seconds; 'infinity' when nothing ends it. Without ID: of the job that this process belongs "
    "to, or in the script of an instance within a job, of that. One that waits has all of its "
    "time; one that runs has no more than the instance it runs in.",
    timeleft_options,
    usual_exits,
    " hactor job timeleft -H f3xK2",
    false,
    0,
    1,
    run_timeleft};

const command job_taskmap_command{
    "job taskmap",
    group_jobs,
    "prints on which nodes a job's tasks are",
    "[OPTIONS] ID",
    "By the job's allocation; a job that was granted nothing yet has no map (RFC 34).",
    taskmap_options,
    usual_exits,
    " hactor job taskmap --to=hosts f3xK2",
    false,
    1,
    1,
    run_taskmap};

} // namespace hactor::tools
