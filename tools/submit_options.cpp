// The tables of options of submit, run, bulksubmit, batch and alloc; jobspec_build.cpp makes the
// job of them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/submit_options.hpp"

namespace hactor::tools {

#define HACTOR_SUBMIT_ROWS                                                                         \
  {'n', "ntasks", "N",                                                                             \
   "Number of tasks, or a range of it (2-4, 2-8:2:*). Default: 1, or one a node with -N.",         \
   "--tasks --nslots"},                                                                            \
      {'N', "nodes", "N",                                                                          \
       "Number of nodes to spread the tasks over; without -n one task a node, and "                \
       "the nodes are the job's alone. May be a range: 2-4, 4+. Default: any."},                   \
      {'c', "cores-per-task", "N", "Cores of each task. Default: 1.",                              \
       "--cpus-per-task --cores-per-slot"},                                                        \
      {'g', "gpus-per-task", "N", "GPUs of each task. Default: 0.", "--gpus-per-slot"},            \
      {'G', "gpus", "N", "GPUs of all tasks together, in place of -g; as many for each."},         \
      {0, "taskmap", "HOW",                                                                        \
       "In which order tasks are dealt to nodes: block, cyclic, cyclic:N, manual:MAP (of RFC "     \
       "34, [[0,2,1,2]], or the tasks of each node, 0,2;1,3), or hostfile:FILE, which has the "    \
       "host of each task on a line; or a SCHEME:VALUE of a plugin. Default: block."},             \
      {0, "tasks-per-node", "N",                                                                   \
       "Tasks on each node, with -N or -n; with fewer tasks by -n the most that one has. "         \
       "Default: as needed.",                                                                      \
       "--ntasks-per-node"},                                                                       \
      {0, "cores", "N",                                                                            \
       "Cores of the job, in place of -n and -c: one task each, or with -N one a node, on as "     \
       "many cores of each."},                                                                     \
      {0, "tasks-per-core", "N", "Tasks on each core; with --cores or -N."},                       \
      {0, "gpus-per-node", "N",                                                                    \
       "GPUs on each node, by -N, or of one. Beside -n as many for each task, or shared by those " \
       "of a node."},                                                                              \
      {0, "mem", "SIZE",                                                                           \
       "Memory on each node, by -N, or of one, e.g. 4G; a bare number is megabytes. Whole "        \
       "gigabytes are granted "                                                                    \
       "where the instance's resource graph has memory; a job whose tasks use more on a node is "  \
       "ended, and of all that runs in an instance that it holds what uses most."},                \
      {0, "mem-per-cpu", "SIZE",                                                                   \
       "Memory of each core, in place of --mem; sizes as there. What the job's tasks use on a "    \
       "node is bounded by that of the cores that it has there.",                                  \
       "--mem-per-core"},                                                                          \
      {'x', "exclusive", nullptr, "Whole nodes: those of -N, or one."},                            \
      {0, "cpu-affinity", "HOW",                                                                   \
       "To which CPUs tasks are bound: on (all of a node to the job's cores there), "              \
       "per-task (each to its part), off, or map:SET;SET;.. (CPUs of each task of a node, "        \
       "0-3,8 or 0xff). verbose, before it prints the map, dry-run, does no more; alone "          \
       "they mean on. Default: off; per-task for tasks of several cores, and with -c.",            \
       "--cpu-bind"},                                                                              \
      {0, "gpu-affinity", "HOW",                                                                   \
       "Which of the job's GPUs tasks see: on (all), per-task, off (the environment stays "        \
       "as it is), or map:SET;SET;... Default: on; per-task with -g.",                             \
       "--gpu-bind"},                                                                              \
      {0, "shape", "SHAPE",                                                                        \
       "In place of the options above: what the job needs, as a shape of RFC 46, e.g. "            \
       "slot=4/node or node=2/slot=2/[core=4;gpu]. One task runs in each slot."},                  \
      {'t', "time-limit", "TIME",                                                                  \
       "Time after which the job is ended: a bare number is minutes; 90s, "                        \
       "2m, 1.5h, 1d; MM:SS, H:M:S, D-H:M. Default: 0, no limit.",                                 \
       "--time"},                                                                                  \
      {0, "signal", "[B:][SIG][@TIME]",                                                            \
       "Warns the job's tasks by SIG at TIME before the time limit: USR1@2m. Of a job that holds " \
       "an instance those of all jobs in it, to any depth; with B: its script alone. Default of "  \
       "SIG: USR1, of TIME: 60s."},                                                                \
      {'q', "queue", "NAME", "Queue. Default: the instance's.", "-p --partition"},                 \
      {'B', "bank", "NAME", "Bank to charge. Default: none.", "-A --account"},                     \
      {'J', "job-name", "NAME", "Name of the job. Default: the command's.", "--name"},             \
      {'o', "output", "FILE",                                                                      \
       "File for standard output, by templates {{id}}, {{name}}, {{size}}, {{task.id}}, "          \
       "{{node.id}}, {{node.name}}, {{tmpdir}}, {{array.id}}, {cc}, or %j, %x, %t, %n, %N, %A, "   \
       "%a. One that names the task gives each its own. Copies (--cc) whose file names neither "   \
       "job nor index share it: it is emptied once, by the submit, and all of them append."},      \
      {'e', "error", "FILE", "File for standard error. Default: where standard output goes."},     \
      {0, "input", "FILE|TASKS",                                                                   \
       "File for standard input, by the same templates; or to which tasks the input of who is "    \
       "attached goes: all, 0, 0-3 (./0 is a file). Default: run forwards its own to all, "        \
       "submit has none."},                                                                        \
      {0, "cwd", "DIR", "Working directory. Default: the current one.", "-D --chdir"},             \
      {0, "env", "RULE",                                                                           \
       "Changes the environment, which is this one less what launchers set; may be "               \
       "repeated: VAR=VAL sets, VAR takes from this environment, a glob or /regex/ "               \
       "takes all that match, -PATTERN removes, +PATTERN takes what launchers set, too, ^FILE "    \
       "reads rules. '--env=-*' starts from nothing."},                                            \
      {0, "env-allow", "PATTERN",                                                                  \
       "Takes also those variables of this environment that launchers set for their own job, as "  \
       "SLURM_*, and are left out otherwise; the same as --env=+PATTERN. What is named by "        \
       "--env=VAR=VAL or --env=VAR needs no leave."},                                              \
      {0, "env-remove", "PATTERN", "Removes variables; the same as --env=-PATTERN."},              \
      {0, "env-file", "FILE", "Reads rules, one a line; the same as --env=^FILE."},                \
      {0, "rlimit", "RULE",                                                                        \
       "Sets limits of the tasks; may be repeated: NAME takes this process's soft limit (core, "   \
       "stack, nofile, nproc, memlock, ...; a glob takes all that match), NAME=VALUE sets it "     \
       "(unlimited, or a number as for setrlimit(2)), -NAME takes it back. Default: those of "     \
       "core, stack, cpu, fsize, data and as that differ here from Linux's own."},                 \
      {0, "urgency", "N", "0 (hold) to 31 (expedite), or hold, default, expedite. Default: 16."},  \
      {0, "nice", nullptr,                                                                         \
       "Less urgent than others: --nice=N is an urgency of 16-N, of 1 at least; a negative N "     \
       "raises it, to 30 at most. Without =N: 15."},                                               \
      {0, "nice-text", "N", "The same as --nice=N."},                                              \
      {0, "hold", nullptr,                                                                         \
       "Does not run before its urgency is raised; the same as --urgency=hold.", "-H"},            \
      {0, "dependency", "WHAT",                                                                    \
       "Waits for other jobs: afterok:ID (it ended well), afternotok:ID (it ran and "              \
       "failed), afterany:ID (it ended), afterstart:ID (it started), afterexcept:ID (an "          \
       "exception ended it), aftercorr:ID (each job of this array for the one of the same index "  \
       "of the array ID to end well), singleton (no other job of this name is active), or for "    \
       "begin-time:TIME. ID may be the NAME of jobs, too (name=NAME if it reads like an id): "     \
       "those that are active, or those submitted last; ID[3-7], NAME[3-7] are copies of --cc "    \
       "(ID.3 is one), "                                                                           \
       "[*] all. Of several all must hold when a comma joins them, one when '?' "                  \
       "does. A job whose dependencies can never hold fails. May be repeated.",                    \
       "-d"},                                                                                      \
      {0, "same-node-as", "JOB",                                                                   \
       "Runs on nodes that this job has, or had: waits until it has some. JOB as in "              \
       "--dependency. May be repeated."},                                                          \
      {0, "not-same-node-as", "JOB",                                                               \
       "Runs on other nodes than this job, in the same way. May be repeated."},                    \
      {0, "begin-time", "TIME",                                                                    \
       "Does not run before TIME: +10m, 'in 2 hours', 18:00, 'tomorrow at noon', 'friday 6pm', "   \
       "2026-12-24T18:00, or seconds since the epoch.",                                            \
       "--begin"},                                                                                 \
      {0, "requires", "QUERY", "Nodes with properties: 'gpu&-slow', 'host:n[1-3] or rank:0-7'.",   \
       "-C --constraint"},                                                                         \
      {'w', "hosts", "HOSTLIST", "Only these hosts, e.g. n[1-3].", "--nodelist"},                  \
      {0, "exclude", "HOSTLIST", "None of these hosts."},                                          \
      {0, "setattr", "KEY[=JSON]",                                                                 \
       "Sets an attribute; KEY starts with system. if it names neither "                           \
       "system. nor user.; without a value 1; ^KEY=FILE reads it from a "                          \
       "file. May be repeated.",                                                                   \
       "-S"},                                                                                      \
      {'O', "setopt", "KEY[=JSON]",                                                                \
       "Sets an option of the job's shell: exit-timeout, mpi-timeout, output.limit, "              \
       "pty.ranks, nosetpgrp, sysmon, coprocess, worlds, .. (doc/shell-options.md); code of "      \
       "one's own: plugins=FILE.so, userrc=FILE.lua, initrc=FILE.lua, mpi=NAME; values as in "     \
       "--setattr. May be repeated."},                                                             \
      {'l', "label-io", nullptr,                                                                   \
       "Puts the task's number before each line of output, INDEX.TASK for copies (--cc)."},        \
      {'u', "unbuffered", nullptr,                                                                 \
       "Passes output on as it comes, without waiting for whole lines."},                          \
      {0, "retries", "N",                                                                          \
       "Starts the job again when it has failed, N times at most, under the same id. An attempt "  \
       "that ended because a node was lost does not count. Default: 0."},                          \
      {0, "retry-delay", "TIME", "Time between an attempt and the next. Default: 0."},             \
      {0, "retry-on", "WHAT,..",                                                                   \
       "What --retries is for: node (a node was lost), exit (the exit code is not 0) or "          \
       "exit:CODE,.. (is one of these; 128+N: signal N). A job that was cancelled or came to its " \
       "time limit is not started again. Default: node,exit."},                                    \
      {0, "avoid-last-node", nullptr,                                                              \
       "Does not start it again on the nodes on which it has just failed, as long as others that " \
       "are up could take it."},                                                                   \
      {0, "add-file", "[NAME[:PERMS]=]FILE",                                                       \
       "Gives the job a copy of the file, which lies as $HACTOR_JOB_TMPDIR/NAME on each of its "   \
       "nodes before its tasks start. May be repeated. Default of NAME and PERMS (0755): the "     \
       "file's. With a NAME, text of several lines is what the file is to hold."},                 \
      {0, "compat", "slurm|flux",                                                                  \
       "Sets the variables that tasks of that system see too: SLURM_JOB_ID, SLURM_PROCID, .. or "  \
       "FLUX_JOB_ID, FLUX_TASK_RANK, .."},                                                         \
      {0, "flags", "FLAG,..",                                                                      \
       "Flags of the submission (RFC 21): waitable, which all but those of run have; "             \
       "novalidate: it is not checked first whether it can ever run, the scheduler denies it."},   \
      {0, "dry-run", nullptr, "Prints the jobspec, one for each job, and submits nothing."},       \
      {0, "plugin", "KEY[=VALUE]",                                                                 \
       "Tells the plugins of HACTOR_CLI_PLUGINPATH something (doc/cli-plugins.md). May be "        \
       "repeated."},                                                                               \
      {0, "log", "FILE", "Puts what this command prints into FILE, errors too."},                  \
      {0, "log-stderr", "FILE", "Puts its errors, and its jobs' with --watch, into FILE."},        \
      {'v', "verbose", nullptr, "Says what happens on standard error; -vv says more."}, {          \
    0, "quiet", nullptr, "Prints no job id, and no progress."                                      \
  }

// Of the commands that make many jobs at once.
#define HACTOR_MANY_ROWS                                                                           \
  {0, "cc", "IDSET",                                                                               \
   "One job for each number of the set, which replaces {cc} in the command, the environment and "  \
   "options, {cc+1} by the next, {cc-1} by the one before, and is HACTOR_ARRAY_INDEX and "         \
   "HACTOR_JOB_CC. Together they are an array: ID.INDEX names one of them, with the ID of the "    \
   "first, which is HACTOR_ARRAY_ID. 1-9%3: of these 3 at once, as --max-in-flight has it.",       \
   "--array"},                                                                                     \
      {0, "bcc", "IDSET", "As --cc, but without these variables."},                                \
      {0, "max-fails", "N",                                                                        \
       "Cancels those of the jobs that have not ended once N of them have failed. Default: "       \
       "none is cancelled."},                                                                      \
      {0, "wait", nullptr,                                                                         \
       "Waits until the jobs have ended; the exit code is the largest of theirs.", "-W"},          \
      {0, "wait-event", "NAME",                                                                    \
       "Waits until this event (RFC 21: alloc, start, finish, ..; or of the execution: "           \
       "exec.shell.start, exec.shell.task-exit, exec.done, ..) happened to all the jobs."},        \
      {0, "watch", nullptr, "Prints the output of the jobs, and waits as --wait does."},           \
      {0, "progress", nullptr,                                                                     \
       "With --wait or --watch: a bar of the jobs that have ended, jobs/s and the time that is "   \
       "left, on standard error, if that is a terminal."},                                         \
  {                                                                                                \
    0, "jps", nullptr, "With --wait or --watch: says at the end how many jobs ended each second."  \
  }

#define HACTOR_FLIGHT_ROW                                                                          \
  {                                                                                                \
    0, "max-in-flight", "K[:GROUP]",                                                               \
        "At most K of the jobs are queued or running at once; the others wait in DEPEND, in "      \
        "their order, whether this command stays or not. With a GROUP: of all jobs that were "     \
        "submitted with that word. Default: all at once."                                          \
  }

static constexpr option_spec submit_rows[] = {
    HACTOR_SUBMIT_ROWS,
    HACTOR_MANY_ROWS,
    HACTOR_FLIGHT_ROW,
    {0, "dag", "FILE",
     "Submits the jobs of a file ('-': standard input), whose dependencies may name each other, "
     "all "
     "or none; see above."},
};

static constexpr option_spec bulksubmit_rows[] = {
    HACTOR_SUBMIT_ROWS,
    HACTOR_MANY_ROWS,
    {0, "define", "NAME=CODE", "Says what {.NAME} stands for; see above. May be repeated."},
    {0, "max-in-flight", "K",
     "Submits a job only when fewer than K of them have not ended, and returns when the last is "
     "submitted, with --wait when it has ended. Default: submits all at once."},
    {0, "shuffle", nullptr, "Submits the jobs in random order."},
    {0, "sep", "TEXT",
     "What separates the inputs of files and of standard input; 'none': blanks and line ends. "
     "Default: line ends."},
};

// Of the commands whose job is an instance.
#define HACTOR_INSTANCE_ROWS                                                                       \
  {0, "conf", "NAME=VALUE|FILE|NAME",                                                              \
   "Sets an attribute of the instance, as 'hactor start -S' does; or reads some from a TOML file " \
   "with Fluxion's tables, or from hactor/config/NAME.toml in ~/.config or /etc/xdg. May be "      \
   "repeated."},                                                                                   \
      {0, "broker-opts", "OPTIONS",                                                                \
       "Options for the 'hactor start' in the job, e.g. --broker-opts='-v -S sched.policy=easy'. " \
       "May be repeated."},                                                                        \
      {0, "dump", nullptr,                                                                         \
       "When the script has ended, leaves the records of the instance's jobs, as 'hactor job "     \
       "list -a' prints them, in hactor-ID.dump; with --dump=FILE in FILE."},                      \
  {                                                                                                \
    0, "dump-text", "FILE", "The same as --dump=FILE."                                             \
  }

static constexpr option_spec batch_rows[] = {
    HACTOR_SUBMIT_ROWS,
    HACTOR_MANY_ROWS,
    HACTOR_FLIGHT_ROW,
    HACTOR_INSTANCE_ROWS,
    {0, "wrap", nullptr,
     "SCRIPT and ARGS are a command line for sh, not the name of a file; without them standard "
     "input is one. --wrap='COMMAND' is understood too."},
    {0, "wrap-text", "COMMAND", "The same as --wrap COMMAND."},
};

static constexpr option_spec alloc_rows[] = {
    HACTOR_SUBMIT_ROWS,
    HACTOR_INSTANCE_ROWS,
    {0, "bg", nullptr,
     "Prints the job's id when the instance runs, and leaves it to itself: it ends by 'hactor "
     "cancel' or at its time limit."},
    {0, "wait-event", "NAME",
     "Waits for this event instead of the job's end, then leaves the job to itself."},
};

static constexpr option_spec run_rows[] = {
  HACTOR_SUBMIT_ROWS,
  {0, "pty", nullptr, "Gives the first task a terminal, which is this one's picture."},
  {0, "debug", nullptr, "As if a parallel debugger ran this command; see above."},
  {0, "wait-event", "NAME", "Waits for this event instead of the job's end, then leaves the job to "
                            "itself."},
};

const std::span<const option_spec> submit_table{submit_rows};
const std::span<const option_spec> run_table{run_rows};
const std::span<const option_spec> bulksubmit_table{bulksubmit_rows};
const std::span<const option_spec> batch_table{batch_rows};
const std::span<const option_spec> alloc_table{alloc_rows};

} // namespace hactor::tools
