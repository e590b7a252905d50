// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/batch_system.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "actors/shell_plugins.hpp"
#include "runtime/batch_end.hpp"
#include "runtime/log.hpp"

extern char** environ;

namespace hactor {

namespace {

constexpr auto patience = std::chrono::seconds(3);

struct outcome {
  std::string text;
  std::string why; // it has failed; "": it has not
};

/// What the command writes, on the transport thread, and how it ends.
class answer_sink final : public task_sink {
public:
  std::future<outcome> result() { return promise_.get_future(); }
  void started(pid_t) override {}
  void failed(spawn_step, int errno_value) override {
    promise_.set_value({"", std::strerror(errno_value)});
  }
  void output(int stream, std::string bytes) override { (stream == 1 ? text_ : errors_) += bytes; }
  void exited(int status, const task_usage&) override {
    auto why = status == 0 ? "" : how_process_ended(status) + (errors_.empty() ? "" : ": ");
    promise_.set_value({text_, status == 0 ? "" : why + errors_});
  }

private:
  std::promise<outcome> promise_;
  std::string text_, errors_;
};

outcome ask(task_host& tasks, const batch_question& question) {
  spawn_request r;
  r.argv = question.command;
  for (auto** e = environ; *e != nullptr; ++e)
    r.environment.append(*e).push_back('\0');
  task_pipes pipes;
  pipes.output = pipes.error = true;
  pipes.gated = false;
  auto sink = std::make_shared<answer_sink>();
  auto result = sink->result();
  auto token = tasks.start(std::move(r), pipes, sink);
  if (!token)
    return {"", render(token.error())};
  if (result.wait_for(patience) == std::future_status::ready)
    return result.get();
  tasks.signal(*token, SIGKILL);
  return {"", fmt::format("no answer within {} s", patience.count())};
}

/// When our session began, which is that of the job's script; now where that is not known.
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

} // namespace

std::optional<double> ask_batch_system(task_host& tasks, int64_t now_s) {
  auto env = [](const char* name) { return std::getenv(name); };
  auto question = find_batch_question(env);
  if (!question)
    return std::nullopt;
  auto said = ask(tasks, *question);
  auto end_s = said.why.empty() ? read_batch_end(question->kind, said.text, now_s) : 0;
  if (end_s == 0 && question->kind == batch_kind::pbs)
    end_s = batch_end_of_walltime(env, session_began_s(now_s), now_s);
  if (end_s == 0) {
    log_warning("{}: `{}` does not tell when the allocation ends{}", question->variable,
                fmt::join(question->command, " "), said.why.empty() ? "" : ": " + said.why);
    return std::nullopt;
  }
  log_info("{}: the instance ends in {} s, with what is around it", question->variable,
           end_s - now_s);
  return static_cast<double>(end_s);
}

} // namespace hactor
