// hactor exec: a command on brokers, outside of any job or within one.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "runtime/ids.hpp"
#include "tools/attach.hpp"
#include "tools/commands.hpp"
#include "tools/submit_options.hpp"
#include "tools/submitted.hpp"
#include "workflow/utf8_words.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec options[] = {
  {'r', "rank", "RANKS", "Idset of the brokers, or all. Default: all."},
  {'j', "jobid", "ID",
   "Runs it in this running job: on its nodes, which RANKS then counts from 0, with its CPUs and "
   "GPUs, HACTOR_JOB_ID and its folder, and no longer than the job's tasks there run."},
  {'l', "label-io", nullptr, "Puts the rank before each line of output."},
  {'q', "quiet", nullptr, "Does not tell of commands that failed."},
};

int code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

caf::expected<int> exec_with(const invocation& call, client& broker) {
  auto& o = call.options;
  auto environment = read_environment(environ);
  clean_environment(environment, call.program);
  auto cwd = working_directory();
  if (cwd.empty())
    return make_error(ec::bad_argument, gone_directory);
  if (auto e = workflow::check_all_utf8({cwd, o.operands}))
    return e;
  json params{{"ranks", o.value("rank", "all")},
              {"argv", o.operands},
              {"cwd", std::move(cwd)},
              {"env", json(std::move(environment))}};
  if (o.has("jobid")) {
    auto id = parse_job_id(o.value("jobid"));
    if (!id)
      return std::move(id.error());
    params["job"] = to_string(*id);
  }
  line_labels labels;
  auto reply = broker.ask("exec", params, 0, [&](const frame& f) {
    auto part = f.kind == frame_kind::output ? read_output(f.payload) : std::nullopt;
    if (!part)
      return;
    auto text = o.has("label-io") ? labels.add(part->task, part->stream, part->bytes)
                                  : std::string{part->bytes};
    if (write_all(part->stream == 2 ? 2 : 1, text))
      return;
    note_output_failure(errno);
    end_if_unheard(call.program.c_str()); // and with us the commands
  });
  if (!write_open_lines(labels))
    note_output_failure(errno);
  if (!reply)
    return std::move(reply.error());
  int code = exit_ok;
  auto& failed = object_at(*reply, "failed");
  auto& statuses = object_at(*reply, "status");
  for (auto& [rank, status] : statuses.items()) {
    auto one = code_of(status.is_number() ? status.get<int>() : 0);
    code = std::max(code, one);
    if (one == 0 || o.has("quiet"))
      continue;
    auto why = text_at(failed, rank.c_str());
    complain(call,
             "rank " + rank + ": " + (why.empty() ? "exit code " + std::to_string(one) : why));
  }
  return code;
}

int run_exec(const invocation& call) {
  std::signal(SIGINT, SIG_DFL); // the broker ends the commands when our connection goes
  return with_broker(call, [&](client& broker) { return exec_with(call, broker); });
}

} // namespace

const command exec_command{
    "exec",
    group_instance,
    "runs a command on brokers, outside of any job or within one",
    "[OPTIONS] [--] COMMAND [ARGS...]",
    "For looking after nodes and jobs: it uses no resources and leaves no record. The command has "
    "this directory and environment, and HACTOR_RANK. It ends with this program.",
    options,
    " n    the largest exit code of the commands, 128+N for signal N\n"
    " 1    a broker was lost, or no instance or job answers\n 2    the command line is wrong\n"
    " 126  COMMAND cannot be executed\n 127  COMMAND was not found",
    " hactor exec -r 0-3 -l hostname\n"
    " hactor exec -j fuZZybuNNy sh -c 'grep Cpus_allowed_list /proc/self/status'",
    true,
    1,
    any_number,
    run_exec};

} // namespace hactor::tools
