// Messages about what runs, in the order of the job path: exec, shell, tasks, output. A part of
// messages.hpp, which alone is included by others.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <caf/actor.hpp>

#include "actors/message_inspect.hpp"
#include "actors/messages_job.hpp"
#include "actors/pmix_protocol.hpp"
#include "graph/rset.hpp"
#include "runtime/ids.hpp"
#include "runtime/idset.hpp"

namespace hactor {

// -- job manager -> exec, exec -> exec (down the job's tree) --------------------------------------

struct launch_item {
  job_id id;
  uint32_t userid = 0;
  int64_t cc = -1;
  bool with_cc_env = true;
  rset resources;
  uint32_t attempt = 1; // of the job: it may be started again when it has failed
  std::vector<std::pair<uint32_t, uint64_t>> outputs{}; // of the attempts before; as in job_summary
};
HACTOR_INSPECT(launch_item, x.id, x.userid, x.cc, x.with_cc_env, x.resources, x.attempt, x.outputs)

/// Jobs of one jobspec.
struct launch_group {
  std::string jobspec;
  std::string environment;
  std::vector<launch_item> items;
};
HACTOR_INSPECT(launch_group, x.jobspec, x.environment, x.items)

/// To the exec of each job's first rank, which passes it on to its children in the job's tree.
/// `reply_to` is told with exec_report. Ranks are those of the brokers, whatever the instance.
struct launch_request {
  std::vector<launch_group> groups;
  caf::actor reply_to;
  std::string instance; // whose jobs they are: "A/B", the jobs that it is nested in; "": outermost
  /// Bytes that A, then B, may use on a node, with all within; 0: as much as they like. Empty: all.
  std::vector<int64_t> memory;
};
HACTOR_INSPECT(launch_request, x.groups, x.reply_to, x.instance, x.memory)

/// Whom a signal is for, where a job holds an instance; where it does not, always its tasks.
enum class signal_for : uint8_t {
  tasks,  ///< The tasks of the job.
  jobs,   ///< What runs in the instance, to any depth: its time is nearly over.
  script, ///< The same, but it is told to the process alone that is the job's first task.
};

/// Signals to running jobs, down the job's tree. `terminate`: the job is to end (SIGTERM first, or
/// `signal`, then SIGKILL after exec.kill_timeout).
struct signal_item {
  job_id id;
  int32_t signal = 15;
  bool terminate = false;
  signal_for whom = signal_for::tasks;
};
HACTOR_INSPECT(signal_item, x.id, x.signal, x.terminate, x.whom)

struct signal_request {
  std::vector<signal_item> items;
};
HACTOR_INSPECT(signal_request, x.items)

/// Something that a job waits for: who waits, for what, and until when at the longest. Times are
/// spans: the clocks of hosts differ.
struct job_wait {
  std::string owner;    // the actor that waits: "shell"
  std::string reason;   // what it waits for: "tasks to end"
  idset tasks{};        // of the job, which the reason speaks of
  int64_t age_ns = -1;  // for so long already; -1: not known
  int64_t left_ns = -1; // at most so much longer; -1: until that for which it waits has come
  std::string then{};   // what happens when that time is over; "" without one
  idset brokers{};      // where the owner is
};
HACTOR_INSPECT(job_wait, x.owner, x.reason, x.tasks, x.age_ns, x.left_ns, x.then, x.brokers)

/// What does the job wait for? To the job manager, and to the exec of a broker, which asks the
/// job's shell there and those below it in the job's tree. Errors: ec::unknown_job (job manager:
/// the job is not active).
struct job_waits_request {
  job_id id;
  int64_t patience_ns = 0; // with those below; who has not answered by then is named
};
HACTOR_INSPECT(job_waits_request, x.id, x.patience_ns)

struct job_waits_reply {
  std::vector<job_wait> waits;
  idset ask{}; // from the job manager: brokers whose execs know more
};
HACTOR_INSPECT(job_waits_reply, x.waits, x.ask)

/// What tasks used, summed; the peak is the largest of any process. Read and written: on disks, not
/// what caches served.
struct usage {
  int64_t maxrss_kb = 0;
  int64_t user_us = 0;
  int64_t system_us = 0;
  int64_t read_kb = 0;
  int64_t written_kb = 0;

  void add(const usage& other) {
    maxrss_kb = std::max(maxrss_kb, other.maxrss_kb);
    user_us += other.user_us;
    system_us += other.system_us;
    read_kb += other.read_kb;
    written_kb += other.written_kb;
  }
};
HACTOR_INSPECT(usage, x.maxrss_kb, x.user_us, x.system_us, x.read_kb, x.written_kb)

/// A subtree's news about one job: all of it has started, or all of it has ended; between them, of
/// a job on several brokers, that a task has ended, that all have, or which brokers are clean while
/// others are not.
struct job_report {
  job_id id;
  bool started = false;
  bool ended = false;
  int32_t status = 0;  // greatest wait status of the subtree's tasks, once they have ended
  std::string failure; // why a task could not start or a node was lost; "" when none
  usage used;
  std::vector<std::pair<uint32_t, uint64_t>> outputs; // as in job_summary
  idset lost{}; // brokers that died: of what was below them nothing was heard
  bool task_ended = false;  // at least one has
  bool tasks_ended = false; // all have; what they leave is cleaned up before the report of the end
  std::string warning{};    // what of the job is lost though it went on; "" when nothing is
  idset clean{};            // brokers on which nothing of the job is left, as far as is to be told
  int64_t init_ns = 0;      // when the last of the shells ran; 0: not told
  task_end first_exit{};    // of the tasks that have ended
};
HACTOR_INSPECT(job_report, x.id, x.started, x.ended, x.status, x.failure, x.used, x.outputs, x.lost,
               x.task_ended, x.tasks_ended, x.warning, x.clean, x.init_ns, x.first_exit)

/// exec -> parent exec in the job's tree, or -> job manager at its root.
struct exec_report {
  rank_t rank = 0;
  std::vector<job_report> jobs;
};
HACTOR_INSPECT(exec_report, x.rank, x.jobs)

/// job manager -> every exec of jobs that lost a broker: end what you run of them, and tell when it
/// is gone. The job's tree may be broken, so each is asked and answers for itself, in
/// settled_report; a job that is not known there is not started there any more.
struct settle_request {
  std::vector<job_id> ids;
  std::vector<uint32_t> attempts; // of each, the one that is to end
  idset lost; // all brokers that are, as the job manager knows
  caf::actor reply_to;
};
HACTOR_INSPECT(settle_request, x.ids, x.attempts, x.lost, x.reply_to)

/// exec -> job manager: nothing of these jobs runs on this rank any more. The reports are empty but
/// where the way up the tree is lost: there they hold what the subtree used and wrote.
struct settled_report {
  rank_t rank = 0;
  std::vector<job_report> jobs;
};
HACTOR_INSPECT(settled_report, x.rank, x.jobs)

/// What the tasks of a job tell each other while they meet (PMI): each node's part goes up the
/// job's tree when all tasks of the subtree wait for it. shell -> exec, exec -> parent exec.
struct exchange_part {
  job_id id;
  rank_t from = 0;
  std::string values; // of the subtree, opaque here
  int32_t world = -1; // whose: those of an entry of the jobspec's tasks; -1: all of the job
  idset among{};      // the brokers that have tasks of that world; of -1: not told
  bool by_mpi = false; // the tasks have asked for it, in MPI_Init or later
};
HACTOR_INSPECT(exchange_part, x.id, x.from, x.values, x.world, x.among, x.by_mpi)

/// ... and all of it comes down again. exec -> child execs, exec -> shell.
struct exchange_whole {
  job_id id;
  std::string values;
  int32_t world = -1; // as in the parts
};
HACTOR_INSPECT(exchange_whole, x.id, x.values, x.world)

/// What one task of a job has told (PMIx), wanted by the tasks of another broker: shell -> exec ->
/// the task's exec -> its shell, when a task had to have it that was not told by an exchange.
struct modex_request {
  job_id id;
  uint32_t task = 0; // its rank in the world
  rank_t broker = 0; // of the task
  rank_t from = 0;   // whose tasks want it
  uint64_t tag = 0;
  int32_t world = -1; // as in exchange_part
};
HACTOR_INSPECT(modex_request, x.id, x.task, x.broker, x.from, x.tag, x.world)

/// ... and back by the same way.
struct modex_reply {
  job_id id;
  rank_t to = 0;
  uint64_t tag = 0;
  int32_t status = 0; // of PMIx
  std::string value;
  int32_t world = -1;
};
HACTOR_INSPECT(modex_reply, x.id, x.to, x.tag, x.status, x.value, x.world)

/// connector -> exec: run a command on this rank and, down the tree, on `ranks`: outside of any
/// job, or within what `job` has there, for as long as it does.
struct command_request {
  uint64_t tag = 0;
  idset ranks;
  std::vector<std::string> argv;
  std::vector<std::string> environment; // NAME=VALUE
  std::string cwd;
  caf::actor subscriber; // told with command_output and command_ended
  std::string instance;  // as in launch_request: which one its HACTOR_URI names
  job_id job{};          // 0: none
};
HACTOR_INSPECT(command_request, x.tag, x.ranks, x.argv, x.environment, x.cwd, x.subscriber,
               x.instance, x.job)

struct command_output {
  uint64_t tag = 0;
  rank_t rank = 0;
  uint8_t stream = 1;
  std::string bytes;
};
HACTOR_INSPECT(command_output, x.tag, x.rank, x.stream, x.bytes)

struct command_ended {
  uint64_t tag = 0;
  rank_t rank = 0;
  int32_t status = 0;
  std::string failure;
};
HACTOR_INSPECT(command_ended, x.tag, x.rank, x.status, x.failure)

/// connector -> exec: end the command (all ranks).
struct command_kill {
  uint64_t tag = 0;
  idset ranks;
  caf::actor subscriber;
  job_id job{}; // as in the request
};
HACTOR_INSPECT(command_kill, x.tag, x.ranks, x.subscriber, x.job)

// -- spawner -> shell (through the transport thread) ----------------------------------------------

struct task_started {
  uint32_t task = 0; // index within the shell
  int32_t pid = 0;
};
HACTOR_INSPECT(task_started, x.task, x.pid)

struct task_failed {
  uint32_t task = 0;
  int32_t error = 0; // errno
  std::string what;  // "command", "cwd", ...
};
HACTOR_INSPECT(task_failed, x.task, x.error, x.what)

/// Comes after the last task_output of the task.
struct task_exited {
  uint32_t task = 0;
  int32_t status = 0; // wait status
  usage used;
};
HACTOR_INSPECT(task_exited, x.task, x.status, x.used)

struct task_output {
  uint32_t task = 0;
  uint8_t stream = 1; // 1 stdout, 2 stderr
  std::string bytes;
};
HACTOR_INSPECT(task_output, x.task, x.stream, x.bytes)

/// What a task wrote to its process manager (pmi_core.hpp).
struct task_control {
  uint32_t task = 0;
  std::string bytes;
};
HACTOR_INSPECT(task_control, x.task, x.bytes)

/// PMIx server -> shell, through the transport thread.
HACTOR_INSPECT(pmix_word, x.kind, x.space, x.id, x.rank, x.status, x.bytes)

/// shell -> itself, a moment after a rank's program has gone without MPI_Finalize: had its task
/// ended with it, that would be known by now.
struct rank_dropped {
  uint32_t task = 0; // index within the shell
};
HACTOR_INSPECT(rank_dropped, x.task)

/// shell -> exec: this node's part of the job.
struct shell_report {
  job_report report;
};
HACTOR_INSPECT(shell_report, x.report)

/// exec -> shell. `first_only`: to the process of the job's first task, and not to its children.
struct shell_signal {
  int32_t signal = 15;
  bool terminate = false;
  bool first_only = false;
};
HACTOR_INSPECT(shell_signal, x.signal, x.terminate, x.first_only)

/// shell -> memory guard, of jobs with a limit of their own or of an instance around them: a task
/// runs, or does so no more.
struct memory_member {
  job_id id;
  std::string instance;        // as in launch_request
  std::vector<int64_t> limits; // of the instances around it, as there, then its own; 0: none
  int32_t pid = 0;
  bool ended = false;
  caf::actor shell; // told with memory_exceeded
};
HACTOR_INSPECT(memory_member, x.id, x.instance, x.limits, x.pid, x.ended, x.shell)

/// memory guard -> shell: the job ends here, at once.
struct memory_exceeded {
  std::string why;
};
HACTOR_INSPECT(memory_exceeded, x.why)

/// exec -> shell: lines for the job's standard error.
struct shell_note {
  std::string text;
};
HACTOR_INSPECT(shell_note, x.text)

/// connector -> exec -> shell: standard input of an attached job, or the size of its terminal.
struct input_request {
  job_id id;
  uint32_t task = 0xffffffffu; // all
  std::string bytes;           // empty: end of input
  uint16_t rows = 0;           // > 0: the terminal's new size, and no input
  uint16_t columns = 0;
  caf::actor reader; // told with input_taken
  uint64_t tag = 0;
  uint64_t offset = 0; // of the end of `bytes` in all that was sent
  /// Within the rank: when the last copy is gone, the tasks have taken the bytes or never will.
  std::shared_ptr<void> ticket{};
};
HACTOR_INSPECT(input_request, x.id, x.task, x.bytes, x.rows, x.columns, x.reader, x.tag, x.offset)

/// exec -> connector: all up to `offset` was taken on this rank.
struct input_taken {
  uint64_t tag = 0;
  rank_t rank = 0;
  uint64_t offset = 0;
};
HACTOR_INSPECT(input_taken, x.tag, x.rank, x.offset)

// -- shell -> output, connector -> output ---------------------------------------------------------

struct output_append {
  job_id id;
  uint32_t task = 0; // rank of the task in the job
  uint8_t stream = 1;
  std::string bytes;
};
HACTOR_INSPECT(output_append, x.id, x.task, x.stream, x.bytes)

/// shell -> output: the job, which was sealed here with this index, is started once more; what it
/// writes now follows what it wrote before.
struct output_reopen {
  job_id id;
  uint64_t address = 0;
};
HACTOR_INSPECT(output_reopen, x.id, x.address)

/// shell -> output: no more will come. Answered by output_sealed.
struct output_seal {
  job_id id;
};
HACTOR_INSPECT(output_seal, x.id)

struct output_sealed {
  uint64_t address = 0; // of the job's index in this rank's spool; 0: it wrote nothing
  std::string lost{};   // what was given up on a full disk, as a sentence; "": nothing
};
HACTOR_INSPECT(output_sealed, x.address, x.lost)

/// shell -> output: who waits for the seal of this job waits no longer for a full disk; what is not
/// spooled of it is lost.
struct output_give_up {
  job_id id;
};
HACTOR_INSPECT(output_give_up, x.id)

/// journal, instance -> output: these jobs are forgotten, and what they wrote with them. A reader
/// that is under way reads on to the end.
struct output_forget {
  std::vector<std::pair<job_id, uint64_t>> jobs; // with the addresses of their indexes
};
HACTOR_INSPECT(output_forget, x.jobs)

/// Reads on from `cursor` (0: the beginning). When nothing is there yet and the job lives,
/// `reader` gets one output_ready once there is. `address`: of an ended job. Errors:
/// ec::store_failed.
struct output_request {
  job_id id;
  uint64_t cursor = 0;
  uint64_t max_bytes = 0;
  uint64_t address = 0;
  caf::actor reader;
  uint64_t tag = 0;
};
HACTOR_INSPECT(output_request, x.id, x.cursor, x.max_bytes, x.address, x.reader, x.tag)

struct output_chunk {
  uint32_t task = 0;
  uint8_t stream = 1;
  std::string bytes;
};
HACTOR_INSPECT(output_chunk, x.task, x.stream, x.bytes)

struct output_reply {
  std::vector<output_chunk> chunks;
  uint64_t cursor = 0; // of the next read
  bool sealed = false; // nothing more will come after `cursor`
  uint64_t end = 0;    // the cursor behind all that is there now
};
HACTOR_INSPECT(output_reply, x.chunks, x.cursor, x.sealed, x.end)

struct output_ready {
  uint64_t tag = 0;
  rank_t rank = 0;
};
HACTOR_INSPECT(output_ready, x.tag, x.rank)

} // namespace hactor
