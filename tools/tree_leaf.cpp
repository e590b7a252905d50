// See tree_part.hpp: the leaves of a 'hactor tree'. One submits its jobs in bulk and hears of their
// ends by events; the other runs scripts by 'exec', one after another, in no job.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_map>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/job_spec.hpp"
#include "graph/jobspec.hpp"
#include "runtime/clock.hpp"
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

/// What a jobspec asks for, at the least.
struct shape_need {
  uint64_t nodes = 0, cores = 0;

  void add(const resource_vertex& vertex, uint64_t times) {
    times *= std::max<uint64_t>(least(vertex.count), 1);
    nodes += vertex.type == "node" ? times : 0;
    cores += vertex.type == "core" ? times : 0;
    for (auto& part : vertex.with)
      add(part, times);
  }
};

/// How many jobs of this shape such an instance can run at once, at most.
uint64_t jobs_at_once(const tree_task& task) {
  auto& share = task.share;
  shape_need need;
  if (!task.jobspec.is_null())
    if (auto spec = read_jobspec(task.jobspec))
      for (auto& vertex : spec->resources)
        need.add(vertex, 1);
  if (need.nodes == 0)
    return std::max<uint64_t>(
        uint64_t{share.nodes} * share.cores / std::max<uint64_t>(need.cores, 1), 1);
  auto of_node = share.cores / std::max<uint64_t>(need.cores / need.nodes, 1);
  return std::max<uint64_t>(share.nodes / need.nodes * of_node, 1);
}

class leaf : tree_part {
public:
  leaf(const invocation& call, client& broker, const tree_task& task)
      : tree_part(call, broker, task),
        supply_(task.share.first, task.reports ? task.share.jobs : 0, jobs_at_once(task)),
        next_index_(task.share.jobs + 1) {}

  caf::expected<tree_report> run() {
    report_.leaves = 1;
    auto failed_before = failures();
    if (!failed_before)
      return std::move(failed_before.error());
    for (auto step : {&leaf::begin, &leaf::subscribe, &leaf::await})
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
  /// One of the jobs, by its index in this leaf.
  struct entry {
    uint64_t number = 0; // among all of the tree, from 0
    bool began = false, well = false, over = false;
  };

  /// An event of a job whose submit has not been answered.
  struct early_event {
    std::string id, name;
    bool well;
    uint64_t tag; // of the last submit before it
  };

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

  /// From here on the end of every job is told, and what the level above wants to know of it.
  caf::error subscribe() {
    std::vector<std::string> names{"clean", "invalidate"};
    if (task_.reports)
      names.insert(names.end(), {"start", "finish"});
    events_ = broker_.request("events", {{"names", names}, {"follow", true}, {"begin", true}});
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
  caf::error submit(const job_set& jobs) {
    for (auto& [begin, end] : jobs.ranges())
      for (auto first = begin; first < end;) {
        auto last = std::min(end, first + limits::jobs_per_request_max) - 1;
        if (auto e = submit(first, last))
          return e;
        first = last + 1;
      }
    return {};
  }

  caf::error submit(uint64_t first, uint64_t last) {
    auto& share = task_.share;
    auto own = first >= share.first && last - share.first < share.jobs;
    auto index = own ? first - share.first + 1 : next_index_;
    auto n = last - first + 1;
    next_index_ += own ? 0 : n;
    if (auto e = describe(first + 1 - index)) // may be below 0: it is added to an index
      return e;
    params_["bcc"] = n == 1 ? std::to_string(index)
                            : std::to_string(index) + "-" + std::to_string(index + n - 1);
    jobs_.resize(std::max<size_t>(jobs_.size(), index + n));
    for (uint64_t i = 0; i < n; ++i)
      jobs_[index + i].number = first + i;
    unanswered_.emplace(last_submit_ = broker_.request("submit", params_), index);
    return {};
  }

  /// Fills what is submitted for jobs whose numbers are that much more than their indexes less one.
  caf::error describe(uint64_t before) {
    if (!params_.is_null() && before == params_for_)
      return {};
    auto task = task_;
    task.share.first = before;
    auto params = build(task);
    if (!params)
      return std::move(params.error());
    params_ = std::move(*params);
    params_for_ = before;
    return {};
  }

  caf::expected<json> build(const tree_task& task) {
    auto output = task.output;
    if (!task.rundir.empty()) {
      auto folder = task.rundir + "/" + task.share.id;
      std::error_code failed;
      std::filesystem::create_directories(folder, failed);
      if (failed)
        return make_error(ec::bad_argument, "--rundir: '" + folder + "': " + failed.message());
      if (output.empty())
        output = folder + "/{index}.out";
    }
    auto variables = leaf_variables(task);
    if (!task.jobspec.is_null()) {
      auto spec = task.jobspec;
      for (auto& part : spec["tasks"])
        for (auto& word : part["command"])
          word = fill_tree_fields(word.get<std::string>(), task.share);
      for (auto& [name, value] : variables)
        spec["attributes"]["system"]["environment"][name] = value;
      return json{{"jobspec", std::move(spec)}};
    }
    auto own = read_environment(environ);
    for (auto& [name, value] : variables)
      own[name] = value;
    std::vector<std::pair<std::string_view, std::string>> values;
    for (auto& [name, text] : {std::pair{"output", output}, {"error", task.error}})
      if (!text.empty())
        values.emplace_back(name, fill_tree_fields(text, task.share));
    if (!task.compat.empty())
      values.emplace_back("compat", task.compat);
    auto options = made_options(submit_command, values);
    options.operands = leaf_command(task);
    return build_submit(options, own, working_directory());
  }

  /// Until all that was submitted has ended, and there is no more.
  caf::error await() {
    if (!task_.reports) // nobody is above, who would have to know
      supply_.take({{task_.share.first, task_.share.jobs}, {}});
    while (!(task_.reports ? supply_.over() : supply_.idle())) {
      if (!recount_) // what is to be counted shall not grow
        if (auto e = submit(supply_.take_handed()))
          return e;
      auto asks = unanswered_.empty() && !told_ && signals_.number() == 0;
      auto wait_ms = speak();
      auto f = next_frame(broker_, signals_,
                          wait_ms > 0 ? wait_ms
                          : asks      ? silence_ms
                                      : -1,
                          above());
      if (!f)
        return std::move(f.error());
      auto answers = hear();
      if (!answers)
        return std::move(answers.error());
      for (auto& answer : *answers)
        supply_.take(answer);
      if (*f) {
        if (auto e = take(**f))
          return e;
      } else if (signals_.number() != 0) {
        cancel_rest();
      } else if (wait_ms == 0 && asks && answers->empty()) {
        look_for_waiting();
      }
      progress_.set(ended_);
    }
    broker_.cancel(events_);
    return {};
  }

  /// Says above what there is to say; after how many milliseconds there may be more, 0: not before
  /// something has happened.
  int speak() {
    if (!task_.reports)
      return 0;
    auto wait_ms = word_wait_ms();
    if (wait_ms == 0)
      say(supply_.take_word(steady_ns()));
    return wait_ms;
  }

  caf::error take(const frame& f) {
    if (f.tag == events_)
      return f.kind == frame_kind::lines ? take_events(f.payload) : result_of(f).error();
    if (f.tag == listing_)
      return take_active(f);
    if (f.tag == looking_)
      return take_waiting(f);
    auto submit = unanswered_.find(f.tag);
    if (submit == unanswered_.end())
      return {};
    auto ids = ids_in(f);
    if (!ids) {
      cancel_rest();
      return broker_.flush() ? caf::error{} : std::move(ids.error());
    }
    auto index = submit->second;
    for (auto& id : *ids)
      indexes_.emplace(std::move(id), index++);
    unanswered_.erase(submit);
    take_early();
    if (unanswered_.empty() && recount_)
      recount();
    if (signals_.number() != 0)
      cancel_rest();
    return {};
  }

  /// Events that came before the answer of a submit; some are of others' jobs.
  void take_early() {
    std::vector<early_event> still;
    for (auto& e : std::exchange(early_, {}))
      if (!note(e.id, e.name, e.well) && !unanswered_.empty()
          && e.tag >= unanswered_.begin()->first)
        still.push_back(std::move(e));
    early_ = std::move(still);
  }

  caf::error take_events(std::string_view text) {
    while (!text.empty()) {
      auto line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      workflow::job_event e;
      if (auto err = workflow::read_event_line(line, e))
        return err;
      auto well = e.context == R"({"status":0})";
      if (workflow::lost_events(e) > 0)
        recount();
      else if (!note(e.id, e.name, well) && !unanswered_.empty())
        early_.push_back({std::move(e.id), std::move(e.name), well, last_submit_});
    }
    return {};
  }

  /// False when it is no job of this leaf, or not yet.
  bool note(const std::string& id, std::string_view event, bool well) {
    auto it = indexes_.find(id);
    if (it == indexes_.end())
      return false;
    auto& job = jobs_[it->second];
    if (event == "start")
      note_start(job);
    else if (event == "finish")
      job.well = well;
    else
      note_end(job);
    return true;
  }

  void note_start(entry& job) {
    if (!job.over && !std::exchange(job.began, true))
      supply_.began(job.number);
  }

  void note_end(entry& job) {
    if (std::exchange(job.over, true))
      return;
    supply_.ended(job.number, job.well);
    ++ended_;
  }

  /// Ends of which the instance has no events any more are known by who is active.
  void recount() {
    recount_ = true;
    if (!unanswered_.empty() || listing_ != 0)
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
        active_.emplace(text_at(job, "id"), text_at(job, "state"));
    if (f.kind == frame_kind::item)
      return {};
    listing_ = 0;
    recount_ = false;
    for (auto& [id, index] : indexes_) {
      auto found = active_.find(id);
      if (found == active_.end())
        note_end(jobs_[index]);
      else if (found->second == "RUN" || found->second == "CLEANUP")
        note_start(jobs_[index]);
    }
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
      if (!jobs_[index].over)
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

  tree_supply supply_;
  uint64_t next_index_;                     // of jobs of others
  uint64_t events_ = 0, listing_ = 0;       // tags
  json params_;                             // of a submit
  uint64_t params_for_ = 0;                 // see describe
  std::map<uint64_t, uint64_t> unanswered_; // submits: the first index by the tag
  uint64_t last_submit_ = 0;                // tag
  std::unordered_map<std::string, uint64_t> indexes_;
  std::vector<entry> jobs_; // by index; the first is none
  std::vector<early_event> early_;
  std::unordered_map<std::string, std::string> active_; // states by ids
  bool recount_ = false;
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
    for (auto step : {&scripts::begin, &scripts::run_all, &scripts::drain, &scripts::end})
      if (auto e = (this->*step)())
        return e;
    return std::move(report_);
  }

private:
  caf::error begin() { return tree_part::begin(); }
  caf::error end() { return tree_part::end(); }

  /// One after another, each once the levels above know of it.
  caf::error run_all() {
    auto& share = task_.share;
    if (!task_.reports) {
      for (uint64_t i = 1; i <= share.jobs && signals_.number() == 0; ++i)
        if (auto e = run_script(i, share.first + i - 1))
          return e;
      return {};
    }
    tree_supply supply{share.first, share.jobs, 1};
    uint64_t index = 0;
    while (!supply.over()) {
      auto handed = supply.take_handed();
      for (auto& [first, end] : handed.ranges())
        for (auto number = first; number < end; ++number) {
          supply.began(number);
          say(supply.take_word(steady_ns()));
          auto failed_before = report_.failed;
          if (auto e = run_script(++index, number))
            return e;
          supply.ended(number, report_.failed == failed_before);
        }
      say(supply.take_word(steady_ns()));
      if (supply.over())
        break;
      pollfd above_us{above(), POLLIN, 0};
      (void)::poll(&above_us, 1, -1);
      auto answers = hear();
      if (!answers)
        return std::move(answers.error());
      for (auto& answer : *answers)
        supply.take(answer);
    }
    return {};
  }

  caf::error run_script(uint64_t index, uint64_t number) {
    auto cc = static_cast<int64_t>(index);
    auto task = task_;
    task.share.first = number + 1 - index;
    auto argv = leaf_command(task);
    for (auto& word : argv)
      word = fill_cc(std::move(word), cc);
    auto cwd = working_directory();
    if (cwd.empty())
      return make_error(ec::bad_argument, gone_directory);
    auto environment = read_environment(environ);
    clean_environment(environment, "hactor-tree");
    for (auto& [name, value] : leaf_variables(task))
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
