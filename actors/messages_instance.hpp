// Messages of the instance as a whole: the event stream, brokers among themselves, clients. A part
// of messages.hpp, which alone is included by others.
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

namespace hactor {

class stream_socket;

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
  uint32_t states = 0;        // bit mask: only events after which the job is in one; 0: all
  caf::actor subscriber;
};
HACTOR_INSPECT(subscribe_request, x.tag, x.since, x.live_only, x.follow, x.ids, x.kinds,
               x.states, x.subscriber)

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
  caf::actor job_manager, resource, archive, scheduler, kvs; // of the lead rank; null elsewhere
};
HACTOR_INSPECT(rank_services, x.rank, x.protocol, x.broker, x.exec, x.output, x.job_manager,
               x.resource, x.events, x.archive, x.scheduler, x.kvs)

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

// -- nested instances -----------------------------------------------------------------------------

/// connector -> exec of a job's first rank: make an instance over the job's grant, which lives
/// until the process `owner` or the job's own tasks have ended. Errors: ec::wrong_state (the job
/// does not run here, or has an instance), ec::bad_argument (a setting), ec::store_failed.
struct instance_request {
  job_id job;
  std::string parent;        // path of the instance that the job belongs to; "": the outermost
  rset resources;            // of the new one: ranks from 0
  std::vector<rank_t> nodes; // by its rank: the system's rank of the node
  std::vector<std::pair<std::string, std::string>> settings; // attributes that are set
  int32_t owner = 0;         // process id; 0: unknown
  /// What of the graph around was granted, as JGF with that one's ranks; "": what `resources` says.
  std::string graph;
  std::vector<rank_t> ranks; // by its rank: the rank that the node has in the instance around
  std::vector<int64_t> memory{}; // of its jobs' launches (launch_request); filled in by exec
};
HACTOR_INSPECT(instance_request, x.job, x.parent, x.resources, x.nodes, x.settings, x.owner,
               x.graph, x.ranks, x.memory)

/// connector -> exec: the instance of this job. Errors: ec::unknown_job when there is none.
struct enter_request {
  job_id job;
};
HACTOR_INSPECT(enter_request, x.job)

/// What a connector needs to serve clients of a nested instance.
struct instance_reply {
  caf::actor instance; // down when the instance has ended
  rank_services lead;  // of the instance; no broker
  caf::actor ingest;
  std::string path;
  std::vector<rank_t> nodes;
  std::vector<std::pair<std::string, std::string>> attributes; // that differ from the defaults
  std::vector<std::pair<std::string, caf::actor>> named;
  int64_t started_ns = 0;
};
HACTOR_INSPECT(instance_reply, x.instance, x.lead, x.ingest, x.path, x.nodes, x.attributes, x.named,
               x.started_ns)

/// connector -> exec: answered when the job's instance, or all of the job here, has ended, or when
/// the instance gives the node back on which is asked. Errors: ec::wrong_state when the job does
/// not run here.
struct instance_wait {
  job_id job;
  rank_t broker = 0; // of the process that waits
};
HACTOR_INSPECT(instance_wait, x.job, x.broker)

/// job manager -> exec of the job's first rank -> its instance: it has more nodes from now on.
/// Answered by their ranks in it. Errors: ec::no_instance. Before, to the execs of the nodes, which
/// have none: what they ended of an attempt before is not this one.
struct instance_grow {
  job_id job;
  rset resources;            // one node for each of:
  std::vector<rank_t> nodes; // as the brokers know them
  uint32_t attempt = 1;      // of the job
};
HACTOR_INSPECT(instance_grow, x.job, x.resources, x.nodes, x.attempt)

/// The same way: it is to give nodes back. Errors: ec::no_instance, and as resize_request.
struct instance_shrink {
  job_id job;
  uint32_t nodes = 0; // as in resize_request
  idset ranks;
  bool wait = false;
  bool force = false;
};
HACTOR_INSPECT(instance_shrink, x.job, x.nodes, x.ranks, x.wait, x.force)

/// Nothing of the instance is there any more.
struct instance_shrunk {
  idset ranks;               // of the instance
  std::vector<rank_t> nodes; // the same, as the brokers know them
  idset brokers;             // that host none of its nodes any more
};
HACTOR_INSPECT(instance_shrunk, x.ranks, x.nodes, x.brokers)

/// instance -> its job manager, its resource service, its connectors: which nodes it has now.
struct nodes_changed {
  std::vector<rank_t> nodes; // of rank_map
  rset added;                // by rank of the instance
  idset removed;
};
HACTOR_INSPECT(nodes_changed, x.nodes, x.added, x.removed)

/// connector -> its instance: I want to hear of nodes_changed.
struct watch_nodes {
  caf::actor who;
};
HACTOR_INSPECT(watch_nodes, x.who)

/// To an instance: end, and all that runs in it first.
struct instance_end {
  std::string reason;
};
HACTOR_INSPECT(instance_end, x.reason)

/// exec -> an instance that the job holds: its time is nearly over, and all that runs in it is to
/// have this signal.
struct instance_warning {
  int32_t signal = 10;
};
HACTOR_INSPECT(instance_warning, x.signal)

/// instance -> exec: nothing of it runs any more.
struct instance_over {
  job_id job;
};
HACTOR_INSPECT(instance_over, x.job)

/// exec -> job manager of a job that holds an instance now, -> its scheduler.
struct instance_opened {
  job_id id;
  caf::actor scheduler, resource; // of the instance
};
HACTOR_INSPECT(instance_opened, x.id, x.scheduler, x.resource)

/// Once, to the distributor of an instance that keeps no work itself: who runs its jobs, of which
/// its children are some.
struct distribution_begin {
  caf::actor job_manager;
};
HACTOR_INSPECT(distribution_begin, x.job_manager)

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
  int32_t pid = 0; // 0: not of this pid namespace
};
HACTOR_INSPECT(client_opened, x.session, x.fd, x.userid, x.pid)

/// One frame of a client (doc/client-protocol.md).
struct client_frame {
  uint64_t session = 0;
  uint8_t kind = 0;
  uint64_t tag = 0;
  std::string payload;
};
HACTOR_INSPECT(client_frame, x.session, x.kind, x.tag, x.payload)

/// connector -> connector of a nested instance, within the rank: this client means you. Its frames
/// follow, by way of the first.
struct client_entered {
  uint64_t session = 0;
  uint32_t userid = 0;
  int32_t pid = 0;
  std::string path; // of an instance below; "": this one
  std::shared_ptr<stream_socket> socket{};
};
HACTOR_INSPECT(client_entered, x.session, x.userid, x.pid, x.path)

struct client_closed {
  uint64_t session = 0;
};
HACTOR_INSPECT(client_closed, x.session)

/// A client that was slow has read what was queued for it.
struct client_drained {
  uint64_t session = 0;
};
HACTOR_INSPECT(client_drained, x.session)

} // namespace hactor
