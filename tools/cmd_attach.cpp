// hactor job attach: comes (back) to a job.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/idset.hpp"
#include "tools/attach.hpp"
#include "tools/commands.hpp"
#include "tools/mpir.hpp"
#include "tools/session.hpp"
#include "tools/submit_options.hpp"
#include "tools/submitted.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec attach_options[] = {
    {'l', "label-io", nullptr, "Puts the task's number before each line of output."},
    {0, "read-only", nullptr, "Forwards neither input nor signals."},
    {0, "debug", nullptr,
     "For a parallel debugger that runs this command or attaches to it: shows it the job's "
     "processes "
     "(MPIR_proctable) once they run."},
    {'i', "stdin-ranks", "RANKS",
     "Forwards standard input to these tasks (0-3, all); the job must have been submitted with "
     "--input=RANKS. Default: to none."},
    {'t', "tail", "N", "Of what the job wrote before, prints the last N lines only."},
    {'w', "wait-event", "NAME",
     "Leaves the job, with exit code 0, once this event (RFC 21: alloc, start, memo, ..) has "
     "happened to it. Default: stays until its end, as it does for finish and what comes after."},
    {'v', "verbose", nullptr,
     "Says on standard error when the job gets its resources, starts and ends."},
    {'E', "show-events", nullptr,
     "Prints the events of the job on standard error as they happen, and those before: seconds "
     "since it was submitted, name and context."},
    {'X', "show-exec", nullptr,
     "Prints those of its execution (guest.exec.eventlog), in the same way."},
    {0, "show-status", nullptr,
     "Says what the job waits for, until it starts, also when standard error is no terminal: a "
     "line "
     "whenever the reason changes."},
    {'u', "unbuffered", nullptr,
     "Accepted for scripts of flux-job: input is passed on as it comes, always."},
};

int run_attach(const invocation& call) {
  auto ids = read_ids(call.options.operands);
  if (!ids)
    return fail_usage(call, ids.error());
  attach_settings settings;
  settings.forward_signals = !call.options.has("read-only");
  settings.label = call.options.has("label-io");
  settings.debug = call.options.has("debug") || is_debugged();
  settings.verbose = call.options.count("verbose");
  auto& o = call.options;
  settings.show_events = o.has("show-events");
  settings.show_exec = o.has("show-exec");
  settings.show_status = o.has("show-status");
  if (auto e = check_event(o))
    return fail_usage(call, e);
  if (o.has("wait-event"))
    settings.wait_event = event_name(o.value("wait-event"));
  auto tail = o.number("tail", 0, 0, UINT32_MAX);
  if (!tail)
    return fail_usage(call, tail.error());
  if (o.has("tail"))
    settings.tail = *tail;
  if (o.has("stdin-ranks") && o.has("read-only"))
    return fail_usage(
        call, make_error(ec::bad_argument, "--read-only and --stdin-ranks exclude each other"));
  if (auto text = o.value("stdin-ranks"); !text.empty()) {
    settings.forward_input = true;
    if (text != "all") {
      auto ranks = idset::parse(text);
      if (!ranks || ranks->empty())
        return fail_usage(call, make_error(ec::bad_argument, "--stdin-ranks: '" + text
                                                                 + "' is neither all nor tasks "
                                                                   "like 0-3"));
      settings.input_tasks = ranks->expand();
    }
  }
  if (settings.forward_signals)
    hold_attach_signals();
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    return attach(call, broker, ids->front(), settings);
  });
}

} // namespace

const command job_attach_command{
    "job attach",
    group_jobs,
    "shows a job's output from its beginning and waits for its end",
    "[OPTIONS] ID",
    "Prints all output so far, then what comes, and exits with the job's exit code. One Ctrl-C "
    "says "
    "how to go on; a second within 2 s cancels the job, Ctrl-Z within 2 s leaves it.",
    attach_options,
    " n  the job's exit code, 128+N for signal N\n 0  it ended well, or was left to itself\n"
    " 1  no such job, no instance answers, or the job ended before it started\n"
    " 2  the command line is wrong",
    " hactor job attach -l f3xK2",
    false,
    1,
    1,
    run_attach};

} // namespace hactor::tools
