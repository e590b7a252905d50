// See resource_pool.hpp. Here: vertices that come, go and change while jobs run.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "graph/claim_id.hpp"
#include "graph/find_expression.hpp"
#include "graph/jgf_reader.hpp"
#include "graph/resource_pool.hpp"
#include "graph/subsystems.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

/// A vertex and all that it contains, parents before children.
std::vector<vertex> subtree(const resource_graph& graph, vertex top) {
  std::vector<vertex> all{top};
  for (size_t i = 0; i < all.size(); ++i)
    for (auto c : graph.below(all[i]))
      all.push_back(c);
  return all;
}

subsystem_id no_more(const resource_graph& graph) {
  return static_cast<subsystem_id>(graph.subsystem_count());
}

/// Vertices that a person is told of at once: some MB of text.
constexpr size_t graph_lines_max = 100'000;

/// The path by which a person finds the vertex.
std::string any_path(const resource_graph& graph, vertex v) {
  for (subsystem_id s = containment; s != no_more(graph); ++s)
    if (auto path = graph.path(v, s); !path.empty())
      return path;
  return graph.name(v);
}

} // namespace

/// "rank3", "rank3/core0": brokers that share a host have nodes of one path.
vertex resource_pool::at_rank(std::string_view path) const {
  constexpr std::string_view word = "rank";
  if (!path.starts_with(word))
    return no_vertex;
  path.remove_prefix(word.size());
  rank_t rank = 0;
  auto [end, err] = std::from_chars(path.data(), path.data() + path.size(), rank);
  auto* n = err == std::errc{} ? find_node(rank) : nullptr;
  if (n == nullptr)
    return no_vertex;
  path.remove_prefix(static_cast<size_t>(end - path.data()));
  return path.empty() ? n->top
                      : graph_->find_path(graph_->path(n->top) + std::string{path}, containment,
                                          static_cast<int32_t>(rank));
}

caf::expected<resource_pool::place> resource_pool::at_path(const std::string& path) const {
  if (path.empty())
    return place{graph_->root(), containment};
  if (auto v = at_rank(path); v != no_vertex)
    return place{v, containment};
  for (subsystem_id s = containment; s != no_more(*graph_); ++s)
    if (auto v = graph_->find_path(path, s); v != no_vertex)
      return place{v, s};
  auto known = inventory_.nodes.empty() ? graph_->root() : nodes_[inventory_.nodes[0].rank].top;
  return make_error(ec::bad_argument,
                    fmt::format("there is no {}; paths are like {}", path, graph_->path(known)));
}

/// What was known of vertices and nodes was known of another graph.
void resource_pool::graph_changed() {
  make_matchers();
  learn_inventory();
}

// -- more ----------------------------------------------------------------------------------------

/// Gives ranks to what is below a vertex with one, and finds the ranks that are new or have more.
caf::error resource_pool::learn_attached(const std::vector<vertex>& tops, const idset& allowed) {
  learn_types();
  std::set<rank_t> ranks;
  for (auto top : tops)
    for (auto v : subtree(*graph_, top)) {
      auto above = graph_->parent(v);
      if (graph_->rank(v) < 0 && above != no_vertex && graph_->rank(above) >= 0)
        graph_->set_rank(v, graph_->rank(above));
      if (graph_->rank(v) >= 0)
        ranks.insert(static_cast<rank_t>(graph_->rank(v)));
      else if (graph_->type(v) == core_)
        return make_error(ec::bad_argument,
                          fmt::format("{}: nothing can run there: neither it nor what contains it "
                                      "has the rank of a broker",
                                      graph_->path(v)));
    }
  for (auto rank : ranks) {
    if (find_node(rank) != nullptr || allowed.contains(rank))
      continue;
    auto top = graph_->of_rank(static_cast<int32_t>(rank))[0];
    for (auto up = graph_->parent(top); up != no_vertex && graph_->rank(up) == graph_->rank(top);
         up = graph_->parent(up))
      top = up;
    return make_error(ec::bad_argument,
                      fmt::format("{}: jobs there would be run by the broker of rank {}, and this "
                                  "instance has none; {}",
                                  graph_->path(top), rank,
                                  allowed.empty() ? "all ranks that it has are in the graph already"
                                                  : "free are ranks " + allowed.to_string()));
  }
  if (!ranks.empty() && nodes_.size() <= *ranks.rbegin())
    nodes_.resize(*ranks.rbegin() + 1);
  for (auto rank : ranks)
    if (auto e = learn_node(rank))
      return e;
  return {};
}

caf::expected<std::vector<std::string>> resource_pool::attach(std::string_view jgf,
                                                              const idset& ranks) {
  auto tops = attach_jgf(*graph_, jgf);
  if (!tops)
    return std::move(tops.error());
  auto nodes = nodes_;
  auto e = nest_what_is_new(*graph_);
  if (!e)
    e = learn_attached(*tops, ranks);
  ledger_->grown();
  std::vector<std::string> paths;
  for (auto top : *tops) {
    paths.push_back(any_path(*graph_, top));
    if (!e)
      continue;
    ledger_->shrinking(top);
    graph_->remove_subtree(top);
  }
  if (e)
    nodes_ = std::move(nodes);
  graph_changed();
  if (e)
    return e;
  return paths;
}

// -- less ----------------------------------------------------------------------------------------

/// A job that holds something of these vertices, which are sorted.
std::optional<job_id> resource_pool::holder_of(const std::vector<vertex>& some) const {
  auto is_one = [&](const auto& x) { return std::binary_search(some.begin(), some.end(), x.at); };
  for (auto& [id, held] : ledger_->holdings())
    if (std::any_of(held.what.picks.begin(), held.what.picks.end(), is_one)
        || std::any_of(held.what.charges.begin(), held.what.charges.end(), is_one))
      return job_id{id};
  return std::nullopt;
}

/// Would the rest be a graph in which jobs can run? `gone` is sorted.
caf::error resource_pool::keeps_whole(const std::vector<vertex>& gone) const {
  auto goes = [&](vertex v) { return std::binary_search(gone.begin(), gone.end(), v); };
  for (auto v : gone) {
    auto* n = graph_->rank(v) < 0 ? nullptr : find_node(static_cast<rank_t>(graph_->rank(v)));
    if (n != nullptr && !goes(n->top)
        && std::all_of(n->cores.begin(), n->cores.end(), [&](auto& c) { return goes(c.second); }))
      return make_error(ec::bad_argument,
                        fmt::format("{} would be left without a core; detach {} instead",
                                    graph_->name(n->top), graph_->path(n->top)));
    for (subsystem_id s = containment + 1; s != no_more(*graph_); ++s)
      for (auto c : graph_->below(v, s)) {
        auto above = graph_->above(c, s);
        if (!goes(c) && !graph_->below(c, s).empty()
            && std::all_of(above.begin(), above.end(), goes))
          return make_error(ec::bad_argument,
                            fmt::format("{} and what is below it in {} would be cut off; detach "
                                        "that first",
                                        graph_->path(c, s), graph_->subsystem_name(s)));
      }
  }
  return {};
}

caf::error resource_pool::detach(const std::string& path) {
  auto found = at_path(path);
  if (!found)
    return std::move(found.error());
  auto top = found->at;
  if (top == graph_->root())
    return make_error(ec::bad_argument, graph_->path(top) + " is the root of the graph");
  auto gone = subtree(*graph_, top);
  std::sort(gone.begin(), gone.end());
  if (auto job = holder_of(gone))
    return make_error(ec::busy,
                      fmt::format("{} holds some of {}",
                                  is_claim(*job) ? fmt::format("claim {}", claim_number(*job))
                                                 : "job " + to_string(*job),
                                  path));
  if (auto e = keeps_whole(gone))
    return e;
  std::set<rank_t> ranks;
  for (auto v : gone)
    if (graph_->rank(v) >= 0)
      ranks.insert(static_cast<rank_t>(graph_->rank(v)));
  ledger_->shrinking(top);
  graph_->remove_subtree(top);
  for (auto rank : ranks) {
    auto* n = find_node(rank);
    if (n == nullptr)
      continue;
    if (!graph_->exists(n->top)) {
      *n = {};
      continue;
    }
    auto e = learn_node(rank);
    HACTOR_CHECK(!e); // it has a core left
  }
  graph_changed();
  return {};
}

// -- other ---------------------------------------------------------------------------------------

caf::error resource_pool::set_status(const std::string& path, vertex_status status) {
  auto found = at_path(path);
  if (!found)
    return std::move(found.error());
  auto v = found->at;
  auto* n = graph_->rank(v) < 0 ? nullptr : find_node(static_cast<rank_t>(graph_->rank(v)));
  if (n != nullptr && n->top == v) {
    n->off = status == vertex_status::down;
    set_status(*n);
    return {};
  }
  graph_->set_status(v, status);
  ledger_->touched(v);
  return {};
}

caf::error resource_pool::set_property(const std::string& path, const std::string& key,
                                       const std::string& value) {
  auto found = at_path(path);
  if (!found)
    return std::move(found.error());
  graph_->set_property(found->at, key, value);
  ledger_->touched(found->at);
  learn_inventory();
  return {};
}

caf::error resource_pool::remove_property(const std::string& path, const std::string& key) {
  auto found = at_path(path);
  if (!found)
    return std::move(found.error());
  if (!graph_->properties(found->at).contains(key))
    return make_error(ec::unknown_key,
                      fmt::format("{} has no property {}", any_path(*graph_, found->at), key));
  graph_->remove_property(found->at, key);
  ledger_->touched(found->at);
  learn_inventory();
  return {};
}

caf::expected<vertex_properties> resource_pool::properties(const std::string& path) const {
  auto found = at_path(path);
  if (!found)
    return std::move(found.error());
  return graph_->properties(found->at);
}

// -- asking --------------------------------------------------------------------------------------

/// Marked as down by a person.
bool resource_pool::is_off(vertex v) const {
  auto* n = graph_->rank(v) < 0 ? nullptr : find_node(static_cast<rank_t>(graph_->rank(v)));
  if (n != nullptr && n->top == v)
    return n->off;
  return graph_->status(v) == vertex_status::down;
}

/// It or what contains it is marked as down by a person.
bool resource_pool::is_below_off(vertex v) const {
  for (auto at = v; at != no_vertex; at = graph_->parent(at))
    if (is_off(at))
      return true;
  return false;
}

/// Neither it nor what contains it is down, whoever says so.
bool resource_pool::is_reachable(vertex v) const {
  for (auto at = v; at != no_vertex; at = graph_->parent(at))
    if (graph_->status(at) == vertex_status::down)
      return false;
  return true;
}

rset resource_pool::switched_off() const {
  rset result;
  for (size_t i = 0; i < inventory_.nodes.size(); ++i) {
    auto rank = inventory_.nodes[i].rank;
    auto& n = nodes_[rank];
    node_share share{rank, {}, {}};
    for (auto [from, to] : {std::pair{&n.cores, &share.cores}, std::pair{&n.gpus, &share.gpus}})
      for (auto& [id, v] : *from)
        if (is_below_off(v))
          to->add(id);
    if (share.cores.empty() && share.gpus.empty())
      continue;
    result.nodes.push_back(std::move(share));
    result.nodelist.push_back(inventory_.nodelist[i]);
  }
  return result;
}

/// "/cluster0/license0: license, 5 of 8 seats free".
std::string resource_pool::line_of(vertex v, subsystem_id s, int64_t now) const {
  auto units = graph_->units(v);
  auto unit = std::string{graph_->unit(v)};
  auto free = ledger_->allocated(v) ? 0 : ledger_->available(v, now, now + 1);
  auto text = fmt::format("{}: {}", graph_->path(v, s), graph_->type_name(v));
  if (units != 1 || !unit.empty())
    text += fmt::format(", {} of {}{}{} free", free, units, unit.empty() ? "" : " ", unit);
  else if (free == 0)
    text += ", allocated";
  else if (ledger_->in_use(v))
    text += ", in use";
  if (graph_->rank(v) >= 0)
    text += fmt::format(", rank {}", graph_->rank(v));
  if (graph_->status(v) == vertex_status::down)
    text += ", down";
  for (auto& [key, value] : graph_->properties(v))
    text += ", " + key + (value.empty() ? "" : "=" + value);
  return text;
}

caf::expected<std::vector<std::string>> resource_pool::show(const std::string& path,
                                                            int64_t now) const {
  auto found = at_path(path);
  if (!found)
    return std::move(found.error());
  std::vector<std::string> lines{line_of(found->at, found->in, now)};
  for (auto c : graph_->below(found->at, found->in))
    lines.push_back(line_of(c, found->in, now));
  if (path.empty())
    for (subsystem_id s = containment + 1; s != no_more(*graph_); ++s)
      if (auto root = graph_->root(s); root != no_vertex)
        lines.push_back(line_of(root, s, now));
  return lines;
}

caf::expected<std::vector<std::string>> resource_pool::find(std::string_view expression,
                                                            int64_t now) const {
  auto parsed = find_expression::parse(expression);
  if (!parsed)
    return std::move(parsed.error());
  auto hits = parsed->find(*ledger_, now).hits;
  if (hits.size() > graph_lines_max)
    return make_error(ec::too_big, fmt::format("{} vertices are so, at most {} are listed; say "
                                               "more of them",
                                               hits.size(), graph_lines_max));
  std::sort(hits.begin(), hits.end());
  std::vector<std::string> lines;
  for (auto v : hits)
    lines.push_back(line_of(v, containment, now));
  return lines;
}

caf::expected<std::string> resource_pool::find_as(std::string_view expression, match_format format,
                                                  int64_t now) const {
  auto parsed = find_expression::parse(expression);
  if (!parsed)
    return std::move(parsed.error());
  auto found = parsed->find(*ledger_, now);
  match_remarks remarks;
  remarks.aggregates = &found.aggregates;
  return write_match(*graph_, found.what, without_shorthand(format), remarks);
}

resource_graph resource_pool::take_graph() {
  for (auto& n : nodes_)
    if (n.top != no_vertex) {
      n.up = true;
      n.drained = false;
      set_status(n);
    }
  return std::move(*graph_);
}

} // namespace hactor
