// Workflows as actors: submits jobs to a running hactor and is told what becomes of them, by
// messages. Installed as hactor/workflow.hpp; doc/workflow.md says how to write a driver.
//
//     auto instance = hactor::workflow::connect(system);        // the one that HACTOR_URI names
//     self->request(*instance, caf::infinite, submit_request{{{.command = {"./simulate", "1"}}}})
//       .then([=](const submit_reply& r) { ... r.ids ... });
//
// Needs C++20 and CAF 0.17. All messages stay within the process: no type has to be registered.
// What a function or a message may fail with is named at "Errors"; error_name() gives these names.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#define HACTOR_WORKFLOW_API __attribute__((visibility("default")))

namespace hactor::workflow {

// -- values ---------------------------------------------------------------------------------------

/// A job's id as hactor prints it, e.g. "f2sk4Rt". Ids that an instance gave compare as texts.
using job_id = std::string;

/// The states of a job (RFC 21), in the order in which it goes through them.
enum class job_state : uint8_t {
  none = 0,
  new_job = 1,
  depend = 2,   ///< Waits for what it depends on.
  priority = 4, ///< Waits for its priority.
  sched = 8,    ///< Waits for resources.
  run = 16,     ///< Has its resources.
  cleanup = 32, ///< Its tasks have ended, or it had a fatal exception.
  inactive = 64 ///< It is over.
};

/// States as a mask, e.g. states_of(job_state::run, job_state::inactive).
template <class... States>
constexpr uint32_t states_of(States... states) {
  return (0u | ... | static_cast<uint32_t>(states));
}

/// How a job has ended.
enum class job_outcome : uint8_t {
  none = 0,
  completed = 1,
  failed = 2,
  canceled = 4,
  timeout = 8,
  node_failed = 16, ///< A node of it was lost, or the instance, while it ran.
};

/// What a job is to be: the options of `hactor submit` as fields. Unset fields mean what absent
/// options do. All are the caller's copies; {cc} in a command stands for the copy's number.
struct job_spec {
  std::vector<std::string> command = {}; ///< The program and its arguments. Required.
  uint32_t nodes = 0;                    ///< -N
  uint32_t tasks = 0;                    ///< -n
  uint32_t cores_per_task = 0;           ///< -c
  uint32_t gpus_per_task = 0;            ///< -g
  uint32_t tasks_per_node = 0;           ///< --tasks-per-node
  bool exclusive = false;                ///< --exclusive: whole nodes
  double time_limit_s = 0; ///< -t, in seconds; 0: the instance's default; infinity: none
  int32_t urgency = 16;    ///< --urgency, 0 (held) to 31
  std::string name = {};   ///< --job-name
  std::string queue = {};  ///< --queue
  std::string cwd = {};    ///< --cwd; "": this process's own
  std::string output = {}; ///< --output: a file, with {{id}} as there; "": kept for reading
  std::string error = {};  ///< --error; "": as output
  std::string input = {};  ///< --input: a file; "": nothing to read
  /// --env, in order: "NAME=VALUE", "-NAME" (not inherited), "-*" (nothing inherited) ...
  std::vector<std::string> env = {};
  /// --dependency: a scheme and an id or the name of jobs, of this request too: {"afterok", id}.
  std::vector<std::pair<std::string, std::string>> dependencies = {};
  /// --setattr: pairs of a key with dots below attributes.system, and JSON, e.g.
  /// {"exec.test.run_duration", "\"10ms\""}.
  std::vector<std::pair<std::string, std::string>> attributes = {};
  uint32_t copies = 1; ///< --cc: so many jobs of this kind, numbered from 0
  /// wait_any_request will tell of it.
  bool waitable = false;

  friend bool operator==(const job_spec&, const job_spec&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, job_spec& x) {
    return f(x.command, x.nodes, x.tasks, x.cores_per_task, x.gpus_per_task, x.tasks_per_node,
             x.exclusive, x.time_limit_s, x.urgency, x.name, x.queue, x.cwd, x.output, x.error,
             x.input, x.env, x.dependencies, x.attributes, x.copies, x.waitable);
  }
};

/// One thing that happened to one job.
struct job_event {
  uint64_t sequence = 0; ///< Its number among all events of the instance, from 1.
  job_id id = {};
  std::string name = {};             ///< "submit", "alloc", "start", "finish" ... (RFC 21)
  job_state state = job_state::none; ///< The job's state after it.
  int64_t time_ns = 0;               ///< Nanoseconds since the epoch.
  std::string context = {};          ///< A JSON object, e.g. {"status":256}; "" when it has none.

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, job_event& x) {
    return f(x.sequence, x.id, x.name, x.state, x.time_ns, x.context);
  }
};

/// How one job has ended.
struct job_result {
  job_id id = {};
  job_outcome outcome = job_outcome::none;
  int32_t status = 0;    ///< What a shell would show: the exit code, 128+signal, 1 if it never ran.
  std::string note = {}; ///< Why, when it was no task that failed, e.g. "cancel: no longer wanted".

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, job_result& x) {
    return f(x.id, x.outcome, x.status, x.note);
  }
};

/// What a listing shows of a job. Times are seconds since the epoch, 0: not reached.
struct job_info {
  job_id id = {};
  std::string name = {};
  std::string queue = {};
  job_state state = job_state::none;
  job_result result = {}; ///< Its outcome is none while the job is active.
  int32_t urgency = 16;
  uint32_t tasks = 0, cores = 0, nodes = 0;
  double submitted_s = 0, started_s = 0, ended_s = 0;
  std::string nodelist = {}; ///< RFC 29 hostlist; "" before it has resources.

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, job_info& x) {
    return f(x.id, x.name, x.queue, x.state, x.result, x.urgency, x.tasks, x.cores, x.nodes,
             x.submitted_s, x.started_s, x.ended_s, x.nodelist);
  }
};

// -- messages: to the instance --------------------------------------------------------------------
//
// Each is answered by the reply of the same name. Any may fail with "no_instance" (it cannot be
// reached), "disconnected" (the connection broke before the answer) and "bad_argument".

/// Makes jobs, all or none. Answered when they are recorded: what happens to the instance from then
/// on, the jobs are not lost if it has a state directory. Errors: bad_jobspec, unsatisfiable (the
/// instance can never run it), too_big (more than 64 MiB of jobspecs: send slices of 10,000 jobs),
/// disk_full. On "disconnected" it is not known whether they were made.
struct submit_request {
  std::vector<job_spec> jobs = {};

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, submit_request& x) {
    return f(x.jobs);
  }
};

struct submit_reply {
  std::vector<job_id> ids = {}; ///< In the order of the jobs; the copies of one side by side.

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, submit_reply& x) {
    return f(x.ids);
  }
};

/// Ends jobs, whatever they are doing: what runs gets SIGTERM, and SIGKILL after a grace.
/// Errors: unknown_job, wrong_state (the one that was named has ended already).
struct cancel_request {
  /// Those of them that have ended are passed over when there are several.
  std::vector<job_id> ids = {};
  bool all = false;         ///< Instead of ids: every job that is active.
  std::string message = {}; ///< Why, for the job's record.

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, cancel_request& x) {
    return f(x.ids, x.all, x.message);
  }
};

/// Sends a signal to the tasks of running jobs. Errors: unknown_job, wrong_state.
struct signal_request {
  std::vector<job_id> ids = {};
  int32_t signal = 15;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, signal_request& x) {
    return f(x.ids, x.signal);
  }
};

struct count_reply {
  uint64_t count = 0; ///< Jobs that it was done to.

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, count_reply& x) {
    return f(x.count);
  }
};

/// Answered by a job_result when the job has ended, at once if it has. Errors: unknown_job.
struct wait_request {
  job_id id = {};

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, wait_request& x) {
    return f(x.id);
  }
};

/// Answered by a job_result of the next job to end of those that were submitted as waitable, each
/// once, whoever else waits; what ended while nobody waited is told once to whoever asks first.
/// Several requests at once are answered by an end each. Errors: unknown_job (none is left).
struct wait_any_request {
  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, wait_any_request&) {
    return f(caf::meta::type_name("wait_any_request"));
  }
};

/// Pending jobs by priority, then running ones, latest start first, then ended ones, latest end
/// first. Errors: unknown_job (one that was named).
struct list_request {
  std::vector<job_id> ids = {}; ///< Empty: all that the rest lets through.
  uint32_t states = states_of(job_state::depend, job_state::priority, job_state::sched,
                              job_state::run, job_state::cleanup); ///< Not looked at with ids.
  uint64_t max = 0;                                                ///< 0: all
  std::string name = {};                                           ///< Only jobs of this name.

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, list_request& x) {
    return f(x.ids, x.states, x.max, x.name);
  }
};

struct list_reply {
  std::vector<job_info> jobs = {};

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, list_reply& x) {
    return f(x.jobs);
  }
};

/// Reads what a job writes to standard output and error (unless those are files of its own), from
/// the first byte until it has ended; answered then. Errors: unknown_job.
struct output_request {
  job_id id = {};
  uint64_t max_bytes = 1 << 20; ///< Of each of the two; the rest is not read.

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, output_request& x) {
    return f(x.id, x.max_bytes);
  }
};

struct output_reply {
  std::string out = {}, err = {}; ///< Of all tasks, in the order in which it came.
  bool truncated = false;         ///< There was more.
  job_result result = {};
  std::string lost = {}; ///< What was written and cannot be read any more, and why: for people.

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, output_reply& x) {
    return f(x.out, x.err, x.truncated, x.result, x.lost);
  }
};

/// Asks for events to be pushed, as job_events messages to `subscriber`, until unsubscribe_request
/// or the subscriber's end. What is not asked for does not leave the broker. Answered when it has
/// begun: what happens afterwards is told. Errors: bad_argument (no event has this name).
struct subscribe_request {
  /// `since`: none of what has happened before.
  static constexpr uint64_t only_new = UINT64_MAX;

  caf::actor subscriber = {};    ///< Who has a handler of job_events and, to hear of the end, of
                                 ///< subscription_ended.
  std::vector<job_id> jobs = {}; ///< Empty: all.
  uint32_t states = 0; ///< The events by which a job comes into one of these; 0: as `names` says.
  std::vector<std::string> names = {}; ///< The events of these names too; with neither: all.
  uint64_t since = only_new; ///< The number of the first event; 0: the oldest that is kept.

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, subscribe_request& x) {
    return f(x.subscriber, x.jobs, x.states, x.names, x.since);
  }
};

struct subscribe_reply {
  uint64_t subscription = 0;  ///< Its number, repeated in all that belongs to it.
  uint64_t next_sequence = 0; ///< Events from this one on are told.

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, subscribe_reply& x) {
    return f(x.subscription, x.next_sequence);
  }
};

/// Ends a subscription; what is under way may still come. Not answered.
struct unsubscribe_request {
  uint64_t subscription = 0;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, unsubscribe_request& x) {
    return f(x.subscription);
  }
};

/// Ends the instance as if its script had ended with 0. Answered by count_reply.
struct shutdown_request {
  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, shutdown_request&) {
    return f(caf::meta::type_name("shutdown_request"));
  }
};

// -- messages: to a subscriber --------------------------------------------------------------------

/// A batch of events, in order. The next but one comes when the handler has returned: a slow
/// subscriber is waited for, and costs the broker no memory; what it has not read meanwhile is read
/// from disk. The handler must return void.
struct job_events {
  uint64_t subscription = 0;
  std::vector<job_event> events = {};
  uint64_t next_sequence = 0; ///< Who subscribes `since` this number goes on behind the batch.
  uint64_t lost = 0; ///< Events before these that the instance no longer keeps (retention).

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, job_events& x) {
    return f(x.subscription, x.events, x.next_sequence, x.lost);
  }
};

/// No more of this subscription will come: the connection is lost, and was not had again.
struct subscription_ended {
  uint64_t subscription = 0;
  caf::error why = {};        ///< disconnected, no_instance
  uint64_t next_sequence = 0; ///< Behind the last batch.

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, subscription_ended& x) {
    return f(x.subscription, x.why, x.next_sequence);
  }
};

// -- the instance ---------------------------------------------------------------------------------

/// A running instance, as actors see it.
using instance_actor = caf::typed_actor<caf::replies_to<submit_request>::with<submit_reply>,
                                        caf::replies_to<cancel_request>::with<count_reply>,
                                        caf::replies_to<signal_request>::with<count_reply>,
                                        caf::replies_to<wait_request>::with<job_result>,
                                        caf::replies_to<wait_any_request>::with<job_result>,
                                        caf::replies_to<list_request>::with<list_reply>,
                                        caf::replies_to<output_request>::with<output_reply>,
                                        caf::replies_to<subscribe_request>::with<subscribe_reply>,
                                        caf::reacts_to<unsubscribe_request>,
                                        caf::replies_to<shutdown_request>::with<count_reply>>;

struct connect_options {
  /// How long a lost connection is tried to be had again, in seconds. Meanwhile waits and
  /// subscriptions stay, and go on where they were if the same instance answers, with its state
  /// directory and its --rundir of before; other requests fail at once. 0: not at all.
  double reconnect_s = 0;
};

/// Makes the actor of the instance at `uri`; "" is HACTOR_URI of the environment. It has a thread
/// for its sockets, and one connection, with one more for each subscription. It lives as long as a
/// handle of it. Errors: no_instance, bad_argument (no URI, nor what `hactor ps` shows),
/// system_failed; over TCP also not_permitted, unknown_key (the token), timed_out, network_failed.
HACTOR_WORKFLOW_API caf::expected<instance_actor>
connect(caf::actor_system& system, std::string_view uri = {}, connect_options options = {});

/// The name of an error, e.g. "unknown_job" (doc/client-protocol.md); "timed_out" and
/// "disconnected" for those of CAF that mean it, "system_failed" for others.
HACTOR_WORKFLOW_API std::string error_name(const caf::error& e);

/// An error as a sentence for a person.
HACTOR_WORKFLOW_API std::string error_text(const caf::error& e);

// -- without actors of one's own ------------------------------------------------------------------

/// The same for programs that would rather call than send: every call blocks until it is answered.
/// For one thread. Errors: those of the messages.
class HACTOR_WORKFLOW_API session {
public:
  static caf::expected<session> open(std::string_view uri = {}, connect_options options = {});
  session(session&&) noexcept;
  session& operator=(session&&) noexcept;
  ~session();

  caf::expected<std::vector<job_id>> submit(std::vector<job_spec> jobs);
  caf::expected<job_result> wait(const job_id& id);
  caf::expected<job_result> wait_any();
  caf::expected<output_reply> read(const job_id& id, uint64_t max_bytes = 1 << 20);
  caf::expected<uint64_t> cancel(std::vector<job_id> ids, std::string message = {});
  caf::expected<std::vector<job_info>> list(list_request what = {});

  /// Calls `f` for each event that `what` asks for (its subscriber is not looked at), until it
  /// returns false. Returns the number to go on with. `begun` is called once when the subscription
  /// has begun: jobs that it submits are told of from their first event on.
  caf::expected<uint64_t> for_each_event(subscribe_request what,
                                         const std::function<bool(const job_event&)>& f,
                                         const std::function<void()>& begun = {});

private:
  struct parts;
  explicit session(std::unique_ptr<parts> p);
  std::unique_ptr<parts> parts_;
};

} // namespace hactor::workflow

// For programs that are compiled with CAF's checks of type ids; a block far from those of others.
CAF_BEGIN_TYPE_ID_BLOCK(hactor_workflow, 30000)
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::submit_request))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::submit_reply))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::cancel_request))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::signal_request))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::count_reply))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::wait_request))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::wait_any_request))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::job_result))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::list_request))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::list_reply))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::output_request))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::output_reply))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::subscribe_request))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::subscribe_reply))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::unsubscribe_request))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::shutdown_request))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::job_events))
  CAF_ADD_TYPE_ID(hactor_workflow, (hactor::workflow::subscription_ended))
CAF_END_TYPE_ID_BLOCK(hactor_workflow)
