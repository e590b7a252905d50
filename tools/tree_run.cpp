// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/tree_run.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "runtime/clock.hpp"
#include "runtime/limits.hpp"
#include "tools/attach.hpp"
#include "tools/commands.hpp"
#include "tools/ending.hpp"
#include "tools/job_choice.hpp"
#include "tools/job_fields.hpp"
#include "tools/own_folder.hpp"
#include "tools/submit_options.hpp"
#include "tools/submitted.hpp"
#include "tools/text_file.hpp"
#include "workflow/event_reader.hpp"

namespace hactor::tools {

namespace {

/// Of what the worst job wrote, its last bytes are passed up.
constexpr size_t output_bytes_max = 4096;

/// What all instances have in common is passed down as a file of their jobs: in the words of a
/// command places like {{id}} would be filled on the way.
constexpr const char* task_file = "tree.json";

/// Jobspecs of children in one request.
constexpr size_t request_bytes = 4u << 20;

/// A share's progress is told in so many steps at most, and not more often than a person sees.
constexpr uint64_t progress_steps = 100;
constexpr int64_t progress_ns = 200'000'000;

/// The signals by which a person ends what runs in the foreground.
class end_signals {
public:
  explicit end_signals(bool caught) {
    if (!caught)
      return;
    sigset_t set;
    sigemptyset(&set);
    for (int s : {SIGINT, SIGTERM, SIGHUP})
      sigaddset(&set, s);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  end_signals(const end_signals&) = delete;
  end_signals& operator=(const end_signals&) = delete;
  ~end_signals() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  int fd() const { return fd_; }

  /// True when one has come. A second one ends this process at once.
  bool read() {
    signalfd_siginfo info;
    if (fd_ < 0 || ::read(fd_, &info, sizeof info) != sizeof info)
      return false;
    if (number_ != 0)
      ::_exit(128 + number_);
    number_ = static_cast<int>(info.ssi_signo);
    return true;
  }

  int number() const { return number_; } // 0: none has come

private:
  int fd_ = -1;
  int number_ = 0;
};

/// The next frame; nothing when a signal has come instead.
caf::expected<std::optional<frame>> next_frame(client& broker, end_signals& signals) {
  while (true) {
    if (auto e = broker.flush_now())
      return e;
    auto f = broker.receive_now();
    if (!f || *f)
      return f;
    pollfd fds[] = {
        {broker.fd(), static_cast<short>(broker.unsent() > 0 ? POLLIN | POLLOUT : POLLIN), 0},
        {signals.fd(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR)
      return make_errno_error(ec::system_failed, "poll", errno);
    if (signals.read())
      return std::optional<frame>{};
  }
}

/// How far the instance is: to the level above, or on a person's terminal.
class progress {
public:
  progress(uint64_t jobs, bool reports)
      : jobs_(jobs), reports_(reports), draws_(!reports && ::isatty(2) == 1),
        began_ns_(steady_ns()) {
    draw(0);
  }

  void set(uint64_t ended) {
    if (!reports_ && !draws_)
      return;
    auto step = std::max<uint64_t>(jobs_ / progress_steps, 1);
    if (ended >= jobs_ || ended < told_ + step || steady_ns() - told_ns_ < progress_ns)
      return;
    if (reports_) {
      print_line(progress_text(ended));
      flush_output();
    }
    draw(ended);
  }

  /// Other lines take the place of the progress line.
  void clear() {
    if (draws_)
      write_all(2, "\r\x1b[K");
  }

private:
  void draw(uint64_t ended) {
    told_ = ended;
    told_ns_ = steady_ns();
    if (!draws_)
      return;
    progress_facts facts;
    facts.total = jobs_;
    facts.ended = ended;
    facts.seconds = static_cast<double>(told_ns_ - began_ns_) / 1e9;
    facts.width = std::max<size_t>(terminal_width(), 80);
    write_all(2, "\r\x1b[K" + progress_line(facts));
  }

  uint64_t jobs_;
  bool reports_, draws_;
  int64_t began_ns_;
  uint64_t told_ = 0;
  int64_t told_ns_ = 0;
};

/// Options as if they had been typed. Requires: the command has them.
parsed_options made_options(const command& of,
                            const std::vector<std::pair<std::string_view, std::string>>& values) {
  parsed_options o;
  o.of = &of;
  for (auto& [name, value] : values)
    for (auto& row : of.options)
      if (row.name == name)
        o.values.emplace_back(&row, value);
  return o;
}

caf::expected<std::vector<std::string>> ids_in(const frame& f) {
  auto reply = result_of(f);
  if (!reply)
    return std::move(reply.error());
  std::vector<std::string> ids;
  if (auto& list = object_at(*reply, "ids"); list.is_array())
    for (auto& id : list)
      if (id.is_string())
        ids.push_back(id.get<std::string>());
  return ids;
}

/// What both kinds of instances do.
class part {
public:
  part(const invocation& call, client& broker, const tree_task& task)
      : call_(call), broker_(broker), task_(task), signals_(!task.reports),
        progress_(task.share.jobs, task.reports) {}

protected:
  caf::error begin() {
    row_ = {task_.share.id,    now_s(),         0, 0, task_.share.jobs, task_.share.nodes,
            task_.share.cores, task_.share.gpus};
    auto match = match_us();
    if (!match)
      return std::move(match.error());
    match_before_ = *match;
    return {};
  }

  /// The instance's own row stands in front.
  caf::error end() {
    progress_.clear();
    auto match = match_us();
    if (!match)
      return std::move(match.error());
    row_.match_us = *match - match_before_;
    row_.end = now_s();
    report_.rows.insert(report_.rows.begin(), row_);
    if (signals_.number() != 0)
      report_.worst = {128 + signals_.number(), task_.share.id, 0, {}, "interrupted", {}};
    return task_.logs.empty() ? caf::error{} : keep_log();
  }

  /// Cancels what has not ended.
  void cancel(const std::vector<std::string>& ids) {
    progress_.clear();
    complain(call_, "cancelling " + std::to_string(ids.size()) + " jobs");
    broker_.request("job.cancel", {{"ids", ids}, {"message", "hactor tree was interrupted"}});
  }

  double began_s() const { return row_.begin; }

  const invocation& call_;
  client& broker_;
  const tree_task& task_;
  end_signals signals_;
  progress progress_;
  tree_report report_;

private:
  caf::expected<double> match_us() {
    auto stats = broker_.ask("stats", json::object());
    if (!stats)
      return std::move(stats.error());
    auto& scheduler = object_at(*stats, "scheduler");
    return scheduler.is_object() ? number_at(scheduler, "pass_us") : 0.0;
  }

  /// The lines of the broker's log that name this instance, as FOLDER/TREEID.log.
  caf::error keep_log() {
    auto* own = std::getenv("HACTOR_ENCLOSING_ID");
    if (own == nullptr) // the outermost instance's log is not the tree's
      return {};
    std::string kept;
    auto mark = std::string{own} + "]";
    auto reply = broker_.ask("dmesg", json::object(), 60, [&](const frame& f) {
      std::string_view rest = f.payload;
      while (f.kind == frame_kind::lines && !rest.empty()) {
        auto line = rest.substr(0, rest.find('\n'));
        if (line.find(mark) != line.npos)
          kept.append(line).append("\n");
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      }
    });
    if (!reply)
      return std::move(reply.error());
    return write_file(task_.logs + "/" + task_.share.id + ".log", kept);
  }

  tree_row row_;
  double match_before_ = 0;
};

// -- a leaf ---------------------------------------------------------------------------------------

class leaf : part {
public:
  using part::part;

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
  caf::error begin() { return part::begin(); }

  /// How many jobs have not ended well, whoever's they are.
  caf::expected<double> failures() {
    auto reply = broker_.ask("uptime", json::object());
    if (!reply)
      return std::move(reply.error());
    auto& jobs = object_at(*reply, "jobs");
    return jobs.is_object() ? number_at(jobs, "failed") + number_at(jobs, "canceled")
                                  + number_at(jobs, "timeout")
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
      auto f = next_frame(broker_, signals_);
      if (!f)
        return std::move(f.error());
      if (!*f)
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
      auto e = workflow::read_event_line(line);
      if (!e)
        return std::move(e.error());
      if (workflow::lost_events(*e) > 0)
        recount();
      else if (answered_ < submits_.size())
        early_.push_back(e->id);
      else
        note_end(e->id);
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
    auto bad_ends = parse_state_filter("failed,canceled,timeout");
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
    auto reply =
        broker_.ask("job.attach", {{"id", worst.job}, {"stdin", false}}, 60, [&](const frame& f) {
          auto part = f.kind == frame_kind::output ? read_output(f.payload) : std::nullopt;
          if (!part)
            return;
          worst.output += part->bytes;
          if (worst.output.size() > 2 * output_bytes_max)
            worst.output.erase(0, worst.output.size() - output_bytes_max);
        });
    if (worst.output.size() > output_bytes_max)
      worst.output.erase(0, worst.output.size() - output_bytes_max);
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
  uint64_t ended_ = 0;
};

// -- a level above --------------------------------------------------------------------------------

class level : part {
public:
  level(const invocation& call, client& broker, const tree_task& task)
      : part(call, broker, task), children_(children_of(task)) {}

  caf::expected<tree_report> run() {
    for (auto step : {&level::begin, &level::submit, &level::await})
      if (auto e = (this->*step)())
        return e;
    for (size_t i = 0; i < children_.size(); ++i)
      add(i);
    if (auto e = end())
      return e;
    return std::move(report_);
  }

private:
  caf::error begin() { return part::begin(); }

  /// Each child is a job that holds an instance, whose script is its own 'hactor tree'.
  caf::error submit() {
    auto own = read_environment(environ);
    auto cwd = working_directory();
    auto task = text_of(task_);
    std::string text;
    std::vector<uint64_t> tags;
    for (size_t i = 0; i < children_.size(); ++i) {
      auto& share = children_[i].share;
      std::vector<std::pair<std::string_view, std::string>> values{
          {"nodes", std::to_string(share.nodes)},
          {"ntasks", std::to_string(share.nodes)},
          {"cores-per-task", std::to_string(share.cores)},
          {"job-name", share.id}};
      if (share.gpus > 0)
        values.emplace_back("gpus-per-task", std::to_string(share.gpus));
      for (auto& setting : settings_of(task_.levels.front()))
        values.emplace_back("conf", setting);
      auto params =
          build_instance(made_options(batch_command, values), children_[i].command, own, cwd);
      if (!params)
        return std::move(params.error());
      add_file((*params)["jobspec"]["attributes"]["system"], task_file, task, 0600);
      text += (text.empty() ? "" : ",") + dump(*params);
      if (text.size() < request_bytes && i + 1 < children_.size())
        continue;
      tags.push_back(broker_.request_text("submit", "{\"jobs\":[" + text + "]}"));
      text.clear();
    }
    return take_ids(tags);
  }

  /// One request after another is answered; what was accepted before one that was not is withdrawn.
  caf::error take_ids(const std::vector<uint64_t>& tags) {
    caf::error failed;
    for (auto tag : tags) {
      auto f = broker_.receive();
      while (f && f->tag != tag)
        f = broker_.receive();
      if (!f)
        return std::move(f.error());
      auto ids = ids_in(*f);
      if (!ids)
        failed = std::move(ids.error());
      else
        ids_.insert(ids_.end(), ids->begin(), ids->end());
    }
    if (failed && !ids_.empty()) {
      cancel(ids_);
      broker_.flush();
    }
    return failed;
  }

  caf::error await() {
    said_.resize(ids_.size());
    ends_.resize(ids_.size());
    std::unordered_map<uint64_t, size_t> open;
    for (size_t i = 0; i < ids_.size(); ++i)
      open.emplace(broker_.request("job.attach", {{"id", ids_[i]}, {"stdin", false}}), i);
    while (!open.empty()) {
      auto f = next_frame(broker_, signals_);
      if (!f)
        return std::move(f.error());
      if (!*f) {
        cancel(ids_);
        continue;
      }
      auto found = open.find((*f)->tag);
      if (found == open.end())
        continue;
      auto i = found->second;
      if ((*f)->kind == frame_kind::output) {
        take_output(i, (*f)->payload);
      } else if ((*f)->kind == frame_kind::reply || (*f)->kind == frame_kind::error) {
        auto end = result_of(**f);
        ends_[i] = end ? std::move(*end) : json{{"note", render(end.error())}};
        open.erase(found);
      }
    }
    return {};
  }

  void take_output(size_t i, std::string_view payload) {
    auto piece = read_output(payload);
    if (!piece)
      return;
    if (piece->stream == 2) { // what a child complains of is for the person
      progress_.clear();
      write_all(2, piece->bytes);
      return;
    }
    auto before = said_[i].ended();
    said_[i].add(piece->bytes);
    ended_ += said_[i].ended() - before;
    progress_.set(ended_);
  }

  /// What a child has said, or that it has not.
  void add(size_t i) {
    if (auto& said = said_[i].report()) {
      report_.add(std::move(*said));
      return;
    }
    auto code = std::max(static_cast<int>(number_at(ends_[i], "status", 1)), 1);
    auto note = text_at(ends_[i], "note");
    tree_report lost;
    lost.leaves = leaves_of({task_.levels.begin() + 1, task_.levels.end()});
    lost.ended = said_[i].ended();
    lost.worst = {code,
                  children_[i].share.id,
                  0,
                  ids_[i],
                  "its instance ended before its jobs had" + (note.empty() ? "" : ": " + note),
                  {}};
    report_.add(std::move(lost));
  }

  std::vector<tree_child> children_;
  std::vector<std::string> ids_;
  std::vector<tree_lines> said_;
  std::vector<json> ends_;
  uint64_t ended_ = 0;
};

} // namespace

std::vector<tree_child> children_of(const tree_task& task) {
  auto below = texts_of(task.levels, 1);
  std::vector<tree_child> children;
  for (auto& share : split(task.share, task.levels.front().width)) {
    if (share.jobs == 0)
      continue;
    std::vector<std::string> words{own_folder() + "/hactor",
                                   "tree",
                                   "--report",
                                   "--prefix=" + share.id,
                                   "--nnodes=" + std::to_string(share.nodes),
                                   "--ncores-per-node=" + std::to_string(share.cores),
                                   "--ngpus-per-node=" + std::to_string(share.gpus),
                                   "--njobs=" + std::to_string(share.jobs),
                                   "--first=" + std::to_string(share.first),
                                   std::string{"--task={{tmpdir}}/"} + task_file};
    if (task.levels.size() == 1) {
      words.emplace_back("--leaf");
    } else {
      words.push_back("--topology=" + below.topology);
      words.push_back("--queue-policy=" + below.policies);
      if (below.params.find('=') != below.params.npos)
        words.push_back("--queue-params=" + below.params);
      words.push_back("--match-policy=" + below.matches);
    }
    children.push_back({std::move(share), std::move(words)});
  }
  return children;
}

std::string text_of(const tree_task& t) {
  return dump({{"command", t.command},
               {"jobspec", t.jobspec},
               {"output", t.output},
               {"error", t.error},
               {"logs", t.logs},
               {"rundir", t.rundir},
               {"compat", t.compat}});
}

caf::error read_task(std::string_view text, tree_task& t) {
  auto j = parse_json(text);
  if (!j)
    return std::move(j.error());
  auto words = get_array(*j, "command");
  if (!words)
    return std::move(words.error());
  for (auto& word : **words)
    t.command.push_back(word.is_string() ? word.get<std::string>() : "");
  t.jobspec = object_at(*j, "jobspec");
  for (auto& [key, to] : {std::pair{"output", &t.output},
                          {"error", &t.error},
                          {"logs", &t.logs},
                          {"rundir", &t.rundir},
                          {"compat", &t.compat}})
    *to = text_at(*j, key);
  return {};
}

std::vector<std::string> leaf_command(const tree_task& task) {
  std::vector<std::string> words;
  for (auto& word : task.command)
    words.push_back(fill_tree_fields(word, task.share));
  return words;
}

std::vector<std::pair<std::string, std::string>> leaf_variables(const tree_task& task) {
  std::pair<const char*, std::string> rows[] = {
      {"ID", task.share.id},
      {"JOBSCRIPT_INDEX", "{cc}"},
      {"NNODES", std::to_string(task.share.nodes)},
      {"NCORES_PER_NODE", std::to_string(task.share.cores)},
      {"NGPUS_PER_NODE", std::to_string(task.share.gpus)},
  };
  std::vector<std::pair<std::string, std::string>> variables;
  for (auto* system : {"HACTOR", "FLUX"})
    for (auto& [name, value] : rows)
      if (system == std::string_view{"HACTOR"} || task.compat == "flux")
        variables.emplace_back(std::string{system} + "_TREE_" + name, value);
  return variables;
}

caf::expected<tree_report> run_tree(const invocation& call, client& broker, const tree_task& task) {
  if (task.levels.empty())
    return leaf{call, broker, task}.run();
  return level{call, broker, task}.run();
}

} // namespace hactor::tools
