// What a person should be told of settings that are allowed and mean less than they say.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "actors/child_plan.hpp"
#include "actors/scheduler_settings.hpp"
#include "graph/policy_library.hpp"
#include "graph/subsystems.hpp"

namespace hactor {

namespace {

/// All ranks that a constraint names.
void add_named_ranks(const json& where, idset& to) {
  for (auto& [op, values] : where.items())
    for (auto& value : values) {
      if (op == "ranks" && value.is_string()) {
        if (auto ranks = idset::parse(value.get_ref<const std::string&>()))
          to.add_all(*ranks);
      } else if (value.is_object()) {
        add_named_ranks(value, to);
      }
    }
}

std::string_view promises(const queue_policy& policy) {
  return policy.name == "fcfs" ? "no job" : policy.name == "easy" ? "one job" : "all jobs";
}

void note_policies(const config& attributes, const scheduler_settings& settings,
                   std::vector<std::string>& notes) {
  if (settings.queues.empty())
    return; // they are those of the children
  auto depth = attributes.integer("sched.reservation_depth");
  auto takes_it = [&](const queue_settings& q) {
    return q.policy->reservation_depth == static_cast<uint64_t>(depth);
  };
  if (depth > 0 && std::none_of(settings.queues.begin(), settings.queues.end(), takes_it))
    notes.push_back(fmt::format("sched.reservation_depth={} is not used: policy {} promises {} a "
                                "time; hybrid takes a depth",
                                depth, settings.queues[0].policy->name,
                                promises(*settings.queues[0].policy)));
}

/// What a queue asks of its policy that this does not take.
void note_depths(const config& attributes, const scheduler_settings& settings,
                 std::vector<std::string>& notes) {
  auto text = attributes.text("sched.queues");
  std::string_view rest = text;
  constexpr std::string_view key = "reservations=";
  for (size_t i = 0; !rest.empty(); ++i) {
    auto one = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    auto at = one.find(key);
    if (at == one.npos || i >= settings.queues.size())
      continue;
    auto depth = std::strtoull(std::string{one.substr(at + key.size())}.c_str(), nullptr, 10);
    auto& q = settings.queues[i];
    if (depth != q.policy->reservation_depth)
      notes.push_back(fmt::format("queue {}: reservations={} is not used: policy {} promises {} a "
                                  "time; hybrid takes a depth",
                                  q.name, depth, q.policy->name, promises(*q.policy)));
  }
}

/// A tree that is none, or is smaller than it says.
void note_tree(const config& attributes, const rset& all, std::vector<std::string>& notes) {
  auto text = attributes.text("sched.tree");
  if (text.empty())
    return;
  if (attributes.text("sched.policy") != "hierarchy") {
    notes.push_back(fmt::format("sched.tree={} is not used: sched.policy={}; hierarchy makes "
                                "children",
                                text, attributes.text("sched.policy")));
    return;
  }
  auto tree = parse_tree(text);
  if (!tree || tree->empty() || all.nodes.empty())
    return;
  if (auto n = plan_children(all, tree->front()).size(); n < tree->front())
    notes.push_back(fmt::format("sched.tree={}: there is room for {} {} only", text, n,
                                n == 1 ? "child" : "children"));
}

void note_queues(const scheduler_settings& settings, const rset& all,
                 std::vector<std::string>& notes) {
  for (auto& q : settings.queues) {
    auto where = q.where.is_null() ? caf::expected<constraint>{ec::bad_jobspec}
                                   : constraint::compile(q.where, "requires");
    if (!where)
      continue;
    idset named;
    add_named_ranks(q.where, named);
    named.remove_all(all.ranks());
    if (!named.empty())
      notes.push_back(fmt::format("queue {}: there are no ranks {}; there are {}", q.name,
                                  named.to_string(), all.ranks().to_string()));
    bool any = false;
    for (size_t i = 0; i < all.nodes.size() && !any; ++i)
      any = where->matches(all.nodes[i].rank, all.host(i), all.properties);
    if (!any)
      notes.push_back(
          fmt::format("queue {}: no node is for it; it needs {}", q.name, dump(q.where)));
  }
}

} // namespace

std::vector<std::string> queue_notes(const config& attributes, const scheduler_settings& settings,
                                     const rset& all) {
  std::vector<std::string> notes;
  note_policies(attributes, settings, notes);
  note_depths(attributes, settings, notes);
  note_queues(settings, all, notes);
  return notes;
}

std::vector<std::string> scheduling_notes(const config& attributes,
                                          const scheduler_settings& settings, const rset& all,
                                          uint32_t brokers) {
  auto notes = queue_notes(attributes, settings, all);
  note_tree(attributes, all, notes);
  auto path = attributes.text("resource.graph");
  if (auto nested = attributes.text("resource.nested"); path.empty() && !nested.empty())
    notes.push_back(
        fmt::format("resource.nested={} is not used: there is no resource.graph", nested));
  if (auto wanted = parse_subsystems(attributes.text("resource.subsystems"));
      path.empty() && wanted && wanted->names.size() > 1)
    notes.push_back(fmt::format("resource.subsystems={} is not used: there is no resource.graph",
                                attributes.text("resource.subsystems")));
  if (path.empty())
    return notes;
  if (!attributes.text("resource.fake").empty())
    notes.push_back(fmt::format("resource.fake={} is not used: resource.graph={} is",
                                attributes.text("resource.fake"), path));
  idset own = idset::range(0, brokers - 1), foreign = all.ranks();
  foreign.remove_all(own);
  if (!foreign.empty())
    notes.push_back(fmt::format("resource.graph={}: no broker has ranks {}: what is granted there "
                                "runs on the broker of rank modulo {}",
                                path, foreign.to_string(), brokers));
  idset idle = own;
  for (auto rank : all.ranks().expand())
    idle.remove_all(idset::single(rank % brokers));
  if (!idle.empty())
    notes.push_back(fmt::format("resource.graph={}: it has nothing of the brokers of ranks {}: no "
                                "job will run there",
                                path, idle.to_string()));
  return notes;
}

} // namespace hactor
