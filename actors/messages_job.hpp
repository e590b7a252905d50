// Messages about a job from its submission to its grant, in the order of the job path: ingest, job
// manager, journal, scheduler. A part of messages.hpp, which alone is included by others.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <caf/actor.hpp>

#include "actors/message_inspect.hpp"
#include "graph/rset.hpp"
#include "runtime/ids.hpp"
#include "runtime/idset.hpp"
#include "store/event.hpp"
#include "store/journal.hpp"

namespace hactor {

/// How a task of a job has ended.
struct task_end {
  int64_t t_ns = 0; // 0: none has
  uint32_t task = 0, local = 0; // its rank in the job, and on its node
  int32_t pid = 0;
  int32_t status = 0; // wait status
};
HACTOR_INSPECT(task_end, x.t_ns, x.task, x.local, x.pid, x.status)

// -- connector -> ingest --------------------------------------------------------------------------

/// One jobspec, wanted once or once for every value of `cc`; with `commands` as often for each of
/// them, which stands in the place of the command of its only task.
struct submission {
  std::string jobspec; // JSON or YAML text (RFC 14); with `commands` JSON
  std::string commands{}; // JSON list of lists of words; "": none
  int32_t urgency = 16;
  uint32_t flags = 0;  // RFC 21 submit flags
  idset cc;            // empty: one job
  bool with_cc_env = true; // --cc sets HACTOR_JOB_CC, --bcc does not
  /// All values of the array that this submission and those beside it make; empty: those of `cc`.
  idset array{};
};
HACTOR_INSPECT(submission, x.jobspec, x.commands, x.urgency, x.flags, x.cc, x.with_cc_env, x.array)

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

/// A jobspec that was read (actors/job_spec.hpp). Within a process the object is passed on, to
/// another its texts go; spec_cache::intern makes it an object again.
struct job_spec;
using job_spec_ptr = std::shared_ptr<const job_spec>;
std::pair<const std::string&, const std::string&> texts_of(const job_spec& spec);

struct sent_spec {
  job_spec_ptr here;       // null: it came from another process
  std::string text;        // canonical JSON without the environment; "" when `here` is set
  std::string environment; // JSON object; "" when there is none
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, sent_spec& x) {
  auto name = caf::meta::type_name("sent_spec");
  if constexpr (Inspector::reads_state) {
    if (x.here) {
      auto [text, environment] = texts_of(*x.here);
      return f(name, text, environment);
    }
  } else {
    x.here = nullptr;
  }
  return f(name, x.text, x.environment);
}

/// Jobs that share one jobspec.
struct accepted_spec {
  sent_spec spec;
  int32_t urgency = 16;
  uint32_t flags = 0;
  bool with_cc_env = true;
  std::vector<job_id> ids;
  std::vector<int64_t> cc; // one per id, or empty
};
HACTOR_INSPECT(accepted_spec, x.spec, x.urgency, x.flags, x.with_cc_env, x.ids, x.cc)

/// ingest -> job manager. Answered by submit_reply when durable. Errors: ec::disk_full.
struct accept_request {
  uint32_t userid = 0;
  std::vector<accepted_spec> specs;
  bool is_question = false; // would they be accepted? Nothing changes
};
HACTOR_INSPECT(accept_request, x.userid, x.specs, x.is_question)

/// ingest -> scheduler: could this instance ever run each of these? Judged as if all were up and
/// idle. Errors: ec::bad_jobspec; ec::unsatisfiable for the first that never fits (its position
/// when there are `positions`, what was asked, what there is).
struct feasible_request {
  std::vector<sent_spec> specs;
  std::vector<uint64_t> positions; // of each among all that were submitted; none: it was one
};
HACTOR_INSPECT(feasible_request, x.specs, x.positions)

// -- connector -> job manager ---------------------------------------------------------------------

/// Which jobs a request means: these ids, or every job in one of these states.
struct job_selection {
  std::vector<job_id> ids;
  /// Bit mask of job_state. With ids: those of them are meant that are in one of these now; others,
  /// also those that have ended, are passed over. 0 with ids: all of them are, and one that has
  /// ended is an error.
  uint32_t states = 0;
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

/// Sends a signal to the tasks of running jobs; the state does not change. `warning`: the instance
/// itself tells them that its time is nearly over; of jobs that hold instances those within hear.
struct kill_request {
  job_selection jobs;
  int32_t signal = 15;
  bool warning = false;
};
HACTOR_INSPECT(kill_request, x.jobs, x.signal, x.warning)

/// Changes the urgency of pending jobs.
struct urgency_request {
  uint32_t userid = 0;
  job_selection jobs;
  int32_t urgency = 16;
};
HACTOR_INSPECT(urgency_request, x.userid, x.jobs, x.urgency)

/// Notes beside running or waiting jobs, for people and tools: {"key": value}; null removes a key.
struct memo_request {
  uint32_t userid = 0;
  job_selection jobs;
  std::string memo; // a JSON object
};
HACTOR_INSPECT(memo_request, x.userid, x.jobs, x.memo)

/// connector -> job manager: a job that holds an instance is to have more nodes, or fewer. Errors:
/// ec::unknown_job, ec::wrong_state (it does not run, holds no instance, or is being changed
/// already), ec::busy (grow: there is no room now; shrink: jobs of the instance run there),
/// ec::unsatisfiable (grow: there never is), ec::bad_argument (shrink: the first rank, no rank of
/// it, too many).
struct resize_request {
  job_id id;
  bool grow = true;
  uint32_t nodes = 0; // how many more or fewer; grow, and 0: the wish is withdrawn
  idset ranks;        // shrink: these of the instance; empty: it chooses
  bool wait = false;  // for room, or until the jobs there have ended
  bool force = false; // shrink: the jobs there are cancelled
  uint64_t wish = 0;  // grow: made by the connector; whoever withdraws it names it
};
HACTOR_INSPECT(resize_request, x.id, x.grow, x.nodes, x.ranks, x.wait, x.force, x.wish)

struct resize_reply {
  idset ranks; // of the instance: that came, or are gone
};
HACTOR_INSPECT(resize_reply, x.ranks)

/// Changes jobs that wait, or the time limit of jobs that run: {"attributes.system.duration": 60}.
/// Errors: ec::unknown_job, ec::wrong_state, ec::bad_argument for a key that cannot be changed, and
/// as for a submission of what becomes of them.
struct update_request {
  uint32_t userid = 0;
  std::vector<job_id> ids;
  std::string changes; // a JSON object of dotted keys
};
HACTOR_INSPECT(update_request, x.userid, x.ids, x.changes)

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
  std::string bank, project;
  uint32_t ntasks = 0;
  uint32_t ncores = 0;
  uint32_t nnodes = 0;
  double duration_s = 0;
  int64_t t_submit = 0, t_depend = 0, t_priority = 0, t_sched = 0;
  int64_t t_run = 0, t_cleanup = 0, t_inactive = 0;
  double expiration = 0;
  std::string ranks;    // idset; "" before alloc
  std::string nodelist; // hostlist; "" before alloc
  int32_t waitstatus = -1;
  bool exception = false;
  int32_t exception_severity = 0;
  std::string exception_type, exception_note;
  std::string reason;   // why it waits, as a sentence; "" when it does not
  std::vector<std::string> dependencies; // that do not hold yet, e.g. "after-success=f3xK2"
  uint32_t attempts = 1; // that have begun, or wait to
  int64_t maxrss_kb = -1;
  double user_s = 0, system_s = 0;
  int64_t read_kb = 0, written_kb = 0;
  std::vector<std::pair<uint32_t, uint64_t>> outputs; // broker rank, index address in its spool
  std::string annotations; // of its alloc event (RFC 27) and, as "user", of memos; JSON, or ""
  int64_t cc = -1;         // which copy it is; -1: none
  job_id array{};          // of an array (--cc, --bcc): its first job; else none
};
HACTOR_INSPECT(job_summary, x.id, x.userid, x.urgency, x.priority, x.state, x.result, x.name,
               x.queue, x.cwd, x.bank, x.project, x.ntasks, x.ncores, x.nnodes, x.duration_s,
               x.t_submit, x.t_depend, x.t_priority, x.t_sched, x.t_run, x.t_cleanup, x.t_inactive,
               x.expiration, x.ranks, x.nodelist, x.waitstatus, x.exception, x.exception_severity,
               x.exception_type, x.exception_note, x.reason, x.dependencies, x.attempts,
               x.maxrss_kb, x.user_s, x.system_s, x.read_kb, x.written_kb, x.outputs, x.annotations,
               x.cc, x.array)

/// Lists jobs: pending by priority, then running by latest start, then inactive by latest end.
/// Errors: ec::unknown_job when an id is named that does not exist; as job_constraint::parse;
/// ec::too_big (the constraint compared too often).
struct list_request {
  std::vector<job_id> ids;
  bool skip_unknown = false; // ids that do not exist are no error
  uint32_t states = 62;
  uint32_t results = all_job_results;
  uint64_t max = 0; // 0: all
  std::string name, queue;         // "": all
  std::vector<std::string> hosts{}; // only jobs that have one of these, or one of `ranks`
  idset ranks{};
  int64_t userid = -1; // -1: all
  int64_t since_ns = 0;
  std::string constraint{};  // JSON (job_constraint.hpp); "": none
  uint64_t comparisons = 0;  // that it may make
};
HACTOR_INSPECT(list_request, x.ids, x.skip_unknown, x.states, x.results, x.max, x.name, x.queue,
               x.hosts, x.ranks, x.userid, x.since_ns, x.constraint, x.comparisons)

/// A job that is known and cannot be read.
struct unread_job {
  job_id id;
  uint8_t code = 0; // an ec
  std::string why;
};
HACTOR_INSPECT(unread_job, x.id, x.code, x.why)

struct list_reply {
  std::vector<job_summary> jobs;
  std::vector<unread_job> unread{}; // of the ids, with skip_unknown: of others they are an error
};
HACTOR_INSPECT(list_reply, x.jobs, x.unread)

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
  // Of a job that has room, in the order in which an instance over it numbers its nodes: first that
  // of the first task, last what the job got when it grew.
  std::vector<rank_t> ranks; // of the instance
  std::vector<rank_t> nodes; // the same, as the brokers know them
  int64_t init_ns = 0;       // when its shells ran; 0: not known
  task_end first_exit{};     // of its tasks
};
HACTOR_INSPECT(job_reply, x.summary, x.events, x.jobspec, x.rset, x.ranks, x.nodes, x.init_ns,
               x.first_exit)

struct followed_job {
  job_id id;
  uint64_t tag = 0;  // chosen by the subscriber, repeated in job_events
  bool spec = false; // the jobspec is wanted, too, if the job has ended
};
HACTOR_INSPECT(followed_job, x.id, x.tag, x.spec)

/// connector -> job manager: send me the events of these jobs, from their first. Answered by
/// follow_reply with the durable ones so far; later ones of a job come as job_events messages to
/// `subscriber` until it is inactive. The job manager asks the archive likewise, of ended jobs.
struct follow_request {
  std::vector<followed_job> jobs;
  caf::actor subscriber;
};
HACTOR_INSPECT(follow_request, x.jobs, x.subscriber)

/// What a job has come to, or why it is not followed.
struct job_begin {
  std::vector<job_event> events{};
  idset ranks{};         // brokers that run the job; empty before alloc
  std::string jobspec{}; // as submitted; "" unless it was wanted
  uint8_t code = 0;      // of enum class ec (ec::unknown_job, those of the store); 0: none
  std::string why{};
};
HACTOR_INSPECT(job_begin, x.events, x.ranks, x.jobspec, x.code, x.why)

struct follow_reply {
  std::vector<job_begin> jobs; // one per job that was asked for, in that order
};
HACTOR_INSPECT(follow_reply, x.jobs)

/// No more of one job of a follow_request, or of a reap_request (`id` is 0).
struct unfollow {
  job_id id;
  uint64_t tag = 0;
  caf::actor subscriber;
};
HACTOR_INSPECT(unfollow, x.id, x.tag, x.subscriber)

/// job manager -> follower. No events: something was heard of the job that is none of them.
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
  std::string exception{}; // of the first fatal one "type\nnote"; "" when there was none
};
HACTOR_INSPECT(ended_job, x.id, x.result, x.waitstatus, x.exception)

/// connector -> job manager: the next job that ends, or `all`, of those that were submitted as
/// waitable and of which this waiter (subscriber and tag) has not been told (job_ends.hpp).
/// Answered when there is one, or with `all` when none of them is active any more. Errors:
/// ec::unknown_job when none is left.
struct reap_request {
  bool all = false;
  uint64_t tag = 0; // of the waiter; unfollow withdraws its request
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

/// connector -> job manager: these jobs were waited for by their ids.
struct waited_for {
  std::vector<job_id> ids;
};
HACTOR_INSPECT(waited_for, x.ids)

/// -> archive: how have these jobs ended? Of those that others depend on.
struct ends_request {
  std::vector<job_id> ids;
};
HACTOR_INSPECT(ends_request, x.ids)

/// What a job has come to, as far as other jobs may depend on it.
struct job_end {
  job_id id;
  job_result result = job_result::none; // none: it has not ended; in an ends_reply: is not known
  uint32_t userid = 0;
  bool ran = false;     // it reached RUN
  bool started = false; // its tasks ran
  bool fatal = false;   // it had a fatal exception
  idset ranks{};        // on which it ran, or runs; empty when it had no grant
};
HACTOR_INSPECT(job_end, x.id, x.result, x.userid, x.ran, x.started, x.fatal, x.ranks)

struct ends_reply {
  std::vector<job_end> ends; // one per id
};
HACTOR_INSPECT(ends_reply, x.ends)

/// A job as names find it.
struct found_job {
  job_id id;
  int64_t t_submit_ns = 0; // the same for all of one request
  int64_t cc = -1;
  bool ended = false;
};
HACTOR_INSPECT(found_job, x.id, x.t_submit_ns, x.cc, x.ended)

/// job manager -> archive: ended jobs of this user and name that were submitted at `since_ns` or
/// later; 0: those of the last submission that had such. With `of_copies` those of arrays, and of
/// these the ones with such a value, any when `copies` is empty. Errors: ec::store_failed.
struct named_request {
  uint32_t userid = 0;
  std::string name;
  int64_t since_ns = 0;
  bool of_copies = false;
  idset copies{};
  uint64_t max = 0; // no more of them
};
HACTOR_INSPECT(named_request, x.userid, x.name, x.since_ns, x.of_copies, x.copies, x.max)

struct named_reply {
  std::vector<found_job> jobs;
  int64_t last_ns = 0; // when the last of that name was submitted; 0: there is none
};
HACTOR_INSPECT(named_reply, x.jobs, x.last_ns)

/// job manager -> archive: of which array is this ended job?
struct array_request {
  job_id id;
};
HACTOR_INSPECT(array_request, x.id)

struct array_reply {
  bool known = false; // there is such a job
  job_id first{};     // of its array; zero: it is of none
  idset values{};     // of the array, each of one job, whose ids follow one another
};
HACTOR_INSPECT(array_reply, x.known, x.first, x.values)

/// -> job manager, and on to the journal: forget jobs that have ended: these, or, without ids, all
/// that ended before `before_ns` and all but the `keep` that ended last. Answered by count_reply
/// when it is done. What the jobs had in the key-value store goes first. Errors: ec::wrong_state
/// (one of the ids is active), ec::busy (its namespace is just being made), ec::store_failed,
/// ec::disk_full.
struct purge_request {
  std::vector<job_id> ids;
  int64_t before_ns = INT64_MIN;
  uint64_t keep = UINT64_MAX;
};
HACTOR_INSPECT(purge_request, x.ids, x.before_ns, x.keep)

/// Counts of jobs by state, for uptime and stats.
struct job_counts {
  uint64_t depend = 0, priority = 0, sched = 0, run = 0, cleanup = 0, inactive = 0;
  uint64_t failed = 0, canceled = 0, timeout = 0, node_failed = 0;
  std::string paused; // why nothing is accepted or started; "" when all is well
};
HACTOR_INSPECT(job_counts, x.depend, x.priority, x.sched, x.run, x.cleanup, x.inactive, x.failed,
               x.canceled, x.timeout, x.node_failed, x.paused)

// -- job manager -> journal -----------------------------------------------------------------------

HACTOR_INSPECT(job_record, x.id, x.spec, x.cc, x.ended, x.result, x.t_end_ns, x.rset, x.extra,
               x.events, x.label)
HACTOR_INSPECT(blob_change, x.digest, x.bytes, x.references)
HACTOR_INSPECT(journal_batch, x.events, x.specs, x.jobs, x.meta, x.blobs)

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
  bool tentative = false; // denied once the nodes that are up could not take it, were they idle
};
HACTOR_INSPECT(alloc_entry, x.id, x.priority, x.t_submit_ns, x.tentative)

/// Jobs that ask for the same.
struct alloc_group {
  sent_spec spec; // of one of them
  std::vector<alloc_entry> items;
};
HACTOR_INSPECT(alloc_group, x.spec, x.items)

/// job manager -> scheduler: these want room. Answered later, job by job, in alloc_decision.
struct alloc_request {
  std::vector<alloc_group> groups;
};
HACTOR_INSPECT(alloc_request, x.groups)

struct granted {
  job_id id;
  rset resources;
  std::string how; // immediate, backfill or reserved (RFC 27: selection_type)
};
HACTOR_INSPECT(granted, x.id, x.resources, x.how)

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

/// job manager -> scheduler. Jobs that hold resources are to end at other times than was granted:
/// nanoseconds since the epoch, 0: never.
struct alloc_extend {
  std::vector<std::pair<job_id, int64_t>> ends;
};
HACTOR_INSPECT(alloc_extend, x.ends)

/// job manager -> scheduler: resources of ended jobs come back. Idempotent.
struct free_request {
  std::vector<job_id> ids;
  std::vector<std::pair<job_id, idset>> parts{}; // of jobs that go on: what is on these ranks
};
HACTOR_INSPECT(free_request, x.ids, x.parts)

/// -> scheduler: answered when no job has anything on these ranks any more.
struct vacate_request {
  idset ranks;
};
HACTOR_INSPECT(vacate_request, x.ranks)

/// A job that holds room.
struct held_room {
  job_id id;
  sent_spec spec;
  rset resources; // as granted
};
HACTOR_INSPECT(held_room, x.id, x.spec, x.resources)

/// job manager -> scheduler: who holds room and who wants some, for a scheduler that was loaded and
/// knows of none. What the job manager tells it after this adds to it.
struct rooms_reply {
  std::vector<held_room> held;
  alloc_request wanted;
};
HACTOR_INSPECT(rooms_reply, x.held, x.wanted)

/// -> scheduler: why do these jobs wait?
struct explain_request {
  std::vector<job_id> ids;
};
HACTOR_INSPECT(explain_request, x.ids)

/// A code for programs, a sentence for people (scheduler_core.hpp: explanation).
struct job_reason {
  std::string code; // "": the scheduler does not know the job
  std::string sentence;
  double t_estimate = 0; // seconds since the epoch at which it starts at the latest; 0: not known
};
HACTOR_INSPECT(job_reason, x.code, x.sentence, x.t_estimate)

struct explain_reply {
  std::vector<job_reason> reasons; // one per id
};
HACTOR_INSPECT(explain_reply, x.reasons)

enum class queue_verb : uint8_t { list, stop, start, disable, enable };

/// -> scheduler: changes what a queue does, and tells how all are. Answered when it is durable.
/// Errors: ec::bad_argument (no such queue), ec::disk_full.
struct queue_request {
  queue_verb verb = queue_verb::list;
  std::string queue; // "": all
  std::string reason;
};
HACTOR_INSPECT(queue_request, x.verb, x.queue, x.reason)

/// A queue, as people see it (scheduler_core.hpp: queue_status).
struct queue_info {
  std::string name;
  std::string policy;
  uint32_t depth = 0;
  uint32_t reservation_depth = 0;
  bool enabled = true;
  bool started = true;
  std::string enabled_note, started_note;
  bool is_default = false;
  std::string where; // JSON of its constraint; "" when there is none
  uint64_t queued = 0, held = 0, running = 0, reserved = 0;
  uint32_t nodes = 0; // that it may use
  uint64_t cores = 0, gpus = 0;
};
HACTOR_INSPECT(queue_info, x.name, x.policy, x.depth, x.reservation_depth, x.enabled, x.started,
               x.enabled_note, x.started_note, x.is_default, x.where, x.queued, x.held, x.running,
               x.reserved, x.nodes, x.cores, x.gpus)

struct queue_reply {
  std::vector<queue_info> queues;
};
HACTOR_INSPECT(queue_reply, x.queues)

enum class scheduler_verb : uint8_t { status, unload, load, reload };

/// -> scheduler: takes all that it decides by out of use, or into use again with other settings.
/// Errors: ec::bad_argument (a setting; the old scheduler stays), ec::wrong_state (it is loaded
/// already, or is not; jobs wait in a queue that would be no more).
struct scheduler_request {
  scheduler_verb verb = scheduler_verb::status;
  std::vector<std::pair<std::string, std::string>> settings; // attributes sched.*, to change
};
HACTOR_INSPECT(scheduler_request, x.verb, x.settings)

struct scheduler_reply {
  bool loaded = true;
  std::vector<std::pair<std::string, std::string>> settings; // all that can be changed
  uint64_t waiting = 0, running = 0; // of jobs that it knows
};
HACTOR_INSPECT(scheduler_reply, x.loaded, x.settings, x.waiting, x.running)

enum class graph_verb : uint8_t {
  show,
  attach,
  detach,
  set_status,
  set_property,
  remove_property,
  get_property,
  granted
};

/// -> resource, which passes it on to the scheduler: a look at a vertex of the resource graph, or a
/// change while jobs run. Changes are answered when they are durable. Errors: ec::bad_argument (no
/// such vertex, and what the verb refuses), ec::busy (detach: a job holds some of it),
/// ec::unknown_key (no such property), ec::wrong_state (no scheduler is loaded), ec::disk_full,
/// those of attach_jgf.
/// `granted`, not for people: what a running job has of the graph, as JGF in one line. Errors:
/// ec::bad_argument when it has nothing.
struct graph_request {
  graph_verb verb = graph_verb::show;
  std::string path; // of the vertex; "": the root; to attach: not used; granted: the job's id
  std::string text; // JGF; up or down; KEY=VALUE, or KEY
  idset ranks;      // that nodes which are attached may have; filled in by resource
};
HACTOR_INSPECT(graph_request, x.verb, x.path, x.text, x.ranks)

struct graph_reply {
  std::vector<std::string> lines; // for a person
  rset all;                       // the inventory now
};
HACTOR_INSPECT(graph_reply, x.lines, x.all)

enum class claim_verb : uint8_t {
  match,
  update,
  cancel,
  cancel_part,
  info,
  list,
  find,
  stat,
  clear_stat
};

/// connector -> scheduler: about claims, which are what programs hold that are no jobs of the
/// instance (scheduler_core.hpp). Answered when it is durable. Errors: ec::busy (no room now),
/// ec::unsatisfiable (there never will be), ec::wrong_state (there is such a claim),
/// ec::unknown_job (there is none), ec::bad_jobspec, ec::bad_argument, ec::bad_rset,
/// ec::disk_full; ec::unknown_method (no scheduler is loaded, or it places no work itself).
struct claim_request {
  claim_verb verb = claim_verb::match;
  std::string op;      // of match: "allocate", ... (scheduler_core.hpp: claim_op)
  int64_t number = -1; // of the claim; match and update: below 0: the next
  std::string text;    // a jobspec, an R, what to find
  std::string format;  // of what was found; "": R
  uint64_t client = 0; // of the sender; 0: the claim stays when that has gone
};
HACTOR_INSPECT(claim_request, x.verb, x.op, x.number, x.text, x.format, x.client)

struct claim_info {
  uint64_t number = 0;
  std::string status; // ALLOCATED, RESERVED, MATCHED
  int64_t at = 0;     // seconds since the epoch
  double seconds = 0; // that the match took
  std::string r;
};
HACTOR_INSPECT(claim_info, x.number, x.status, x.at, x.seconds, x.r)

struct claim_reply {
  std::vector<claim_info> claims;
  std::string text;                                  // what was found
  bool all = false;                                  // cancel_part: nothing is left
  std::vector<std::pair<std::string, double>> stats; // stat
};
HACTOR_INSPECT(claim_reply, x.claims, x.text, x.all, x.stats)

/// connector -> scheduler: a client whose claims do not outlive it has gone.
struct claimant_gone {
  uint64_t client = 0;
};
HACTOR_INSPECT(claimant_gone, x.client)

/// resource -> scheduler: the inventory as it is now.
struct inventory {
  rset all;
  idset down;
  idset drained;
};
HACTOR_INSPECT(inventory, x.all, x.down, x.drained)

/// A rank that gets no new jobs because a person said so.
struct drained_rank {
  rank_t rank = 0;
  double since = 0; // seconds since the epoch
  std::string reason;

  friend bool operator==(const drained_rank&, const drained_rank&) = default;
};
HACTOR_INSPECT(drained_rank, x.rank, x.since, x.reason)

/// -> resource: no new jobs on these ranks, or new jobs again. Answered when it is durable. Errors:
/// ec::bad_argument (no such host), ec::unknown_rank, ec::wrong_state (drained already, unless
/// `update`, which changes the reason; not drained), ec::disk_full.
struct drain_request {
  idset ranks;
  std::string hosts; // hostlist, besides the ranks
  bool drain = true; // false: undrain
  bool update = false;
  std::string reason;
};
HACTOR_INSPECT(drain_request, x.ranks, x.hosts, x.drain, x.update, x.reason)

/// -> scheduler, resource: what there is and what is in use.
struct resource_reply {
  rset all, allocated, free;
  rset off; // what a person has marked as down in the graph, or what is above it
  idset up, down;
  std::vector<drained_rank> drained;
};
HACTOR_INSPECT(resource_reply, x.all, x.allocated, x.free, x.off, x.up, x.down, x.drained)

} // namespace hactor
