// Every actor of an instance and what it answers: the map of the running system. Where each lives
// and what it owns: doc/architecture.md. A request's errors are named at its struct in
// messages.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/messages.hpp"

namespace hactor {

/// STATUS: anyone may ask any service for its counters, and for what it waits for.
using status_actor = caf::typed_actor<caf::replies_to<stats_atom>::with<stats_reply>,
                                      caf::replies_to<waits_atom>::with<waits_reply>>;

/// JOURNAL: the only writer of the state directory. Lead rank, a thread of its own.
using journal_actor = caf::typed_actor<
  // Made durable together with whatever else waits.
  caf::replies_to<commit_request>::with<committed>,
  // Between commits, some at a time.
  caf::replies_to<purge_request>::with<count_reply>,
  // From the KVS, once.
  caf::reacts_to<kvs_begin>,
  // INTERNAL: commit what has gathered.
  caf::reacts_to<flush_atom>,
  // INTERNAL: forget the next few jobs.
  caf::reacts_to<tick_atom>,
  // INTERNAL: some may have become too old.
  caf::reacts_to<timeout_atom>>::extend_with<status_actor>;

/// ARCHIVE: reads what is durable: old events, ended jobs. Lead rank, a thread of its own.
using archive_actor = caf::typed_actor<
    // Ended jobs only.
    caf::replies_to<list_request>::with<list_reply>, caf::replies_to<job_request>::with<job_reply>,
    caf::replies_to<follow_request>::with<follow_reply>,
    caf::replies_to<ends_request>::with<ends_reply>,
    caf::replies_to<named_request>::with<named_reply>,
    caf::replies_to<array_request>::with<array_reply>,
    caf::replies_to<log_request>::with<event_batch>>::extend_with<status_actor>;

/// EVENTS: the instance's one ordered, numbered stream. It begins on the lead rank; the others have
/// it from their parent in the tree of ranks, while somebody there wants it.
using events_actor = caf::typed_actor<
  // From the JOURNAL, after each commit; or from the parent.
  caf::reacts_to<event_batch>,
  // From children.
  caf::replies_to<relay_request>::with<relay_begin>,
  caf::reacts_to<relay_end>,
  caf::reacts_to<subscribe_request>,
  caf::reacts_to<subscription_credit>,
  caf::reacts_to<unsubscribe>>::extend_with<status_actor>;

/// KVS: keys and values, by namespaces; transactions, watches. Lead rank.
using kvs_actor = caf::typed_actor<
  caf::replies_to<kvs_commit_request>::with<kvs_root>,
  caf::replies_to<kvs_lookup_request>::with<kvs_lookup_reply>,
  caf::replies_to<kvs_root_request>::with<kvs_root>,
  caf::replies_to<kvs_space_request>::with<kvs_spaces>,
  caf::reacts_to<kvs_watch_request>,
  caf::reacts_to<kvs_watch_credit>,
  caf::reacts_to<kvs_unwatch>,
  // INTERNAL: hand what has gathered to the JOURNAL.
  caf::reacts_to<flush_atom>>::extend_with<status_actor>;

/// JOB MANAGER: the life of every job. Lead rank.
using job_manager_actor = caf::typed_actor<
  caf::replies_to<accept_request>::with<submit_reply>,
  caf::replies_to<raise_request>::with<count_reply>,
  caf::replies_to<kill_request>::with<count_reply>,
  caf::replies_to<urgency_request>::with<count_reply>,
  caf::replies_to<memo_request>::with<count_reply>,
  // Of a job that holds an instance: more nodes, or fewer.
  caf::replies_to<resize_request>::with<resize_reply>,
  caf::replies_to<update_request>::with<count_reply>,
  // Active jobs from memory, ended ones from the ARCHIVE.
  caf::replies_to<list_request>::with<list_reply>,
  caf::replies_to<job_request>::with<job_reply>,
  caf::replies_to<follow_request>::with<follow_reply>,
  caf::reacts_to<unfollow>,
  caf::replies_to<reap_request>::with<reap_reply>,
  caf::reacts_to<not_reaped>,
  caf::reacts_to<waited_for>,
  caf::replies_to<purge_request>::with<count_reply>,
  caf::replies_to<counts_atom>::with<job_counts>,
  caf::replies_to<job_waits_request>::with<job_waits_reply>,
  // The instance ends: running jobs are cancelled, none is started; answered when none runs.
  caf::replies_to<drain_atom>::with<done>,
  // From the SCHEDULER.
  caf::reacts_to<alloc_decision>,
  caf::replies_to<rooms_atom>::with<rooms_reply>,
  // From EXEC, the root of a job's tree.
  caf::reacts_to<exec_report>,
  // From EXEC; the SCHEDULER is told.
  caf::reacts_to<instance_opened>,
  // From every EXEC of a job that lost a broker.
  caf::reacts_to<settled_report>,
  // From the BROKER.
  caf::reacts_to<rank_lost>,
  // From the INSTANCE, when it has grown or shrunk.
  caf::replies_to<nodes_changed>::with<done>,
  // INTERNAL: hand the gathered events to the JOURNAL.
  caf::reacts_to<flush_atom>,
  // INTERNAL: try a commit again that found the disk full.
  caf::reacts_to<retry_atom>,
  // INTERNAL: a time limit may have passed.
  caf::reacts_to<tick_atom>>::extend_with<status_actor>;

/// SCHEDULER: which pending job runs next, and where. Lead rank.
using scheduler_actor = caf::typed_actor<
  caf::reacts_to<alloc_request>,
  caf::reacts_to<alloc_cancel>,
  caf::reacts_to<alloc_prioritize>,
  caf::reacts_to<alloc_extend>,
  caf::reacts_to<free_request>,
  // From the INSTANCE, which is to give nodes back.
  caf::replies_to<vacate_request>::with<done>,
  caf::replies_to<feasible_request>::with<done>,
  caf::replies_to<explain_request>::with<explain_reply>,
  caf::replies_to<queue_request>::with<queue_reply>,
  // Asks the JOB MANAGER for all that it must know, when it is loaded.
  caf::replies_to<scheduler_request>::with<scheduler_reply>,
  // From the JOB MANAGER: a job holds an instance now; the instance ends.
  caf::reacts_to<instance_opened>,
  caf::reacts_to<drain_atom>,
  // From CONNECTORs, for programs that hold resources without jobs.
  caf::replies_to<claim_request>::with<claim_reply>,
  caf::reacts_to<claimant_gone>,
  // From RESOURCE.
  caf::replies_to<graph_request>::with<graph_reply>,
  caf::reacts_to<inventory>,
  caf::replies_to<usage_atom>::with<resource_reply>,
  // INTERNAL: one scheduling pass.
  caf::reacts_to<tick_atom>>::extend_with<status_actor>;

/// DISTRIBUTOR: in the SCHEDULER's place where an instance keeps no work itself: gives jobs to the
/// schedulers of its children, of which some may be distributors. Lead rank.
using distributor_actor = caf::typed_actor<
  // From main, once.
  caf::reacts_to<distribution_begin>,
  // From the SCHEDULERs of children, and from the one that places the children.
  caf::reacts_to<alloc_decision>,
  caf::replies_to<rooms_atom>::with<rooms_reply>,
  // From the DISTRIBUTOR of a child; passed on to whoever gave the jobs.
  caf::replies_to<raise_request>::with<count_reply>>::extend_with<scheduler_actor>;

/// RESOURCE: which nodes, cores and GPUs there are, and which of them are drained. Lead rank.
using resource_actor = caf::typed_actor<
  // From the BROKER.
  caf::reacts_to<rank_lost>,
  // From the INSTANCE.
  caf::replies_to<nodes_changed>::with<done>,
  caf::replies_to<drain_request>::with<done>,
  // Asks the SCHEDULER, and knows of new nodes from then on.
  caf::replies_to<graph_request>::with<graph_reply>,
  caf::replies_to<usage_atom>::with<resource_reply>>::extend_with<status_actor>;

/// INGEST: parses, checks, gives ids. Every rank.
using ingest_actor
  = caf::typed_actor<caf::replies_to<submit_request>::with<submit_reply>>::extend_with<
    status_actor>;

/// EXEC: this rank's part of every job. Every rank.
using exec_actor = caf::typed_actor<
  caf::reacts_to<launch_request>,
  caf::reacts_to<signal_request>,
  // From the JOB MANAGER, to every rank of a job that lost a broker.
  caf::reacts_to<settle_request>,
  // From children in a job's tree.
  caf::reacts_to<exec_report>,
  // From a SHELL.
  caf::reacts_to<shell_report>,
  // From a SHELL or a child in the job's tree; from the parent.
  caf::reacts_to<exchange_part>,
  caf::reacts_to<exchange_whole>,
  // From a SHELL or another EXEC, to be passed on to where it is meant for.
  caf::reacts_to<modex_request>,
  caf::reacts_to<modex_reply>,
  caf::reacts_to<input_request>,
  caf::reacts_to<command_request>,
  caf::reacts_to<command_kill>,
  // From CONNECTORs, from the parent in the job's tree.
  caf::replies_to<job_waits_request>::with<job_waits_reply>,
  // Instances over the grants of jobs whose first rank this is.
  caf::replies_to<instance_request>::with<instance_reply>,
  caf::replies_to<enter_request>::with<instance_reply>,
  caf::replies_to<instance_wait>::with<done>,
  caf::replies_to<instance_grow>::with<resize_reply>,
  caf::replies_to<instance_shrink>::with<instance_shrunk>,
  caf::reacts_to<instance_over>,
  // From the BROKER.
  caf::reacts_to<rank_lost>,
  // INTERNAL: send reports that have gathered.
  caf::reacts_to<flush_atom>,
  // INTERNAL: a simulated job's end, a kill's second step.
  caf::reacts_to<tick_atom>>::extend_with<status_actor>;

/// INSTANCE: a nested instance, on the first rank of the job whose grant it has.
using instance_actor = caf::typed_actor<
  caf::replies_to<ready_atom>::with<instance_reply>,
  caf::reacts_to<instance_end>,
  // From EXEC.
  caf::reacts_to<instance_warning>,
  // From the JOB MANAGER of the job that it has its nodes from, by way of EXEC.
  caf::replies_to<instance_grow>::with<resize_reply>,
  caf::replies_to<instance_shrink>::with<instance_shrunk>,
  // From its CONNECTORs.
  caf::reacts_to<watch_nodes>,
  // From EXEC: a broker was lost.
  caf::reacts_to<rank_lost>>::extend_with<status_actor>;

/// SHELL: the tasks of one job on one node. From launch to the end of its last task.
using shell_actor = caf::typed_actor<
  caf::reacts_to<task_started>,
  caf::reacts_to<task_failed>,
  caf::reacts_to<task_output>,
  caf::reacts_to<task_exited>,
  caf::reacts_to<task_control>,
  caf::reacts_to<exchange_whole>,
  caf::reacts_to<pmix_word>,
  caf::reacts_to<modex_request>,
  caf::reacts_to<modex_reply>,
  // INTERNAL: a rank's program went without MPI_Finalize, a moment ago.
  caf::reacts_to<rank_dropped>,
  caf::reacts_to<shell_signal>,
  caf::reacts_to<input_request>,
  // From the MEMORY GUARD.
  caf::reacts_to<memory_exceeded>,
  // From EXEC.
  caf::reacts_to<shell_note>,
  // INTERNAL: the grace after SIGTERM is over.
  caf::reacts_to<tick_atom>,
  // INTERNAL: captured lines have waited long enough for others.
  caf::reacts_to<flush_atom>,
  // INTERNAL: time to look at what the tasks use.
  caf::reacts_to<usage_atom>,
  // A command within the job, and its end.
  caf::reacts_to<command_request>,
  caf::reacts_to<command_kill>,
  // From EXEC, for whoever asks what the job waits for.
  caf::replies_to<job_waits_request>::with<job_waits_reply>>;

/// MEMORY GUARD: what jobs with a limit, and jobs within instances with one, use of this rank's
/// memory. Every rank.
using memory_guard_actor = caf::typed_actor<
  // From SHELLs.
  caf::reacts_to<memory_member>,
  // INTERNAL: time to look.
  caf::reacts_to<tick_atom>>::extend_with<status_actor>;

/// OUTPUT: what tasks of this rank wrote; the only writer of its spool. Every rank.
using output_actor = caf::typed_actor<
  caf::reacts_to<output_append>,
  caf::reacts_to<output_reopen>,
  caf::replies_to<output_seal>::with<output_sealed>,
  caf::reacts_to<output_give_up>,
  // From the JOURNAL and INSTANCES.
  caf::reacts_to<output_forget>,
  caf::replies_to<output_request>::with<output_reply>,
  // INTERNAL: try again what found the disk full.
  caf::reacts_to<tick_atom>,
  // INTERNAL: forget what has been read meanwhile.
  caf::reacts_to<timeout_atom>>::extend_with<status_actor>;

/// BROKER: a rank's root: who the peers are, whether they live, and the way to them. Every rank.
using broker_actor = caf::typed_actor<
  // From main, once.
  caf::reacts_to<local_services>,
  // From a higher rank that has dialled us.
  caf::replies_to<hello_request>::with<hello_reply>,
  caf::reacts_to<dial_request>,
  caf::replies_to<peer_request>::with<rank_services>,
  // From the transport.
  caf::reacts_to<rank_lost>,
  caf::replies_to<ping_request>::with<ping_reply>,
  // Answered when every rank has said hello. Errors: ec::timed_out, naming the missing hosts.
  caf::replies_to<ready_atom>::with<done>,
  // Down the tree: the instance ends. Answered when all ranks beneath have heard of it; on the lead
  // at once while jobs are still being ended.
  caf::replies_to<shutdown_request>::with<done>,
  // INTERNAL: dial again who did not answer; give up on who never did.
  caf::reacts_to<tick_atom>>::extend_with<status_actor>;

/// CONNECTOR: the clients of this rank's socket. Every rank.
using connector_actor = caf::typed_actor<
  // From the transport thread.
  caf::reacts_to<client_opened>,
  // From the CONNECTOR of the instance around.
  caf::reacts_to<client_entered>,
  caf::reacts_to<client_frame>,
  caf::reacts_to<client_closed>,
  caf::reacts_to<client_drained>,
  // What clients follow.
  caf::reacts_to<job_events>,
  caf::reacts_to<output_ready>,
  caf::reacts_to<input_taken>,
  caf::reacts_to<subscribed_events>,
  caf::reacts_to<command_output>,
  caf::reacts_to<command_ended>,
  caf::reacts_to<kvs_changed>,
  // From the INSTANCE whose clients these are.
  caf::replies_to<nodes_changed>::with<done>,
  // INTERNAL: ask the JOB MANAGER what has gathered.
  caf::reacts_to<flush_atom>,
  // From the BROKER.
  caf::reacts_to<rank_lost>>::extend_with<status_actor>;

} // namespace hactor
