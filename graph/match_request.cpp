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

/// Ways to take one kind of the xor_slots of a request, as Fluxion has it.
constexpr size_t variants_max = 1000;

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

/// What both need.
type_amounts least_of(const type_amounts& a, const type_amounts& b) {
  type_amounts result;
  for (auto& [type, amount] : a)
    for (auto& [other, more] : b)
      if (type == other)
        result.emplace_back(type, std::min(amount, more));
  return result;
}

int64_t times(uint64_t count, int64_t amount) {
  return amount > INT64_MAX / 4 / static_cast<int64_t>(std::max<uint64_t>(count, 1))
             ? INT64_MAX / 4
             : static_cast<int64_t>(count) * amount;
}

class compiler {
public:
  /// `options`: none when no slot stands for others. `slots`: the labels of all slots, those of
  /// options that were left out, too.
  compiler(const resource_graph& graph, bool charge, std::optional<slot_options> options,
           std::vector<std::string> slots)
      : graph_{graph}, charge_{charge}, options_{options}, slots_{std::move(slots)} {}

  caf::error run(const jobspec& spec) {
    if (slots_.size() > slots_max)
      return make_error(
          ec::bad_jobspec,
          fmt::format("resources: a request has at most {} different slots", slots_max));
    if (auto e = add_level(spec.resources, "resources"))
      return e;
    for (uint16_t l = 0, levels = static_cast<uint16_t>(r.levels.size()); options_ && l < levels;
         ++l)
      add_choice(l);
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
  caf::error add_level(const std::vector<resource_vertex>& siblings, const std::string& path) {
    if (r.nodes.size() + siblings.size() > request_nodes_max)
      return make_error(ec::bad_jobspec, fmt::format("{}: a request has at most {} vertices", path,
                                                     request_nodes_max));
    auto first = static_cast<uint16_t>(r.nodes.size());
    r.levels.push_back({first, static_cast<uint16_t>(siblings.size())});
    for (auto& v : siblings)
      r.nodes.push_back(make_node(v));
    for (size_t i = 0; i < siblings.size(); ++i) {
      auto at = first + i;
      r.nodes[at].level = static_cast<uint16_t>(r.levels.size());
      if (auto e = add_level(siblings[i].with, fmt::format("{}[{}].with", path, i)))
        return e;
      auto inner = r.levels[r.nodes[at].level];
      if (r.nodes[at].slot && is_elsewhere(inner))
        return make_error(ec::bad_jobspec,
                          fmt::format("{}[{}].with: a slot must have something that is in a node, "
                                      "found only {}",
                                      path, i, r.nodes[inner.first].name));
      r.nodes[at].below = sum(inner);
      for (auto k = inner.first; k < inner.first + inner.count; ++k)
        r.nodes[at].plain &= r.nodes[k].plain && !r.nodes[k].slot && !r.nodes[k].elsewhere
                             && r.nodes[k].label.empty();
    }
    return {};
  }

  /// Of amounts of other subsystems alone any number of slots could be made.
  bool is_elsewhere(request_level l) const {
    auto first = r.nodes.begin() + l.first;
    return l.count > 0
           && std::all_of(first, first + l.count,
                          [](const request_node& n) { return n.elsewhere; });
  }

  request_node make_node(const resource_vertex& v) {
    request_node n;
    n.option =
        options_
        && (v.type == "or_slot" || (v.type == "slot" && *options_ == slot_options::all_slots));
    n.slot = n.option || v.type == "slot";
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
    if (v.exclusive == true && n.type != no_type && !n.elsewhere) {
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
    std::optional<type_amounts> of_options; // what each of them needs
    for (auto i = l.first; i < l.first + l.count; ++i) {
      auto& n = r.nodes[i];
      if (n.elsewhere)
        continue;
      if (!n.slot)
        add(result, n.type, static_cast<int64_t>(n.least));
      type_amounts all;
      for (auto& [type, amount] : n.below)
        add(all, type, times(n.least, amount));
      if (n.option)
        of_options = of_options ? least_of(*of_options, all) : std::move(all);
      else
        for (auto& [type, amount] : all)
          add(result, type, amount);
    }
    if (of_options)
      for (auto& [type, amount] : *of_options)
        add(result, type, amount);
    return result;
  }

  /// Makes the slots of a level a choice.
  void add_choice(uint16_t level) {
    slot_choice choice;
    choice.level = level;
    std::vector<request_node> parts;
    for (uint16_t i = 0; i < r.levels[level].count; ++i) {
      auto& slot = r.nodes[r.levels[level].first + i];
      if (!slot.option)
        continue;
      choice.holder = i;
      auto& kind = choice.kinds.emplace_back();
      kind.sibling = i;
      auto own = r.levels[slot.level];
      for (auto k = own.first; k < own.first + own.count; ++k) {
        auto& part = r.nodes[k];
        auto same = std::find_if(parts.begin(), parts.end(),
                                 [&](const request_node& n) { return n.name == part.name; });
        kind.parts.push_back(static_cast<uint16_t>(same - parts.begin()));
        if (same == parts.end())
          parts.push_back(part);
        else if (same->least < part.least) // who takes what fits first needs enough for each kind
          *same = part;
      }
    }
    if (choice.kinds.empty())
      return;
    choice.parts = static_cast<uint16_t>(r.levels.size());
    r.levels.push_back(
        {static_cast<uint16_t>(r.nodes.size()), static_cast<uint16_t>(parts.size())});
    r.nodes.insert(r.nodes.end(), parts.begin(), parts.end());
    r.choices.push_back(std::move(choice));
  }

  uint64_t nodes_in(request_level l, type_id node) const {
    for (auto& [type, amount] : sum(l))
      if (type == node && node != no_type)
        return static_cast<uint64_t>(amount);
    return 0;
  }

  const resource_graph& graph_;
  bool charge_;
  std::optional<slot_options> options_;
  std::vector<std::string> slots_;
};

// -- either this slot or that one ----------------------------------------------------------------

using vertices = std::vector<resource_vertex>;

/// Each way to take one kind of the xor_slots at each level; empty: too many.
std::vector<vertices> ways_of(const vertices& siblings) {
  std::vector<vertices> ways(1);
  vertices options;
  for (auto& v : siblings) {
    auto inner = ways_of(v.with);
    auto is_option = v.type == "xor_slot";
    if (inner.empty()
        || (is_option ? options.size() + inner.size() : ways.size() * inner.size()) > variants_max)
      return {};
    std::vector<vertices> next;
    for (auto& with : inner) {
      auto one = v;
      one.with = with;
      if (is_option) {
        one.type = "slot";
        options.push_back(std::move(one));
        continue;
      }
      for (auto& way : ways) {
        next.push_back(way);
        next.back().push_back(one);
      }
    }
    if (!is_option)
      ways = std::move(next);
  }
  if (options.empty())
    return ways;
  std::vector<vertices> result;
  if (ways.size() * options.size() > variants_max)
    return result;
  for (auto& way : ways)
    for (auto& option : options) {
      result.push_back(way);
      result.back().push_back(option);
    }
  return result;
}

} // namespace

bool match_request::is_ambiguous(uint16_t level) const {
  auto l = levels[level];
  for (auto i = l.first; i < l.first + l.count; ++i)
    for (auto k = l.first; k < i; ++k)
      if (nodes[i].slot ? nodes[k].slot && !(nodes[i].option && nodes[k].option)
                        : nodes[i].name == nodes[k].name)
        return true;
  return false;
}

const slot_choice* match_request::choice_at(uint16_t level) const {
  for (auto& c : choices)
    if (c.level == level)
      return &c;
  return nullptr;
}

caf::expected<match_request> compile_match(const jobspec& spec, const resource_graph& graph,
                                           bool charge) {
  compiler c{graph, charge, std::nullopt, slot_labels(spec.resources)};
  if (auto e = c.run(spec))
    return e;
  return std::move(c.r);
}

caf::expected<match_request> compile_flexible(const jobspec& spec, const resource_graph& graph,
                                              bool charge, slot_options options) {
  auto ways = ways_of(spec.resources);
  if (ways.empty())
    return make_error(ec::bad_jobspec, fmt::format("resources: there are more than {} ways to take "
                                                   "one of the xor_slots at each level",
                                                   variants_max));
  std::vector<std::shared_ptr<const match_request>> variants;
  for (auto& way : ways) {
    auto one = spec;
    one.resources = std::move(way);
    compiler c{graph, charge, options, slot_labels(spec.resources)};
    if (auto e = c.run(one))
      return e;
    if (ways.size() == 1)
      return std::move(c.r);
    variants.push_back(std::make_shared<const match_request>(std::move(c.r)));
  }
  auto all = *variants[0];
  for (auto& v : variants) {
    all.total = least_of(all.total, v->total);
    all.least_nodes = std::min(all.least_nodes, v->least_nodes);
  }
  all.variants = std::move(variants);
  return all;
}

std::optional<std::pair<std::string, std::string>>
first_option(const std::vector<resource_vertex>& resources) {
  for (size_t i = 0; i < resources.size(); ++i) {
    auto& v = resources[i];
    if (is_option(v.type))
      return std::pair{fmt::format("[{}].type", i), v.type};
    if (auto below = first_option(v.with))
      return std::pair{fmt::format("[{}].with{}", i, below->first), below->second};
  }
  return std::nullopt;
}

} // namespace hactor
