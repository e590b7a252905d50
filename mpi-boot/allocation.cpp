// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/allocation.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include <sys/eventfd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "actors/shell_plugins.hpp"
#include "runtime/launcher.hpp"
#include "runtime/log.hpp"

extern char** environ;

namespace hactor {

struct allocation_watch::outcome {
  std::string text;
  std::string why; // it has failed; "": it has not
};

/// What squeue says, on the transport thread, and how it ends.
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
  end_ = allocation_end{allocation_end_s(env, now_s), now_s};
  if (end_.end_s() == 0)
    return 0;
  log_info("SLURM_JOB_END_TIME={}: the instance ends in {} s, with what is around it", end_.end_s(),
           end_.end_s() - now_s);
  if (auto* job = env("SLURM_JOB_ID"); job != nullptr)
    job_ = job;
  wake_ = std::make_shared<const owned_fd>(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  return end_.end_s();
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
  r.argv = {"squeue", "-h", "-j", job_, "-o", "%e"};
  for (auto** e = environ; *e != nullptr; ++e)
    if (!std::string_view{*e}.starts_with("SLURM_TIME_FORMAT="))
      r.environment.append(*e).push_back('\0');
  r.set_env("SLURM_TIME_FORMAT", "%s");
  task_pipes pipes;
  pipes.output = pipes.error = true;
  pipes.gated = false;
  auto token = tasks.start(std::move(r), pipes, asked_);
  token_ = token ? *token : 0;
  if (!token)
    asked_->end(render(token.error()));
}

std::optional<double> allocation_watch::turn(task_host& tasks, int64_t now_ns) {
  if (!wake_)
    return std::nullopt;
  uint64_t count;
  (void)!::read(wake_->get(), &count, sizeof count);
  auto now_s = now_ns / 1'000'000'000;
  auto due = end_.next_look_s() != 0 && now_s >= end_.next_look_s();
  std::optional<outcome> came = asked_ ? asked_->take() : std::nullopt;
  if (!came && asked_ && due) { // since the look before
    tasks.signal(token_, SIGKILL);
    came = outcome{"", "it does not answer"};
  }
  if (came) {
    asked_ = nullptr;
    return take(now_s, *came);
  }
  if (!due)
    return std::nullopt;
  if (job_.empty())
    return take(now_s, {"", "SLURM_JOB_ID is not set"});
  end_.await(now_s);
  ask(tasks);
  return std::nullopt;
}

std::optional<double> allocation_watch::take(int64_t now_s, const outcome& o) {
  auto answer = o.why.empty() ? parse_allocation_end(o.text) : std::nullopt;
  if (!answer && !std::exchange(complained_, true))
    log_warning("squeue does not tell when the allocation{} ends: {}",
                job_.empty() ? "" : " " + job_,
                o.why.empty() ? "\"" + o.text + "\"" : o.why);
  auto before = end_.end_s();
  auto end = end_.on_answer(now_s, answer);
  if (!end)
    return std::nullopt;
  if (*end != 0)
    log_notice("the end of the allocation {} was moved: the instance ends in {} s", job_,
               *end - now_s);
  else if (answer)
    log_notice("the allocation {} has no end any more, and so has the instance", job_);
  else
    log_notice("the allocation {} has not ended {} s after its end at {}: the instance goes on, "
               "without one",
               job_, now_s - before, before);
  return static_cast<double>(*end);
}

} // namespace hactor
