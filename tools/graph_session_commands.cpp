// tools/graph_session: the commands other than match, and the table of all.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "graph/allocation_text.hpp"
#include "graph/find_expression.hpp"
#include "tools/graph_files.hpp"
#include "tools/graph_session.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

constexpr const char* rule = "INFO: =============================\n";

/// As strtoll has it: what is no number is 0.
int64_t number(const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); }

/// As std::cout writes a double.
std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

bool is_reader(const std::string& format) {
  return format == "jgf" || format == "jgf_shorthand" || format == "rv1exec";
}

} // namespace

std::span<const graph_session::command_row> graph_session::commands() {
  using s = graph_session;
  static constexpr command_row rows[] = {
      {"match", "m", &s::match,
       "finds resources for one jobspec: match allocate | allocate_with_satisfiability | "
       "allocate_orelse_reserve | satisfiability | without_allocating | "
       "without_allocating_future JOBSPEC [WITHIN]; one that would begin later than WITHIN (a "
       "duration; -1: whenever; that of the jobspec is its attributes.user.match-within) is not "
       "found"},
      {"multi-match", "M", &s::multi_match,
       "the same for several, up to the first that is not found: multi-match allocate SPEC "
       "SPEC..."},
      {"update", "u", &s::update,
       "takes over what a job has: update allocate | reserve jgf | rv1exec FILE JOBID AT SECONDS"},
      {"attach", "j", &s::attach, "adds the vertices of a file to the graph: attach JGF-FILE"},
      {"remove", "j", &s::remove,
       "takes vertices out, with all below: remove PATH true, or remove RANKS false"},
      {"detach", "d", &s::remove, "the same as remove; true may be left out"},
      {"find", "f", &s::find,
       "finds vertices: find status=up|down sched-now=allocated|free sched-future=reserved|free "
       "agfilter=true|false names=HOSTLIST jobid-alloc|jobid-span|jobid-tag|jobid-reserved=JOBID "
       "property=NAME, joined by and, or, not, parentheses"},
      {"cancel", "c", &s::cancel, "releases what a job has or will have: cancel JOBID [stats]"},
      {"partial-cancel", "pc", &s::partial_cancel,
       "releases a part of it: partial-cancel JOBID jgf | rv1exec FILE [stats]"},
      {"set-property", "p", &s::set_property, "set-property PATH NAME=VALUE"},
      {"get-property", "g", &s::get_property, "prints all properties: get-property PATH"},
      {"remove-property", "rp", &s::remove_property, "remove-property PATH NAME"},
      {"set-status", "t", &s::set_status, "set-status PATH up | down"},
      {"get-status", "e", &s::get_status, "get-status PATH"},
      {"list", "l", &s::list, "prints all jobs: list"},
      {"info", "i", &s::info, "prints one job: info JOBID"},
      {"stat", "s", &s::stat, "prints how long matches took: stat"},
      {"cat", "a", &s::cat, "prints a file: cat FILE"},
      {"help", "h", &s::help, "prints these lines: help [COMMAND]"},
      {"quit", "q", &s::quit, "ends the session: quit"},
  };
  return rows;
}

// -- what jobs have -------------------------------------------------------------------------------

bool graph_session::update(const words& args) {
  if (args.size() != 7)
    return malformed();
  if (args[1] != "allocate" && args[1] != "reserve")
    return error("unknown subcmd " + args[1]);
  if (!is_reader(args[2]))
    return error("unsupported reader " + args[2]);
  auto text = read_file(args[3]);
  if (!text)
    return error("can't open " + args[3]);
  auto job = static_cast<uint64_t>(number(args[4]));
  if (held_->find(job) != nullptr)
    return error("existing Jobid ");
  auto at = number(args[5]);
  auto duration = number(args[6]);
  if (at < 0 || duration <= 0)
    return error("invalid time (" + std::to_string(at) + ", " + std::to_string(duration) + ")");
  auto begin = clock_();
  outcome o;
  o.at = at;
  auto what = read_allocation(graph_, args[2], *text, at, duration);
  caf::error wrong;
  std::string written;
  if (!what) {
    wrong = std::move(what.error());
  } else {
    written = write_match(graph_, *what, format_);
    wrong = held_->hold(job, std::move(*what),
                        args[1] == "reserve" ? hold_kind::reserved : hold_kind::allocated);
  }
  if (wrong) {
    error("traverser run () returned error ");
    error(render(wrong));
  } else {
    result(written);
    o.matched = true;
  }
  o.elapsed = clock_() - begin;
  say_match(o, std::to_string(job));
  if (o.matched)
    note_job(job, o, args[3]);
  next_job_ = job + 1;
  return true;
}

bool graph_session::cancel(const words& args) {
  if (args.size() < 2 || args.size() > 3)
    return malformed();
  auto job = static_cast<uint64_t>(number(args[1]));
  auto* holding = held_->find(job);
  if (holding == nullptr) {
    sink_(query_stream::error, "cancel: ERROR: nonexistent job " + std::to_string(job) + "\n");
    return true;
  }
  // Whoever releases vertex by vertex from the root looks at all children of what the job has.
  uint64_t postorder = holding->what.picks.size();
  uint64_t preorder = 1;
  for (auto& p : holding->what.picks)
    preorder += graph_.below(p.at).size();
  held_->release(job);
  if (auto i = jobs_.find(job); i != jobs_.end())
    i->second.state = job_state::cancelled;
  if (args.size() == 3 && args[2] == "stats")
    say_counts("CANCEL", preorder, postorder);
  return true;
}

bool graph_session::partial_cancel(const words& args) {
  if (args.size() < 4 || args.size() > 5)
    return malformed();
  auto job = static_cast<uint64_t>(number(args[1]));
  if (!is_reader(args[2]))
    return error("unsupported reader " + args[2]);
  auto text = read_file(args[3]);
  if (!text)
    return error("can't open " + args[3]);
  auto* holding = held_->find(job);
  if (holding == nullptr)
    return error("nonexistent job " + std::to_string(job));
  if (holding->kind == hold_kind::reserved)
    return error("reservations not currently supported by partial cancel");
  auto released = release_part(*held_, job, args[2], *text);
  if (!released) {
    screen(render(released.error()) + "\n");
    error("error encountered while removing job " + std::to_string(job));
  } else if (held_->find(job) == nullptr) {
    jobs_[job].state = job_state::cancelled;
  }
  if (args.size() == 5 && args[4] == "stats")
    say_counts("PARTIAL CANCEL", 0, 0); // ranks and vertices are found by number, without a walk
  return true;
}

bool graph_session::find(const words& args) {
  if (args.size() < 2)
    return error("malformed command: ");
  auto criteria = args[1];
  for (size_t i = 2; i < args.size(); ++i)
    criteria += " " + args[i];
  auto expression = find_expression::parse(criteria);
  if (!expression) {
    sink_(query_stream::error, "findfind: invalid criteria: " + criteria + ".\n");
    return true;
  }
  auto found = expression->find(*held_, 0);
  match_remarks remarks;
  remarks.aggregates = &found.aggregates;
  result(write_match(graph_, found.what, without_shorthand(format_), remarks));
  result(fmt::format("{}INFO: EXPRESSION=\"{}\"\n{}", rule, criteria, rule));
  return true;
}

// -- the graph ------------------------------------------------------------------------------------

bool graph_session::attach(const words& args) {
  if (args.size() != 2)
    return malformed();
  auto text = read_file(args[1]);
  if (!text)
    return error("can't open " + args[1]);
  if (auto e = attach_subgraph(graph_, *text)) {
    error("can't attach JGF subgraph ");
    auto why = render(e);
    if (why.find("second root") != why.npos) // scripts compare Fluxion's sentence for this one
      why = "add_graph_metadata: failed to add root metadata for containment subsystem. Possible "
            "duplicate root.";
    return error(why);
  }
  held_->grown();
  return true;
}

bool graph_session::remove(const words& args) {
  auto short_form = args[0] == "detach" && args.size() == 2;
  if (args.size() != 3 && !short_form)
    return malformed();
  if (short_form || args[2] == "true")
    return remove_path(args[1]);
  if (args[2] == "false")
    return remove_ranks(args[1]);
  return error("invalid path boolean input ");
}

bool graph_session::remove_path(const std::string& path) {
  auto v = graph_.find_path(path);
  if (v == no_vertex || v == graph_.root()) {
    error("can't remove subgraph ");
    return error(v == no_vertex ? "there is no " + path : path + " is the root of the graph");
  }
  remove_subtree(v);
  drop_jobs_without_holding();
  return true;
}

bool graph_session::remove_ranks(const std::string& text) {
  auto ranks = idset::parse(text);
  if (!ranks)
    return error("failed to decode ranks.");
  for (auto rank : ranks->expand()) {
    auto all = graph_.of_rank(static_cast<int32_t>(rank));
    auto top = no_vertex;
    for (auto v : all)
      if (auto above = graph_.parent(v); above == no_vertex || graph_.rank(above) != graph_.rank(v))
        top = v;
    if (top == no_vertex || top == graph_.root()) {
      error("can't remove subgraph ");
      return error("no vertex below the root has rank " + std::to_string(rank));
    }
    remove_subtree(top);
  }
  drop_jobs_without_holding();
  return true;
}

void graph_session::remove_subtree(vertex top) {
  held_->shrinking(top);
  graph_.remove_subtree(top);
}

void graph_session::drop_jobs_without_holding() {
  for (auto& [id, job] : jobs_)
    if (held_->find(id) == nullptr)
      job.state = job_state::cancelled;
}

/// The vertex of the path; no_vertex after telling that there is none.
vertex graph_session::find_or_say(const std::string& path) {
  auto v = graph_.find_path(path);
  if (v == no_vertex)
    result("Could not find path " + path + " in resource graph.\n");
  return v;
}

bool graph_session::set_property(const words& args) {
  if (args.size() != 3)
    return malformed();
  auto equals = args[2].find('=');
  if (equals == 0 || equals == args[2].npos || equals == args[2].size() - 1) {
    result("Incorrect input format. \n"
           "Please use `set-property <resource> PROPERTY=VALUE`.\n");
    return true;
  }
  auto v = graph_.find_path(args[1]);
  if (v == no_vertex) {
    result("Couldn't find path " + args[1] + " in resource graph.\n");
    return true;
  }
  graph_.set_property(v, args[2].substr(0, equals), args[2].substr(equals + 1));
  held_->touched(v);
  return true;
}

bool graph_session::get_property(const words& args) {
  if (args.size() != 2)
    return malformed();
  auto v = find_or_say(args[1]);
  if (v == no_vertex)
    return true;
  auto& properties = graph_.properties(v);
  if (properties.empty())
    result("No properties were found for " + args[1]
           + " (vtx's uniq_id=" + std::to_string(graph_.uniq_id(v)) + ").\n");
  for (auto& [key, value] : properties)
    result(key + "=" + value + "\n");
  return true;
}

bool graph_session::remove_property(const words& args) {
  if (args.size() != 3)
    return malformed();
  auto v = find_or_say(args[1]);
  if (v == no_vertex)
    return true;
  graph_.remove_property(v, args[2]);
  held_->touched(v);
  return true;
}

bool graph_session::set_status(const words& args) {
  if (args.size() != 3)
    return malformed();
  auto v = find_or_say(args[1]);
  if (v == no_vertex)
    return true;
  if (args[2] != "up" && args[2] != "down")
    return error("unrecognized status");
  graph_.set_status(v, args[2] == "up" ? vertex_status::up : vertex_status::down);
  held_->touched(v);
  return true;
}

bool graph_session::get_status(const words& args) {
  if (args.size() != 2)
    return malformed();
  auto v = graph_.find_path(args[1]);
  if (v == no_vertex)
    result("Could not find path " + args[1] + " in resource graph.\n");
  else
    result(args[1] + " is " + (graph_.status(v) == vertex_status::up ? "up" : "down") + "\n");
  return true;
}

// -- the session ----------------------------------------------------------------------------------

bool graph_session::list(const words&) {
  static constexpr const char* states[] = {"ALLOCATED", "RESERVED", "CANCELED"};
  for (auto& [id, job] : jobs_)
    screen("INFO: " + std::to_string(id) + ", " + states[static_cast<size_t>(job.state)] + ", "
           + std::to_string(job.at) + ", " + job.file + ", " + short_number(job.overhead) + "\n");
  return true;
}

bool graph_session::info(const words& args) {
  static constexpr const char* states[] = {"ALLOCATED", "RESERVED", "CANCELED"};
  if (args.size() != 2)
    return malformed();
  auto i = jobs_.find(static_cast<uint64_t>(number(args[1])));
  if (i == jobs_.end()) {
    screen("ERROR: jobid doesn't exist: " + args[1] + "\n");
    return true;
  }
  auto& job = i->second;
  screen("INFO: " + std::to_string(i->first) + ", " + states[static_cast<size_t>(job.state)] + ", "
         + std::to_string(job.at) + ", " + job.file + ", " + short_number(job.overhead) + "\n");
  return true;
}

bool graph_session::stat(const words& args) {
  if (args.size() != 1)
    return malformed();
  auto average = jobs_.empty() ? 0 : total_ / static_cast<double>(jobs_.size());
  screen("INFO: Num. of Jobs Matched: " + std::to_string(jobs_.size()) + "\nINFO: Min. Match Time: "
         + short_number(least_) + "\nINFO: Max. Match Time: " + short_number(most_)
         + "\nINFO: Avg. Match Time: " + short_number(average) + "\n");
  return true;
}

bool graph_session::cat(const words& args) {
  if (args.size() != 2)
    return malformed();
  auto text = read_file(args[1]);
  if (text && !text->empty() && text->back() != '\n')
    *text += '\n';
  screen(text ? *text : "");
  screen("INFO: Jobspec in " + args[1] + "\n");
  return true;
}

bool graph_session::help(const words& args) {
  auto found = args.size() != 2;
  for (auto& row : commands())
    if (args.size() != 2 || args[1] == row.name || args[1] == row.letter) {
      screen("INFO: " + std::string{row.name} + " (" + row.letter + ") -- " + row.note + "\n");
      found = true;
    }
  if (!found)
    screen("ERROR: unknown command: " + args[1] + "\n");
  return true;
}

bool graph_session::quit(const words&) { return false; }

} // namespace hactor::tools
