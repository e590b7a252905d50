// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/script.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <sys/wait.h>
#include <unistd.h>

#include "actors/launch_plan.hpp"
#include "mpi-boot/launcher_settings.hpp"

extern char** environ;

namespace hactor {

namespace {

class script_sink final : public task_sink {
public:
  script_sink(std::string name, std::function<void(const script_end&)> on_end)
    : name_{std::move(name)}, on_end_{std::move(on_end)} {}
  void started(pid_t) override {}
  void failed(spawn_step step, int errno_value) override {
    auto missing = step == spawn_step::command && errno_value == ENOENT;
    on_end_({missing ? 127 : 126,
             name_ + ": " + (missing ? "command not found" : std::strerror(errno_value))});
  }
  void output(int, std::string) override {}
  void exited(int status, const task_usage&) override {
    on_end_({WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), {}});
  }

private:
  std::string name_;
  std::function<void(const script_end&)> on_end_;
};

/// Our own environment less what belongs to the launcher; `hactor` itself can be found in PATH.
void add_environment(spawn_request& r, const std::string& uri, const std::string& folder) {
  auto settings = launcher_settings::of_this_process();
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  for (auto** e = environ; *e != nullptr; ++e) {
    std::string_view text = *e;
    auto name = text.substr(0, text.find('='));
    auto of_array = name == "HACTOR_JOB_CC" || name.starts_with("HACTOR_ARRAY_");
    if (is_launcher_variable(name) && !of_array) // as in tools/child_start.cpp
      continue;
    if (settings.made(text))
      continue;
    if (name == "PATH") {
      path = text.substr(5);
      continue;
    }
    r.environment += text;
    r.environment += '\0';
  }
  if ((":" + path + ":").find(":" + folder + ":") == std::string::npos)
    path = folder + ":" + path;
  r.set_env("PATH", path);
  r.set_env("HACTOR_URI", uri);
  // A job of --compat=flux became this instance (tools/child_start.cpp).
  auto* enclosing = std::getenv("HACTOR_ENCLOSING_ID");
  auto* of_flux = std::getenv("FLUX_ENCLOSING_ID");
  if (enclosing != nullptr && of_flux != nullptr && std::string_view{enclosing} == of_flux)
    r.set_env("FLUX_URI", uri);
}

} // namespace

caf::expected<uint64_t> start_script(task_host& tasks, std::vector<std::string> command,
                                     const std::string& uri, const std::string& program_folder,
                                     std::function<void(const script_end&)> on_end) {
  if (command.empty()) {
    auto* shell = std::getenv("SHELL");
    command.emplace_back(shell != nullptr && *shell != '\0' ? shell : "/bin/sh");
  }
  spawn_request r;
  r.argv = command;
  add_environment(r, uri, program_folder);
  for (int fd : {0, 1, 2})
    r.inherit(fd, fd);
  // On a terminal it must be in the foreground group, which is the supervisor's; elsewhere a group
  // of its own keeps it apart from the signals that a launcher sends to ours.
  r.group = ::isatty(0) == 0 ? spawn_group::own : spawn_group::supervisor;
  return tasks.start(std::move(r), {},
                     std::make_shared<script_sink>(command[0], std::move(on_end)));
}

} // namespace hactor
