// See attach.hpp: one poll loop over the socket, standard input and a signalfd.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/attach.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <deque>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "runtime/clock.hpp"
#include "tools/attach_core.hpp"
#include "tools/mpir.hpp"
#include "tools/raw_terminal.hpp"
#include "tools/say.hpp"

namespace hactor::tools {

namespace {

// Input that may wait in memory for the broker; beyond it standard input is left unread, so that
// a fast writer is held back by its pipe.
constexpr size_t unsent_bytes_max = 256 << 10;

// Input that was sent and that not all tasks have taken: a task that does not read holds back who
// feeds it, and nothing piles up in between.
constexpr uint64_t untaken_bytes_max = 256 << 10;

constexpr int frames_per_round_max = 64;

/// Most jobs start sooner, and a line that only flickers tells nobody anything.
constexpr int64_t status_after_ns = 2'000'000'000;

sigset_t attach_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGINT, SIGTSTP, SIGTERM, SIGHUP, SIGALRM, SIGUSR1, SIGUSR2, SIGCONT,
                SIGWINCH})
    sigaddset(&set, s);
  return set;
}

/// Of these what a job's end brings: who waits for them has its output and its exit code.
bool is_of_the_end(std::string_view event) {
  return event == "finish" || event == "release" || event == "free" || event == "clean";
}

// A background process that reads its terminal is stopped by the kernel; it must not try.
bool may_read_input() { return ::isatty(0) == 0 || ::tcgetpgrp(0) == ::getpgrp(); }

class attachment {
public:
  attachment(const invocation& call, client& broker, std::string id, const attach_settings& s)
      : call_(call), broker_(broker), id_(std::move(id)), settings_(s),
        input_open_(s.forward_input) {}

  int run() {
    ::signal(SIGPIPE, SIG_IGN);
    if (settings_.forward_signals) {
      auto set = attach_signals();
      signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    tag_ = broker_.request("job.attach", {{"id", id_},
                                          {"stdin", settings_.forward_input},
                                          {"own", settings_.owns_job},
                                          {"backlog", settings_.tail.has_value()}});
    exec_is_due_ = settings_.show_events;
    if (settings_.show_events)
      follow("eventlog", "job.");
    else if (settings_.show_exec)
      follow("guest.exec.eventlog", "exec.");
    if (auto& event = settings_.wait_event; !event.empty() && !is_of_the_end(event))
      event_tag_ = broker_.request("job.wait-event", {{"id", id_}, {"name", event}});
    if (settings_.terminal) {
      screen_.enter();
      tell_size();
    }
    while (!done_) {
      if (auto e = broker_.flush_now())
        return fail(call_, e);
      if (auto e = read_frames())
        return fail(call_, e);
      if (!done_)
        wait();
    }
    if (signals_ >= 0)
      ::close(signals_);
    return exit_code_;
  }

private:
  /// After a while that nothing came: who waits is told for what.
  void on_quiet() {
    if (!waits_ || steady_ns() - begun_ns_ < status_after_ns)
      return;
    if (explain_tag_ == 0)
      explain_tag_ = broker_.request("job.explain", {{"id", id_}});
    if (!has_terminal_)
      return;
    auto seconds = (steady_ns() - begun_ns_) / 1'000'000'000;
    write_all(2, fmt::format("\r\x1b[Kjob {} {} ({}:{:02})", id_, reason_, seconds / 60,
                             seconds % 60));
    status_shown_ = true;
  }

  void on_reason(const std::string& code, const std::string& sentence) {
    auto reason = "waits: " + sentence;
    // In vain as long as nothing else changes: who looks at no screen must hear of that, too.
    auto in_vain = code == "too-long";
    if (!has_terminal_ && waits_ && reason != reason_ && (settings_.show_status || in_vain))
      complain(call_, "job " + id_ + " " + reason);
    waits_ = waits_ && (has_terminal_ || settings_.show_status);
    reason_ = std::move(reason);
  }

  void clear_status() {
    if (std::exchange(status_shown_, false))
      write_all(2, "\r\x1b[K");
  }

  /// What --tail holds back until it is known to be the last. What comes next goes on with the
  /// lines that have begun.
  void show_tail() {
    if (!settings_.tail || std::exchange(tail_over_, true))
      return;
    for (auto& [stream, line] : std::exchange(tail_lines_, {}))
      (void)write_all(stream == 2 ? 2 : 1, line);
    if (settings_.label)
      labels_.take_over(std::move(tail_labels_));
    else if (*settings_.tail > 0)
      for (auto& [source, begun] : tail_labels_.take_open())
        (void)write_all(source.second == 2 ? 2 : 1, begun);
  }

  void keep_tail(const workflow::output_part& part) {
    for (auto rest = tail_labels_.add(part.task, part.stream, part.bytes); !rest.empty();) {
      auto end = std::min(rest.find('\n') + 1, rest.size());
      auto line = rest.substr(0, end);
      rest.erase(0, end);
      if (!settings_.label)
        line.erase(0, line.find(": ") + 2);
      tail_lines_.emplace_back(part.stream, std::move(line));
      if (tail_lines_.size() > *settings_.tail)
        tail_lines_.pop_front();
    }
  }

  void wait() {
    bool input = input_open_ && broker_.unsent() < unsent_bytes_max
                 && input_sent_ - input_taken_ < untaken_bytes_max && may_read_input();
    pollfd fds[] = {
      {broker_.fd(), static_cast<short>(broker_.unsent() > 0 ? POLLIN | POLLOUT : POLLIN), 0},
      {signals_, POLLIN, 0},
      {input ? 0 : -1, POLLIN, 0},
      // Our own job goes on until it writes, as in a pipeline of the shell.
      {readable_ && !settings_.owns_job ? output_ : -1, 0, 0}};
    auto ready = ::poll(fds, 4, more_ ? 0 : waits_ ? 1000 : -1);
    if (ready == 0 && !more_)
      return on_quiet();
    if (ready < 0)
      return;
    if ((fds[3].revents & (POLLERR | POLLHUP)) != 0)
      return finish(128 + SIGPIPE);
    if (fds[1].revents != 0)
      read_signals();
    if (fds[2].revents != 0)
      read_input();
  }

  // Reads a bounded number, so that signals are seen however much the job writes.
  caf::error read_frames() {
    more_ = true;
    for (int i = 0; i < frames_per_round_max && !done_; ++i) {
      auto f = broker_.receive_now();
      if (!f)
        return std::move(f.error());
      if (!*f) {
        more_ = false;
        return {};
      }
      on_frame(**f);
    }
    return {};
  }

  void on_frame(const frame& f) {
    if (f.tag == ending_tag_ && f.kind == frame_kind::error) {
      // It has no tasks yet that the signal could end: the job itself is what was meant.
      ending_tag_ = 0;
      broker_.request("job.cancel",
                      {{"ids", json::array({id_})}, {"message", "ended by a signal"}});
      return;
    }
    if (f.tag == explain_tag_) {
      explain_tag_ = 0;
      if (auto why = result_of(f); why && !text_at(*why, "sentence").empty())
        on_reason(text_at(*why, "code"), text_at(*why, "sentence"));
      return;
    }
    if (f.tag == event_tag_)
      return on_wanted_event(f);
    if (auto log = logs_.find(f.tag); log != logs_.end())
      return on_log(log, f);
    if (f.tag != tag_) { // an answer to a kill or a cancel
      if (f.kind == frame_kind::error && f.tag != pipe_tag_)
        complain(call_, render(result_of(f).error()));
      return;
    }
    if (f.kind == frame_kind::output)
      on_output(f.payload);
    else if (f.kind == frame_kind::item)
      on_item(f.payload);
    else
      on_end(f);
  }

  void on_output(std::string_view payload) {
    auto part = read_output(payload);
    if (!part || !readable_)
      return;
    waits_ = false;
    clear_status();
    if (settings_.tail && !tail_over_)
      return keep_tail(*part);
    int fd = part->stream == 2 ? 2 : 1;
    readable_ = settings_.label
                  ? write_all(fd, labels_.add(part->task, part->stream, part->bytes))
                  : write_all(fd, part->bytes);
    if (readable_)
      return;
    if (errno != EPIPE) // a full disk: the job is not to blame
      return note_output_failure(errno);
    // As in a pipeline of the shell: who writes where nobody reads is told so by a signal.
    if (settings_.owns_job)
      pipe_tag_ = broker_.request("job.kill",
                                  {{"ids", json::array({id_})}, {"signal", SIGPIPE}});
    else
      finish(128 + SIGPIPE);
  }

  void on_item(std::string_view payload) {
    auto item = parse_object(payload);
    if (!item)
      return;
    input_taken_ = static_cast<uint64_t>(
      number_at(*item, "taken", static_cast<double>(input_taken_)));
    if (text_at(*item, "backlog") == "over")
      show_tail();
    if (auto warning = text_at(*item, "warning"); !warning.empty()) {
      misses_output_ = true;
      clear_status();
      complain(call_, "job " + id_ + ": " + warning);
    }
    auto& event = object_at(*item, "event");
    if (!event.is_object())
      return;
    auto name = text_at(event, "name");
    waits_ = false; // the first that is told is its start, or an exception
    clear_status();
    auto& context = object_at(event, "context");
    if (name == "exception" && context.is_object()) {
      auto type = text_at(context, "type");
      auto note = text_at(context, "note");
      auto is_fatal = number_at(context, "severity") == 0;
      auto of_task = !is_fatal && type == "exec"; // which has failed, and how
      explained_ |= is_fatal || of_task;
      if (of_task)
        complain(call_, id_ + ": " + note);
      else
        complain(call_, "job " + id_ + ": exception " + type + (note.empty() ? "" : ": " + note));
      if (settings_.debug && number_at(context, "severity") == 0)
        show_abort(type + (note.empty() ? "" : ": " + note));
    } else if (settings_.verbose > 0) {
      complain(call_, "job " + id_ + ": " + name
                        + (context.is_object() && !context.empty() ? " " + dump(context) : ""));
    }
    if (settings_.debug && name == "start")
      show_to_debugger();
  }

  /// The tasks of a job of our own have stopped before their first instruction. A debugger that has
  /// made itself known lets them go on, one by one; else we do.
  void show_to_debugger() {
    auto own = client::connect(); // the answers of broker_ are the job's
    auto tasks = own ? find_processes(*own, id_) : std::move(own.error());
    if (tasks)
      show_processes(std::move(*tasks));
    else
      complain(call_, "no processes to debug: " + render(tasks.error()));
    if (settings_.owns_job && !is_debugged())
      broker_.request("job.kill", {{"ids", json::array({id_})}, {"signal", SIGCONT}});
  }

  void on_end(const frame& f) {
    screen_.leave();
    clear_status();
    show_tail();
    if (readable_ && !write_open_lines(labels_) && errno != EPIPE)
      note_output_failure(errno);
    auto result = result_of(f);
    if (!result)
      return finish(fail(call_, result.error()));
    waits_ = false;
    auto status = static_cast<int>(number_at(*result, "status", 1));
    auto note = text_at(*result, "note");
    if (status != 0 && !note.empty() && !explained_ && readable_)
      complain(call_, "job " + id_ + ": " + note);
    finish_in_time(status == 0 && misses_output_ ? exit_failed : status);
  }

  void finish(int code) {
    exit_code_ = code;
    done_ = true;
  }

  /// The job is over; what was asked for beside it has its last answers still to come.
  void finish_in_time(int code) {
    exit_code_ = std::max(exit_code_, code);
    ended_ = true;
    done_ = logs_.empty() && event_tag_ == 0;
  }

  void on_wanted_event(const frame& f) {
    event_tag_ = 0;
    if (f.kind != frame_kind::error)
      return finish(exit_ok);
    complain(call_, "job " + id_ + ": " + render(result_of(f).error()));
    exit_code_ = std::max<int>(exit_code_, exit_failed);
    done_ = ended_ && logs_.empty();
  }

  void follow(const char* key, std::string prefix) {
    logs_[broker_.request("job.watch", {{"id", id_}, {"key", key}})] = std::move(prefix);
  }

  void on_log(std::map<uint64_t, std::string>::iterator log, const frame& f) {
    if (f.kind != frame_kind::lines) { // it is over, or there is none
      logs_.erase(log);
      done_ = ended_ && logs_.empty() && event_tag_ == 0;
      return;
    }
    clear_status();
    auto prefix = log->second;
    for (std::string_view rest = f.payload; !rest.empty();) {
      auto end = std::min(rest.find('\n'), rest.size());
      if (auto event = parse_object(rest.substr(0, end)))
        show_event(prefix, *event);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    // Times count from the first event of the job, which has come by now.
    if (settings_.show_exec && std::exchange(exec_is_due_, false))
      follow("guest.exec.eventlog", "exec.");
  }

  void show_event(const std::string& prefix, const json& event) {
    auto time = number_at(event, "timestamp");
    if (first_event_s_ == 0)
      first_event_s_ = time;
    auto& context = object_at(event, "context");
    write_all(2, fmt::format("{:.3f}s: {}{}{}\n", time - first_event_s_, prefix,
                             text_at(event, "name"),
                             context.is_object() && !context.empty() ? " " + dump(context) : ""));
  }

  void read_input() {
    char buffer[32 << 10];
    auto n = ::read(0, buffer, sizeof(buffer));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
      return;
    std::string_view bytes{buffer, static_cast<size_t>(std::max<ssize_t>(n, 0))};
    detach_keys::typed typed;
    if (settings_.terminal && n > 0) {
      typed = keys_.read(bytes);
      bytes = typed.keys;
    }
    if (n <= 0)
      input_open_ = false;
    else // what is taken is told of in bytes of all tasks
      input_sent_ += bytes.size() * std::max<size_t>(settings_.input_tasks.size(), 1);
    if (typed.detach)
      return detach();
    if (bytes.empty() && n > 0)
      return; // to the job that would be the end of its input
    if (settings_.input_tasks.empty())
      broker_.input(tag_, bytes);
    for (auto task : settings_.input_tasks)
      broker_.input(tag_, bytes, task);
  }

  void read_signals() {
    signalfd_siginfo info;
    while (::read(signals_, &info, sizeof(info)) == sizeof(info))
      on_signal(static_cast<int>(info.ssi_signo));
  }

  void detach() {
    screen_.leave();
    complain(call_, "detached from job " + id_ + ", which goes on; 'hactor job attach " + id_
                      + "' comes back to it");
    finish(exit_ok);
  }

  void tell_size() {
    if (auto size = terminal_size(); settings_.terminal && size.rows > 0)
      broker_.window(tag_, size.rows, size.columns);
  }

  void on_signal(int number) {
    if (number == SIGWINCH)
      return tell_size();
    if (number == SIGCONT && settings_.terminal) { // in the foreground again
      screen_.enter();
      return tell_size();
    }
    switch (core_.on_signal(number, steady_ns())) {
      case attach_action::none:
        break;
      case attach_action::warn:
        clear_status();
        complain(call_, "type Ctrl-C again within 2 s to cancel job " + id_ + ", Ctrl-Z to detach");
        break;
      case attach_action::cancel:
        complain(call_, "cancelling job " + id_);
        broker_.request("job.cancel",
                        {{"ids", json::array({id_})}, {"message", "interrupted by Ctrl-C"}});
        break;
      case attach_action::detach:
        detach();
        break;
      case attach_action::suspend:
        ::raise(SIGSTOP);
        break;
      case attach_action::forward: {
        auto tag = broker_.request("job.kill", {{"ids", json::array({id_})}, {"signal", number}});
        if (number == SIGTERM || number == SIGHUP)
          ending_tag_ = tag;
        break;
      }
    }
  }

  const invocation& call_;
  client& broker_;
  std::string id_;
  attach_settings settings_;
  attach_core core_;
  line_labels labels_;
  uint64_t tag_ = 0;
  uint64_t pipe_tag_ = 0;
  uint64_t ending_tag_ = 0; // of a TERM or HUP that was passed on
  int signals_ = -1;
  bool input_open_;
  uint64_t input_sent_ = 0; // in bytes, counted for each task of --stdin-ranks
  uint64_t input_taken_ = 0;
  raw_terminal screen_;
  detach_keys keys_;
  bool readable_ = true;   // somebody still reads our output
  bool explained_ = false; // a fatal exception was printed
  bool misses_output_ = false; // ours is not all that the job wrote
  bool more_ = false; // frames may be waiting in memory
  bool done_ = false;
  // The status line of a job that waits, on a terminal.
  const bool has_terminal_ = ::isatty(2) == 1;
  bool waits_ = true; // and we are to say, or find out, for what
  bool status_shown_ = false;
  std::string reason_ = "waits to be started";
  uint64_t explain_tag_ = 0;
  const int64_t begun_ns_ = steady_ns();
  // --tail: by stream, the last lines of what the job wrote before.
  std::deque<std::pair<uint8_t, std::string>> tail_lines_;
  line_labels tail_labels_{{}, false, SIZE_MAX}; // whole lines are counted
  bool tail_over_ = false;
  // What is asked for beside the attachment.
  uint64_t event_tag_ = 0;               // of the event that is waited for
  std::map<uint64_t, std::string> logs_; // of eventlogs that are shown: what stands before names
  bool exec_is_due_ = false;             // with the first events of the job
  double first_event_s_ = 0;
  bool ended_ = false; // the job has, and its output was written
  const int output_ = output_with_reader();
  int exit_code_ = exit_ok;
};

} // namespace

void hold_attach_signals() {
  auto set = attach_signals();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

int attach(const invocation& call, client& broker, const std::string& id,
           const attach_settings& settings) {
  return attachment{call, broker, id, settings}.run();
}

std::string warning_of(const frame& f) {
  if (f.kind != frame_kind::item)
    return {};
  auto item = parse_object(f.payload);
  return item ? text_at(*item, "warning") : std::string{};
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EAGAIN) { // a terminal or pipe that somebody made non-blocking
      pollfd p{fd, POLLOUT, 0};
      ::poll(&p, 1, -1);
    } else if (n < 0 && errno != EINTR) {
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(std::max<ssize_t>(n, 0)));
  }
  return true;
}

bool write_open_lines(line_labels& labels) {
  auto good = true;
  for (auto& [source, line] : labels.end_all())
    good = write_all(source.second == 2 ? 2 : 1, line) && good;
  return good;
}

} // namespace hactor::tools
