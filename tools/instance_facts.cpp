// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/instance_facts.hpp"

#include <algorithm>

#include "graph/rset.hpp"

namespace hactor::tools {

namespace {

uint64_t count_of(const json& jobs, std::initializer_list<const char*> keys) {
  uint64_t n = 0;
  if (jobs.is_object())
    for (auto* key : keys)
      n += static_cast<uint64_t>(number_at(jobs, key));
  return n;
}

void add_share(json& facts, const char* name, uint64_t part, uint64_t whole) {
  if (whole > 0)
    facts[name] = static_cast<double>(part) / static_cast<double>(whole);
}

json sizes(const rset& r) {
  return {{"nnodes", r.nodes.size()}, {"ncores", r.core_count()}, {"ngpus", r.gpu_count()}};
}

/// What belongs to these ranks.
rset part_of(const rset& all, const idset& ranks) {
  rset part;
  for (auto& node : all.nodes)
    if (ranks.contains(node.rank))
      part.nodes.push_back(node);
  return part;
}

caf::error add_resources(client& broker, json& facts) {
  auto reply = broker.ask("resource.list", json::object());
  if (!reply)
    return std::move(reply.error());
  auto& to = facts["resources"];
  for (auto* key : {"all", "allocated", "free"}) {
    auto r = parse_rset(dump(object_at(*reply, key)));
    if (!r)
      return std::move(r.error());
    to[key] = sizes(*r);
    if (key != std::string_view{"all"})
      continue;
    for (auto* state : {"up", "down"}) {
      auto ranks = idset::parse(text_at(*reply, state));
      to[state] = sizes(part_of(*r, ranks ? *ranks : idset{}));
    }
  }
  for (auto [name, what] : {std::pair{"utilization", "ncores"}, {"gpu_utilization", "ngpus"}})
    add_share(facts, name, count_of(to["allocated"], {what}), count_of(to["all"], {what}));
  return {};
}

} // namespace

json job_stats(const json& uptime) {
  auto& jobs = object_at(uptime, "jobs");
  json stats;
  auto& states = stats["job_states"];
  uint64_t total = 0;
  for (auto* state : {"depend", "priority", "sched", "run", "cleanup", "inactive"}) {
    states[state] = count_of(jobs, {state});
    total += count_of(jobs, {state});
  }
  states["total"] = total;
  stats["successful"] = count_of(jobs, {"completed"});
  for (auto* result : {"failed", "canceled", "timeout", "node_failed"})
    stats[result] = count_of(jobs, {result});
  return stats;
}

caf::expected<json> instance_facts(client& broker) {
  auto uptime = broker.ask("uptime", json::object());
  if (!uptime)
    return std::move(uptime.error());
  auto stats = job_stats(*uptime);
  auto states = stats["job_states"];
  stats.erase("job_states");
  stats["pending"] = count_of(states, {"depend", "priority", "sched"});
  stats["running"] = count_of(states, {"run", "cleanup"});
  stats["inactive"] = states["inactive"];
  stats["total"] = states["total"];
  json facts{{"stats", stats}};
  add_share(facts, "progress", count_of(states, {"inactive"}), count_of(states, {"total"}));
  if (auto e = add_resources(broker, facts))
    return e;
  return facts;
}

bool shows_instances(const table_format& format) {
  auto of_instance = [](auto& x) { return x.field.starts_with("instance."); };
  return std::any_of(format.columns.begin(), format.columns.end(), of_instance)
         || std::any_of(format.sort.begin(), format.sort.end(), of_instance);
}

} // namespace hactor::tools
