// See match_request.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/match_request.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace hactor {

namespace {

/// Vertices of one request; each is looked for at every vertex of the graph.
constexpr size_t request_nodes_max = 4096;

/// Different slots of one request; a pick tells them apart by 8 bits.
constexpr size_t slots_max = UINT8_MAX;

/// Larger numbers of things than any graph has.
constexpr uint64_t unbounded = UINT32_MAX;

constexpr double duration_max_s = 100.0 * 365 * 86'400;

void add(type_amounts& to, type_id type, int64_t units) {
  if (type == no_type)
    return;
  for (auto& [t, sum] : to)
    if (t == type) {
      sum = std::min<int64_t>(sum + units, INT64_MAX / 4);
      return;
    }
  to.emplace_back(type, units);
}

int64_t times(uint64_t count, int64_t amount) {
  return amount > INT64_MAX / 4 / static_cast<int64_t>(std::max<uint64_t>(count, 1))
             ? INT64_MAX / 4
             : static_cast<int64_t>(count) * amount;
}

class compiler {
public:
  compiler(const resource_graph& graph, bool charge) : graph_{graph}, charge_{charge} {}

  caf::error run(const jobspec& spec) {
    slots_ = slot_labels(spec.resources);
    if (slots_.size() > slots_max)
      return make_error(
          ec::bad_jobspec,
          fmt::format("resources: a request has at most {} different slots", slots_max));
    if (auto e = add_level(spec.resources, "resources", false))
      return e;
    r.total = r.nodes.empty() ? type_amounts{} : sum(r.levels[0]);
    r.charge = charge_;
    for (uint16_t l = 0; l < r.levels.size(); ++l)
      r.ambiguous = r.ambiguous || r.is_ambiguous(l);
    r.least_nodes = nodes_in(r.levels[0], graph_.find_type("node"));
    if (!spec.system.constraints.is_null()) {
      auto where = constraint::compile(spec.system.constraints, "attributes.system.constraints");
      if (!where)
        return where.error();
      r.where = std::move(*where);
    }
    return set_duration(spec.system.duration.value_or(0));
  }

  match_request r;

private:
  caf::error set_duration(double seconds) {
    if (!(seconds >= 0 && seconds <= duration_max_s))
      return make_error(ec::bad_argument,
                        fmt::format("attributes.system.duration: must be within 0 and 100 years, "
                                    "found {} s",
                                    seconds));
    r.duration = static_cast<int64_t>(std::ceil(seconds));
    return {};
  }

  /// Adds siblings, then what is in each.
  caf::error add_level(const std::vector<resource_vertex>& siblings, const std::string& path,
                       bool in_slot) {
    if (r.nodes.size() + siblings.size() > request_nodes_max)
      return make_error(ec::bad_jobspec, fmt::format("{}: a request has at most {} vertices", path,
                                                     request_nodes_max));
    auto first = static_cast<uint16_t>(r.nodes.size());
    r.levels.push_back({first, static_cast<uint16_t>(siblings.size())});
    for (auto& v : siblings)
      r.nodes.push_back(make_node(v, in_slot));
    for (size_t i = 0; i < siblings.size(); ++i) {
      auto at = first + i;
      r.nodes[at].level = static_cast<uint16_t>(r.levels.size());
      if (auto e = add_level(siblings[i].with, fmt::format("{}[{}].with", path, i),
                             in_slot || r.nodes[at].slot))
        return e;
      r.nodes[at].below = sum(r.levels[r.nodes[at].level]);
    }
    return {};
  }

  request_node make_node(const resource_vertex& v, bool in_slot) {
    request_node n;
    n.slot = v.type == "slot";
    n.type = n.slot ? no_type : graph_.find_type(v.type);
    n.name = v.type;
    n.label = v.label;
    if (n.slot)
      n.slot_number = static_cast<uint8_t>(std::find(slots_.begin(), slots_.end(), v.label)
                                           - slots_.begin() + 1);
    n.count = v.count;
    n.least = least(v.count);
    n.most = largest_within(v.count, unbounded).value_or(n.least);
    n.exclusive = v.exclusive;
    if (charge_ && n.type != no_type)
      place_elsewhere(n);
    if ((v.exclusive == true || in_slot) && n.type != no_type && !n.elsewhere) {
      r.exclusive_types.resize(graph_.types().size());
      r.exclusive_types[n.type] = true;
    }
    return n;
  }

  /// A type of which no vertex is contained in anything is an amount of another subsystem.
  void place_elsewhere(request_node& n) {
    for (vertex v = 0; v < graph_.limit(); ++v) {
      if (!graph_.exists(v) || graph_.type(v) != n.type)
        continue;
      if (graph_.parent(v) != no_vertex || v == graph_.root())
        return;
      for (size_t s = 1; s < graph_.subsystem_count(); ++s) {
        auto in = static_cast<subsystem_id>(s);
        if (graph_.below(v, in).empty() && graph_.above(v, in).empty())
          continue;
        n.elsewhere = true;
        n.subsystem = in;
        r.charges = true;
      }
    }
  }

  type_amounts sum(request_level l) const {
    type_amounts result;
    for (auto i = l.first; i < l.first + l.count; ++i) {
      auto& n = r.nodes[i];
      if (n.elsewhere)
        continue;
      if (!n.slot)
        add(result, n.type, static_cast<int64_t>(n.least));
      for (auto& [type, amount] : n.below)
        add(result, type, times(n.least, amount));
    }
    return result;
  }

  uint64_t nodes_in(request_level l, type_id node) const {
    for (auto& [type, amount] : sum(l))
      if (type == node && node != no_type)
        return static_cast<uint64_t>(amount);
    return 0;
  }

  const resource_graph& graph_;
  bool charge_;
  std::vector<std::string> slots_;
};

} // namespace

bool match_request::is_ambiguous(uint16_t level) const {
  auto l = levels[level];
  for (auto i = l.first; i < l.first + l.count; ++i)
    for (auto k = l.first; k < i; ++k)
      if (nodes[i].slot ? nodes[k].slot : nodes[i].name == nodes[k].name)
        return true;
  return false;
}

caf::expected<match_request> compile_match(const jobspec& spec, const resource_graph& graph,
                                           bool charge) {
  compiler c{graph, charge};
  if (auto e = c.run(spec))
    return e;
  return std::move(c.r);
}

} // namespace hactor
