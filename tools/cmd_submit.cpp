// hactor submit: makes jobs and prints their ids.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <unistd.h>

#include "actors/job_spec.hpp"
#include "runtime/idset.hpp"
#include "tools/commands.hpp"
#include "tools/ending.hpp"
#include "tools/session.hpp"
#include "tools/submit_options.hpp"
#include "tools/submitted.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

caf::expected<int> submit_with(const invocation& call, client& broker, const json& params) {
  auto& options = call.options;
  auto ids = submit_job(broker, params);
  if (!ids)
    return std::move(ids.error());
  if (!options.has("quiet"))
    for (auto& id : *ids)
      print_line(id);
  flush_output(); // a script may read the ids long before the jobs end
  return after_submit(call, broker, *ids);
}

// The jobspec of each job that would be submitted, a line each.
void print_jobspecs(const json& params) {
  if (params.contains("jobs")) {
    for (auto& job : params["jobs"])
      print_jobspecs(job);
    return;
  }
  auto text = dump(params["jobspec"]);
  auto* set = params.contains("cc") ? &params["cc"] : params.contains("bcc") ? &params["bcc"]
                                                                             : nullptr;
  auto values = set == nullptr ? caf::expected<idset>{idset{}}
                               : idset::parse(set->get_ref<const std::string&>());
  if (set == nullptr || !values)
    return print_line(text);
  for (auto value : values->expand())
    print_line(fill_cc(text, value));
}

int run_dag(const invocation& call) {
  if (!call.options.operands.empty())
    return fail_usage(call, make_error(ec::bad_argument, "--dag: the commands stand in its file"));
  auto text = read_file(call.options.value("dag"));
  if (!text)
    return fail_usage(call, text.error());
  auto dag = build_dag(call.options, *text, read_environment(environ), working_directory());
  if (!dag)
    return fail_usage(call, dag.error());
  if (call.options.has("dry-run")) {
    for (auto& job : dag->params["jobs"])
      print_jobspecs(job);
    return exit_ok;
  }
  return with_broker(call, [&](client& broker) {
    auto code = submit_with(call, broker, dag->params);
    return code ? code : caf::expected<int>{of_line(*dag, code.error())};
  });
}

int run_submit(const invocation& call) {
  if (call.options.has("dag"))
    return run_dag(call);
  if (call.options.operands.empty())
    return fail_usage(call, make_error(ec::bad_argument, "a command is missing"));
  auto own = read_environment(environ);
  auto params = build_copies(call.options, [&](const parsed_options& o) {
    return build_submit(o, own, working_directory());
  });
  if (!params)
    return fail_usage(call, params.error());
  if (call.options.has("dry-run")) {
    print_jobspecs(*params);
    return exit_ok;
  }
  return with_broker(call, [&](client& broker) { return submit_with(call, broker, *params); });
}

} // namespace

const command submit_command{
    "submit",
    group_submit,
    "submits a job and prints its id",
    "[OPTIONS] [--] COMMAND [ARGS...]",
    "Makes a job of COMMAND, which gets the resources that the options ask for when they are free. "
    "Prints the job's id, alone on its line, once the job is recorded, and returns; the job's "
    "output "
    "goes to --output, or is kept for 'hactor job attach'. Options end at the command: what "
    "follows "
    "it is the command's own.\n\n"
    "The job gets the current directory and this process's environment, less the variables that "
    "launchers of parallel programs set.\n\n"
    "With --dag the jobs are those of a file, one a line: a JSON object with \"command\" (a list "
    "of "
    "words, or a text) and long options as further keys, as {\"job-name\": \"post\", "
    "\"dependency\": \"afterok:sim\", \"ntasks\": 4, \"command\": [\"./post\"]}; an object with "
    "\"jobspec\"; or a line of options and a command, as after 'hactor submit'. Their dependencies "
    "name each other by --job-name, in any order. All are submitted at once, or none: a circle, a "
    "name that no job has or a job that is refused refuses them all. Options before --dag are "
    "those of every job. With \"cc\" a line is a job for each number, which replaces {cc} in its "
    "options, too. The ids are printed in the order of the lines.",
    submit_table,
    " 0  submitted; with --wait or --watch: all jobs ended with 0\n"
    " 1  refused, or no instance answers; the reason is on standard error\n"
    " 2  the command line is wrong\n"
    " n  with --wait or --watch: the largest exit code of the jobs, 128+N for signal N",
    " id=$(hactor submit -n 4 -t 10 -o out.{{id}} ./simulate input.json)\n"
    " hactor submit --dependency=afterok:$id ./analyse\n"
    " hactor submit --cc=1-100%8 --job-name=sim ./simulate {cc}\n"
    " hactor submit --dependency=afterok:sim ./collect\n"
    " hactor submit --wait --dag study.jsonl",
    true,
    0,
    any_number,
    run_submit};

} // namespace hactor::tools
