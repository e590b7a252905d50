// tools/graph_session: the session itself and its matches; the other commands are in
// graph_session_commands.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/graph_session.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "graph/policy_library.hpp"
#include "graph/query_jobspec.hpp"
#include "runtime/duration.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

constexpr const char* rule = "INFO: =============================\n";

/// Jobspecs that are kept compiled.
constexpr size_t requests_max = 1'000;

struct operation_row {
  const char* name;
  match_op op;
  bool holds;
};

constexpr operation_row operations[] = {
    {"allocate", match_op::allocate, true},
    {"allocate_orelse_reserve", match_op::allocate_or_reserve, true},
    {"allocate_with_satisfiability", match_op::allocate_if_satisfiable, true},
    {"satisfiability", match_op::satisfiable, false},
    {"without_allocating", match_op::allocate, false},
    {"without_allocating_future", match_op::allocate_or_reserve, false},
};

const operation_row* find_operation(const std::string& name) {
  for (auto& row : operations)
    if (name == row.name)
      return &row;
  return nullptr;
}

constexpr auto whenever = std::numeric_limits<int64_t>::max();

/// Seconds from now until which a job must begin; whatever is below 0 is no bound.
caf::expected<int64_t> parse_within(std::string_view text) {
  if (text == "-1") // Fluxion's default
    return whenever;
  auto seconds = parse_fsd(text);
  if (!seconds)
    return std::move(seconds.error());
  return *seconds < static_cast<double>(whenever) ? static_cast<int64_t>(*seconds) : whenever;
}

/// That of the jobspec, in its user's attributes.
caf::expected<int64_t> within_of(const json& user) {
  if (!user.is_object() || !user.contains("match-within"))
    return whenever;
  auto& value = user["match-within"];
  auto within = parse_within(value.is_string() ? value.get<std::string>() : value.dump());
  if (!within)
    return make_error(ec::bad_jobspec,
                      "attributes.user.match-within: " + context_of(within.error()));
  return within;
}

} // namespace

graph_session::graph_session(resource_graph graph, query_sink sink, query_clock clock)
    : graph_(std::move(graph)), sink_(std::move(sink)), clock_(std::move(clock)) {}

caf::expected<std::unique_ptr<graph_session>>
graph_session::make(resource_graph graph, const query_settings& settings, query_sink sink,
                    query_clock clock, int64_t graph_seconds) {
  std::unique_ptr<graph_session> session{
      new graph_session{std::move(graph), std::move(sink), std::move(clock)}};
  auto format = parse_match_format(settings.match_format);
  if (!format)
    return std::move(format.error());
  auto policy = choose_match_policy(settings.policy);
  if (!policy)
    return std::move(policy.error());
  auto filter = pruning_filter::parse(settings.prune_filters);
  if (!filter)
    return std::move(filter.error());
  session->format_ = *format;
  session->elapse_ = settings.elapse_time;
  session->charge_ = settings.charge;
  session->flexible_ = settings.traverser == "flexible";
  session->policy_ = std::move(*policy);
  session->held_ = std::make_unique<ledger>(session->graph_, std::move(*filter));
  matcher_options options;
  options.ties_as_fluxion = true;
  options.levels_as_fluxion = true;
  options.satisfiable_at_horizon = true;
  session->graph_seconds_ = graph_seconds;
  if (graph_seconds > 0)
    options.horizon_end = graph_seconds;
  session->matcher_ =
      std::make_unique<matcher>(session->graph_, *session->held_, session->policy_, options);
  return session;
}

bool graph_session::run(std::string_view line) {
  words args;
  for (size_t at = 0; (at = line.find_first_not_of(" \t\r\n\v\f", at)) != line.npos;) {
    auto end = std::min(line.find_first_of(" \t\r\n\v\f", at), line.size());
    args.emplace_back(line.substr(at, end - at));
    at = end;
  }
  if (args.empty())
    return true;
  for (auto& row : commands())
    if (args[0] == row.name || args[0] == row.letter)
      return (this->*row.run)(args);
  return true;
}

bool graph_session::error(std::string_view text) {
  sink_(query_stream::error, "ERROR: " + std::string{text} + "\n");
  return true;
}

// -- matching -------------------------------------------------------------------------------------

caf::expected<const graph_session::compiled*> graph_session::request_of(const std::string& text) {
  if (requests_version_ != graph_.shape_version() || requests_.size() >= requests_max) {
    requests_.clear();
    requests_version_ = graph_.shape_version();
  }
  if (auto known = requests_.find(text); known != requests_.end())
    return &known->second;
  auto spec = read_query_jobspec(text);
  if (!spec)
    return std::move(spec.error());
  if (auto type = unknown_type(graph_, spec->resources); !type.empty())
    return make_error(ec::bad_jobspec,
                      "Value of \"type\" must be a resource type known to fluxion");
  auto within = within_of(spec->user);
  if (!within)
    return std::move(within.error());
  auto request =
      flexible_ ? compile_flexible(*spec, graph_, charge_) : compile_match(*spec, graph_, charge_);
  if (!request)
    return std::move(request.error());
  auto shared = std::make_shared<const match_request>(std::move(*request));
  auto added = requests_.emplace(text, compiled{std::move(shared), spec->system.queue, *within});
  return &added.first->second;
}

bool graph_session::match(const words& args) {
  if (args.size() != 3 && args.size() != 4)
    return malformed();
  if (find_operation(args[1]) == nullptr)
    return error("unknown subcmd " + args[1]);
  std::optional<int64_t> within;
  if (args.size() == 4) {
    auto parsed = parse_within(args[3]);
    if (!parsed)
      return error("invalid time " + args[3]);
    within = *parsed;
  }
  match_file(args[1], args[2], within);
  return true;
}

bool graph_session::multi_match(const words& args) {
  if (args.size() <= 3)
    return malformed();
  if (find_operation(args[1]) == nullptr)
    return error("unknown subcmd " + args[1]);
  for (size_t i = 2; i < args.size(); ++i)
    if (!match_file(args[1], args[i]))
      break;
  return true;
}

/// False when nothing was found.
bool graph_session::match_file(const std::string& operation, const std::string& file,
                               std::optional<int64_t> within) {
  auto text = read_file(file);
  if (!text) {
    error("can't open " + file);
    return true;
  }
  auto& op = *find_operation(operation);
  auto request = request_of(*text);
  outcome o;
  auto job = op.holds ? std::to_string(next_job_) : "-1";
  auto too_long = request && graph_seconds_ > 0 && (*request)->request->duration > graph_seconds_;
  if (!request) {
    sink_(query_stream::error, "match_allocate: ERROR: Jobspec error for "
                                   + std::to_string(next_job_) + ": " + render(request.error())
                                   + "\n");
    o.satisfiable = op.op != match_op::satisfiable;
  } else if (too_long) {
    error("the job is longer than the graph is there");
  } else {
    o = match_now(**request, operation, within.value_or((*request)->within));
  }
  if (op.op == match_op::satisfiable) {
    say_satisfiable(o);
    return o.matched;
  }
  say_match(o, job);
  if (o.matched && op.holds)
    note_job(next_job_, o, file);
  if (request && op.holds)
    ++next_job_;
  return o.matched;
}

graph_session::outcome graph_session::match_now(const compiled& request,
                                                const std::string& operation, int64_t within) {
  auto& op = *find_operation(operation);
  auto begin = clock_();
  auto found = matcher_->match(request.request, op.op, 0);
  outcome o;
  auto is_late = found.reserved && found.what.at > within;
  o.matched = found.verdict == match_verdict::matched && !is_late;
  o.satisfiable = found.verdict != match_verdict::unsatisfiable;
  o.held = op.holds;
  if (!o.matched || op.op == match_op::satisfiable) {
    o.elapsed = clock_() - begin;
    return o;
  }
  o.at = found.what.at;
  match_remarks remarks;
  remarks.queue = request.queue;
  auto text = write_match(graph_, found.what, format_, remarks);
  if (op.holds) {
    auto kind = found.reserved ? hold_kind::reserved : hold_kind::allocated;
    if (auto e = held_->hold(next_job_, std::move(found.what), kind)) {
      error(render(e));
      o.matched = false;
      return o;
    }
  }
  o.elapsed = clock_() - begin;
  result(text);
  return o;
}

void graph_session::note_job(uint64_t job, const outcome& o, const std::string& file) {
  auto state = o.at == 0 ? job_state::allocated : job_state::reserved;
  jobs_[job] = {state, o.at, file, o.elapsed};
  least_ = timed_ == 0 ? o.elapsed : std::min(least_, o.elapsed);
  most_ = std::max(most_, o.elapsed);
  total_ += o.elapsed;
  ++timed_;
}

// -- what is said of a match ----------------------------------------------------------------------

void graph_session::say_effort(const outcome& o, query_stream to) {
  if (!elapse_)
    return;
  sink_(to, "INFO: ELAPSE=" + std::to_string(o.elapsed) + "\n");
  screen("INFO: PREORDER VISIT COUNT=" + std::to_string(matcher_->preorder_count()) + "\n");
  screen("INFO: POSTORDER VISIT COUNT=" + std::to_string(matcher_->postorder_count()) + "\n");
}

void graph_session::say_match(const outcome& o, const std::string& job) {
  std::string text = rule;
  if (!o.matched) {
    text += "INFO: No matching resources found\n";
    if (!o.satisfiable)
      text += "INFO: Unsatisfiable request\n";
    result(text + "INFO: JOBID=" + job + "\n");
    say_effort(o, query_stream::result);
    result(rule);
    return;
  }
  auto mode = !o.held ? "MATCHED" : o.at == 0 ? "ALLOCATED" : "RESERVED";
  text += "INFO: JOBID=" + job + "\nINFO: RESOURCES=" + mode
          + "\nINFO: SCHEDULED AT=" + (o.at == 0 ? "Now" : std::to_string(o.at)) + "\n";
  result(text);
  say_effort(o, query_stream::screen);
  result(rule);
}

void graph_session::say_satisfiable(const outcome& o) {
  result(std::string{rule}
         + (o.matched ? "INFO: Satisfiable request\n" : "INFO: Unsatisfiable request\n") + rule);
  say_effort(o, query_stream::screen);
}

void graph_session::say_counts(const char* what, uint64_t preorder, uint64_t postorder) {
  result(fmt::format("{0}INFO: {1} PREORDER COUNT=\"{2}\"\nINFO: {1} POSTORDER COUNT=\"{3}\"\n{0}",
                     rule, what, preorder, postorder));
}

} // namespace hactor::tools
