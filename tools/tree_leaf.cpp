// See tree_part.hpp: the leaves of a 'hactor tree'. One submits its jobs in bulk and hears of their
// ends by events; the other runs scripts by 'exec', one after another, in no job.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include <sys/wait.h>
#include <unistd.h>

#include "actors/job_spec.hpp"
#include "runtime/limits.hpp"
#include "tools/commands.hpp"
#include "tools/job_choice.hpp"
#include "tools/job_fields.hpp"
#include "tools/submit_options.hpp"
#include "tools/submitted.hpp"
#include "tools/tree_part.hpp"
#include "workflow/event_reader.hpp"

namespace hactor::tools {

namespace {

/// After so long without news a leaf looks whether its jobs wait for themselves.
constexpr int silence_ms = 5'000;

class leaf : tree_part {
public:
  using tree_part::tree_part;

  caf::expected<tree_report> run() {
    report_.leaves = 1;
    auto failed_before = failures();
    if (!failed_before)
      return std::move(failed_before.error());
    for (auto step : {&leaf::begin, &leaf::subscribe, &leaf::submit, &leaf::await})
      if (auto e = (this->*step)())
        return e;
    report_.ended = ended_;
    auto failed_now = failures();
    if (!failed_now)
      return std::move(failed_now.error());
    if (*failed_now != *failed_before)
      if (auto e = judge_failures())
        return e;
    if (auto e = end())
      return e;
    return std::move(report_);
  }

private:
  caf::error begin() { return tree_part::begin(); }

  /// How many jobs have not ended well, whoever's they are.
  caf::expected<double> failures() {
    auto reply = broker_.ask("uptime", json::object());
    if (!reply)
      return std::move(reply.error());
    auto& jobs = object_at(*reply, "jobs");
    return jobs.is_object() ? number_at(jobs, "failed") + number_at(jobs, "canceled")
                                  + number_at(jobs, "timeout") + number_at(jobs, "node_failed")
                            : 0.0;
  }

  /// From here on the end of every job is told.
  caf::error subscribe() {
    events_ = broker_.request(
        "events", {{"names", {"clean", "invalidate"}}, {"follow", true}, {"begin", true}});
    while (true) {
      auto f = broker_.receive(60);
      if (!f)
        return std::move(f.error());
      if (f->tag == events_)
        return f->kind == frame_kind::error ? result_of(*f).error() : caf::error{};
    }
  }

  /// As few requests as may be, all on their way at once: one jobspec, and the numbers of its
  /// copies.
  caf::error submit() {
    auto params = describe();
    if (!params)
      return std::move(params.error());
    auto jobs = task_.share.jobs;
    for (uint64_t done = 0; done < jobs; done += limits::jobs_per_request_max) {
      auto last = std::min(jobs, done + limits::jobs_per_request_max);
      (*params)["bcc"] = done + 1 == last ? std::to_string(last)
                                          : std::to_string(done + 1) + "-" + std::to_string(last);
      submits_.push_back(broker_.request("submit", *params));
    }
    return broker_.flush();
  }

  caf::expected<json> describe() {
    auto output = task_.output;
    if (!task_.rundir.empty()) {
      auto folder = task_.rundir + "/" + task_.share.id;
      std::error_code failed;
      std::filesystem::create_directories(folder, failed);
      if (failed)
        return make_error(ec::bad_argument, "--rundir: '" + folder + "': " + failed.message());
      if (output.empty())
        output = folder + "/{index}.out";
    }
    auto variables = leaf_variables(task_);
    if (!task_.jobspec.is_null()) {
      auto spec = task_.jobspec;
      for (auto& task : spec["tasks"])
        for (auto& word : task["command"])
          word = fill_tree_fields(word.get<std::string>(), task_.share);
      for (auto& [name, value] : variables)
        spec["attributes"]["system"]["environment"][name] = value;
      return json{{"jobspec", std::move(spec)}};
    }
    auto own = read_environment(environ);
    for (auto& [name, value] : variables)
      own[name] = value;
    std::vector<std::pair<std::string_view, std::string>> values;
    for (auto& [name, text] : {std::pair{"output", output}, {"error", task_.error}})
      if (!text.empty())
        values.emplace_back(name, fill_tree_fields(text, task_.share));
    if (!task_.compat.empty())
      values.emplace_back("compat", task_.compat);
    auto options = made_options(submit_command, values);
    options.operands = leaf_command(task_);
    return build_submit(options, own, working_directory());
  }

  /// Until all that was submitted has ended.
  caf::error await() {
    while (answered_ < submits_.size() || ended_ < indexes_.size()) {
      auto asks = answered_ == submits_.size() && !told_ && signals_.number() == 0;
      auto f = next_frame(broker_, signals_, asks ? silence_ms : -1);
      if (!f)
        return std::move(f.error());
      if (!*f && signals_.number() == 0)
        look_for_waiting();
      else if (!*f)
        cancel_rest();
      else if (auto e = take(**f))
        return e;
      progress_.set(ended_);
    }
    broker_.cancel(events_);
    return {};
  }

  caf::error take(const frame& f) {
    if (f.tag == events_)
      return f.kind == frame_kind::lines ? take_events(f.payload) : result_of(f).error();
    if (f.tag == listing_)
      return take_active(f);
    if (f.tag == looking_)
      return take_waiting(f);
    auto submit = std::find(submits_.begin(), submits_.end(), f.tag);
    if (submit == submits_.end())
      return {};
    auto ids = ids_in(f);
    if (!ids) {
      cancel_rest();
      return broker_.flush() ? caf::error{} : std::move(ids.error());
    }
    auto index = static_cast<uint64_t>(submit - submits_.begin()) * limits::jobs_per_request_max;
    for (auto& id : *ids)
      indexes_.emplace(std::move(id), ++index);
    if (++answered_ < submits_.size())
      return {};
    over_.resize(task_.share.jobs + 1);
    for (auto& id : std::exchange(early_, {}))
      note_end(id);
    if (std::exchange(recount_, false))
      recount();
    if (signals_.number() != 0)
      cancel_rest();
    return {};
  }

  caf::error take_events(std::string_view text) {
    while (!text.empty()) {
      auto line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      workflow::job_event e;
      if (auto err = workflow::read_event_line(line, e))
        return err;
      if (workflow::lost_events(e) > 0)
        recount();
      else if (answered_ < submits_.size())
        early_.push_back(std::move(e.id));
      else
        note_end(e.id);
    }
    return {};
  }

  void note_end(const std::string& id) {
    auto it = indexes_.find(id);
    if (it == indexes_.end() || over_[it->second])
      return;
    over_[it->second] = true;
    ++ended_;
  }

  /// Ends of which the instance has no events any more are known by who is active.
  void recount() {
    recount_ = answered_ < submits_.size();
    if (recount_)
      return;
    active_.clear();
    listing_ = broker_.request("job.list", {{"states", states_active}, {"max", 0}});
  }

  /// A long list comes in several parts.
  caf::error take_active(const frame& f) {
    auto part = f.kind == frame_kind::error ? result_of(f) : parse_object(f.payload);
    if (!part)
      return std::move(part.error());
    if (auto& jobs = object_at(*part, "jobs"); jobs.is_array())
      for (auto& job : jobs)
        active_.insert(text_at(job, "id"));
    if (f.kind == frame_kind::item)
      return {};
    listing_ = 0;
    for (auto& [id, index] : indexes_)
      if (active_.count(id) == 0)
        note_end(id);
    return {};
  }

  /// No job has ended for a while: it may be that they wait for what they have submitted, which
  /// waits for their cores.
  void look_for_waiting() {
    waits_.clear();
    others_run_ = false;
    looking_ = broker_.request("job.list",
                               {{"states", states_active}, {"max", limits::jobs_per_request_max}});
  }

  caf::error take_waiting(const frame& f) {
    auto part = f.kind == frame_kind::error ? result_of(f) : parse_object(f.payload);
    if (!part)
      return std::move(part.error());
    if (auto& jobs = object_at(*part, "jobs"); jobs.is_array())
      for (auto& job : jobs) {
        auto id = text_at(job, "id");
        if (indexes_.count(id) != 0)
          continue;
        auto state = text_at(job, "state");
        others_run_ = others_run_ || state == "RUN" || state == "CLEANUP";
        if (state == "SCHED")
          waits_ = id;
      }
    if (f.kind == frame_kind::item)
      return {};
    looking_ = 0;
    if (waits_.empty() || others_run_)
      return {};
    told_ = true;
    progress_.clear();
    complain(call_, task_.share.id + ": job " + waits_
                        + " waits while jobs of the tree have what there is; for what COMMAND "
                          "submits and waits for cores must be left, or it runs --outside");
    return {};
  }

  void cancel_rest() {
    std::vector<std::string> ids;
    for (auto& [id, index] : indexes_)
      if (answered_ < submits_.size() || !over_[index])
        ids.push_back(id);
    if (!ids.empty())
      cancel(ids);
  }

  /// Which of the jobs have failed, and the worst of them.
  caf::error judge_failures() {
    auto bad_ends = parse_state_filter("failed,canceled,timeout,node_failed");
    if (!bad_ends)
      return std::move(bad_ends.error());
    auto jobs = fetch_jobs({}, broker_,
                           {{"states", bad_ends->states},
                            {"results", bad_ends->results},
                            {"since", began_s()},
                            {"max", 0}});
    if (!jobs)
      return std::move(jobs.error());
    for (auto& job : *jobs) {
      auto it = indexes_.find(text_at(job, "id"));
      if (it == indexes_.end())
        continue;
      ++report_.failed;
      auto code = std::max(static_cast<int>(number_at(job, "status", 1)), 1);
      auto& w = report_.worst;
      if (code < w.code || (code == w.code && it->second > w.index))
        continue;
      w = {code, task_.share.id, it->second, text_at(job, "id"), text_at(job, "note"), {}};
    }
    return report_.worst.code == 0 ? caf::error{} : fetch_output(report_.worst);
  }

  caf::error fetch_output(tree_worst& worst) {
    auto reply = broker_.ask("job.attach", {{"id", worst.job}, {"stdin", false}}, 60,
                             [&](const frame& f) { keep_end(worst.output, f); });
    return reply ? caf::error{} : std::move(reply.error());
  }

  uint64_t events_ = 0, listing_ = 0; // tags
  std::vector<uint64_t> submits_;
  size_t answered_ = 0; // of these
  std::unordered_map<std::string, uint64_t> indexes_;
  std::vector<bool> over_;         // by index
  std::vector<std::string> early_; // ended before all submits were answered
  std::unordered_set<std::string> active_;
  bool recount_ = false; // when they are
  uint64_t looking_ = 0; // tag: for jobs that are not the tree's
  std::string waits_;    // one of them
  bool others_run_ = false, told_ = false;
  uint64_t ended_ = 0;
};

class scripts : tree_part {
public:
  using tree_part::tree_part;

  caf::expected<tree_report> run() {
    report_.leaves = 1;
    if (auto e = begin())
      return e;
    for (uint64_t i = 1; i <= task_.share.jobs && signals_.number() == 0; ++i)
      if (auto e = run_script(i))
        return e;
    if (auto e = drain())
      return e;
    if (auto e = end())
      return e;
    return std::move(report_);
  }

private:
  caf::error run_script(uint64_t index) {
    auto cc = static_cast<int64_t>(index);
    auto argv = leaf_command(task_);
    for (auto& word : argv)
      word = fill_cc(std::move(word), cc);
    auto cwd = working_directory();
    if (cwd.empty())
      return make_error(ec::bad_argument, gone_directory);
    auto environment = read_environment(environ);
    clean_environment(environment, "hactor-tree");
    for (auto& [name, value] : leaf_variables(task_))
      environment[name] = fill_cc(value, cc);
    auto tag = broker_.request("exec", {{"ranks", "0"},
                                        {"argv", std::move(argv)},
                                        {"cwd", std::move(cwd)},
                                        {"env", json(std::move(environment))}});
    std::string output;
    while (true) {
      auto f = next_frame(broker_, signals_);
      if (!f)
        return std::move(f.error());
      if (!*f) { // the end of the request is the script's
        broker_.cancel(tag);
        return broker_.flush();
      }
      if ((*f)->tag != tag)
        continue;
      if ((*f)->kind == frame_kind::reply || (*f)->kind == frame_kind::error)
        return note_end(index, **f, std::move(output));
      keep_end(output, **f);
    }
  }

  caf::error note_end(uint64_t index, const frame& f, std::string output) {
    auto reply = result_of(f);
    if (!reply)
      return std::move(reply.error());
    progress_.set(++report_.ended);
    auto& statuses = object_at(*reply, "status");
    auto status = statuses.is_object() ? static_cast<int>(number_at(statuses, "0")) : 0;
    if (status == 0)
      return {};
    ++report_.failed;
    auto code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    auto& notes = object_at(*reply, "failed");
    auto note = notes.is_object() ? text_at(notes, "0") : std::string{};
    if (code > report_.worst.code)
      report_.worst = {code, task_.share.id, index, {}, std::move(note), std::move(output)};
    return {};
  }

  /// Until what the scripts have submitted has ended, and what that has.
  caf::error drain() {
    while (signals_.number() == 0) {
      auto jobs = fetch_jobs({}, broker_, {{"states", states_active}, {"max", 0}});
      if (!jobs)
        return std::move(jobs.error());
      std::vector<std::string> ids;
      for (auto& job : *jobs)
        ids.push_back(text_at(job, "id"));
      if (ids.empty())
        break;
      if (auto e = ask_each(broker_, "job.wait", ids, json::object(), 0,
                            [](size_t, caf::expected<json>) { return true; }))
        return e;
    }
    return {};
  }
};

} // namespace

caf::expected<tree_report> run_leaf(const invocation& call, client& broker, const tree_task& task) {
  return leaf{call, broker, task}.run();
}

caf::expected<tree_report> run_scripts(const invocation& call, client& broker,
                                       const tree_task& task) {
  return scripts{call, broker, task}.run();
}

} // namespace hactor::tools
