// hactor update: changes jobs that wait, or how long those that run may still run.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cmath>

#include "runtime/duration.hpp"
#include "tools/commands.hpp"
#include "tools/job_choice.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec options[] = {
    {'n', "dry-run", nullptr, "Prints the changes as JSON, and asks for none."},
    {'v', "verbose", nullptr, "Prints the keys that were changed and their values."},
    {'w', "wait", nullptr,
     "Returns when the jobs' eventlogs have the change, as it does without this."},
};

constexpr const char* duration_key = "attributes.system.duration";

/// What is asked of all jobs, and a duration that is to be added to that of each.
struct changes {
  json set = json::object();
  double more_s = 0;
  bool relative = false;
};

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

std::string full_key(const std::string& key) {
  if (key == "duration" || key == "queue" || key == "bank" || key == "project")
    return "attributes.system." + key;
  if (key == "name" || key == "job-name")
    return "attributes.system.job.name";
  return key.starts_with("system.") || key.starts_with("user.") ? "attributes." + key : key;
}

/// A whole number where it is one: those who read jobspecs like it.
json seconds_of(double s) {
  return s == std::floor(s) && s < 1e15 ? json(static_cast<int64_t>(s)) : json(s);
}

caf::error read_duration(std::string_view text, changes& to) {
  auto sign = text.starts_with("+") ? 1 : text.starts_with("-") ? -1 : 0;
  auto seconds = parse_fsd(text.substr(sign == 0 ? 0 : 1));
  if (!seconds)
    return bad("duration: " + render(seconds.error()));
  if (sign == 0) {
    to.set[duration_key] = std::isinf(*seconds) ? json(0) : seconds_of(*seconds);
    return {};
  }
  to.relative = true;
  to.more_s = sign * *seconds;
  return {};
}

caf::error read_change(const std::string& word, changes& to) {
  auto equals = word.find('=');
  auto key = full_key(word.substr(0, equals));
  auto text = word.substr(equals + 1);
  if (key == duration_key)
    return read_duration(text, to);
  auto value = parse_json(text);
  to.set[key] = value && key.find(".name") == key.npos ? std::move(*value) : json(text);
  return {};
}

/// What is asked of one job: a duration that is added needs the one it has.
caf::expected<json> changes_of(client& broker, const std::string& id, const changes& asked) {
  auto set = asked.set;
  if (!asked.relative)
    return set;
  auto record = broker.ask("job.info", {{"id", id}, {"key", "record"}});
  if (!record)
    return std::move(record.error());
  auto job = parse_object(text_at(*record, "value"));
  if (!job)
    return std::move(job.error());
  auto now = number_at(*job, "duration");
  if (now <= 0)
    return make_error(ec::wrong_state, id + ": the job has no time limit that could be moved");
  if (now + asked.more_s <= 0)
    return make_error(ec::wrong_state, id + ": nothing would be left of its " + format_fsd(now));
  set[duration_key] = seconds_of(now + asked.more_s);
  return set;
}

int run_update(const invocation& call) {
  changes asked;
  std::vector<std::string> texts;
  for (auto& word : call.options.operands) {
    if (word.find('=') == word.npos)
      texts.push_back(word);
    else if (auto e = read_change(word, asked))
      return fail_usage(call, e);
  }
  if (texts.empty() || (asked.set.empty() && !asked.relative))
    return fail_usage(call, bad("needs ids of jobs and changes like duration=+1h"));
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto ids = choose_ids(broker, texts);
    if (!ids)
      return std::move(ids.error());
    for (auto& id : *ids) {
      auto set = changes_of(broker, id, asked);
      if (!set)
        return std::move(set.error());
      if (call.options.has("dry-run")) {
        print_line(id + " " + dump(*set));
        continue;
      }
      auto done = broker.ask("job.update", {{"ids", json::array({id})}, {"changes", *set}}, 0);
      if (!done)
        return std::move(done.error());
      for (auto& [key, value] : set->items())
        if (call.options.has("verbose"))
          print_line(id + ": updated " + key + " to " + dump(value));
    }
    return exit_ok;
  });
}

} // namespace

const command update_command{
    "update",
    group_jobs,
    "changes jobs that wait, or the time limit of jobs that run",
    "[OPTIONS] ID... KEY=VALUE...",
    "KEY is duration (30m, 1.5h; a number alone is seconds; +1h and -10m change the one it has; "
    "unlimited takes it away), "
    "name, queue, bank, project, or what stands in a jobspec: system.KEY or user.KEY with a value "
    "in JSON. A job that waits is judged again as if it had been submitted so, and keeps its place "
    "in the queue; of one that runs only the duration can be changed. What it depends on, its "
    "environment, files, retries and the size of it stay as they were.\n\n"
    "Returns when the change is recorded; 'hactor job eventlog' shows it, and 'hactor job info "
    "--original ID jobspec' what was submitted.",
    options,
    usual_exits,
    " hactor update f3xK2 duration=+1h\n hactor update f3xK2 name=second queue=debug",
    false,
    2,
    any_number,
    run_update};

} // namespace hactor::tools
