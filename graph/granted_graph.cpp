// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/granted_graph.hpp"

#include <map>
#include <string>
#include <utility>

namespace hactor {

namespace {

class grant {
public:
  grant(const resource_graph& from, const selection& what,
        const std::unordered_map<vertex, int64_t>& ids)
      : from_{from}, ids_{ids} {
    for (auto& p : what.picks) {
      if (p.exclusive)
        add_below(p.at);
      units_[p.at] = p.units;
      add_above(p.at, containment);
    }
    for (auto& c : what.charges) {
      units_[c.at] = c.units;
      for (subsystem_id s = 0; s < from.subsystem_count(); ++s)
        if (!from.path(c.at, s).empty())
          add_above(c.at, s);
    }
  }

  caf::expected<resource_graph> make() {
    if (auto e = add_contained(from_.root()))
      return e;
    for (auto& [v, units] : units_) // in no containment: of another subsystem
      if (made_.count(v) == 0)
        if (auto e = add_vertex(v))
          return e;
    for (subsystem_id s = 1; s < from_.subsystem_count(); ++s)
      if (auto e = add_edges(s))
        return e;
    if (auto e = add_links())
      return e;
    return std::move(graph_);
  }

private:
  void add_below(vertex v) {
    units_.try_emplace(v, from_.units(v));
    for (auto c : from_.below(v))
      add_below(c);
  }

  void add_above(vertex v, subsystem_id s) {
    units_.try_emplace(v, from_.units(v));
    for (auto up : from_.above(v, s))
      add_above(up, s);
  }

  caf::error add_vertex(vertex v) {
    auto id = ids_.find(v);
    auto has_other_id = id != ids_.end() && id->second != from_.id(v);
    auto name = has_other_id ? std::string{} : from_.name(v);
    vertex_facts f;
    f.type = from_.type_name(v);
    f.basename = from_.basename(v);
    f.name = name;
    f.unit = from_.unit(v);
    f.id = has_other_id ? id->second : from_.id(v);
    f.size = units_.at(v);
    f.rank = from_.rank(v);
    auto made = graph_.add_vertex(f);
    if (!made)
      return std::move(made.error());
    graph_.set_properties(*made, from_.properties(v));
    made_.emplace(v, *made);
    order_.push_back(v);
    return {};
  }

  caf::error add_contained(vertex v) {
    if (v == no_vertex || units_.count(v) == 0)
      return {};
    if (auto e = add_vertex(v))
      return e;
    if (auto up = made_.find(from_.parent(v)); up != made_.end())
      if (auto e = graph_.add_edge(up->second, made_.at(v), containment, "contains"))
        return e;
    for (auto c : from_.below(v))
      if (auto e = add_contained(c))
        return e;
    return {};
  }

  caf::error add_edges(subsystem_id s) {
    for (auto v : order_)
      for (auto c : from_.below(v, s))
        if (auto to = made_.find(c); to != made_.end()) {
          auto in = graph_.add_subsystem(from_.subsystem_name(s));
          if (!in)
            return std::move(in.error());
          if (auto e = graph_.add_edge(made_.at(v), to->second, *in, from_.relation(v, c, s)))
            return e;
        }
    return {};
  }

  caf::error add_links() {
    for (auto v : order_)
      for (auto c : from_.linked(v))
        if (auto to = made_.find(c); to != made_.end())
          if (auto e = graph_.add_link(made_.at(v), to->second))
            return e;
    return {};
  }

  const resource_graph& from_;
  const std::unordered_map<vertex, int64_t>& ids_;
  std::map<vertex, int64_t> units_;         // of all that is in it
  std::unordered_map<vertex, vertex> made_; // by vertex of from_
  std::vector<vertex> order_;               // of from_, in which they were made
  resource_graph graph_;
};

} // namespace

caf::expected<resource_graph> granted_graph(const resource_graph& from, const selection& what,
                                            const std::unordered_map<vertex, int64_t>& ids) {
  return grant{from, what, ids}.make();
}

void renumber_ranks(resource_graph& graph, const std::vector<rank_t>& ranks) {
  std::unordered_map<int32_t, int32_t> own;
  for (auto rank : ranks)
    own.emplace(static_cast<int32_t>(rank), static_cast<int32_t>(own.size()));
  for (vertex v = 0; v < graph.limit(); ++v)
    if (graph.exists(v) && graph.rank(v) >= 0) {
      auto rank = own.find(graph.rank(v));
      graph.set_rank(v, rank == own.end() ? -1 : rank->second);
    }
}

} // namespace hactor
