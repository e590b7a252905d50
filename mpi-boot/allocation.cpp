// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/allocation.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <sstream>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/shell_plugins.hpp"
#include "runtime/launcher.hpp"
#include "runtime/log.hpp"

extern char** environ;

namespace hactor {

namespace {

constexpr int patience_ms = 3000;

/// When the supervisor's session began, which is that of the job's script; now where that is not
/// known.
int64_t session_began_s(int64_t now_s) {
  std::string stat, up;
  std::getline(std::ifstream{fmt::format("/proc/{}/stat", ::getsid(0))}, stat);
  std::getline(std::ifstream{"/proc/uptime"}, up);
  std::istringstream fields{stat.substr(std::min(stat.rfind(')') + 1, stat.size()))};
  std::string field;
  constexpr int start_field = 20; // behind the name: the 22nd of all
  for (int i = 0; i < start_field && fields >> field; ++i) {
  }
  auto age_s = std::strtod(up.c_str(), nullptr)
               - std::strtod(field.c_str(), nullptr) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return fields && age_s > 0 ? now_s - static_cast<int64_t>(age_s) : now_s;
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

} // namespace

struct allocation_watch::outcome {
  std::string text;
  std::string why; // it has failed; "": it has not
};

/// What the command says, on the transport thread, and how it ends.
class allocation_watch::answer final : public task_sink {
public:
  explicit answer(std::shared_ptr<const owned_fd> wake) : wake_{std::move(wake)} {}
  void started(pid_t) override {}
  void failed(spawn_step step, int errno_value) override {
    end(fmt::format("{}: {}", to_string(step), std::strerror(errno_value)));
  }
  void output(int stream, std::string bytes) override {
    std::lock_guard guard{mutex_};
    (stream == 1 ? text_ : why_) += bytes;
  }
  void exited(int status, const task_usage&) override {
    end(status == 0 ? "" : how_process_ended(status));
  }

  void end(std::string failure) {
    std::lock_guard guard{mutex_};
    failure_ = std::move(failure);
    over_ = true;
    uint64_t one = 1;
    (void)!::write(wake_->get(), &one, sizeof one);
  }
  std::optional<outcome> take() {
    std::lock_guard guard{mutex_};
    if (!over_)
      return std::nullopt;
    return outcome{text_, failure_.empty() ? "" : failure_ + (why_.empty() ? "" : ": ") + why_};
  }

private:
  std::shared_ptr<const owned_fd> wake_;
  std::mutex mutex_; // guards what follows
  std::string text_, why_, failure_;
  bool over_ = false;
};

int64_t allocation_watch::begin(int64_t now_s) {
  auto env = [](const char* name) { return std::getenv(name); };
  question_ = find_allocation_question(env);
  if (!question_ || question_->kind != batch_kind::slurm)
    return 0;
  auto end_s = allocation_end_s(env, now_s);
  if (end_s != 0)
    watch(end_s, now_s); // else it has passed, or is none: the end may have moved
  return end_s;
}

void allocation_watch::watch(int64_t end_s, int64_t now_s) {
  end_ = allocation_end{end_s, question_->grain_s(), now_s};
  log_info("{}: the instance ends in {} s, with what is around it", question_->variable,
           end_s - now_s);
  if (!wake_)
    wake_ = std::make_shared<const owned_fd>(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

std::optional<double> allocation_watch::settle(task_host& tasks, int64_t now_s) {
  if (!question_ || end_.end_s() != 0)
    return std::nullopt;
  wake_ = std::make_shared<const owned_fd>(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  ask(tasks);
  pollfd come{wake_->get(), POLLIN, 0};
  (void)::poll(&come, 1, patience_ms);
  auto said = take_outcome(tasks, true);
  auto end_s = understand(*said, now_s).value_or(0);
  if (end_s == 0 && question_->kind == batch_kind::pbs)
    end_s = allocation_end_of_walltime([](const char* name) { return std::getenv(name); },
                                       session_began_s(now_s), now_s);
  if (end_s == 0) {
    question_.reset();
    wake_.reset();
    return std::nullopt;
  }
  watch(end_s, now_s);
  end_.await(now_s);
  return static_cast<double>(end_s);
}

int allocation_watch::wait_ms(int64_t now_ns) const {
  if (end_.next_look_s() == 0)
    return -1;
  auto ms = end_.next_look_s() * 1000 - now_ns / 1'000'000;
  return static_cast<int>(std::clamp<int64_t>(ms, 0, allocation_end::look_s * 1000));
}

void allocation_watch::ask(task_host& tasks) {
  asked_ = std::make_shared<answer>(wake_);
  spawn_request r;
  r.argv = question_->command;
  auto name = question_->setting.substr(0, question_->setting.find('=') + 1);
  for (auto** e = environ; *e != nullptr; ++e)
    if (name.empty() || !std::string_view{*e}.starts_with(name))
      r.environment.append(*e).push_back('\0');
  if (!name.empty())
    r.set_env({name.data(), name.size() - 1}, question_->setting.substr(name.size()));
  task_pipes pipes;
  pipes.output = pipes.error = true;
  pipes.gated = false;
  auto token = tasks.start(std::move(r), pipes, asked_);
  token_ = token ? *token : 0;
  if (!token)
    asked_->end(render(token.error()));
}

/// What was answered; none: nothing yet, or nothing is asked. `give_up`: it is not waited for any
/// longer.
std::optional<allocation_watch::outcome> allocation_watch::take_outcome(task_host& tasks,
                                                                        bool give_up) {
  uint64_t count;
  (void)!::read(wake_->get(), &count, sizeof count);
  if (!asked_)
    return std::nullopt;
  auto came = asked_->take();
  if (!came && !give_up)
    return std::nullopt;
  if (!came)
    tasks.signal(token_, SIGKILL);
  asked_ = nullptr;
  return came ? std::move(*came) : outcome{"", "it does not answer"};
}

/// Says, once, when there is nothing to understand.
std::optional<int64_t> allocation_watch::understand(const outcome& o, int64_t now_s) {
  auto answer =
      o.why.empty() ? read_allocation_end(question_->kind, o.text, now_s) : std::nullopt;
  if (!answer && !std::exchange(complained_, true))
    log_warning("{}: `{}` does not tell when the allocation ends: {}", question_->variable,
                fmt::join(question_->command, " "), o.why.empty() ? first_line(o.text) : o.why);
  return answer;
}

std::optional<double> allocation_watch::turn(task_host& tasks, int64_t now_ns) {
  if (!wake_)
    return std::nullopt;
  auto now_s = now_ns / 1'000'000'000;
  auto due = end_.next_look_s() != 0 && now_s >= end_.next_look_s();
  // What is due and was asked has had the time since the look before.
  if (auto came = take_outcome(tasks, due))
    return tell(now_s, understand(*came, now_s));
  if (due) {
    end_.await(now_s);
    ask(tasks);
  }
  return std::nullopt;
}

std::optional<double> allocation_watch::tell(int64_t now_s, std::optional<int64_t> answer) {
  auto before = end_.end_s();
  auto end = end_.on_answer(now_s, answer);
  if (!end)
    return std::nullopt;
  if (*end != 0)
    log_notice("{}: the end of the allocation was moved: the instance ends in {} s",
               question_->variable, *end - now_s);
  else if (answer)
    log_notice("{}: the allocation has no end any more, and so has the instance",
               question_->variable);
  else
    log_notice("{}: the allocation has not ended {} s after its end at {}: the instance goes on, "
               "without one",
               question_->variable, now_s - before, before);
  return static_cast<double>(*end);
}

} // namespace hactor
