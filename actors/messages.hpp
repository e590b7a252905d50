// Every message that crosses an actor boundary, in the order of the job path: ingest, job manager,
// journal, scheduler, exec, shell, output, events, broker. One struct a message; a request is
// verb_request / verb_reply, a fact is in the past tense. A change of a struct is a change of the
// protocol between brokers: raise protocol_version. The reading guide is doc/messages.md.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <caf/actor.hpp>
#include <caf/atom.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/type_id.hpp>

#include "graph/rset.hpp"
#include "runtime/ids.hpp"
#include "runtime/idset.hpp"
#include "store/event.hpp"
#include "store/journal.hpp"

namespace hactor {

/// Compared when brokers meet; unequal versions do not form an instance.
inline constexpr uint32_t protocol_version = 2;

#define HACTOR_INSPECT(type, ...)                                                                  \
  template <class Inspector>                                                                       \
  typename Inspector::result_type inspect(Inspector& f, type& x) {                                 \
    return f(caf::meta::type_name(#type), __VA_ARGS__);                                            \
  }

/// The answer to a request that has no other answer than that it was done.
struct done {
  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, done&) {
    return f(caf::meta::type_name("done"));
  }
};

// -- connector -> ingest --------------------------------------------------------------------------

/// One jobspec, wanted once or once for every value of `cc`.
struct submission {
  std::string jobspec; // JSON or YAML text (RFC 14)
  int32_t urgency = 16;
  uint32_t flags = 0;  // RFC 21 submit flags
  idset cc;            // empty: one job
  bool with_cc_env = true; // --cc sets HACTOR_JOB_CC, --bcc does not
};
HACTOR_INSPECT(submission, x.jobspec, x.urgency, x.flags, x.cc, x.with_cc_env)

/// connector -> ingest. Answered once every job is durable; all or nothing.
/// Errors: ec::bad_jobspec, ec::unsatisfiable, ec::too_big, ec::bad_argument, ec::disk_full.
struct submit_request {
  uint32_t userid = 0;
  std::vector<submission> jobs;
};
HACTOR_INSPECT(submit_request, x.userid, x.jobs)

/// The ids in the order of the submissions, each cc list in ascending order.
struct submit_reply {
  std::vector<job_id> ids;
};
HACTOR_INSPECT(submit_reply, x.ids)

// -- ingest -> job manager ------------------------------------------------------------------------

/// Jobs that share one jobspec, whose environment travels apart (actors/job_spec.hpp).
struct accepted_spec {
  std::string jobspec; // canonical JSON without the environment
  std::string environment; // JSON object; "" when none
  int32_t urgency = 16;
  uint32_t flags = 0;
  bool with_cc_env = true;
  std::vector<job_id> ids;
  std::vector<int64_t> cc; // one per id, or empty
};
HACTOR_INSPECT(accepted_spec, x.jobspec, x.environment, x.urgency, x.flags, x.with_cc_env, x.ids,
               x.cc)

/// ingest -> job manager. Answered by submit_reply when durable. Errors: ec::disk_full.
struct accept_request {
  uint32_t userid = 0;
  std::vector<accepted_spec> specs;
};
HACTOR_INSPECT(accept_request, x.userid, x.specs)

/// ingest -> scheduler: could this instance ever run each of these? Judged as if all were up and
/// idle. Errors: ec::bad_jobspec; ec::unsatisfiable for the first that never fits (its position
/// when there are several, what was asked, what there is).
struct feasible_request {
  std::vector<std::string> jobspecs;
};
HACTOR_INSPECT(feasible_request, x.jobspecs)

// -- connector -> job manager ---------------------------------------------------------------------

/// Which jobs a request means: these ids, or every job in one of these states.
struct job_selection {
  std::vector<job_id> ids;
  uint32_t states = 0; // bit mask of job_state; used when ids is empty
};
HACTOR_INSPECT(job_selection, x.ids, x.states)

/// Raises an exception on jobs (cancel is type "cancel", severity 0). Answered by count_reply when
/// durable. Errors: ec::unknown_job, ec::wrong_state (single id that already ended).
struct raise_request {
  uint32_t userid = 0;
  job_selection jobs;
  std::string type;
  int32_t severity = 0;
  std::string note;
};
HACTOR_INSPECT(raise_request, x.userid, x.jobs, x.type, x.severity, x.note)

/// Sends a signal to the tasks of running jobs; the state does not change.
struct kill_request {
  job_selection jobs;
  int32_t signal = 15;
};
HACTOR_INSPECT(kill_request, x.jobs, x.signal)

/// Changes the urgency of pending jobs.
struct urgency_request {
  uint32_t userid = 0;
  job_selection jobs;
  int32_t urgency = 16;
};
HACTOR_INSPECT(urgency_request, x.userid, x.jobs, x.urgency)

struct count_reply {
  uint64_t count = 0;
};
HACTOR_INSPECT(count_reply, x.count)

/// What a listing shows of a job (RFC 43). Times are nanoseconds since the epoch, 0: not reached.
struct job_summary {
  job_id id;
  uint32_t userid = 0;
  int32_t urgency = 16;
  uint32_t priority = 0;
  job_state state = job_state::none;
  job_result result = job_result::none;
  std::string name;
  std::string queue;
  std::string cwd;
  uint32_t ntasks = 0;
  uint32_t ncores = 0;
  uint32_t nnodes = 0;
  double duration_s = 0;
  int64_t t_submit = 0, t_depend = 0, t_run = 0, t_cleanup = 0, t_inactive = 0;
  double expiration = 0;
  std::string ranks;    // idset; "" before alloc
  std::string nodelist; // hostlist; "" before alloc
  int32_t waitstatus = -1;
  bool exception = false;
  int32_t exception_severity = 0;
  std::string exception_type, exception_note;
  std::string reason;   // why it waits, as a sentence; "" when it does not
  int64_t maxrss_kb = -1;
  double user_s = 0, system_s = 0;
  std::vector<std::pair<uint32_t, uint64_t>> outputs; // broker rank, index address in its spool
};
HACTOR_INSPECT(job_summary, x.id, x.userid, x.urgency, x.priority, x.state, x.result, x.name,
               x.queue, x.cwd, x.ntasks, x.ncores, x.nnodes, x.duration_s, x.t_submit, x.t_depend,
               x.t_run, x.t_cleanup, x.t_inactive, x.expiration, x.ranks, x.nodelist, x.waitstatus,
               x.exception, x.exception_severity, x.exception_type, x.exception_note, x.reason,
               x.maxrss_kb, x.user_s, x.system_s, x.outputs)

/// Lists jobs: pending by priority, then running by latest start, then inactive by latest end.
/// Errors: ec::unknown_job when an id is named that does not exist.
struct list_request {
  std::vector<job_id> ids;
  uint32_t states = 62;
  uint32_t results = 15;
  uint64_t max = 0; // 0: all
  std::string name;
  int64_t since_ns = 0;
};
HACTOR_INSPECT(list_request, x.ids, x.states, x.results, x.max, x.name, x.since_ns)

struct list_reply {
  std::vector<job_summary> jobs;
};
HACTOR_INSPECT(list_reply, x.jobs)

/// Asks for the whole of one job. Errors: ec::unknown_job.
struct job_request {
  job_id id;
};
HACTOR_INSPECT(job_request, x.id)

struct job_reply {
  job_summary summary;
  std::vector<job_event> events;
  std::string jobspec; // as submitted: environment and {cc} filled in
  std::string rset;    // "" before alloc
};
HACTOR_INSPECT(job_reply, x.summary, x.events, x.jobspec, x.rset)

/// connector -> job manager: send me the events of this job, from its first. Answered by
/// follow_reply with the durable ones so far; later ones come as job_events messages to
/// `subscriber` until the job is inactive. Errors: ec::unknown_job.
struct follow_request {
  job_id id;
  uint64_t tag = 0; // chosen by the subscriber, repeated in job_events
  caf::actor subscriber;
};
HACTOR_INSPECT(follow_request, x.id, x.tag, x.subscriber)

struct follow_reply {
  std::vector<job_event> events;
  idset ranks; // brokers that run the job; empty before alloc
};
HACTOR_INSPECT(follow_reply, x.events, x.ranks)

/// No more of a follow_request, or of a reap_request (`id` is 0).
struct unfollow {
  job_id id;
  uint64_t tag = 0;
  caf::actor subscriber;
};
HACTOR_INSPECT(unfollow, x.id, x.tag, x.subscriber)

/// job manager -> follower.
struct job_events {
  uint64_t tag = 0;
  std::vector<job_event> events;
  idset ranks;
};
HACTOR_INSPECT(job_events, x.tag, x.events, x.ranks)

/// One job that was waited for, as waiting tells of it.
struct ended_job {
  job_id id;
  job_result result = job_result::none;
  int32_t waitstatus = -1; // -1: none of its tasks ran
};
HACTOR_INSPECT(ended_job, x.id, x.result, x.waitstatus)

/// connector -> job manager: the next job that ends, or `all`, of those that were submitted as
/// waitable and that nobody has waited for yet; each is told once. Answered when there is one, or
/// with `all` when none of them is active any more. Errors: ec::unknown_job when none is left.
struct reap_request {
  bool all = false;
  uint64_t tag = 0; // by which unfollow withdraws it
  caf::actor subscriber;
};
HACTOR_INSPECT(reap_request, x.all, x.tag, x.subscriber)

struct reap_reply {
  std::vector<ended_job> jobs; // in the order of their ends
};
HACTOR_INSPECT(reap_reply, x.jobs)

/// connector -> job manager: who should have been told of these is gone; they wait again.
struct not_reaped {
  std::vector<ended_job> jobs;
};
HACTOR_INSPECT(not_reaped, x.jobs)

/// connector -> job manager: this job was waited for by its id.
struct waited_for {
  job_id id;
};
HACTOR_INSPECT(waited_for, x.id)

/// Counts of jobs by state, for uptime and stats.
struct job_counts {
  uint64_t depend = 0, priority = 0, sched = 0, run = 0, cleanup = 0, inactive = 0;
  uint64_t failed = 0, canceled = 0, timeout = 0;
  std::string paused; // why nothing is accepted or started; "" when all is well
};
HACTOR_INSPECT(job_counts, x.depend, x.priority, x.sched, x.run, x.cleanup, x.inactive, x.failed,
               x.canceled, x.timeout, x.paused)

// -- job manager -> journal -----------------------------------------------------------------------

HACTOR_INSPECT(job_record, x.id, x.spec, x.cc, x.ended, x.result, x.t_end_ns, x.rset, x.extra,
               x.events)
HACTOR_INSPECT(journal_batch, x.events, x.specs, x.jobs, x.meta)

/// job manager -> journal. Several that wait are committed together. Answered by committed when
/// durable. Errors: ec::disk_full, ec::store_failed.
struct commit_request {
  journal_batch batch;
};
HACTOR_INSPECT(commit_request, x.batch)

struct committed {
  uint64_t first_sequence = 0; // number of the batch's first event
};
HACTOR_INSPECT(committed, x.first_sequence)

/// -> archive: events numbered >= since, at most max; committed ones only.
struct log_request {
  uint64_t since = 0;
  uint64_t max = 0;
};
HACTOR_INSPECT(log_request, x.since, x.max)

/// journal -> events (pushed after each commit), and from there down the tree of ranks; archive ->
/// events (answer to log_request).
struct event_batch {
  uint64_t first_sequence = 0;
  std::vector<job_event> events;
};
HACTOR_INSPECT(event_batch, x.first_sequence, x.events)

// -- job manager <-> scheduler --------------------------------------------------------------------

struct alloc_entry {
  job_id id;
  uint32_t priority = 16; // 0: held
  int64_t t_submit_ns = 0;
};
HACTOR_INSPECT(alloc_entry, x.id, x.priority, x.t_submit_ns)

/// Jobs of one jobspec; the text is parsed once per distinct text.
struct alloc_group {
  std::string jobspec;
  std::vector<alloc_entry> items;
};
HACTOR_INSPECT(alloc_group, x.jobspec, x.items)

/// job manager -> scheduler: these want room. Answered later, job by job, in alloc_decision.
struct alloc_request {
  std::vector<alloc_group> groups;
};
HACTOR_INSPECT(alloc_request, x.groups)

struct granted {
  job_id id;
  rset resources;
};
HACTOR_INSPECT(granted, x.id, x.resources)

struct denied {
  job_id id;
  std::string note;
};
HACTOR_INSPECT(denied, x.id, x.note)

/// scheduler -> job manager: what one pass decided.
struct alloc_decision {
  std::vector<granted> grants;
  std::vector<denied> denials;
  std::vector<job_id> cancelled; // answers to alloc_cancel of jobs that still waited
};
HACTOR_INSPECT(alloc_decision, x.grants, x.denials, x.cancelled)

/// job manager -> scheduler. A job already granted is ignored (the grant is on its way).
struct alloc_cancel {
  std::vector<job_id> ids;
};
HACTOR_INSPECT(alloc_cancel, x.ids)

/// job manager -> scheduler. New priorities of waiting jobs.
struct alloc_prioritize {
  std::vector<alloc_entry> items;
};
HACTOR_INSPECT(alloc_prioritize, x.items)

/// job manager -> scheduler: resources of ended jobs come back. Idempotent.
struct free_request {
  std::vector<job_id> ids;
};
HACTOR_INSPECT(free_request, x.ids)

/// -> scheduler: why does this job wait? Errors: ec::unknown_job.
struct explain_request {
  std::vector<job_id> ids;
};
HACTOR_INSPECT(explain_request, x.ids)

struct explain_reply {
  std::vector<std::string> reasons; // one per id; "" when it does not wait here
};
HACTOR_INSPECT(explain_reply, x.reasons)

/// resource -> scheduler: the inventory as it is now.
struct inventory {
  rset all;
  idset down;
};
HACTOR_INSPECT(inventory, x.all, x.down)

/// -> scheduler, resource: what there is and what is in use.
struct resource_reply {
  rset all, allocated, free;
  idset up, down;
};
HACTOR_INSPECT(resource_reply, x.all, x.allocated, x.free, x.up, x.down)

// -- job manager -> exec, exec -> exec (down the job's tree) --------------------------------------

struct launch_item {
  job_id id;
  uint32_t userid = 0;
  int64_t cc = -1;
  bool with_cc_env = true;
  rset resources;
};
HACTOR_INSPECT(launch_item, x.id, x.userid, x.cc, x.with_cc_env, x.resources)

/// Jobs of one jobspec.
struct launch_group {
  std::string jobspec;
  std::string environment;
  std::vector<launch_item> items;
};
HACTOR_INSPECT(launch_group, x.jobspec, x.environment, x.items)

/// To the exec of each job's first rank, which passes it on to its children in the job's tree.
/// `reply_to` is told with exec_report.
struct launch_request {
  std::vector<launch_group> groups;
  caf::actor reply_to;
};
HACTOR_INSPECT(launch_request, x.groups, x.reply_to)

/// Signals to running jobs, down the job's tree. `terminate`: the job is to end (SIGTERM first, or
/// `signal`, then SIGKILL after exec.kill_timeout).
struct signal_item {
  job_id id;
  int32_t signal = 15;
  bool terminate = false;
};
HACTOR_INSPECT(signal_item, x.id, x.signal, x.terminate)

struct signal_request {
  std::vector<signal_item> items;
};
HACTOR_INSPECT(signal_request, x.items)

/// What tasks used, summed; the peak is the largest of any process.
struct usage {
  int64_t maxrss_kb = 0;
  int64_t user_us = 0;
  int64_t system_us = 0;
};
HACTOR_INSPECT(usage, x.maxrss_kb, x.user_us, x.system_us)

/// A subtree's news about one job: all of it has started, or all of it has ended.
struct job_report {
  job_id id;
  bool started = false;
  bool ended = false;
  int32_t status = 0;      // greatest wait status of the subtree's tasks, when ended
  std::string failure;     // why a task could not start or a node was lost; "" when none
  usage used;
  std::vector<std::pair<uint32_t, uint64_t>> outputs; // as in job_summary
  idset lost{}; // brokers that died: of what was below them nothing was heard
};
HACTOR_INSPECT(job_report, x.id, x.started, x.ended, x.status, x.failure, x.used, x.outputs,
               x.lost)

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
  idset lost; // all brokers that are, as the job manager knows
  caf::actor reply_to;
};
HACTOR_INSPECT(settle_request, x.ids, x.lost, x.reply_to)

/// exec -> job manager: nothing of these jobs runs on this rank any more. The reports are empty but
/// where the way up the tree is lost: there they hold what the subtree used and wrote.
struct settled_report {
  rank_t rank = 0;
  std::vector<job_report> jobs;
};
HACTOR_INSPECT(settled_report, x.rank, x.jobs)

/// connector -> exec: run a command outside any job on this rank and, down the tree, on `ranks`.
struct command_request {
  uint64_t tag = 0;
  idset ranks;
  std::vector<std::string> argv;
  std::vector<std::string> environment; // NAME=VALUE
  std::string cwd;
  caf::actor subscriber; // told with command_output and command_ended
};
HACTOR_INSPECT(command_request, x.tag, x.ranks, x.argv, x.environment, x.cwd, x.subscriber)

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
};
HACTOR_INSPECT(command_kill, x.tag, x.ranks, x.subscriber)

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

/// shell -> exec: this node's part of the job.
struct shell_report {
  job_report report;
};
HACTOR_INSPECT(shell_report, x.report)

/// exec -> shell.
struct shell_signal {
  int32_t signal = 15;
  bool terminate = false;
};
HACTOR_INSPECT(shell_signal, x.signal, x.terminate)

/// connector -> exec -> shell: standard input of an attached job.
struct input_request {
  job_id id;
  uint32_t task = 0xffffffffu; // all
  std::string bytes;           // empty: end of input
};
HACTOR_INSPECT(input_request, x.id, x.task, x.bytes)

// -- shell -> output, connector -> output ---------------------------------------------------------

struct output_append {
  job_id id;
  uint32_t task = 0; // rank of the task in the job
  uint8_t stream = 1;
  std::string bytes;
};
HACTOR_INSPECT(output_append, x.id, x.task, x.stream, x.bytes)

/// shell -> output: no more will come. Answered by output_sealed.
struct output_seal {
  job_id id;
};
HACTOR_INSPECT(output_seal, x.id)

struct output_sealed {
  uint64_t address = 0; // of the job's index in this rank's spool; 0: it wrote nothing
};
HACTOR_INSPECT(output_sealed, x.address)

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
};
HACTOR_INSPECT(output_reply, x.chunks, x.cursor, x.sealed)

struct output_ready {
  uint64_t tag = 0;
  rank_t rank = 0;
};
HACTOR_INSPECT(output_ready, x.tag, x.rank)

// -- connector -> events --------------------------------------------------------------------------

/// Events numbered >= since (0: the oldest kept), then live ones, as event_batch messages to
/// `subscriber` wrapped in subscribed_events. The filters are applied at the sender.
struct subscribe_request {
  uint64_t tag = 0;
  uint64_t since = 0;
  bool live_only = false; // ignore since, begin with the next event
  bool follow = true;     // false: stop at what exists now
  std::vector<job_id> ids; // empty: all
  std::vector<uint8_t> kinds; // of event_kind; empty: all
  caf::actor subscriber;
};
HACTOR_INSPECT(subscribe_request, x.tag, x.since, x.live_only, x.follow, x.ids, x.kinds,
               x.subscriber)

/// events -> subscriber: JSON lines of the stream. The subscriber answers each with
/// subscription_credit; at most two are outstanding, so a slow reader costs no memory here.
struct subscribed_events {
  uint64_t tag = 0;
  std::string lines;
  uint64_t next_sequence = 0;
  bool end = false; // not followed, and all that existed was sent
};
HACTOR_INSPECT(subscribed_events, x.tag, x.lines, x.next_sequence, x.end)

struct subscription_credit {
  uint64_t tag = 0;
  caf::actor subscriber;
};
HACTOR_INSPECT(subscription_credit, x.tag, x.subscriber)

struct unsubscribe {
  uint64_t tag = 0;
  caf::actor subscriber;
};
HACTOR_INSPECT(unsubscribe, x.tag, x.subscriber)

// -- events <-> events ----------------------------------------------------------------------------

/// events of a rank -> events of its parent in the tree of ranks: pass all on that comes from now.
/// Answered when the parent has the stream itself; event_batch messages follow.
struct relay_request {
  caf::actor relay;
};
HACTOR_INSPECT(relay_request, x.relay)

struct relay_begin {
  uint64_t next_sequence = 0; // of the first event that will be passed on
};
HACTOR_INSPECT(relay_begin, x.next_sequence)

/// Nobody at or below the relay wants it any more.
struct relay_end {
  caf::actor relay;
};
HACTOR_INSPECT(relay_end, x.relay)

// -- broker <-> broker ----------------------------------------------------------------------------

/// The actors of one rank that others talk to.
struct rank_services {
  rank_t rank = 0;
  uint32_t protocol = 0;
  caf::actor broker, exec, output, events;
  caf::actor job_manager, resource, archive, scheduler; // of the lead rank; null elsewhere
};
HACTOR_INSPECT(rank_services, x.rank, x.protocol, x.broker, x.exec, x.output, x.job_manager,
               x.resource, x.events, x.archive, x.scheduler)

/// main -> broker, once: the actors of this rank, and the names by which ping and stats know them.
struct local_services {
  rank_services services;
  std::vector<std::pair<std::string, caf::actor>> named;
};
HACTOR_INSPECT(local_services, x.services, x.named)

/// higher rank -> lower rank, on a new connection: here I am. Errors of the reply:
/// ec::bad_argument when the protocol versions differ.
struct hello_request {
  rank_services services;
};
HACTOR_INSPECT(hello_request, x.services)

struct hello_reply {
  rank_services services;
};
HACTOR_INSPECT(hello_reply, x.services)

/// Asks rank `to`, along the tree, to dial rank `from` (only the higher rank dials).
struct dial_request {
  rank_t from = 0;
  rank_t to = 0;
};
HACTOR_INSPECT(dial_request, x.from, x.to)

/// local actors -> broker: the actors of `rank`, dialled on first need. Errors: ec::unknown_rank,
/// ec::rank_lost, ec::timed_out.
struct peer_request {
  rank_t rank = 0;
};
HACTOR_INSPECT(peer_request, x.rank)

/// broker -> its actors and, at the lead, -> job manager and resource: a broker has died.
struct rank_lost {
  rank_t rank = 0;
};
HACTOR_INSPECT(rank_lost, x.rank)

struct ping_request {
  rank_t rank = 0;
  std::string service;
  std::string pad;
};
HACTOR_INSPECT(ping_request, x.rank, x.service, x.pad)

struct ping_reply {
  rank_t rank = 0;
  std::string pad;
  std::string route; // ranks passed, "0!2"
};
HACTOR_INSPECT(ping_reply, x.rank, x.pad, x.route)

/// lead broker -> all, down the tree: the instance ends.
struct shutdown_request {
  std::string reason;
};
HACTOR_INSPECT(shutdown_request, x.reason)

/// Counters of an actor, name -> value, for `hactor stats`.
struct stats_reply {
  std::vector<std::pair<std::string, int64_t>> values;
};
HACTOR_INSPECT(stats_reply, x.values)

/// What an actor waits for and what waits for it, a line each, for SIGUSR1 (design: every wait has
/// an owner, a reason and a deadline). Empty: nothing.
struct waits_reply {
  std::vector<std::string> lines;
};
HACTOR_INSPECT(waits_reply, x.lines)

// -- transport thread -> connector ----------------------------------------------------------------

/// A client has connected; its session number names it from now on.
struct client_opened {
  uint64_t session = 0;
  int32_t fd = -1; // ours from now on
  uint32_t userid = 0;
};
HACTOR_INSPECT(client_opened, x.session, x.fd, x.userid)

/// One frame of a client (doc/client-protocol.md).
struct client_frame {
  uint64_t session = 0;
  uint8_t kind = 0;
  uint64_t tag = 0;
  std::string payload;
};
HACTOR_INSPECT(client_frame, x.session, x.kind, x.tag, x.payload)

struct client_closed {
  uint64_t session = 0;
};
HACTOR_INSPECT(client_closed, x.session)

/// A client that was slow has read what was queued for it.
struct client_drained {
  uint64_t session = 0;
};
HACTOR_INSPECT(client_drained, x.session)

#undef HACTOR_INSPECT

// -- verbs without data ---------------------------------------------------------------------------

using caf::flush_atom;
using caf::tick_atom;

} // namespace hactor

#include "actors/message_ids.hpp"
