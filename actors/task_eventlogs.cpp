// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/task_eventlogs.hpp"

#include <algorithm>
#include <optional>

#include <sys/wait.h>
#include <syslog.h>

#include <fmt/format.h>

#include "actors/job_spec.hpp"
#include "graph/jobspec.hpp"
#include "graph/request.hpp"
#include "runtime/base64.hpp"
#include "runtime/json.hpp"
#include "runtime/utf8_text.hpp"

namespace hactor {

namespace {

void append_line(std::string& out, int64_t t_ns, std::string_view name,
                 const std::string& context = {}) {
  out += fmt::format(R"({{"timestamp":{}.{:06},"name":"{}")", t_ns / 1'000'000'000,
                     t_ns % 1'000'000'000 / 1'000, name);
  if (!context.empty())
    out += ",\"context\":" + context;
  out += "}\n";
}

/// Where the job's tasks are, as its jobspec and R say, or a plugin by the memo "taskmap".
std::optional<job_layout> layout_of(const job_reply& job, const rset& r) {
  auto lay_out = [&r](const jobspec& s) -> std::optional<job_layout> {
    auto request = compile_request(s);
    if (!request)
      return std::nullopt;
    auto where = layout(*request, r);
    return where ? std::optional{std::move(*where)} : std::nullopt;
  };
  auto spec = parse_stored(job.jobspec);
  if (!spec)
    return std::nullopt;
  if (auto notes = parse_json(job.summary.annotations); notes && notes->is_object())
    if (auto map = get_string_or(*notes, "user.taskmap", ""); map && !map->empty()) {
      auto moved = *spec;
      moved.system.shell_options["taskmap"] = "manual:" + *map;
      if (auto where = lay_out(moved))
        return where; // else the memo is some other of a user
    }
  return lay_out(*spec);
}

/// "[]": it is not known.
std::string taskmap_of(const job_reply& job) {
  auto r = parse_rset(job.rset);
  auto where = r ? layout_of(job, *r) : std::nullopt;
  return where ? taskmap_json(*where) : "[]";
}

std::string shell_init(const job_reply& job) {
  auto ranks = parse_rset(job.rset);
  auto nodes = ranks ? ranks->nodes.size() : 0;
  auto leader = nodes == 0 ? 0 : ranks->nodes.front().rank;
  return fmt::format(R"({{"service":"{}-shell-{}","leader-rank":{},"size":{},"rank":0}})",
                     job.summary.userid, to_string(job.summary.id), leader, nodes);
}

std::string task_exit(const task_end& e) {
  auto signaled = WIFSIGNALED(e.status);
  auto context = fmt::format(R"({{"localid":{},"rank":{},"state":"Exited","pid":{},)"
                             R"("wait_status":{},"signaled":{})",
                             e.local, e.task, e.pid, e.status, signaled ? WTERMSIG(e.status) : 0);
  if (!signaled)
    context += fmt::format(R"(,"exitcode":{})", WEXITSTATUS(e.status));
  return context + "}";
}

/// The file of one of a job's streams; "" when it is none.
std::string file_of(const json& options, const char* group, const char* stream) {
  auto* at = find_json(options, std::string{group} + "." + stream);
  if (at == nullptr || !at->is_object() || at->value("type", json{}) != "file")
    return {};
  auto path = at->value("path", json{});
  return path.is_string() ? path.get<std::string>() : std::string{};
}

std::string all_tasks(uint32_t n) { return n == 1 ? "0" : fmt::format("0-{}", n - 1); }

} // namespace

std::vector<node_tasks> tasks_by_node(const job_reply& job) {
  std::vector<node_tasks> nodes;
  auto r = parse_rset(job.rset);
  auto where = r ? layout_of(job, *r) : std::nullopt;
  for (size_t i = 0; where && i < where->tasks.size() && i < r->nodes.size(); ++i)
    nodes.push_back({r->nodes[i].rank, std::move(where->tasks[i])});
  return nodes;
}

std::string exec_eventlog(const job_reply& job) {
  std::string out;
  auto attempts = std::count_if(job.events.begin(), job.events.end(),
                                [](auto& e) { return e.kind == event_kind::start; });
  // The job manager notes a start when it hears of it: by then a short task has ended. And nodes
  // have clocks of their own.
  int64_t last_ns = 0;
  auto at = [&last_ns](int64_t t_ns) { return last_ns = std::max(last_ns, t_ns); };
  auto exit_due = job.first_exit.t_ns != 0;
  auto tell_exit = [&] {
    if (attempts == 0 && std::exchange(exit_due, false))
      append_line(out, at(job.first_exit.t_ns), "shell.task-exit", task_exit(job.first_exit));
  };
  for (auto& e : job.events) {
    if (e.kind == event_kind::finish || e.t_ns > job.first_exit.t_ns)
      tell_exit();
    switch (e.kind) {
    case event_kind::alloc:
      append_line(out, at(e.t_ns), "init");
      append_line(out, at(e.t_ns), "starting");
      break;
    case event_kind::start:
      // Of earlier attempts it is not known any more.
      append_line(out, at(--attempts == 0 && job.init_ns != 0 ? job.init_ns : e.t_ns),
                  "shell.init", shell_init(job));
      append_line(out, at(e.t_ns), "shell.start",
                  fmt::format(R"({{"taskmap":{{"version":1,"map":{}}}}})", taskmap_of(job)));
      break;
    case event_kind::finish:
      append_line(out, at(e.t_ns), "complete", fmt::format(R"({{"status":{}}})", e.a));
      break;
    case event_kind::exception: {
      auto shown = e;
      shown.t_ns = at(e.t_ns);
      append_eventlog_line(out, shown);
      break;
    }
    case event_kind::clean:
      append_line(out, at(e.t_ns), "done");
      break;
    default:
      break;
    }
  }
  tell_exit();
  return out;
}

stream_eventlog::stream_eventlog(const job_reply& job, bool input)
    : input_{input}, ntasks_{std::max(job.summary.ntasks, 1u)}, began_ns_{
                                                                    job.summary.t_run != 0
                                                                        ? job.summary.t_run
                                                                        : job.summary.t_submit} {
  values_.id = to_string(job.summary.id);
  values_.name = job.summary.name;
  values_.size = ntasks_;
  values_.nnodes = std::max(job.summary.nnodes, 1u);
  values_.attempt = job.summary.attempts;
  values_.cc = job.summary.cc;
  auto spec = parse_stored(job.jobspec);
  if (!spec)
    return;
  auto& options = spec->system.shell_options;
  out_ = file_of(options, "output", "stdout");
  err_ = file_of(options, "output", "stderr");
  if (err_.empty())
    err_ = out_;
  in_ = file_of(options, "input", "stdin");
}

/// One for all tasks, or, where each has a file of its own, one for each.
std::string stream_eventlog::redirect(std::string_view stream, const std::string& path) const {
  std::string out;
  auto own = names_task(path);
  for (uint32_t task = 0; task < (own ? ntasks_ : 1); ++task) {
    auto values = values_;
    values.task = own ? static_cast<int64_t>(task) : -1;
    json context{{"stream", stream},
                 {"rank", own ? std::to_string(task) : all_tasks(ntasks_)},
                 {"path", fill_template(path, values)}};
    append_line(out, began_ns_, "redirect", dump(context));
  }
  return out;
}

std::string stream_eventlog::begin() const {
  std::string out;
  if (input_) {
    append_line(out, began_ns_, "header",
                R"({"version":1,"encoding":{"stdin":"UTF-8"},"count":{"stdin":1},"options":{}})");
    return in_.empty() ? out : out + redirect("stdin", in_);
  }
  append_line(out, began_ns_, "header",
              fmt::format(R"({{"version":1,"encoding":{{"stdout":"UTF-8","stderr":"UTF-8"}},)"
                          R"("count":{{"stdout":{0},"stderr":{0}}},"options":{{}}}})",
                          ntasks_));
  if (!out_.empty())
    out += redirect("stdout", out_);
  if (!err_.empty())
    out += redirect("stderr", err_);
  return out;
}

std::string stream_eventlog::data(int64_t now_ns, uint32_t task, uint8_t stream,
                                  std::string_view bytes) const {
  std::string out;
  if (input_ == is_output(stream) || bytes.empty())
    return out;
  auto t_ns = std::max(now_ns, began_ns_);
  if (stream == input_note_stream) {
    append_line(out, t_ns, "log", dump(json{{"level", LOG_NOTICE}, {"message", bytes}}));
    return out;
  }
  json context{{"stream", stream == input_stream ? "stdin"
                          : stream == 2          ? "stderr"
                                                 : "stdout"},
               {"rank", task == UINT32_MAX ? "all" : std::to_string(task)}};
  if (is_utf8(bytes)) {
    context["data"] = bytes;
  } else {
    context["data"] = encode_base64(bytes);
    context["encoding"] = "base64";
  }
  append_line(out, t_ns, "data", dump(context));
  return out;
}

std::string stream_eventlog::end(int64_t now_ns, const std::vector<lost_output>& lost) const {
  std::string out;
  auto add = [&](std::string_view name, const json& context) {
    append_line(out, std::max(now_ns, began_ns_), name, dump(context));
  };
  auto add_end = [&](std::string_view stream, const std::string& rank) {
    add("data", {{"stream", stream}, {"rank", rank}, {"eof", true}});
  };
  if (input_) {
    if (in_.empty())
      add_end("stdin", "all");
    return out;
  }
  idset without_end;
  for (auto& l : lost) {
    without_end.add_all(l.tasks);
    constexpr int error_level = 3; // RFC 5424
    json context{{"level", error_level}, {"message", l.message}, {"component", "output"}};
    if (l.nodes.size() == 1)
      context["rank"] = l.nodes.first();
    add("log", context);
  }
  for (uint32_t task = 0; task < ntasks_; ++task) {
    if (without_end.contains(task))
      continue;
    if (out_.empty())
      add_end("stdout", std::to_string(task));
    if (err_.empty())
      add_end("stderr", std::to_string(task));
  }
  return out;
}

} // namespace hactor
