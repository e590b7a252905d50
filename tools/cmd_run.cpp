// hactor run: makes one job and stays with it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <unistd.h>

#include "tools/attach.hpp"
#include "tools/commands.hpp"
#include "tools/mpir.hpp"
#include "tools/raw_terminal.hpp"
#include "tools/submit_options.hpp"
#include "tools/submitted.hpp"

namespace hactor::tools {

namespace {

bool to_debug(const parsed_options& options) {
  return std::string_view{options.of->name} == "run" && (is_debugged() || options.has("debug"));
}

caf::expected<int> run_with(const invocation& call, client& broker, const json& params,
                            bool terminal) {
  auto& options = call.options;
  // From here on signals wait for the attachment: a job must not be left behind by a Ctrl-C that
  // comes while it is being made.
  bool waits = options.has("wait-event");
  if (!waits)
    hold_attach_signals();
  auto ids = submit_job(broker, params);
  if (!ids)
    return std::move(ids.error());
  auto& id = ids->front();
  if (options.has("verbose"))
    complain(call, "job " + id + " submitted");
  if (waits) {
    auto e = wait_for_event(call, broker, *ids, options.value("wait-event"));
    return e ? caf::expected<int>{e} : exit_ok;
  }
  attach_settings settings;
  settings.forward_input = !options.has("input") || tasks_of_input(options);
  settings.terminal = terminal;
  settings.label = options.has("label-io");
  settings.owns_job = true;
  settings.debug = to_debug(options);
  settings.verbose = options.count("verbose");
  return attach(call, broker, id, settings);
}

} // namespace

int run_attached(const invocation& call, const json& params, bool terminal) {
  return with_broker(call,
                     [&](client& broker) { return run_with(call, broker, params, terminal); });
}

namespace {

int run_run(const invocation& call) {
  auto params = build_submit(call.options, read_environment(environ), working_directory());
  if (!params)
    return fail_usage(call, params.error());
  if (auto size = terminal_size(); call.options.has("pty") && size.rows > 0 && size.columns > 0)
    (*params)["jobspec"]["attributes"]["system"]["shell"]["options"]["pty"]
      = {{"rows", size.rows}, {"columns", size.columns}};
  if (to_debug(call.options))
    (*params)["jobspec"]["attributes"]["system"]["shell"]["options"]["stop-tasks-in-exec"] = 1;
  if (auto e = apply_plugins(call.options, *params))
    return fail_usage(call, e);
  if (call.options.has("dry-run")) {
    print_line(dump((*params)["jobspec"]));
    return exit_ok;
  }
  return run_attached(call, *params, call.options.has("pty"));
}

} // namespace

const command run_command{
  "run",
  group_submit,
  "runs a job and waits for its end, as if it ran here",
  "[OPTIONS] [--] COMMAND [ARGS...]",
  "Submits a job as 'hactor submit' does and stays attached to it: its output comes here as it is "
  "written, standard input goes to its tasks, and the exit code is the job's.\n\n"
  "With --pty the job's first task has a terminal of its own, with line editing, colours and this "
  "terminal's size: every key is the task's, Ctrl-C and Ctrl-Z too, but for Ctrl-] and d, which "
  "leaves the job to itself.\n\n"
  "One Ctrl-C says how to go on; a second within 2 s cancels the job, and Ctrl-Z within 2 s leaves "
  "it to itself. TERM, HUP, ALRM, USR1 and USR2 are passed on to the tasks.\n\n"
  "Under a parallel debugger ('totalview -args hactor run ..'), or with --debug, the tasks stop "
  "before their first instruction, MPIR_proctable tells where they are, and MPIR_Breakpoint is "
  "called. The debugger lets them go on, or without one this command does.",
  run_table,
  " n    the largest exit code of the tasks, 128+N if signal N ended one\n"
  " 1    refused, no instance answers, or the job ended before it started\n"
  " 2    the command line is wrong\n"
  " 126  the command cannot be executed\n"
  " 127  the command was not found",
  " hactor run -N 2 -n 8 -l ./hello\n hactor run --pty bash\n"
  " hactor run --input=/dev/null -t 5m make test",
  true,
  1,
  any_number,
  run_run};

} // namespace hactor::tools
