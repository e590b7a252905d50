// hactor top: a full-screen view of an instance that follows what happens, and goes down into those
// within it. What it costs is bounded: the first event after a picture asks for the next one, which
// comes a second after the last; without events nothing is asked.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "graph/rset.hpp"
#include "runtime/clock.hpp"
#include "tools/attach.hpp"
#include "tools/commands.hpp"
#include "tools/job_choice.hpp"
#include "tools/job_fields.hpp"
#include "tools/nested.hpp"
#include "tools/raw_terminal.hpp"
#include "tools/session.hpp"
#include "tools/top_view.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec options[] = {
    {'1', "once", nullptr,
     "Prints the picture once and ends; so it does where standard output is no terminal.",
     "-b --batch"},
    {'r', "recursive", nullptr,
     "Lists the jobs of nested instances too, below those that hold them."},
    {'c', "count", "N", "Lists at most N jobs. Default: 1000."},
    {'q', "queue", "NAME", "Shows the jobs of this queue only. Default: of all."},
    {0, "color", nullptr, "Accepted for scripts, also with =WHEN: nothing is coloured here."},
    {0, "color-text", "WHEN", "The same as --color=WHEN."},
};

constexpr int64_t picture_ns = 1'000'000'000;

/// Of nested instances no events are heard: who looks at all levels asks so often.
constexpr int64_t recursive_ns = 2'000'000'000;

/// Between pictures of an instance in which nothing runs, for the sake of its age.
constexpr int64_t idle_ns = 10'000'000'000;

// -- what is asked --------------------------------------------------------------------------------

caf::error add_resources(const json& reply, top_facts& f) {
  auto all = parse_rset(dump(object_at(reply, "all")));
  auto allocated = parse_rset(dump(object_at(reply, "allocated")));
  auto up = idset::parse(text_at(reply, "up"));
  if (!all || !allocated || !up)
    return make_error(ec::bad_json, "the instance answered with resources that cannot be read");
  f.nodes_up = restrict_to(*all, *up).nodes.size();
  f.nodes_down = all->nodes.size() - f.nodes_up;
  f.cores = all->core_count();
  f.gpus = all->gpu_count();
  f.cores_used = allocated->core_count();
  f.gpus_used = allocated->gpu_count();
  return {};
}

void add_counts(const json& reply, top_facts& f) {
  f.state = text_at(reply, "state");
  f.owner = text_at(reply, "owner_name");
  f.started = number_at(reply, "started");
  f.level = static_cast<uint64_t>(number_at(reply, "level"));
  auto& jobs = object_at(reply, "jobs");
  auto sum = [&jobs](std::initializer_list<const char*> keys) {
    double n = 0;
    for (auto* key : keys)
      n += jobs.is_object() ? number_at(jobs, key) : 0;
    return static_cast<uint64_t>(n);
  };
  f.waiting = sum({"new", "depend", "priority", "sched"});
  f.running = sum({"run", "cleanup"});
  f.failed = sum({"failed", "canceled", "timeout", "node_failed"});
  f.completed = sum({"inactive"}) - f.failed;
}

/// The queues, where there are several; of one that is asked for that alone, whose jobs are counted
/// then. Errors: ec::unknown_key (there is no such queue).
caf::error add_queues(client& broker, const std::string& queue, top_facts& f) {
  auto reply = broker.ask("queue", {{"verb", "list"}});
  if (!reply) // a scheduler that was unloaded has none
    return queue.empty() ? caf::error{} : std::move(reply.error());
  auto& list = object_at(*reply, "queues");
  if (!list.is_array() || (list.size() < 2 && queue.empty()))
    return {};
  auto count = [](const json& q, const char* key) {
    return static_cast<uint64_t>(number_at(q, key));
  };
  if (auto e = queue.empty() ? caf::error{} : find_queue(list, queue))
    return e;
  for (auto& q : list)
    if (queue.empty() || queue == text_at(q, "name"))
      f.queues.push_back({text_at(q, "name"), count(q, "queued"), count(q, "held"),
                          count(q, "running"), count(q, "nnodes"), q.value("enabled", true),
                          q.value("started", true)});
  if (queue.empty())
    return {};
  f.queue = queue;
  f.waiting = f.queues.front().waiting;
  f.running = f.queues.front().running;
  return {};
}

/// Adds the running jobs of an instance, and with `deep` those below them.
caf::error add_jobs(client& broker, const std::string& uri, const std::string& path, size_t depth,
                    bool deep, uint64_t most, const std::string& queue, std::vector<top_job>& to) {
  json params{{"states", states_running}, {"max", most - to.size()}};
  if (!queue.empty())
    params["queue"] = queue;
  auto jobs = list_all(broker, params);
  if (!jobs)
    return std::move(jobs.error());
  for (auto& job : *jobs) {
    if (to.size() >= most)
      break;
    auto id = text_at(job, "id");
    to.push_back({job, path.empty() ? id : path + "/" + id, depth, holds_instance(job)});
    if (!deep || !to.back().holds || to.size() >= most)
      continue;
    auto below = uri_of(uri, job);
    auto inside = client::connect(below);
    auto path_below = to.back().path; // what is added below moves the list
    // It may have ended since.
    if (inside)
      add_jobs(*inside, below, path_below, depth + 1, deep, most, {}, to);
  }
  return {};
}

struct top_settings {
  bool recursive = false;
  uint64_t most = 1000;
  std::string queue{}; // "": all
};

/// The instance of `path` below the one of `uri`.
caf::expected<top_facts> look(client& broker, const std::string& uri, const std::string& path,
                              const top_settings& s) {
  top_facts f;
  f.path = path;
  auto counts = broker.ask("uptime", json::object());
  if (!counts)
    return std::move(counts.error());
  add_counts(*counts, f);
  auto resources = broker.ask("resource.list", json::object());
  if (!resources)
    return std::move(resources.error());
  if (auto e = add_resources(*resources, f))
    return e;
  if (auto e = add_queues(broker, s.queue, f))
    return e;
  if (auto e = add_jobs(broker, uri, path, 0, s.recursive, s.most, s.queue, f.jobs))
    return e;
  return f;
}

// -- the screen -----------------------------------------------------------------------------------

/// The other picture of a terminal, without a cursor, as long as this lives.
class full_screen {
public:
  full_screen() { enter(); }
  full_screen(const full_screen&) = delete;
  full_screen& operator=(const full_screen&) = delete;
  ~full_screen() { leave(); }

  void enter() {
    keyboard_.enter();
    write_all(1, "\x1b[?1049h\x1b[?25l");
  }
  void leave() {
    write_all(1, "\x1b[?25h\x1b[?1049l");
    keyboard_.leave();
  }

private:
  raw_terminal keyboard_;
};

/// One instance that is looked at: a connection to ask, another that tells when to ask again.
struct view {
  std::string uri;
  client asks, hears;
  uint64_t hearing = 0; // tag; 0: an event has come, or nothing was looked at yet

  static caf::expected<view> open(const std::string& uri) {
    auto asks = client::connect(uri);
    auto hears = client::connect(uri);
    if (!asks || !hears)
      return std::move(asks ? hears.error() : asks.error());
    return view{uri, std::move(*asks), std::move(*hears)};
  }

  /// From here on the next event is heard of.
  caf::error listen() {
    if (hearing != 0)
      return {};
    hearing = hears.request(
        "events", {{"names", {"submit", "alloc", "clean", "invalidate"}}, {"follow", true}});
    return hears.flush();
  }

  /// True when something has happened. One event is enough; no more are asked for.
  caf::expected<bool> heard() {
    bool some = false;
    while (true) {
      auto f = hears.receive_now();
      if (!f)
        return std::move(f.error());
      if (!*f)
        break;
      if ((*f)->kind == frame_kind::error && (*f)->tag == hearing)
        return result_of(**f).error();
      some = some || ((*f)->kind == frame_kind::lines && (*f)->tag == hearing);
    }
    if (some) {
      hears.cancel(std::exchange(hearing, 0));
      if (auto e = hears.flush())
        return e;
    }
    return some;
  }
};

class top {
public:
  top(const invocation& call, std::string uri, std::string path, top_settings s)
      : call_(call), root_(std::move(uri)), settings_(s) {
    for (size_t at = 0; at < path.size();) {
      auto end = std::min(path.find('/', at), path.size());
      path_.push_back(path.substr(at, end - at));
      at = end + 1;
    }
  }

  caf::expected<int> run() {
    if (auto e = go())
      return e;
    sigset_t set;
    sigemptyset(&set);
    for (int s : {SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGCONT})
      sigaddset(&set, s);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    std::optional<full_screen> screen{std::in_place};
    screen_ = &*screen;
    caf::error failed;
    while (!done_ && !failed) {
      failed = step();
      // Who looked into an instance that has ended is above it again.
      while (failed && !path_.empty()) {
        message_ = "instance " + joined() + " has ended";
        path_.pop_back();
        failed = go();
      }
    }
    screen.reset();
    ::close(signals_);
    if (failed)
      return failed;
    return code_;
  }

private:
  std::string joined() const {
    std::string text;
    for (auto& id : path_)
      text += (text.empty() ? "" : "/") + id;
    return text;
  }

  /// Looks at the instance of path_ from now on.
  caf::error go() {
    auto uri = path_.empty() ? caf::expected<std::string>{root_} : find_inside(root_, joined());
    if (!uri)
      return std::move(uri.error());
    auto opened = view::open(*uri);
    if (!opened)
      return std::move(opened.error());
    if (view_.uri != opened->uri && !view_.uri.empty())
      settings_.queue.clear(); // of an instance that is looked at no more
    view_ = std::move(*opened);
    place_ = {};
    ended_ = -1;
    return refresh();
  }

  caf::error refresh() {
    // First, so that what happens after the look is heard of.
    if (auto e = view_.listen())
      return e;
    auto f = look(view_.asks, view_.uri, joined(), settings_);
    if (!f)
      return std::move(f.error());
    facts_ = std::move(*f);
    auto ended = static_cast<double>(facts_.completed + facts_.failed);
    auto now = steady_ns();
    if (ended_ >= 0)
      facts_.rate = std::max(ended - ended_, 0.0) * 1e9 / static_cast<double>(now - looked_ns_);
    ended_ = ended;
    looked_ns_ = now;
    stale_ = false;
    return {};
  }

  caf::error step() {
    auto now = steady_ns();
    auto due = looked_ns_ + (settings_.recursive ? recursive_ns : picture_ns);
    if ((stale_ || settings_.recursive) && now >= due)
      if (auto e = refresh())
        return e;
    if (!stale_ && now - looked_ns_ > recursive_ns && facts_.rate > 0)
      facts_.rate = 0; // nothing was heard of for so long
    draw();
    return wait(due);
  }

  void draw() {
    auto size = terminal_size();
    rows_ = size.rows > 0 ? size.rows : 24;
    auto columns = size.columns > 0 ? size.columns : 80;
    place_.fit(facts_.jobs.size(), list_rows());
    auto text = top_screen(facts_, now_s(), place_, rows_, columns, message_);
    if (text != drawn_ && !write_all(1, text))
      done_ = true; // the terminal is gone
    drawn_ = std::move(text);
    drawn_ns_ = steady_ns();
  }

  size_t list_rows() const {
    auto around = top_rows_around(facts_);
    return rows_ > around ? rows_ - around : 1;
  }

  /// From all queues to the first, from one to the next, from the last to all.
  caf::error next_queue() {
    auto& queue = settings_.queue;
    auto before = std::exchange(queue, {});
    if (auto e = refresh()) // which queues are there?
      return e;
    auto& all = facts_.queues;
    auto at = std::find_if(all.begin(), all.end(), [&](auto& q) { return q.name == before; });
    if (before.empty() ? !all.empty() : at != all.end() && at + 1 != all.end())
      queue = before.empty() ? all.front().name : (at + 1)->name;
    place_ = {};
    return queue.empty() ? caf::error{} : refresh();
  }

  /// For keys, events, signals, and the next picture.
  caf::error wait(int64_t due_ns) {
    auto next = drawn_ns_ + (facts_.jobs.empty() ? idle_ns : picture_ns);
    if (stale_ || settings_.recursive)
      next = std::min(next, due_ns);
    auto left_ms = std::max<int64_t>((next - steady_ns() + 999'999) / 1'000'000, 0);
    pollfd fds[] = {{0, POLLIN, 0}, {view_.hears.fd(), POLLIN, 0}, {signals_, POLLIN, 0}};
    if (::poll(fds, 3, static_cast<int>(left_ms)) < 0 && errno != EINTR)
      return make_errno_error(ec::system_failed, "poll", errno);
    if (fds[1].revents != 0) {
      auto heard = view_.heard();
      if (!heard)
        return std::move(heard.error());
      stale_ = stale_ || *heard;
    }
    if (fds[2].revents != 0)
      read_signals();
    if (fds[0].revents != 0)
      return read_keys();
    return {};
  }

  void read_signals() {
    signalfd_siginfo info;
    while (::read(signals_, &info, sizeof info) == sizeof info)
      if (info.ssi_signo == SIGWINCH || info.ssi_signo == SIGCONT) {
        drawn_.clear();
      } else {
        done_ = true;
        code_ = 128 + static_cast<int>(info.ssi_signo);
      }
  }

  caf::error read_keys() {
    char buffer[256];
    auto n = ::read(0, buffer, sizeof buffer);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
      done_ = true;
    for (auto key : keys_.feed({buffer, static_cast<size_t>(std::max<ssize_t>(n, 0))}))
      if (auto e = on_key(key))
        return e;
    return {};
  }

  caf::error on_key(top_key key) {
    message_.clear();
    auto page = list_rows();
    auto& at = place_.selected;
    switch (key) {
    case top_key::up:
      at -= at > 0;
      break;
    case top_key::down:
      ++at;
      break;
    case top_key::page_up:
      at -= std::min(at, page);
      break;
    case top_key::page_down:
      at += page;
      break;
    case top_key::first:
      at = 0;
      break;
    case top_key::last:
      at = facts_.jobs.size();
      break;
    case top_key::enter:
      return enter();
    case top_key::leave:
      if (path_.empty())
        break;
      path_.pop_back();
      return go();
    case top_key::recursive:
      settings_.recursive = !settings_.recursive;
      return refresh();
    case top_key::queue:
      return next_queue();
    case top_key::suspend:
      screen_->leave();
      ::raise(SIGSTOP);
      screen_->enter();
      drawn_.clear();
      break;
    case top_key::quit:
      done_ = true;
      break;
    }
    place_.fit(facts_.jobs.size(), page);
    return {};
  }

  caf::error enter() {
    if (facts_.jobs.empty())
      return {};
    auto& job = facts_.jobs[place_.selected];
    if (!job.holds) {
      message_ = "job " + job.path + " holds no instance";
      return {};
    }
    auto before = path_;
    path_.clear();
    for (size_t at = 0; at < job.path.size();) {
      auto end = std::min(job.path.find('/', at), job.path.size());
      path_.push_back(job.path.substr(at, end - at));
      at = end + 1;
    }
    if (!go())
      return {};
    message_ = "instance " + joined() + " has ended";
    path_ = std::move(before);
    return go();
  }

  const invocation& call_;
  std::string root_; // URI
  std::vector<std::string> path_;
  top_settings settings_;
  view view_;
  top_facts facts_;
  top_place place_;
  key_reader keys_;
  full_screen* screen_ = nullptr;
  std::string message_, drawn_;
  double ended_ = -1; // jobs at the last look
  int64_t looked_ns_ = 0, drawn_ns_ = 0;
  size_t rows_ = 24;
  int signals_ = -1;
  bool stale_ = false; // something has happened since the last look
  bool done_ = false;
  int code_ = exit_ok;
};

caf::expected<int> print_once(const std::string& uri, const std::string& path,
                              const top_settings& s) {
  auto place = path.empty() ? caf::expected<std::string>{uri} : find_inside(uri, path);
  if (!place)
    return std::move(place.error());
  auto broker = client::connect(*place);
  if (!broker)
    return std::move(broker.error());
  auto f = look(*broker, *place, path, s);
  if (!f)
    return std::move(f.error());
  auto width = terminal_width();
  for (auto& line : top_header(*f, now_s(), width))
    print_line(line);
  for (auto& line : top_list(*f, now_s(), 0, f->jobs.size(), width))
    print_line(line);
  return exit_ok;
}

int run_top(const invocation& call) {
  auto& o = call.options;
  auto most = o.number("count", 1000, 1, 1'000'000);
  if (!most)
    return fail_usage(call, most.error());
  std::string path;
  if (!o.operands.empty()) {
    auto inside = uri_inside("", o.operands.front());
    if (!inside)
      return fail_usage(call, inside.error());
    path = inside->substr(1);
  }
  auto uri = workflow::own_uri();
  if (!uri)
    return fail(call, uri.error());
  top_settings s{o.has("recursive"), *most, o.value("queue")};
  auto once = o.has("once") || ::isatty(0) == 0 || ::isatty(1) == 0;
  auto code = once ? print_once(*uri, path, s) : top{call, *uri, path, s}.run();
  return code ? *code : fail(call, code.error());
}

} // namespace

const command top_command{
    "top",
    group_instance,
    "shows how an instance and those within it work, and follows",
    "[OPTIONS] [ID[/ID...]]",
    "A full-screen picture: how long the instance runs, its nodes, the cores that jobs have, jobs "
    "by state, how many end each second, a line for each queue where there are several, and the "
    "jobs that run, the latest first; with a '+' those that hold an instance. ID is a job that "
    "holds one: it is looked at instead.\n\n"
    "Keys: Up and Down (or k and j), PageUp, PageDown, Home and End choose a job; Enter or Right "
    "goes into the instance that it holds, Left or Backspace out of it; Tab shows one queue after "
    "another, then all; r lists all levels; q "
    "quits, Ctrl-Z suspends. The picture changes when something happens, once a second at most.",
    options,
    " 0  done\n 1  no instance answers, or the job holds none\n 2  the command line is wrong",
    " hactor top\n hactor top -r --once\n hactor top --queue=debug\n hactor top f3xK2",
    false,
    0,
    1,
    run_top};

} // namespace hactor::tools
