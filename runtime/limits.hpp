// Every bound and default of hactor that more than one file needs: the unit is in the name, the
// reason in the comment. A limit is met with ec::too_big (or the parser's own code), never by
// cutting something off.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace hactor::limits {

// -- text that comes from outside -----------------------------------------------------------------

/// Ids that an idset in text may name: 0 .. this - 1. Sixteen times the largest array, and an
/// expanded set stays below 64 MiB.
inline constexpr uint32_t idset_universe_max = 1u << 24;

/// Hosts that one hostlist may expand to. Sixteen times the ranks that a FLUID can tell apart;
/// "n[0-4000000000]" typed by mistake must be an error, not the end of the broker's memory.
inline constexpr size_t hostlist_hosts_max = 1u << 18;

/// Bytes of one host name; DNS allows 253. Bounds what a hostlist can expand to.
inline constexpr size_t host_bytes_max = 255;

/// Bytes of one jobspec. The largest real ones carry a whole environment (64 KiB) and a script;
/// a jobspec of 100 MB is a mistake and must be refused at the door.
inline constexpr size_t jobspec_bytes_max = 16u << 20;

/// The same with what is written into a jobspec here: its array, ids that it waits for, nodes.
inline constexpr size_t stored_jobspec_bytes_max = 20u << 20;

/// Levels of nesting in JSON. Writing and comparing JSON recurses; this keeps it on the stack.
inline constexpr size_t json_depth_max = 512;

/// Jobs in one submit request. A client with more sends several requests.
inline constexpr uint32_t jobs_per_request_max = 1'000'000;
static_assert(jobs_per_request_max <= idset_universe_max);

/// Ended jobs that wait for a 'job wait', 80 bytes each. Beyond it the oldest are not told of.
inline constexpr size_t unwaited_jobs_max = 1u << 20;

/// Bytes of a resource graph in text. A JGF of 100,000 nodes with 40 cores has 1.4 GB; its reader
/// ends at 4 GiB, and takes three times the text in memory.
inline constexpr size_t graph_text_bytes_max = size_t{2} << 30;

/// Bytes of a configuration file: such a file is written by hand.
inline constexpr size_t config_text_bytes_max = 1u << 20;

/// Vertices of a resource graph, about 100 bytes each: sixteen times a machine of 100,000 nodes
/// with 40 cores. A recipe of three lines can ask for any number.
inline constexpr size_t graph_vertices_max = size_t{1} << 26;

/// Edges of one subsystem that lead to one vertex: adding one looks at all.
inline constexpr size_t graph_parents_max = 1'024;

/// Levels of nesting in XML. Its readers recurse; recipes have 4 levels, hwloc's files about 20.
inline constexpr size_t xml_depth_max = 256;

/// Bytes of XML: hwloc writes 1 MB for the largest hosts, a recipe has some kilobytes. In memory an
/// element of four bytes takes hundreds.
inline constexpr size_t xml_bytes_max = 8u << 20;

// -- frames and buffers ---------------------------------------------------------------------------

/// Bytes of one frame on a client socket or between brokers. Bounds what a wrong length word can
/// make the receiver allocate.
inline constexpr size_t frame_bytes_max = 64u << 20;
static_assert(stored_jobspec_bytes_max < frame_bytes_max);

/// Bytes of a task's output that travel as one message: large enough to amortise the message,
/// small enough that a noisy task does not hold back the others of its node.
inline constexpr size_t output_chunk_bytes = 64u << 10;

/// Events that a broker keeps in memory for subscribers that join late or fall behind; older ones
/// come from the journal.
inline constexpr uint32_t event_ring_events_max = 65'536;

/// Lines about one kind of wait in a dump (SIGUSR1): what is stuck is mostly stuck alike, and the
/// log ring must hold the dump of all actors.
inline constexpr size_t wait_lines_max = 40;

/// Log records that a broker keeps for dmesg.
inline constexpr size_t log_ring_records_default = 1'024;

/// Bytes of one log line; a longer text is cut and marked, since a log must not fail.
inline constexpr size_t log_line_bytes_max = 16u << 10;

// -- the store ------------------------------------------------------------------------------------

/// Bytes of address space that LMDB maps for the journal. The file is sparse: only written pages
/// use disk, and growing the map of an open environment would stop its readers.
inline constexpr size_t journal_map_bytes_max = size_t{1} << 40;

/// The same for a file that nested instances share, and how many of them share one: each costs
/// LMDB 350 bytes a transaction of any of them, a file 2 MB of memory.
inline constexpr size_t nested_journal_map_bytes_max = size_t{64} << 30;
inline constexpr uint32_t nested_journals_per_file = 64;

// -- jobs that are started again -----------------------------------------------------------------

/// How often a job with retries is started again because a node of it was lost, which does not
/// count as one of them: a job that itself brings nodes down must end some time.
inline constexpr uint32_t node_losses_max = 16;
inline constexpr uint32_t retries_max = 1'000'000;

// -- time -----------------------------------------------------------------------------------------

/// Seconds until a request to another actor fails with ec::timed_out. Far above a round trip
/// under load, far below a person's patience.
inline constexpr int32_t request_timeout_s = 30;

/// Seconds for a broker to end once its jobs have: longer than MPI's goodbyes may take (5 s).
inline constexpr int32_t end_timeout_s = 15;

/// Seconds between SIGTERM and SIGKILL when a job is ended.
inline constexpr int32_t kill_timeout_s = 5;

/// Seconds between signs of life of brokers on different nodes, and the silence after which one
/// counts as lost. The second is several times the first: one late beat is not a death.
inline constexpr int32_t heartbeat_s = 2;
inline constexpr int32_t heartbeat_timeout_s = 10;
static_assert(heartbeat_timeout_s >= 3 * heartbeat_s);

// -- the overlay ----------------------------------------------------------------------------------

/// Children of one broker in the tree. Flat up to 17 ranks; 4 levels reach 65,536.
inline constexpr uint32_t tree_fanout = 16;

/// Brokers of one instance: the generator field of a FLUID has 14 bits.
inline constexpr uint32_t ranks_max = 1u << 14;

// -- urgency and priority (RFC 30) ----------------------------------------------------------------

inline constexpr int32_t urgency_max = 31;     ///< Expedite.
inline constexpr int32_t urgency_default = 16; ///< Also the most that a guest may ask for.
inline constexpr int64_t priority_max = 4'294'967'295;

} // namespace hactor::limits
