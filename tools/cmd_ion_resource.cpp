// hactor resource claims, and hactor ion-resource with what Fluxion's command of that name does and
// prints: resources for programs that are no jobs of the instance (doc/graph.md, REAPI). Verbs that
// are hactor's own by another name are in the table of hactor.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "graph/rset.hpp"
#include "runtime/duration.hpp"
#include "runtime/hostlist.hpp"
#include "runtime/ids.hpp"
#include "tools/columns.hpp"
#include "tools/commands.hpp"
#include "tools/session.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

// What scripts know errno by.
constexpr int exit_unknown = 3; // ENOENT
constexpr int exit_busy = 16;   // EBUSY
constexpr int exit_never = 19;  // ENODEV

constexpr auto ion_exits =
    " 0  all is well\n 1  it was refused, or there is no instance\n"
    " 2  the command line is wrong\n 3  there is no such job, claim or vertex\n"
    " 16 there is no room now\n 19 there never will be";

int code_for(const caf::error& e) {
  switch (code_of(e)) {
  case ec::unknown_job:
    return exit_unknown;
  case ec::busy:
    return exit_busy;
  case ec::unsatisfiable:
    return exit_never;
  default:
    return exit_failed;
  }
}

/// Asks, and turns an error into the exit code that scripts know.
int with_claims(const invocation& call, const std::function<caf::expected<int>(client&)>& body) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto code = body(broker);
    if (code)
      return code;
    complain(call, render(code.error()));
    return code_for(code.error());
  });
}

std::string ruler() { return std::string(80, '='); }

std::string utc(double at) {
  auto seconds = static_cast<std::time_t>(at);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return {text, size};
}

void print_row(std::string_view id, std::string_view status, double at, double overhead) {
  print_line(fmt::format("{:20} {:20} {:20} {:20}", "JOBID", "STATUS", "AT", "OVERHEAD (Secs)"));
  print_line(fmt::format("{:20} {:20} {:20} {:<20}", id, status, utc(at), overhead));
}

void print_claim(const json& claim) {
  print_row(std::to_string(static_cast<uint64_t>(number_at(claim, "number"))),
            text_at(claim, "status"), number_at(claim, "at"), number_at(claim, "overhead"));
}

void print_claim(const json& claim, const char* title) {
  print_claim(claim);
  print_line(ruler());
  print_line(title);
  print_line(text_at(claim, "R"));
}

caf::expected<uint64_t> read_number(const std::string& text) {
  auto id = parse_job_id(text);
  if (!id)
    return std::move(id.error());
  return id->value;
}

int run_ion_resource(const invocation& call) {
  complain(call, "needs a verb; 'hactor ion-resource --help' lists them");
  return exit_usage;
}

// -- verbs ----------------------------------------------------------------------------------------

int run_match(const invocation& call) {
  auto& words = call.options.operands;
  auto text = read_file(words[1]);
  if (!text)
    return fail(call, text.error());
  return with_claims(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask(
        "claim", {{"verb", "match"}, {"op", words[0]}, {"jobspec", *text}, {"keep", true}});
    if (!reply)
      return std::move(reply.error());
    if (reply->contains("number")) {
      print_claim(*reply, "MATCHED RESOURCES:");
    } else {
      print_line(ruler());
      print_line("Satisfiable request");
      print_line(ruler());
    }
    return exit_ok;
  });
}

int run_update(const invocation& call) {
  auto& words = call.options.operands;
  auto number = read_number(words[1]);
  if (!number)
    return fail_usage(call, number.error());
  auto text = read_file(words[0]);
  if (!text)
    return fail(call, text.error());
  return with_claims(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask(
        "claim", {{"verb", "update"}, {"number", *number}, {"R", *text}, {"keep", true}});
    if (!reply)
      return std::move(reply.error());
    print_claim(*reply, "UPDATED RESOURCES:");
    return exit_ok;
  });
}

int run_partial_cancel(const invocation& call) {
  auto& words = call.options.operands;
  auto number = read_number(words[0]);
  if (!number)
    return fail_usage(call, number.error());
  auto text = read_file(words[1]);
  if (!text)
    return fail(call, text.error());
  return with_claims(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("claim", {{"verb", "cancel-part"}, {"number", *number}, {"R", *text}});
    if (!reply)
      return std::move(reply.error());
    return exit_ok;
  });
}

caf::error nothing_of(const std::string& text) {
  return make_error(ec::unknown_job,
                    "no claim and no job " + text + " has resources or is promised some");
}

/// A claim, or else a job of the instance.
int run_cancel(const invocation& call) {
  auto& text = call.options.operands[0];
  auto number = read_number(text);
  if (!number)
    return fail_usage(call, number.error());
  return with_claims(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("claim", {{"verb", "cancel"}, {"number", *number}});
    if (!reply && code_of(reply.error()) == ec::unknown_job)
      reply = broker.ask("job.cancel", {{"ids", json::array({text})}});
    if (!reply && code_of(reply.error()) == ec::unknown_job)
      return nothing_of(text);
    if (!reply)
      return std::move(reply.error());
    return exit_ok;
  });
}

caf::expected<int> print_job(client& broker, const std::string& text) {
  auto reply = broker.ask("job.list", {{"ids", json::array({text})}});
  if (!reply)
    return std::move(reply.error());
  auto& jobs = object_at(*reply, "jobs");
  auto job = jobs.is_array() && !jobs.empty() ? jobs[0] : json::object();
  auto began = number_at(job, "t_run");
  auto promised = number_at(object_at(object_at(job, "annotations"), "sched"), "t_estimate");
  if (began == 0 && promised == 0)
    return nothing_of(text);
  print_row(text, began != 0 ? "ALLOCATED" : "RESERVED", began != 0 ? began : promised, 0);
  return exit_ok;
}

int run_info(const invocation& call) {
  auto& text = call.options.operands[0];
  auto number = read_number(text);
  if (!number)
    return fail_usage(call, number.error());
  return with_claims(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("claim", {{"verb", "info"}, {"number", *number}});
    if (!reply && code_of(reply.error()) == ec::unknown_job)
      return print_job(broker, text);
    if (!reply)
      return std::move(reply.error());
    print_claim(*reply);
    return exit_ok;
  });
}

/// As it was written, which has the keys in Fluxion's order; "" when nothing was found.
caf::expected<std::string> find_text(client& broker, std::string_view criteria,
                                     const std::string& format) {
  auto reply = broker.ask("claim", {{"verb", "find"}, {"criteria", criteria}, {"format", format}});
  if (!reply)
    return std::move(reply.error());
  return text_at(*reply, "R");
}

caf::expected<json> find(client& broker, std::string_view criteria) {
  auto text = find_text(broker, criteria, {});
  if (!text)
    return std::move(text.error());
  return text->empty() ? caf::expected<json>{json{}} : parse_json(*text);
}

/// One line of JSON: the text itself, when it is that, else a string.
std::string line_of_json(const std::string& text) {
  if (text.empty())
    return "null";
  auto line = text.substr(0, text.find_last_not_of('\n') + 1);
  return line.find('\n') == line.npos && parse_json(line) ? line : dump(json(text));
}

int run_find(const invocation& call) {
  std::string criteria;
  for (auto& word : call.options.operands)
    criteria += (criteria.empty() ? "" : " ") + word;
  return with_claims(call, [&](client& broker) -> caf::expected<int> {
    auto found = find_text(broker, criteria, call.options.value("format"));
    if (!found) {
      if (code_of(found.error()) == ec::bad_argument)
        return fail_usage(call, found.error());
      return std::move(found.error());
    }
    print_line("CRITERIA");
    print_line("'" + criteria + "'");
    print_line(ruler());
    print_line("MATCHED RESOURCES:");
    print_line(line_of_json(*found));
    return exit_ok;
  });
}

int run_status(const invocation& call) {
  constexpr std::pair<const char*, const char*> parts[] = {{"all", "status=up or status=down"},
                                                           {"down", "status=down"},
                                                           {"allocated", "sched-now=allocated"}};
  return with_claims(call, [&](client& broker) -> caf::expected<int> {
    auto all = json::object();
    std::string lines = "CRITERIA\n";
    for (auto& [name, criteria] : parts) {
      auto found = find(broker, criteria);
      if (!found)
        return std::move(found.error());
      all[name] = std::move(*found);
      lines += fmt::format("{}: '{}'\n", name, criteria);
    }
    print(lines);
    print_line(ruler());
    print_line("MATCHED RESOURCES:");
    print_line(dump(all));
    return exit_ok;
  });
}

int run_stats(const invocation& call) {
  return with_claims(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("claim", {{"verb", "stat"}});
    if (!reply)
      return std::move(reply.error());
    auto count = [&](const char* key) { return static_cast<int64_t>(number_at(*reply, key)); };
    print_line(fmt::format("Num. of Vertices:  {}", count("V")));
    print_line(fmt::format("Num. of Edges:  {}", count("E")));
    print_line(fmt::format("Graph Load Time:  {} Secs", number_at(*reply, "load-time")));
    print_line(fmt::format("Num. of Total Jobs Successfully Matched:  {}", count("njobs")));
    for (auto [title, key] : {std::pair{"Min. Successful Match Time", "min-match"},
                              {"Max. Successful Match Time", "max-match"},
                              {"Avg. Successful Match Time", "avg-match"}})
      print_line(fmt::format("{}:  {} Secs", title, number_at(*reply, key)));
    return exit_ok;
  });
}

int run_clear_stats(const invocation& call) {
  return with_claims(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("claim", {{"verb", "clear-stat"}});
    if (!reply)
      return std::move(reply.error());
    return exit_ok;
  });
}

int run_get_property(const invocation& call) {
  auto& words = call.options.operands;
  return with_claims(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("resource.graph",
                            {{"verb", "get-property"}, {"path", words[0]}, {"text", words[1]}});
    if (!reply && code_of(reply.error()) == ec::unknown_key) {
      complain(call, render(reply.error()));
      return exit_unknown;
    }
    if (!reply)
      return std::move(reply.error());
    auto& lines = object_at(*reply, "lines");
    auto value = lines.is_array() && !lines.empty() ? lines[0].get<std::string>() : std::string{};
    print_line(fmt::format("{} = ['{}']", words[1], value));
    return exit_ok;
  });
}

/// What stands in the instance's graph for the n-th core or GPU that a process on a rank sees.
int run_ns_info(const invocation& call) {
  auto& words = call.options.operands;
  auto rank = idset::parse(words[0]);
  auto place = idset::parse(words[2]);
  auto& type = words[1];
  if (!rank || rank->size() != 1 || !place || place->size() != 1)
    return fail_usage(call, make_error(ec::bad_argument, "a rank and an id are numbers"));
  if (type != "core" && type != "gpu" && type != "rank")
    return fail_usage(
        call, make_error(ec::bad_argument, "the type is core, gpu or rank, not '" + type + "'"));
  return with_claims(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("resource.list", json::object());
    if (!reply)
      return std::move(reply.error());
    auto all = parse_rset(dump(object_at(*reply, "all")));
    if (!all)
      return std::move(all.error());
    auto n = place->expand()[0];
    auto* share = all->find(rank->expand()[0]);
    auto ids = share == nullptr ? std::vector<uint32_t>{}
               : type == "core" ? share->cores.expand()
               : type == "gpu"  ? share->gpus.expand()
                                : all->ranks().expand();
    if (n >= ids.size()) {
      complain(call, fmt::format("rank {} has no {} {}", words[0], type, n));
      return exit_unknown;
    }
    print_line(std::to_string(ids[n]));
    return exit_ok;
  });
}

/// By the names that Fluxion's parameters have.
int run_params(const invocation& call) {
  constexpr std::pair<const char*, const char*> names[] = {
      {"load-file", "resource.graph"},          {"load-format", "sched.graph_format"},
      {"match-policy", "sched.match"},          {"queue-policy", "sched.policy"},
      {"queue-depth", "sched.queue_depth"},     {"match-format", "sched.match_format"},
      {"traverser-policy", "sched.traverser"},  {"match-subsystems", "resource.subsystems"},
      {"load-allowlist", "resource.allowlist"}, {"prune-filters", "sched.prune_filters"}};
  return with_claims(call, [&](client& broker) -> caf::expected<int> {
    auto all = json::object();
    for (auto& [name, attribute] : names) {
      auto reply = broker.ask("attr.get", {{"name", attribute}});
      if (!reply)
        return std::move(reply.error());
      all[name] = text_at(*reply, "value");
    }
    auto more = all["prune-filters"].get<std::string>(); // besides those of every instance
    all["prune-filters"] = "ALL:core,ALL:gpu,ALL:node" + (more.empty() ? "" : "," + more);
    if (all["match-subsystems"] == "")
      all["match-subsystems"] = "ALL";
    print_line(dump(json{{"params", std::move(all)}}));
    return exit_ok;
  });
}

// -- hactor resource claims -----------------------------------------------------------------------

constexpr field_name claim_fields[] = {
    {"number", "NUMBER"}, {"status", "STATUS"}, {"begin", "BEGIN"}, {"end", "END"},
    {"ncores", "NCORES"}, {"ngpus", "NGPUS"},   {"ranks", "RANKS"}, {"nodelist", "NODELIST"},
};

constexpr option_spec claims_options[] = {
    {'o', "format", "FORMAT",
     "Columns of number, status, begin, end, ncores, ngpus, ranks, nodelist. Default: all but "
     "ranks."},
    {'n', "no-header", nullptr, "Leaves the titles out."},
};

std::string field_of(const json& claim, const rset& r, const std::string& field) {
  if (field == "number")
    return std::to_string(static_cast<uint64_t>(number_at(claim, "number")));
  if (field == "status")
    return text_at(claim, "status");
  if (field == "begin")
    return utc(r.starttime);
  if (field == "end")
    return r.expiration > 0 ? utc(r.expiration) : "-";
  if (field == "ncores")
    return std::to_string(r.core_count());
  if (field == "ngpus")
    return std::to_string(r.gpu_count());
  return field == "ranks" ? r.ranks().to_string() : format_hostlist(r.nodelist);
}

int run_claims(const invocation& call) {
  auto format = parse_format(
      call.options.value("format", "{number:>8} {status:<10} {begin:<19} {end:<19} {ncores:>6} "
                                   "{ngpus:>5} {nodelist}"),
      claim_fields);
  if (!format)
    return fail_usage(call, format.error());
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("claim", {{"verb", "list"}});
    if (!reply)
      return std::move(reply.error());
    std::vector<std::pair<json, rset>> rows;
    for (auto& claim : object_at(*reply, "claims"))
      if (auto r = parse_rset(text_at(claim, "R")))
        rows.emplace_back(claim, std::move(*r));
    table_settings settings;
    settings.header = !call.options.has("no-header");
    print(render_table(
        *format, claim_fields, rows.size(),
        [&](size_t i, const std::string& field) {
          return field_of(rows[i].first, rows[i].second, field);
        },
        settings));
    return exit_ok;
  });
}

constexpr option_spec find_options[] = {
    {0, "format", "FORMAT", "rv1_nosched, jgf, rlite, simple, ... Default: rv1_nosched."}};

} // namespace

const command resource_claims_command{
    "resource claims",
    group_instance,
    "lists what programs hold without jobs",
    "[OPTIONS]",
    "Programs that use REAPI, and 'hactor ion-resource match', hold resources that no job gets "
    "until they are given back: 'hactor ion-resource cancel NUMBER' does so. Times are UTC.",
    claims_options,
    usual_exits,
    " hactor resource claims",
    false,
    0,
    0,
    run_claims};

const command ion_resource_command{
    "ion-resource",
    group_graph,
    "resources for programs that are no jobs, as Fluxion has it",
    "VERB ...",
    "Holds, shows and gives back resources of the instance by numbers of one's own, as flux "
    "ion-resource does, and prints the same. 'hactor resource claims' lists what is held.\n\n"
    "Besides the verbs below there are Fluxion's names of others: set-status, set-property, "
    "remove-property (hactor resource ..), get-status (resource show), add-subgraph and "
    "remove-subgraph (resource attach, detach), stat (stats), stats-cancel (stats-clear) and list "
    "(hactor jobs). 'hactor ion-R encode' is 'hactor graph encode'.",
    {},
    usual_exits,
    " hactor ion-resource match allocate two_nodes.yaml\n hactor ion-resource cancel 1",
    false,
    0,
    0,
    run_ion_resource};

const command ion_match_command{
    "ion-resource match",
    group_instance,
    "finds resources for a jobspec, and holds them",
    "allocate|allocate_with_satisfiability|allocate_orelse_reserve|satisfiability|"
    "without_allocating|without_allocating_future FILE",
    "What is held is no job's: 'hactor resource claims' lists it, 'hactor ion-resource cancel' "
    "gives it back.",
    {},
    ion_exits,
    " hactor ion-resource match allocate job.yaml",
    false,
    2,
    2,
    run_match};

const command ion_update_command{"ion-resource update",
                                 group_instance,
                                 "holds what an R says",
                                 "FILE NUMBER",
                                 "Refused when a job or another claim has some of it.",
                                 {},
                                 ion_exits,
                                 " hactor ion-resource update r.json 7",
                                 false,
                                 2,
                                 2,
                                 run_update};

const command ion_cancel_command{"ion-resource cancel",
                                 group_instance,
                                 "gives back what a claim has, or cancels a job",
                                 "NUMBER|ID",
                                 "A number that is no claim's is taken for a job's id.",
                                 {},
                                 ion_exits,
                                 " hactor ion-resource cancel 7",
                                 false,
                                 1,
                                 1,
                                 run_cancel};

const command ion_partial_cancel_command{"ion-resource partial-cancel",
                                         group_instance,
                                         "gives back a part of what a claim has",
                                         "NUMBER FILE",
                                         "The file is an R: its ranks, or the graph in it.",
                                         {},
                                         ion_exits,
                                         " hactor ion-resource partial-cancel 7 r.json",
                                         false,
                                         2,
                                         2,
                                         run_partial_cancel};

const command ion_info_command{"ion-resource info",
                               group_instance,
                               "shows what a claim or a job has, or is promised",
                               "NUMBER|ID",
                               "A number that is no claim's is taken for a job's id.",
                               {},
                               ion_exits,
                               " hactor ion-resource info 7",
                               false,
                               1,
                               1,
                               run_info};

const command ion_find_command{"ion-resource find",
                               group_instance,
                               "finds vertices of the resource graph",
                               "[--format=FORMAT] CRITERIA...",
                               "Criteria are those of 'hactor resource find', which prints lines "
                               "for people. Nothing found is null.",
                               find_options,
                               ion_exits,
                               " hactor ion-resource find 'status=down'",
                               false,
                               1,
                               any_number,
                               run_find};

const command ion_status_command{"ion-resource status",
                                 group_instance,
                                 "shows what there is, is down and is allocated, as R",
                                 "",
                                 "'hactor resource list' has the same for people.",
                                 {},
                                 ion_exits,
                                 " hactor ion-resource status",
                                 false,
                                 0,
                                 0,
                                 run_status};

const command ion_stats_command{"ion-resource stats",
                                group_instance,
                                "shows the size of the graph, and how long matches took",
                                "",
                                "Times are those of matches for claims.",
                                {},
                                ion_exits,
                                " hactor ion-resource stats",
                                false,
                                0,
                                0,
                                run_stats};

const command ion_clear_stats_command{"ion-resource stats-clear",
                                      group_instance,
                                      "forgets how long matches took",
                                      "",
                                      "The next match for a claim is the first.",
                                      {},
                                      ion_exits,
                                      " hactor ion-resource stats-clear",
                                      false,
                                      0,
                                      0,
                                      run_clear_stats};

const command ion_get_property_command{"ion-resource get-property",
                                       group_instance,
                                       "prints a property of a vertex",
                                       "PATH KEY",
                                       "Prints KEY = ['VALUE'], as Fluxion does. 'hactor resource "
                                       "get-property' prints the value alone.",
                                       {},
                                       ion_exits,
                                       " hactor ion-resource get-property /cluster0/node3 class",
                                       false,
                                       2,
                                       2,
                                       run_get_property};

const command ion_ns_info_command{
    "ion-resource ns-info",
    group_instance,
    "tells which core or GPU of a rank is the n-th of a process there",
    "RANK core|gpu|rank N",
    "An instance that a job holds has ranks from 0, and its nodes' cores and GPUs by the numbers "
    "that they have there: a process that may use GPUs 2 and 3 only sees them as 0 and 1, and "
    "'ns-info 0 gpu 1' prints 3.",
    {},
    ion_exits,
    " hactor ion-resource ns-info 0 gpu 1",
    false,
    3,
    3,
    run_ns_info};

const command ion_params_command{"ion-resource params",
                                 group_instance,
                                 "prints what the scheduler was told, as JSON",
                                 "",
                                 "By the names of Fluxion's parameters.",
                                 {},
                                 ion_exits,
                                 " hactor ion-resource params",
                                 false,
                                 0,
                                 0,
                                 run_params};

} // namespace hactor::tools
