// See session.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "reapi/session.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "graph/allocation_text.hpp"
#include "graph/find_expression.hpp"
#include "graph/graph_reader.hpp"
#include "graph/jgf_reader.hpp"
#include "graph/policy_library.hpp"
#include "graph/query_jobspec.hpp"
#include "graph/rset.hpp"
#include "runtime/clock.hpp"
#include "runtime/json.hpp"
#include "runtime/near.hpp"

namespace hactor::reapi {

namespace {

struct operation {
  match_op_t name;
  hactor::match_op op;
  bool holds;
};

constexpr operation operations[] = {
    {MATCH_ALLOCATE, match_op::allocate, true},
    {MATCH_ALLOCATE_W_SATISFIABILITY, match_op::allocate_if_satisfiable, true},
    {MATCH_ALLOCATE_ORELSE_RESERVE, match_op::allocate_or_reserve, true},
    {MATCH_SATISFIABILITY, match_op::satisfiable, false},
    {MATCH_WITHOUT_ALLOCATING, match_op::allocate, false},
    {MATCH_WITHOUT_ALLOCATING_FUTURE, match_op::allocate_or_reserve, false},
    {MATCH_RESERVE, match_op::reserve, true},
};

/// What initialize may be told; all are texts save the last two.
struct options {
  std::string load_format = "grug";
  std::string load_allowlist;
  std::string matcher_name = "CA";
  std::string matcher_policy = "first";
  std::string match_format = "jgf";
  std::string prune_filters = "ALL:core,ALL:node";
  std::string traverser_policy = "simple";
};

caf::expected<options> read_options(std::string_view text) {
  options o;
  auto said = parse_json(text);
  if (!said)
    return make_error(ec::bad_argument, "options: " + render(said.error()));
  if (!said->is_object())
    return make_error(ec::bad_argument, "options: must be a mapping");
  const std::pair<std::string_view, std::string*> texts[] = {
      {"load_format", &o.load_format},          {"load_allowlist", &o.load_allowlist},
      {"matcher_name", &o.matcher_name},        {"matcher_policy", &o.matcher_policy},
      {"match_format", &o.match_format},        {"prune_filters", &o.prune_filters},
      {"traverser_policy", &o.traverser_policy}};
  for (auto& [key, value] : said->items()) {
    auto is = std::find_if(std::begin(texts), std::end(texts),
                           [&k = key](auto& t) { return t.first == k; });
    if (is != std::end(texts)) {
      if (!value.is_string())
        return make_error(ec::bad_argument, fmt::format("options: {}: must be a text", key));
      *is->second = value.get<std::string>();
    } else if (key != "reserve_vtx_vec" && key != "elapse_time") {
      std::vector<std::string_view> names;
      for (auto& t : texts)
        names.push_back(t.first);
      return make_error(ec::bad_argument, fmt::format("options: there is no \"{}\"{}", key,
                                                      did_you_mean(key, names)));
    }
  }
  return o;
}

double seconds_since(int64_t begin_ns) {
  return static_cast<double>(steady_ns() - begin_ns) * 1e-9;
}

/// What R says of its times, for a graph of which nobody says how long it is there.
std::pair<int64_t, int64_t> span_of(const std::string& R) {
  auto horizon = matcher_options{}.horizon_end;
  auto r = parse_rset(R);
  if (!r)
    return {0, horizon};
  auto begin = static_cast<int64_t>(r->starttime);
  auto end = static_cast<int64_t>(r->expiration);
  return {begin, end > begin ? end - begin : std::max<int64_t>(horizon - begin, 1)};
}

caf::error no_path(std::string_view path) {
  return make_error(ec::unknown_key, fmt::format("there is no {}", path));
}

} // namespace

session::session(resource_graph graph, choices how)
    : graph_{std::move(graph)}, how_{std::move(how)}, held_{std::make_unique<ledger>(graph_,
                                                                                     how_.filter)} {
  matcher_options options;
  options.ties_as_fluxion = true;
  options.levels_as_fluxion = true;
  options.satisfiable_at_horizon = true;
  matcher_ = std::make_unique<matcher>(graph_, *held_, how_.policy, options);
}

caf::expected<std::unique_ptr<session>> session::make(std::string_view graph,
                                                      std::string_view options_text) {
  auto begin = steady_ns();
  auto o = read_options(options_text);
  if (!o)
    return std::move(o.error());
  auto format = parse_graph_format(o->load_format);
  auto subsystems = parse_subsystems(o->matcher_name);
  auto written = parse_match_format(o->match_format);
  auto policy = choose_match_policy(o->matcher_policy);
  auto filter = pruning_filter::parse(o->prune_filters);
  for (auto* e : {format ? nullptr : &format.error(), subsystems ? nullptr : &subsystems.error(),
                  written ? nullptr : &written.error(), policy ? nullptr : &policy.error(),
                  filter ? nullptr : &filter.error()})
    if (e != nullptr)
      return make_error(code_of(*e), "options: " + context_of(*e));
  graph_options how;
  how.subsystems = std::move(*subsystems);
  if (!o->load_allowlist.empty())
    how.allowlist.push_back("cluster");
  for (size_t at = 0; at < o->load_allowlist.size();) {
    auto end = std::min(o->load_allowlist.find(',', at), o->load_allowlist.size());
    if (end > at)
      how.allowlist.push_back(o->load_allowlist.substr(at, end - at));
    at = end + 1;
  }
  auto read = read_graph(*format, graph, how);
  if (!read)
    return std::move(read.error());
  std::unique_ptr<session> made{new session{
      std::move(*read),
      {*written, std::move(*policy), std::move(*filter), o->traverser_policy == "flexible"}}};
  made->taken_.load = seconds_since(begin);
  return made;
}

std::unique_ptr<session> session::clone() const {
  std::unique_ptr<session> twin{new session{graph_, how_}};
  for (auto& [job, h] : held_->holdings()) {
    auto e = twin->held_->hold(job, h.what, h.kind);
    HACTOR_CHECK(!e); // what is held together here can be held together there
  }
  twin->jobs_ = jobs_;
  twin->next_job_ = next_job_;
  twin->taken_ = taken_;
  return twin;
}

// -- jobs ----------------------------------------------------------------------------------------

caf::expected<std::shared_ptr<const match_request>>
session::request_of(const std::string& jobspec) const {
  auto spec = read_query_jobspec(jobspec);
  if (!spec)
    return std::move(spec.error());
  if (auto type = unknown_type(graph_, spec->resources); !type.empty())
    return make_error(ec::bad_jobspec,
                      fmt::format("resources: the graph has no type \"{}\"", type));
  auto request =
      how_.flexible ? compile_flexible(*spec, graph_, false) : compile_match(*spec, graph_, false);
  if (!request)
    return std::move(request.error());
  return std::make_shared<const match_request>(std::move(*request));
}

caf::expected<match_answer> session::match(match_op_t op, const std::string& jobspec,
                                           uint64_t job) {
  auto begin = steady_ns();
  auto how = std::find_if(std::begin(operations), std::end(operations),
                          [op](auto& o) { return o.name == op; });
  if (how == std::end(operations))
    return make_error(ec::bad_argument,
                      fmt::format("{} is no match operation", static_cast<int>(op)));
  if (how->holds && held_->find(job) != nullptr)
    return make_error(ec::wrong_state, fmt::format("job {} has resources already", job));
  auto request = request_of(jobspec);
  if (!request)
    return std::move(request.error());
  auto found = matcher_->match(*request, how->op, 0);
  match_answer answer;
  answer.verdict = found.verdict;
  if (found.verdict == match_verdict::invalid)
    return make_error(ec::bad_jobspec, "resources: something shared is below something exclusive");
  if (how->name != MATCH_SATISFIABILITY && how->holds)
    next_job_ = std::max(next_job_, job + 1);
  auto is_found = found.verdict == match_verdict::matched && how->name != MATCH_SATISFIABILITY;
  if (is_found) {
    answer.R = write_match(graph_, found.what, how_.format);
    answer.job = {found.reserved ? job_state::reserved : job_state::allocated, found.what.at, 0};
    if (how->holds)
      if (auto e = held_->hold(job, std::move(found.what),
                               found.reserved ? hold_kind::reserved : hold_kind::allocated))
        return e;
  }
  answer.job.seconds = seconds_since(begin);
  if (is_found && how->holds)
    note(job, answer.job);
  return answer;
}

caf::expected<match_answer> session::update(uint64_t job, const std::string& R) {
  auto begin = steady_ns();
  if (held_->find(job) != nullptr)
    return make_error(ec::wrong_state, fmt::format("job {} has resources already", job));
  auto [at, duration] = span_of(R);
  auto what = read_allocation(graph_, has_jgf(R) ? "jgf" : "rv1exec", R, at, duration);
  if (!what)
    return std::move(what.error());
  match_answer answer;
  answer.verdict = match_verdict::matched;
  answer.R = write_match(graph_, *what, how_.format);
  if (auto e = held_->hold(job, std::move(*what), hold_kind::allocated))
    return e;
  answer.job = {job_state::allocated, at, seconds_since(begin)};
  next_job_ = std::max(next_job_, job + 1);
  note(job, answer.job);
  return answer;
}

void session::note(uint64_t job, const job_info& info) {
  jobs_[job] = info;
  taken_.least = taken_.matches == 0 ? info.seconds : std::min(taken_.least, info.seconds);
  taken_.most = std::max(taken_.most, info.seconds);
  taken_.total += info.seconds;
  ++taken_.matches;
}

caf::error session::cancel(uint64_t job) {
  if (!held_->release(job))
    return make_error(ec::unknown_job, fmt::format("job {} has no resources", job));
  jobs_[job].state = job_state::cancelled;
  return {};
}

caf::expected<bool> session::cancel_part(uint64_t job, const std::string& R) {
  auto* holding = held_->find(job);
  if (holding == nullptr || holding->kind == hold_kind::reserved)
    return make_error(ec::unknown_job, fmt::format("job {} has no allocation", job));
  auto released = release_part(*held_, job, has_jgf(R) ? "jgf" : "rv1exec", R);
  if (!released)
    return std::move(released.error());
  auto is_all = held_->find(job) == nullptr;
  if (is_all)
    jobs_[job].state = job_state::cancelled;
  return is_all;
}

const job_info* session::find_job(uint64_t job) const {
  auto i = jobs_.find(job);
  return i == jobs_.end() ? nullptr : &i->second;
}

// -- the graph -----------------------------------------------------------------------------------

caf::error session::attach(std::string_view jgf) {
  auto added = attach_jgf(graph_, jgf);
  if (!added)
    return std::move(added.error());
  held_->grown();
  return {};
}

caf::error session::remove(std::string_view path) {
  auto v = graph_.find_path(path);
  if (v == no_vertex)
    return no_path(path);
  if (v == graph_.root())
    return make_error(ec::bad_argument, fmt::format("{} is the root of the graph", path));
  held_->shrinking(v);
  graph_.remove_subtree(v);
  for (auto& [job, info] : jobs_)
    if (held_->find(job) == nullptr)
      info.state = job_state::cancelled;
  return {};
}

caf::expected<std::string> session::find(std::string_view criteria,
                                         const std::optional<std::string>& format) const {
  auto expression = find_expression::parse(criteria);
  if (!expression)
    return std::move(expression.error());
  auto how = how_.format;
  if (format) {
    auto other = parse_match_format(*format);
    if (!other)
      return std::move(other.error());
    how = *other;
  }
  auto found = expression->find(*held_, 0);
  match_remarks remarks;
  remarks.aggregates = &found.aggregates;
  return write_match(graph_, found.what, without_shorthand(how), remarks);
}

caf::error session::set_status(std::string_view path, vertex_status status) {
  auto v = graph_.find_path(path);
  if (v == no_vertex)
    return no_path(path);
  graph_.set_status(v, status);
  held_->touched(v);
  return {};
}

caf::expected<vertex_status> session::status(std::string_view path) const {
  auto v = graph_.find_path(path);
  if (v == no_vertex)
    return no_path(path);
  return graph_.status(v);
}

/// The topmost vertices of some ranks; of all when the text is "all".
caf::expected<std::vector<vertex>> session::tops_of(std::string_view ranks) const {
  std::vector<vertex> tops;
  auto is_top = [&](vertex v) {
    auto up = graph_.parent(v);
    return graph_.rank(v) >= 0 && (up == no_vertex || graph_.rank(up) != graph_.rank(v));
  };
  if (ranks == "all") {
    for (vertex v = 0; v < graph_.limit(); ++v)
      if (graph_.exists(v) && is_top(v))
        tops.push_back(v);
    return tops;
  }
  auto wanted = idset::parse(ranks);
  if (!wanted)
    return make_error(ec::bad_argument, render(wanted.error()));
  for (auto rank : wanted->expand()) {
    auto all = graph_.of_rank(static_cast<int32_t>(rank));
    if (all.empty())
      return make_error(ec::unknown_key, fmt::format("nothing has rank {}", rank));
    std::copy_if(all.begin(), all.end(), std::back_inserter(tops), is_top);
  }
  return tops;
}

caf::error session::set_rank_status(std::string_view ranks, vertex_status status) {
  auto tops = tops_of(ranks);
  if (!tops)
    return std::move(tops.error());
  for (auto v : *tops) {
    graph_.set_status(v, status);
    held_->touched(v);
  }
  return {};
}

caf::expected<vertex_status> session::rank_status(std::string_view rank) const {
  auto tops = tops_of(rank);
  if (!tops)
    return std::move(tops.error());
  auto is_down = [&](vertex v) { return graph_.status(v) == vertex_status::down; };
  return std::any_of(tops->begin(), tops->end(), is_down) ? vertex_status::down : vertex_status::up;
}

} // namespace hactor::reapi
