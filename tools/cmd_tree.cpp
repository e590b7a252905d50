// hactor tree: a tree of instances, and many jobs in its leaves.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "actors/job_spec.hpp"
#include "actors/scheduler_settings.hpp"
#include "graph/document.hpp"
#include "graph/jobspec.hpp"
#include "graph/rset.hpp"
#include "runtime/clock.hpp"
#include "runtime/limits.hpp"
#include "tools/attach.hpp"
#include "tools/commands.hpp"
#include "tools/session.hpp"
#include "tools/submitted.hpp"
#include "tools/text_file.hpp"
#include "tools/tree_run.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec options[] = {
    {'T', "topology", "WxW..",
     "Children of each instance, level by level: 4, 2x2, 2x4x4. Default: 1."},
    {'l', "leaf", nullptr, "Makes no instance: the jobs run in the one that is spoken with."},
    {'J', "njobs", "N", "Jobs in all. Default: 1."},
    {'N', "nnodes", "N", "Nodes to use. Default: all that are up and have cores."},
    {'c', "ncores-per-node", "N", "Cores to use of each node. Default: all that each has."},
    {'n', "ntasks", "N", "Cores to use in all, as many of each node; in place of -c."},
    {'g', "ngpus-per-node", "N", "GPUs to use of each node. Default: 0."},
    {'Q', "queue-policy", "P:P..",
     "Policy of each level below this instance: fcfs:easy, or fcfs,easy. Default: fcfs."},
    {'P', "queue-params", "P:P..",
     "Parameters of each level's policy: queue-depth=5:queue-depth=9,reservation-depth=2. Without "
     "'=' they are policies, as for -Q."},
    {'M', "match-policy", "P:P..",
     "Which resources jobs get, by level: low:high. Default: lonode."},
    {'o', "perf-out", "FILE", "Writes a line for each instance: when it was at work, and on what."},
    {0, "perf-format", "FORMAT",
     "Columns of it: treeid, elapse, begin, end, match (microseconds that its scheduler took), "
     "njobs, nodes, cores, gpus (of each node). Default: all."},
    {0, "output", "FILE",
     "File for what a job writes: {seq}, {seq1}, {index}, {treeid}, and templates as for 'hactor "
     "submit'. Default: none; the output of the job with the highest exit code is shown."},
    {0, "error", "FILE", "File for standard error. Default: where standard output goes."},
    {'r', "rundir", "DIR", "Keeps what the jobs of each leaf write in DIR/TREEID/INDEX.out.",
     "--flux-rundir"},
    {'f', "logs", "DIR", "Keeps what the broker's log has of each instance in DIR/TREEID.log.",
     "--flux-logs"},
    {0, "outside", nullptr,
     "As flux tree: runs COMMAND on the leaf's first node but in no job, one after another, so "
     "that all cores are left for what it submits, and then waits for the end of that."},
    {0, "compat", "flux", "Sets FLUX_TREE_ID and so on too, and what --compat of submit sets."},
    {'X', "prefix", "ID", "Name of this instance in the tree. Default: tree."},
    {'d', "dry-run", nullptr, "Prints the tree and what its leaves would run."},
    {0, "report", nullptr,
     "For the level above: prints progress and what became of all as lines of JSON."},
    {0, "first", "N", "Number of the first job, from 0. Default: 0."},
    {0, "task", "FILE", "For the levels below: what to run, as the level above has written it."},
};

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

/// Nodes and cores that the instance has.
struct machine {
  uint64_t nodes = 0;
  uint64_t cores = UINT64_MAX, gpus = UINT64_MAX; // of the node that has least
};

caf::expected<machine> look(client& broker) {
  auto reply = broker.ask("resource.list", json::object());
  if (!reply)
    return std::move(reply.error());
  auto usable = usable_nodes(*reply);
  if (!usable)
    return std::move(usable.error());
  machine m;
  for (auto& node : usable->nodes) {
    if (node.cores.empty())
      continue;
    ++m.nodes;
    m.cores = std::min<uint64_t>(m.cores, node.cores.size());
    m.gpus = std::min<uint64_t>(m.gpus, node.gpus.size());
  }
  if (m.nodes == 0)
    return make_error(ec::wrong_state, "no node of the instance has cores, is up and not drained");
  return m;
}

/// A command of one word that names a jobspec's file.
bool is_jobspec(const std::vector<std::string>& command) {
  if (command.size() != 1)
    return false;
  auto& name = command.front();
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
}

caf::expected<json> read_spec(const std::string& name) {
  auto text = read_file(name);
  if (!text)
    return std::move(text.error());
  auto spec = parse_document(*text, limits::jobspec_bytes_max, name);
  if (!spec)
    return spec;
  if (auto read = read_jobspec(*spec); !read)
    return bad(name + ": " + context_of(read.error()));
  return spec;
}

/// Fills what all levels share. Errors: ec::bad_argument.
caf::error read_what(const parsed_options& o, tree_task& task) {
  task.reports = o.has("report");
  if (o.has("task")) {
    auto text = read_file(o.value("task"));
    if (!text)
      return std::move(text.error());
    return read_task(*text, task);
  }
  if (o.operands.empty())
    return bad("needs a COMMAND or a file with a jobspec");
  task.outside = o.has("outside");
  for (auto* name : {"output", "error", "rundir"})
    if (task.outside && o.has(name))
      return bad(std::string{"--outside and --"} + name + " exclude each other");
  task.output = o.value("output");
  task.error = o.value("error");
  task.compat = o.value("compat");
  if (!task.compat.empty() && task.compat != "flux")
    return bad("--compat: '" + task.compat + "' is not flux");
  auto cwd = working_directory();
  if (cwd.empty())
    return bad(gone_directory);
  for (auto& [name, to] : {std::pair{"rundir", &task.rundir}, {"logs", &task.logs}})
    if (o.has(name))
      *to = std::filesystem::path{cwd} / o.value(name);
  if (!is_jobspec(o.operands)) {
    task.command = o.operands;
    return {};
  }
  for (auto* name : {"output", "error", "rundir", "compat", "outside"})
    if (o.has(name))
      return bad(std::string{"--"} + name + ": the jobspec says it");
  auto spec = read_spec(o.operands.front());
  if (!spec)
    return std::move(spec.error());
  task.jobspec = std::move(*spec);
  return {};
}

caf::error read_tree(const parsed_options& o, tree_task& task) {
  if (o.has("leaf")) {
    for (auto* name : {"topology", "queue-policy", "queue-params", "match-policy"})
      if (o.has(name))
        return bad(std::string{"--leaf and --"} + name + " exclude each other");
  } else {
    auto levels = read_levels(o.value("topology", "1"), o.value("queue-policy"),
                              o.value("queue-params"), o.value("match-policy"));
    if (!levels)
      return std::move(levels.error());
    task.levels = std::move(*levels);
  }
  for (auto& level : task.levels) {
    config judged;
    for (auto& setting : settings_of(level)) {
      auto equals = setting.find('=');
      if (auto e = set_of_nested(judged, setting.substr(0, equals), setting.substr(equals + 1)))
        return e;
    }
    if (auto read = read_scheduler_settings(judged); !read)
      return std::move(read.error());
  }
  auto jobs = o.number("njobs", 1, 0, tree_jobs_max);
  auto first = o.number("first", 0, 0, tree_jobs_max);
  for (auto* n : {&jobs, &first})
    if (!*n)
      return std::move(n->error());
  auto& s = task.share;
  s.id = o.value("prefix", s.id);
  if (s.id.empty() || s.id.find('/') != s.id.npos)
    return bad("--prefix: '" + s.id + "' is no name");
  s.jobs = *jobs;
  s.first = *first;
  if ((s.jobs - 1) / std::max<uint64_t>(leaves_of(task.levels), 1) >= limits::idset_universe_max - 1
      && s.jobs > 0)
    return bad(fmt::format("--njobs: {} jobs in {} leaves; a leaf has up to {}", s.jobs,
                           leaves_of(task.levels), limits::idset_universe_max - 2));
  return {};
}

/// Sizes by the options and by what the instance has, when it is asked (`broker`).
caf::error read_sizes(const parsed_options& o, client* broker, tree_share& s) {
  machine m;
  if (broker != nullptr) {
    auto found = look(*broker);
    if (!found)
      return std::move(found.error());
    m = *found;
  }
  struct {
    const char* name;
    uint64_t otherwise, min, has;
    uint32_t* to;
  } rows[] = {{"nnodes", m.nodes, 1, m.nodes, &s.nodes},
              {"ncores-per-node", m.cores, 1, m.cores, &s.cores},
              {"ngpus-per-node", 0, 0, m.gpus, &s.gpus}};
  if (o.has("ntasks") && o.has("ncores-per-node"))
    return bad("--ntasks and --ncores-per-node exclude each other");
  for (auto& row : rows) {
    if (row.to == &s.cores && o.has("ntasks")) {
      auto all = o.number("ntasks", 1, 1, UINT32_MAX);
      if (!all)
        return std::move(all.error());
      if (*all % s.nodes != 0)
        return bad(
            fmt::format("--ntasks={}: that is not as many on each of {} nodes", *all, s.nodes));
      row.otherwise = *all / s.nodes;
      if (broker != nullptr && row.otherwise > row.has)
        return bad(fmt::format("--ntasks={}: {} on each node; the instance has {}", *all,
                               row.otherwise, row.has));
    }
    auto n = o.number(row.name, row.otherwise, row.min, UINT32_MAX);
    if (!n)
      return std::move(n.error());
    if (broker != nullptr && *n > row.has)
      return bad(fmt::format("--{}={}: the instance has {}", row.name, *n, row.has));
    *row.to = static_cast<uint32_t>(*n);
  }
  return {};
}

// -- what is printed ------------------------------------------------------------------------------

void print_plan(const tree_task& task, size_t level) {
  auto& s = task.share;
  auto line = fmt::format("{}: nodes {}, cores {}, gpus {}, jobs {}", s.id, s.nodes, s.cores,
                          s.gpus, s.jobs);
  if (s.jobs > 0)
    line += fmt::format(" ({} to {})", s.first, s.first + s.jobs - 1);
  print_line(line);
  if (!task.levels.empty()) {
    std::string settings;
    for (auto& setting : settings_of(task.levels.front()))
      settings += " " + setting;
    if (!settings.empty())
      print_line("  children:" + settings);
    for (auto& child : children_of(task)) {
      tree_task below = task;
      below.share = child.share;
      below.levels.erase(below.levels.begin());
      print_plan(below, level + 1);
    }
    return;
  }
  constexpr int64_t of_first = 1;
  for (auto& [name, value] : leaf_variables(task))
    print_line("  " + name + "=" + fill_cc(value, of_first));
  std::string command;
  for (auto& word : leaf_command(task))
    command += " " + fill_cc(word, of_first);
  print_line(command.empty() ? "  the jobspec" : " " + command);
}

caf::error write_perf(const parsed_options& o, const tree_report& report) {
  auto format = parse_format(o.value("perf-format", perf_format), perf_fields());
  if (!format)
    return std::move(format.error());
  auto text = render_table(
      *format, perf_fields(), report.rows.size(),
      [&](size_t row, const std::string& field) { return perf_field(report.rows[row], field); },
      {});
  return write_file(o.value("perf-out"), text);
}

void say_worst(const invocation& call, const tree_worst& w) {
  auto text = fmt::format("{}: exit code {}", name_of(w), w.code);
  if (!w.job.empty())
    text += ", job " + w.job;
  if (!w.note.empty())
    text += ": " + w.note;
  complain(call, text);
  if (w.output.empty())
    return;
  complain(call, "it wrote:");
  write_all(2, w.output + (w.output.ends_with('\n') ? "" : "\n"));
}

caf::expected<int> run_with(const invocation& call, client& broker, const tree_task& task) {
  auto began = steady_ns();
  auto report = run_tree(call, broker, task);
  if (!report)
    return std::move(report.error());
  if (task.reports) {
    print_line(to_line(*report));
    return report->worst.code;
  }
  auto seconds = static_cast<double>(steady_ns() - began) / 1e9;
  if (report->worst.code != 0)
    say_worst(call, report->worst);
  if (call.options.has("perf-out"))
    if (auto e = write_perf(call.options, *report))
      return e;
  print_line(task.share.id + ": " + summary(*report, task.share.jobs, seconds));
  return report->worst.code;
}

int run(const invocation& call) {
  auto& o = call.options;
  tree_task task;
  for (auto read : {read_what, read_tree})
    if (auto e = read(o, task))
      return fail_usage(call, e);
  if (o.has("perf-format"))
    if (auto format = parse_format(o.value("perf-format"), perf_fields()); !format)
      return fail_usage(call, format.error());
  auto told = o.has("nnodes") && (o.has("ncores-per-node") || o.has("ntasks"));
  auto begin = [&](client* broker) {
    auto e = read_sizes(o, broker, task.share);
    return e ? e : judge_tree(task.share, task.levels);
  };
  if (o.has("dry-run") && told) {
    if (auto e = begin(nullptr))
      return fail_usage(call, e);
    print_plan(task, 0);
    return exit_ok;
  }
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    // Who was told by the level above has just that.
    if (auto e = begin(told && task.reports ? nullptr : &broker))
      return code_of(e) == ec::bad_argument ? fail_usage(call, e) : caf::expected<int>{e};
    if (o.has("dry-run")) {
      print_plan(task, 0);
      return exit_ok;
    }
    for (auto& folder : {task.logs, task.rundir}) {
      std::error_code failed;
      if (!folder.empty())
        std::filesystem::create_directories(folder, failed);
      if (failed)
        return bad("'" + folder + "': " + failed.message());
    }
    return run_with(call, broker, task);
  });
}

} // namespace

const command tree_command{
    "tree",
    group_submit,
    "runs many jobs in a tree of instances",
    "[OPTIONS] [--] COMMAND [ARGS...] | JOBSPEC",
    "Makes a tree of nested instances, each a job of the one above with a scheduler of its own, "
    "runs COMMAND N times in its leaves, as jobs of one core, or what a file with a jobspec says "
    "(NAME.yaml, NAME.json), and waits for their end. Instances schedule side by side: that is "
    "what a tree is for. At the end one line says what became of the jobs.\n\n"
    "Nodes are dealt to children whole as long as there is one for each, else cut by cores. "
    "Leaves get as many jobs each, or one more; an instance without jobs is not started. A "
    "topology with more leaves than cores is refused. When a leaf is lost, what it has not begun "
    "runs in others, once; what ran there is told as lost, and not run again. A COMMAND that "
    "submits something and waits "
    "for it needs cores that are left: its own job has one (in a leaf of one core that is all, and "
    "it would wait for ever: it is told of); or it runs --outside.\n\n"
    "In the words of COMMAND or of the jobspec {seq} and {seq1} stand for the job's number, from 0 "
    "and from 1, {index} for that among the jobs of its leaf, from 1, and {treeid} for the leaf. "
    "Jobs have the variables HACTOR_TREE_ID (tree.1.2), HACTOR_TREE_JOBSCRIPT_INDEX ({index}), "
    "HACTOR_TREE_NNODES, HACTOR_TREE_NCORES_PER_NODE and HACTOR_TREE_NGPUS_PER_NODE.\n\n"
    "Ctrl-C cancels all of it; a second one does not wait for that.",
    options,
    " 0    all jobs ended with 0\n 1    it failed; the reason is on standard error\n"
    " 2    the command line is wrong, or the topology does not fit\n"
    " n    the highest exit code of a job, which is named as TREEID@index[I]",
    " hactor tree -T 4x4 -J 10000 -- ./task.sh {seq}\n"
    " hactor tree -T 2x2x2 -Q fcfs:easy -J 64 -o perf.txt ./script.sh\n"
    " hactor tree -N 4 -c 4 -T 4 -J 100 spec.yaml\n"
    " hactor tree -N 4 -n 4 -T 2 -J 4 ./script.sh",
    true,
    0,
    any_number,
    run};

} // namespace hactor::tools
