// The table of attributes; see attributes.hpp. Keep it sorted by name: a static_assert checks.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/attributes.hpp"

#include <algorithm>
#include <iterator>

namespace hactor {

namespace {

using enum attribute_type;

constexpr double unbounded = std::numeric_limits<double>::infinity();

constexpr attribute rows[] = {
    {.name = "config",
     .default_value = "",
     .meaning = "Configuration file (TOML) with Fluxion's tables sched-fluxion-qmanager and "
                "sched-fluxion-resource, and queues; what is set otherwise goes first."},
    {.name = "connector.key",
     .default_value = "",
     .meaning = "File with the token that clients over TCP must have, mode 0600; empty: "
                "transport.key, or ~/.config/hactor/key. Made when it is not there."},
    {.name = "connector.tcp",
     .default_value = "",
     .meaning = "[HOST:]PORT at which the lead broker serves clients that have the token, PORT 0: "
                "any free one; without HOST at all addresses. Empty: it does not."},
    {.name = "exec.kill_timeout",
     .type = duration,
     .default_value = "5s",
     .meaning = "Time between SIGTERM and SIGKILL when a job is ended.",
     .minimum = 0},
    {.name = "exec.max_kill_count",
     .type = integer,
     .default_value = "8",
     .meaning = "SIGKILLs that a job's processes get from 5 times exec.kill_timeout on, each after "
                "twice the time (300 s at most), until they are left as unkillable, the job ends "
                "and its node is drained.",
     .minimum = 2,
     .maximum = 1000},
    {.name = "exec.mpi_patience",
     .type = duration,
     .default_value = "60s",
     .meaning = "Time after the first task called MPI_Init until a job's standard error names "
                "those beside it, or the nodes, that have not; 0: it never does.",
     .minimum = 0},
    {.name = "exec.output_limit",
     .type = integer,
     .default_value = "0",
     .meaning = "Bytes of each captured stream of a job on a node, of jobs that say nothing of it "
                "(-O output.limit); the rest is cut off, with a word. 0: all is kept.",
     .minimum = 0},
    {.name = "exec.plugin_timeout",
     .type = duration,
     .default_value = "60s",
     .meaning = "Time for a shell plugin of a job to return from one call; then the job fails.",
     .minimum = 0.01},
    {.name = "exec.release_delay",
     .type = duration,
     .default_value = "1s",
     .meaning = "Once nothing but cleaning up is left of a job: how long its nodes that are clean "
                "wait for the others, before they are given back without them.",
     .minimum = 0},
    {.name = "exec.shell_initrc",
     .default_value = "",
     .meaning = "Start file (Lua) of all jobs' shells; empty: etc/hactor/shell/initrc.lua of this "
                "hactor, if it is there."},
    {.name = "exec.shell_pluginpath",
     .default_value = "",
     .meaning = "Folders of shell plugins, separated by colons; empty: lib/hactor/shell-plugins of "
                "this hactor."},
    {.name = "exec.stage_in_timeout",
     .type = duration,
     .default_value = "30m",
     .meaning = "Time for a node of a job to have the files of archives (-O stage-in); then the "
                "job fails. 0: as long as it takes.",
     .minimum = 0},
    {.name = "exec.tree_fanout",
     .type = integer,
     .default_value = "16",
     .meaning = "Children of one broker in the tree that launches, signals and events travel.",
     .minimum = 1,
     .maximum = 16384},
    {.name = "hostname",
     .default_value = "",
     .meaning = "Name that this broker goes by; empty: what the kernel says."},
    {.name = "instance-level",
     .type = integer,
     .default_value = "0",
     .meaning = "How deep the instance is nested; 0 is the outermost.",
     .read_only = true},
    {.name = "instance.name",
     .default_value = "",
     .meaning = "Name by which 'hactor ps' shows the instance and clients find it."},
    {.name = "joblog.keep",
     .type = integer,
     .default_value = "50",
     .meaning = "Logs of jobs that are kept in ~/.local/state/hactor/jobs (XDG_STATE_HOME): an "
                "outermost instance without a state directory leaves one, for 'hactor jobs --from "
                "last'; 0: this one leaves none.",
     .minimum = 0,
     .maximum = 1'000'000},
    {.name = "log-filename",
     .default_value = "",
     .meaning = "File to which log lines are appended; empty: stderr."},
    {.name = "log-level",
     .type = choice,
     .default_value = "info",
     .meaning = "Least severe level that is logged.",
     .choices = "emerg|alert|crit|err|warning|notice|info|debug"},
    {.name = "modules.load",
     .default_value = "",
     .meaning = "Shared libraries with actors that run within the brokers, separated by commas; "
                "behind a path, after a blank, what it is given (hactor/module.hpp)."},
    {.name = "policy.jobspec.defaults.system.duration",
     .type = duration,
     .default_value = "0",
     .meaning = "Time limit of jobs that say nothing of one (RFC 33); 0: none. A job that says 0 "
                "has none either way.",
     .minimum = 0},
    {.name = "rank",
     .type = integer,
     .default_value = "0",
     .meaning = "Rank of this broker.",
     .read_only = true},
    {.name = "resource.allowlist",
     .default_value = "",
     .meaning = "Types of which the graph of the resources has vertices, with commas between: "
                "node,core,gpu; empty: all. What others contain is contained in what contains "
                "them."},
    {.name = "resource.fake",
     .default_value = "",
     .meaning =
         "Pretended resources, e.g. nodes=1000,cores=40,gpus=0; empty: what is really there."},
    {.name = "resource.graph",
     .default_value = "",
     .meaning = "File with a graph of the resources (sched.graph_format); empty: what is really "
                "there."},
    {.name = "resource.memory",
     .type = integer,
     .default_value = "0",
     .meaning = "Bytes of memory that the jobs of a nested instance may use on each node together; "
                "0: as much as there is.",
     .minimum = 0,
     .read_only = true},
    {.name = "resource.nested",
     .default_value = "",
     .meaning = "Other subsystems of resource.graph whose vertices requests may nest things in, "
                "with commas between: ibnet, for edge_switch > node."},
    {.name = "resource.node_memory",
     .type = integer,
     .default_value = "0",
     .meaning = "Bytes of memory of the largest node, of which no job can have more; 0: not known, "
                "as of pretended resources.",
     .minimum = 0,
     .read_only = true},
    {.name = "resource.subsystems",
     .default_value = "",
     .meaning = "Subsystems of resource.graph that requests are matched in and charged, with "
                "commas between (containment,power) or a set (CA, C+PA, ...); empty: all."},
    {.name = "retention.age",
     .type = duration,
     .default_value = "infinity",
     .meaning = "How long an ended job is kept; then nothing is known of it any more.",
     .minimum = 0},
    {.name = "retention.count",
     .type = integer,
     .default_value = "2000000",
     .meaning = "Ended jobs that are kept, about 2 KB each; beyond it the oldest are forgotten.",
     .minimum = 0,
     .maximum = 1'000'000'000},
    {.name = "rundir",
     .default_value = "",
     .meaning = "Folder of sockets and scratch files, gone with the instance; empty: a new one in "
                "the temporary folder."},
    {.name = "runtime.workers",
     .type = integer,
     .default_value = "2",
     .meaning = "Threads on which the broker's actors run.",
     .minimum = 1,
     .maximum = 64},
    {.name = "sched.cut_at_end",
     .type = flag,
     .default_value = "false",
     .meaning = "Jobs start although their time limit is longer than what is left of the instance, "
                "and end with it; else they wait, and may run in one that is restarted."},
    {.name = "sched.default_queue",
     .default_value = "",
     .meaning = "Queue of jobs that name none; empty: the first of sched.queues."},
    {.name = "sched.graph_format",
     .type = choice,
     .default_value = "jgf",
     .meaning = "Format of the file that resource.graph names.",
     .choices = "grug|jgf|hwloc|rv1exec|rv1exec_force"},
    {.name = "sched.leaf_policy",
     .default_value = "fcfs",
     .meaning = "sched.policy of the innermost children of an instance whose own is hierarchy."},
    {.name = "sched.match",
     .default_value = "lonode",
     .meaning = "Which resources a job gets of those that would do: first, firstnodex, high, low, "
                "hinode, lonode, hinodex, lonodex, locality, variation, parts of these "
                "(policy=high node_centric=true ...), or the path of a library."},
    {.name = "sched.match_format",
     .type = choice,
     .default_value = "rv1_nosched",
     .meaning = "What R says: rv1_nosched nodes, cores and GPUs (and what these cannot say); rv1 "
                "also all that was granted as a graph (JGF), in its key scheduling.",
     .choices = "rv1_nosched|rv1"},
    {.name = "sched.policy",
     .default_value = "fcfs",
     .meaning = "In which order jobs get resources: fcfs, easy, hybrid, conservative, or the path "
                "of a library or a Python file; hierarchy: children do all of it, see sched.tree."},
    {.name = "sched.prune_filters",
     .default_value = "",
     .meaning = "More of what is counted below which vertices, e.g. ALL:ssd,rack:memory; cores, "
                "GPUs and nodes are in any case. It changes how fast matches are."},
    {.name = "sched.queue_depth",
     .type = integer,
     .default_value = "32",
     .meaning = "Waiting jobs that the scheduler looks at in one pass.",
     .minimum = 1,
     .maximum = 1'000'000},
    {.name = "sched.queues",
     .default_value = "",
     .meaning = "Named queues, e.g. \"batch policy=easy requires=big; debug depth=8 ranks=0-3\"; "
                "empty: one queue without a name."},
    {.name = "sched.reservation_depth",
     .type = integer,
     .default_value = "0",
     .meaning = "Jobs that do not fit and are promised a time, with policy hybrid or a library's; "
                "0: what the policy has.",
     .minimum = 0,
     .maximum = 100'000},
    {.name = "sched.traverser",
     .type = choice,
     .default_value = "simple",
     .meaning = "How requests are matched: flexible takes or_slot and xor_slot for a choice, "
                "simple refuses them.",
     .choices = "simple|flexible"},
    {.name = "sched.tree",
     .default_value = "",
     .meaning = "With sched.policy=hierarchy: children of the instance, children of each of them "
                "and so on, e.g. 2x4; empty: one a node, 2 on a single node."},
    {.name = "security.owner",
     .type = integer,
     .default_value = "-1",
     .meaning = "User id of the instance's owner; -1 until the broker has started.",
     .read_only = true},
    {.name = "size",
     .type = integer,
     .default_value = "1",
     .meaning = "Number of brokers.",
     .read_only = true},
    {.name = "statedir",
     .default_value = "",
     .meaning = "Folder of what must last over a restart; empty: nothing lasts."},
    {.name = "transport",
     .type = choice,
     .default_value = "mpi",
     .meaning = "What carries messages between brokers: the launcher's MPI, or TCP between hosts.",
     .choices = "mpi|tcp"},
    {.name = "transport.goodbye_timeout",
     .type = duration,
     .default_value = "5s",
     .meaning = "Time that the end of a broker waits for the others to end.",
     .minimum = 0},
    {.name = "transport.heartbeat",
     .type = duration,
     .default_value = "2s",
     .meaning = "Time between signs of life of brokers; six times as long where all are on "
                "one node.",
     .minimum = 0.01},
    {.name = "transport.heartbeat_timeout",
     .type = duration,
     .default_value = "10s",
     .meaning = "Silence after which a broker counts as lost; six times as long where all are "
                "on one node.",
     .minimum = 0.03},
    {.name = "transport.hosts",
     .default_value = "",
     .meaning = "TCP: the hosts of the brokers by rank, a hostlist such as node[1-4] or, with a "
                "slash, a file of them; the first is where all meet."},
    {.name = "transport.key",
     .default_value = "",
     .meaning = "TCP: file with the key that all brokers share, mode 0600; empty: "
                "~/.config/hactor/key. Rank 0 makes it."},
    {.name = "transport.nap_us",
     .type = integer,
     .default_value = "1000",
     .meaning = "Longest sleep of a broker between two looks at peers on other nodes (MPI); after "
                "a hundred without work, four times as long.",
     .minimum = 1,
     .maximum = 1'000'000},
    {.name = "transport.port",
     .type = integer,
     .default_value = "8787",
     .meaning = "TCP: port of the brokers of transport.hosts; one that finds it in use takes "
                "another, except the first.",
     .minimum = 1,
     .maximum = 65535},
    {.name = "transport.rank",
     .type = integer,
     .default_value = "-1",
     .meaning = "TCP: rank of this broker; -1: its place in transport.hosts, or as it comes.",
     .minimum = -1,
     .maximum = 16383},
    {.name = "transport.rendezvous",
     .default_value = "",
     .meaning = "TCP: HOST:PORT of rank 0, where all meet, in place of transport.hosts."},
    {.name = "transport.size",
     .type = integer,
     .default_value = "0",
     .meaning = "TCP: number of brokers that meet at transport.rendezvous.",
     .minimum = 0,
     .maximum = 16384},
    {.name = "transport.spin_us",
     .type = integer,
     .default_value = "20",
     .meaning = "Time that a broker looks for messages of other nodes before it sleeps.",
     .minimum = 0,
     .maximum = 1'000'000},
    {.name = "transport.start_timeout",
     .type = duration,
     .default_value = "60s",
     .meaning = "TCP: how long the brokers wait for each other at the start.",
     .minimum = 0.1,
     .maximum = 86400},
    {.name = "uri",
     .default_value = "",
     .meaning = "Where clients of this instance connect.",
     .read_only = true},
    {.name = "version",
     .default_value = HACTOR_VERSION,
     .meaning = "Version of hactor.",
     .read_only = true},
};

static_assert(std::is_sorted(std::begin(rows), std::end(rows),
                             [](const attribute& a, const attribute& b) {
                               return a.name < b.name;
                             }));
static_assert(std::all_of(std::begin(rows), std::end(rows), [](const attribute& row) {
  return row.minimum < row.maximum && row.minimum < unbounded && !row.meaning.empty()
         && (row.type == choice) != row.choices.empty();
}));

} // namespace

std::span<const attribute> attribute_table() { return rows; }

const attribute* find_attribute(std::string_view name) {
  auto row = std::lower_bound(std::begin(rows), std::end(rows), name,
                              [](const attribute& a, std::string_view n) { return a.name < n; });
  return row != std::end(rows) && row->name == name ? &*row : nullptr;
}

} // namespace hactor
